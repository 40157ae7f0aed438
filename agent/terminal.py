"""The live trace: what the agent sees, recalls, weighs, does and finds, as it happens."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ..sim.observation import Observation
from .turn import Turn
from .types import Candidate, Decision, Result, Subgoal, Verdict

_BEST = 5
_BAR = 16
_STYLE = {"reached": "bold green", "refused": "bold yellow", "stopped": "bold red"}
_ENDS = {
    "finish": "done: the subgoal is finished",
    "refuse": "refuses: it is not possible",
    "stop": "stops",
    "ask": "asks you",
}


class Terminal:
    """A `Watcher` that writes to `console`. Colour, width and NO_COLOR are rich's to find out."""

    def __init__(self, console: Console | None = None):
        self.console = console or Console(highlight=False)
        self._goal = ""
        self._subgoals: tuple[Subgoal, ...] = ()
        self._recalled: set[str] = set()
        self._index = -1

    def goal(self, goal: str, about: str) -> None:
        """The head of a run; `about` says with what."""
        self._goal = goal
        self._line("goal", plain(goal), "bold")
        self._line("", plain(about), "dim")

    def loading(self, what: str) -> None:
        """Something slow begins."""
        self._line("", f"loading {what} …", "dim")

    def phase(self, name: str, turn: Turn) -> None:
        """Show what a phase has found out."""
        new = turn["index"] != self._index and name != "remember"
        if new:
            self._index = turn["index"]
            self.console.print(Rule(f"turn {self._index + 1}", style="dim", align="left"))
        match name:
            case "recall":
                self._line("sees", seen(turn["observation"]))
                # Once a record: what was recalled last turn is mostly recalled again.
                unseen = [r for r in turn["recalled"] if r.id not in self._recalled]
                self._recalled |= {r.id for r in unseen}
                for record in unseen[:3]:
                    self._line("recalls", plain(record.sentence(time.time())), "cyan")
                if len(unseen) > 3:
                    self._line("", f"and {len(unseen) - 3} more", "cyan")
            case "decompose":
                if made := turn.get("errands"):
                    for label, text in (("thinks", made.thoughts), ("doubts", made.criticism)):
                        if text:
                            self._line(label, plain(text), "cyan")
                texts = [subgoal.text for subgoal in turn["subgoals"]]
                guessed = any(subgoal.reading == "guess" for subgoal in turn["subgoals"])
                if turn["subgoals"] != self._subgoals and (guessed or texts != [self._goal]):
                    self._line(
                        "guesses" if guessed else "plans",
                        plain("; ".join(f"{i}. {text}" for i, text in enumerate(texts, 1))),
                    )
                self._subgoals = turn["subgoals"]
                if len(self._subgoals) > 1:
                    self._line("pursues", plain(self._subgoals[turn["current"]].text), "bold")
            case "choose":
                self.show_candidates(turn["candidates"])
                if left := turn.get("left"):
                    self._line("left", left.sentence(), "dim")
                self._decision(turn["decision"])
            case "ask":
                self._decision(turn["decision"])
            case "act":
                if new:  # a resumed run goes on in the middle of a turn
                    self._decision(turn["decision"])
                if outcome := turn.get("outcome"):
                    style = "" if outcome.status == "done" else "red"
                    self._line("", plain(f"{outcome.status}: {outcome.reason}, {outcome.seconds:.1f} s"), style)
            case "check":
                self._verdict(turn.get("verdict"))
            case _:
                pass

    def result(self, result: Result) -> None:
        """The last lines of a run."""
        self.console.print(Rule(style="dim"))
        self._line(result.status, plain(result.reason), _STYLE[result.status])
        turns = "1 turn" if len(result.steps) == 1 else f"{len(result.steps)} turns"
        about = f"run {result.run_id}" if result.run_id else "this was a plan, and nothing has moved"
        self._line("", f"{turns}, {result.seconds:.0f} simulated seconds; {about}", "dim")

    def turn_in_a_line(self, turn: Turn) -> None:
        """A turn that is over."""
        decision, outcome, verdict = turn["decision"], turn.get("outcome"), turn.get("verdict")
        good = verdict is not None and verdict.then in ("continue", "finished")
        took = f", {outcome.seconds:.1f} s" if outcome else ""
        did = decision.phrase or _ENDS[decision.kind]
        self._line(f"{turn['index'] + 1:>9}", plain(f"{'✓' if good else '✗'} {did}{took}"), "dim" if good else "red")

    def show_candidates(self, candidates: Sequence[Candidate], best: int = _BEST) -> None:
        """The best of them, with both factors and their product as a bar."""
        if not candidates:
            return
        table = Table(box=None, padding=(0, 1), pad_edge=False, show_edge=False, header_style="dim")
        table.add_column("weighs", min_width=9, style="dim")
        table.add_column("skill", no_wrap=True, overflow="ellipsis")
        table.add_column("", width=_BAR)
        table.add_column("say*", justify="right")
        table.add_column("can", justify="right")
        table.add_column("both", justify="right")
        say = shares(candidates)
        for rank, (candidate, share) in enumerate(zip(candidates[:best], say, strict=False)):
            masked = candidate.score == -math.inf
            both = 0.0 if masked else share * candidate.can
            table.add_row(
                "",
                candidate.phrase,
                bar(both, _BAR, self.console.encoding),
                f"{share:.3f}",
                f"{candidate.can:.2f}",
                "masked" if masked else f"{both:.3f}",
                style="bold" if rank == 0 and not masked else "dim" if masked else "",
            )
        self.console.print(table)
        self._line("", f"* share of the language model's probability among all {len(candidates)} skills", "dim")

    def _decision(self, decision: Decision) -> None:
        if decision.kind == "act":
            self._line("does", plain(decision.phrase or ""), "bold blue")
        else:
            self._line("decides", f"{_ENDS[decision.kind]}", "bold blue")
        _, masked, reasons = decision.reason.partition("; set aside: ")
        if masked:
            self._line("", plain(f"set aside: {reasons}"), "dim")

    def _verdict(self, verdict: Verdict | None) -> None:
        if verdict is None:
            return
        good = verdict.then in ("continue", "finished")
        self._line("checks", plain(f"{'✓' if good else '✗'} {verdict.explanation}"), "green" if good else "red")
        if not good:
            self._line("", "tries again" if verdict.then == "retry" else "looks for another way", "red")

    def _line(self, label: str, text: str, style: str = "") -> None:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=9, style="dim")
        grid.add_column(overflow="fold")
        grid.add_row(label, Text(text, style=style))
        self.console.print(grid)


def seen(observation: Observation) -> str:
    """One line: where the robot is, what it holds, what stands here, and what memory says of the rest."""
    robot = observation.robot
    where = f"at the {robot.place}" if robot.place else "between places"
    hand = f"holding the {robot.holding}" if robot.holding else "hand empty"
    things = observation.objects
    here = [o.type for o in observation.here()]
    remembered = [f"{o.type} ({o.place})" for o in things if o.remembered]
    elsewhere = len(things) - len(here) - len(remembered)
    parts = [
        f"{where}, {hand}",
        f"here: {', '.join(here)}" if here else "",
        f"{elsewhere} known elsewhere" if elsewhere else "",
        f"remembered: {', '.join(remembered)}" if remembered else "",
    ]
    return "; ".join(part for part in parts if part)


def shares(candidates: Sequence[Candidate]) -> np.ndarray:
    """*Say* of each candidate as its share among all of them: softmax of log_say, (n,), in [0, 1]."""
    log_say = np.array([c.log_say for c in candidates])
    top = log_say.max()
    weights = np.exp(log_say - top) if np.isfinite(top) else np.ones(len(log_say))
    return weights / weights.sum()


def bar(share: float, width: int, encoding: str = "utf-8") -> str:
    """A share in [0, 1] as a bar of at most `width` characters."""
    if not encoding.startswith("utf"):
        return "#" * round(share * width)
    eighths = round(share * width * 8)
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]


def plain(text: str) -> str:
    """One line without control characters: a goal or a record must not drive the terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
