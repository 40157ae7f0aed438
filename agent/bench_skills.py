"""How often each family of skills does what it declares, with physics; how situations are drawn is in `skills.trials`.

Every trial is a line of OUT/trials.jsonl as soon as it is done, so that a run that was cut short goes on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from ..sim.catalogue import UnknownName
from ..skills.trials import TRIED, Trial, try_all
from .bench_files import appending, as_json, progress, results_folder, write_whole
from .origin import origin
from .statistics import wilson

AIMS = {
    "go to": 0.99, "find": 0.99, "pick up": 0.95, "put down": 0.95, "put in": 0.95, "bring": 0.97, "open": 0.95,
    "close": 0.95, "wipe": 0.90, "pick and place": 0.95,
}  # fmt: skip
"""The success that is aimed at."""


def run_skills_benchmark(
    out: str | Path,
    *,
    n: int,
    seed: int = 0,
    families: Sequence[str] = TRIED,
    workers: int = 1,
    console: Console | None = None,
) -> str:
    """Try each family `n` times and write table.md, summary.json, failures.md and origin.json. Gives the table.

    Raises ValueError for a family that there is none of, or a file in the folder's place.
    """
    for family in families:
        if family not in TRIED:
            raise UnknownName("a family of skills", family, TRIED)
    out = results_folder(out)
    path = out / "trials.jsonl"
    trials = _read(path, seed)
    done = {(trial.family, trial.number) for trial in trials}
    todo = [(family, k) for k in range(n) for family in families if (family, k) not in done]
    with progress(console) as bar, appending(path) as file:
        task = bar.add_task("trials", total=len(todo))
        for trial in try_all(todo, seed, workers) if todo else ():
            file.write(json.dumps({"seed": seed, **asdict(trial)}) + "\n")
            file.flush()
            trials.append(trial)
            bar.update(task, advance=1, description=trial.family)
    order = {family: i for i, family in enumerate(TRIED)}
    trials = [t for t in trials if t.family in families and t.number < n]
    trials.sort(key=lambda t: (order[t.family], t.number))
    text = table(trials, families)
    write_whole(out / "summary.json", as_json(figures(trials, families)))
    write_whole(out / "failures.md", failures(trials))
    write_whole(out / "origin.json", as_json(origin(n=n, seed=seed, families=list(families))))
    write_whole(out / "table.md", text)
    return text


def _read(path: Path, seed: int) -> list[Trial]:
    """The whole lines of this seed that are there already."""
    trials = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            data = json.loads(line)
            if data.pop("seed") == seed:
                trials.append(Trial(**data))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # cut short by a crash: it is done again
    return trials


def figures(trials: Sequence[Trial], families: Sequence[str]) -> dict[str, Any]:
    """By family: n, success with the bounds of its interval, false done."""
    told: dict[str, Any] = {}
    for family in families:
        mine = [t for t in trials if t.family == family]
        share = wilson(sum(t.success for t in mine), len(mine))
        false = wilson(
            sum(not t.success for t in mine if t.reported == "done"), sum(t.reported == "done" for t in mine)
        )
        told |= {f"{family}.n": share.n, f"{family}.success": share.value if share.n else None}
        told |= {f"{family}.low": share.low, f"{family}.high": share.high}
        told |= {f"{family}.false_done": false.value if false.n else None}
        told |= {f"{family}.seconds": round(sum(t.seconds for t in mine) / len(mine), 1) if mine else None}
    return told


def table(trials: Sequence[Trial], families: Sequence[str]) -> str:
    """A row a family."""
    rows = [
        "| family | n | success | aim | false done | mean seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for family in families:
        mine = [t for t in trials if t.family == family]
        said = [t for t in mine if t.reported == "done"]
        seconds = f"{sum(t.seconds for t in mine) / len(mine):.1f}" if mine else "-"
        success = wilson(sum(t.success for t in mine), len(mine))
        shown = f"{success.value:.1%} [{success.low:.1%}, {success.high:.1%}]" if mine else "-"
        false = wilson(sum(not t.success for t in said), len(said))
        rows.append(f"| {family} | {len(mine)} | {shown} | {AIMS[family]:.0%} | {false} | {seconds} |")
    return "\n".join(rows) + "\n"


def failures(trials: Sequence[Trial]) -> str:
    """Every failure with its reason, and how often each reason was told."""
    lines = ["# Failures", ""]
    for family in TRIED:
        mine = [t for t in trials if t.family == family and not t.success]
        if not mine:
            continue
        lines += [f"## {family}", ""]
        lines += [f"- `{t.scene}` {t.number}: {t.phrase}: {t.reported}: {t.reason}" for t in mine]
        common = Counter(t.reason for t in mine).most_common(3)
        lines += ["", "Most often: " + "; ".join(f"{reason} ({count})" for reason, count in common), ""]
    return "\n".join(lines) + "\n"
