"""The report of an episode: one self-contained HTML page with film, timeline, scores, memory, checks and costs.

Everything on it comes from the journal, besides the pictures: those are taken while the run lasts, or by doing it
again (`Replay`). A run that can't be done again gets its page without pictures, and the page says why.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .album import Album, Moment, album
from .bench_files import write_whole
from .html import reliability, render
from .journal import Journal
from .replay import Replay, ReplayError
from .runs import RunFolder, runs_folder
from .spending import LEDGER, NOTHING, Ledger, Spent
from .terminal import plain, seen, shares
from .types import Step

SHOWN = 20
"""Candidates of a turn on the page."""
_ENDS = {"finish": "done", "refuse": "say that it is not possible", "stop": "stop", "ask": "ask"}


def report(run: str, runs: str | Path | None, out: Path, *, film: bool = True) -> str:
    """Write the page of a run (an id in `runs`, or a run's own folder) to `out`; what there is to say of it.

    Raises what reading a run raises, and ValueError for a file that can't be written.
    """
    path = Path(run)
    own = (path / "journal.jsonl").is_file()
    folder = RunFolder(path) if own else RunFolder.find(runs_folder(runs), run)
    journal = folder.read()
    made, note = None, "The pictures were left out."
    if film:
        try:
            made, note = _again(run, runs)
        except ReplayError as error:
            note = f"No film: {error}"
    write_whole(report_path(out), page(journal, made, note, spent_by(folder)))
    return f"{len(journal.steps)} turns in {out}" + (f". {note}" if note else "")


def report_path(path: str | Path) -> Path:
    """Where a page can be written. Raises ValueError for a name that is not an HTML file's or a folder that isn't."""
    path = Path(path)
    if path.suffix not in (".html", ".htm"):
        raise ValueError(f"Expected the report's name to end in .html, got {path.name!r}.")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"Expected the report's folder to exist, got {str(path.parent)!r}. Make it first.")
    return path


def _again(run: str, runs: str | Path | None) -> tuple[Album, str]:
    """Pictures of a run that is over. Raises `ReplayError`."""
    again, note = Replay(run, runs), ""
    try:
        limit = again.journal.header.config.max_steps
        with album(again.world, max_steps=limit, clocked=False) as (made, watcher):
            try:
                again.run(watcher)
            except ReplayError as error:  # what was seen again up to there is what happened
                note = f"The film ends early: {error}"
    finally:
        again.close()
    return made, note


def spent_by(run: RunFolder) -> Spent:
    """What a run spent, on all days; nothing where it was not kept."""
    runs = run.folder.parent
    return Ledger(runs).of_run(run.run_id) if (runs / LEDGER).is_file() else NOTHING


def page(journal: Journal, pictures: Album | None = None, note: str = "", spent: Spent = NOTHING) -> str:
    """The page as HTML; `note` is said under the timeline."""
    header, footer = journal.header, journal.footer
    moments = pictures.moments if pictures else {}
    done = [s for s in journal.steps if s.outcome is not None and s.verdict is not None]
    promised = [promise(s) for s in done]
    kept = [worked(s) for s in done]
    when = f"{datetime.fromtimestamp(header.started, UTC):%Y-%m-%d %H:%M} UTC"
    if pictures and pictures.failed:
        note = f"{note} Pictures are missing: {pictures.failed}".strip()
    return render(
        "episode.html",
        goal=plain(header.goal),
        errands=_errands(journal, header.goal),
        status=footer.status if footer else "not over",
        reason=footer.reason if footer else f"It can go on: doable resume {header.run_id}",
        about=f"{header.config.world} {header.scene}, seed {header.config.seed}; {header.model}; "
        f"run {header.run_id}, {when}",
        note=note,
        film=pictures.film if pictures else None,
        camera=pictures.camera if pictures else "",
        turns=[_turn(step, moments.get(step.index, Moment()), header.goal, header.started) for step in journal.steps],
        promised=promised,
        kept=sum(kept),
        expected=sum(promised),
        brier=sum((p - k) ** 2 for p, k in zip(promised, kept, strict=True)) / max(len(done), 1),
        plot=reliability(promised, kept),
        costs=_costs(journal, moments, spent),
        versions=", ".join(header.versions),
    )


def _errands(journal: Journal, goal: str) -> list[str]:
    """What was pursued, in order, each in words; none where that is the goal as it was said."""
    texts = [*{step.subgoal.index: step.subgoal.text for step in journal.steps}.values()]
    return [] if texts == [goal] else texts


def promise(step: Step) -> float:
    """V of the skill that was done, in [0, 1]."""
    return next((c.can for c in step.candidates if c.phrase == step.decision.phrase), 0.0)


def worked(step: Step) -> bool:
    """By the check's own look at the world."""
    return step.verdict is not None and step.verdict.then in ("continue", "finished")


def _turn(step: Step, moment: Moment, goal: str, started: float) -> dict[str, Any]:
    """What the template shows of a turn."""
    outcome, verdict = step.outcome, step.verdict
    now = started + step.observation.time
    rows = weighed(step)
    return {
        "number": step.index + 1,
        "begins": f"{moment.begins:.2f}",
        "width": f"{max(outcome.seconds, 1.0):.1f}" if outcome else "1",
        "does": step.decision.phrase or _ENDS[step.decision.kind],
        "kind": "end" if outcome is None else "good" if worked(step) else "bad",
        "outcome": f"{outcome.status}: {outcome.reason}, {outcome.seconds:.1f} s" if outcome else "",
        "subgoal": step.subgoal.text if step.subgoal.text != goal else "",
        "sees": seen(step.observation),
        "before": moment.before,
        "after": moment.after,
        "weighed": rows,
        "count": len(step.candidates),
        "reason": step.decision.reason,
        "explanation": verdict.explanation if verdict else "",
        "good": worked(step),
        "facts": verdict.facts if verdict else (),
        "recalled": [record.sentence(now) for record in step.recalled],
        "spent": ", ".join(f"{name} {seconds:.2f} s" for name, seconds in moment.spent.items()),
    }


def weighed(step: Step, most: int = SHOWN) -> list[dict[str, Any]]:
    """The best candidates of a turn, the chosen one among them, with say (as a share), can and their product."""
    if not step.candidates:
        return []
    rows = [
        {
            "phrase": c.phrase, "say": float(share), "can": c.can, "both": float(share) * c.can,
            "masked": c.score == -math.inf, "chosen": c.phrase == step.decision.phrase,
        }
        for c, share in zip(step.candidates, shares(step.candidates), strict=True)
    ]  # fmt: skip
    return rows[:most] + [row for row in rows[most:] if row["chosen"]]


def _costs(journal: Journal, moments: dict[int, Moment], paid: Spent) -> list[tuple[str, str]]:
    """Name and amount of what the run took."""
    steps = journal.steps
    costs = [
        ("turns", str(len(steps))),
        ("skills done", str(sum(s.outcome is not None for s in steps))),
        ("simulated time", f"{sum(s.outcome.seconds for s in steps if s.outcome):.1f} s"),
        ("skills scored", f"{sum(len(s.candidates) for s in steps):,}"),
        ("records recalled", str(len({r.id for s in steps for r in s.recalled}))),
    ]
    if paid.tokens:
        costs.append(("tokens", f"{paid.tokens:,.0f}"))
    if paid.cost:
        costs.append(("money", f"{paid.cost:.4f}"))
    spent = _by_phase([m.spent for m in moments.values()])
    return costs + [(f"clock, {name}", f"{seconds:.1f} s") for name, seconds in spent.items()]


def _by_phase(turns: Sequence[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for spent in turns:
        for name, seconds in spent.items():
            total[name] = total.get(name, 0.0) + seconds
    return total
