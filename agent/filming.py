"""What films and recordings are told while the agent works: each turn's goal, candidates, decision and outcome."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ..sim.captions import ROWS, Caption, Weighed
from .terminal import shares

if TYPE_CHECKING:
    from ..sim.recorder import Recorder
    from ..sim.rerun_log import RerunLog
    from .agent import Watcher
    from .turn import Turn

_ENDS = {"finish": "done", "refuse": "refuses: it is not possible", "stop": "stops", "ask": "asks"}


def caption(turn: Turn, max_steps: int | None = None) -> Caption:
    """The strip's data, from whatever of a turn is known."""
    decision = turn["decision"]
    ordered = sorted(turn["candidates"], key=lambda c: c.phrase != decision.phrase)  # stable: the best of the rest next
    say = dict(zip((c.phrase for c in turn["candidates"]), shares(turn["candidates"]), strict=True)) if ordered else {}
    outcome, verdict = turn.get("outcome"), turn.get("verdict")
    failed = outcome is not None and outcome.status != "done"
    result = f"{outcome.status}: {outcome.reason}, {outcome.seconds:.1f} s" if outcome else ""
    if verdict and outcome:
        failed = verdict.then in ("retry", "replan")
        result = verdict.explanation if failed else result
    return Caption(
        goal=turn["subgoals"][turn["current"]].text,
        turn=f"turn {turn['index'] + 1}" + (f"/{max_steps}" if max_steps else ""),
        does=decision.phrase or _ENDS[decision.kind],
        result=result,
        failed=failed,
        weighed=tuple(
            Weighed(
                c.phrase, float(say[c.phrase]), c.can, float(say[c.phrase]) * c.can, masked=c.score == -math.inf
            )
            for c in ordered[:ROWS]
        ),
    )  # fmt: skip


class Captions:
    """A `Watcher` that keeps a film's strip up to date, and passes everything on to another watcher."""

    def __init__(self, recorder: Recorder, then: Watcher | None = None, max_steps: int | None = None):
        self._recorder, self._then, self._max_steps = recorder, then, max_steps

    def loading(self, what: str) -> None:
        """Something slow begins."""
        if self._then:
            self._then.loading(what)

    def phase(self, name: str, turn: Turn) -> None:
        """A new choice and what came of it are drawn at once."""
        if name in ("choose", "act", "check"):
            try:
                self._recorder.caption = caption(turn, self._max_steps)
            except Exception as error:  # a film must not break a run
                self._recorder.failed = self._recorder.failed or f"{type(error).__name__}: {error}"
            self._recorder.shoot()
        if self._then:
            self._then.phase(name, turn)


class RerunWatcher:
    """A `Watcher` that tells a Rerun recording what is seen, weighed and done, and passes everything on to another."""

    def __init__(self, log: RerunLog, then: Watcher | None = None, max_steps: int | None = None):
        self._log, self._then, self._max_steps = log, then, max_steps

    def loading(self, what: str) -> None:
        """Something slow begins."""
        if self._then:
            self._then.loading(what)

    def phase(self, name: str, turn: Turn) -> None:
        """What was seen, what was chosen and why, what came of it."""
        try:
            if name == "choose":
                self._log.saw(turn["observation"])
                self._log.told(caption({**turn, "outcome": None, "verdict": None}, self._max_steps))
            elif name == "check":
                after = turn.get("after")
                if after is not None:
                    self._log.saw(after)
                self._log.told(caption(turn, self._max_steps))
        except Exception as error:  # a recording must not break a run
            self._log.failed = self._log.failed or f"{type(error).__name__}: {error}"
        if self._then:
            self._then.phase(name, turn)
