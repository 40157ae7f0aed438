"""`doable bench tasks --ablate can | words | ahead`: the same tasks and seeds, without a part or with another one.

*can*: what values the skills have.

| values | what they are |
| --- | --- |
| learned | those that ship, `done` among them |
| heuristic | SayCan's published ones (`skills/baselines.py`) |
| declared | 1 where a skill's preconditions hold by what is seen, else 0 |
| none | 1 for everything: the language model alone |

SayCan has no floor under which it refuses, and its `done` is worth 0.1: with heuristic values there is none here
either.

*words*: what rules make of the goal's words, beside the language model.

| rules | what they do |
| --- | --- |
| all | what follows |
| as said | the same, but a goal in odd words is not said again in plain ones |
| undivided | the goal stays whole; guards hold choices against plain words |
| unguarded | errands are cut and said again; the model alone chooses, and ends |
| neither | the language model reads the goal by itself |

*ahead*: whether the best skills are rolled forward in the believed world where the values are unsure (`look_ahead`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .bench_files import as_json, results_folder, write_whole
from .config import Config
from .origin import origin
from .statistics import Figures, Summary

PARTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "can": {
        "learned": {"values": "learned"},
        "heuristic": {"values": "heuristic", "floor": 0.0},
        "declared": {"values": "declared"},
        "none": {"values": "none"},
    },
    "words": {
        "all": {},
        "as said": {"restate": False},
        "undivided": {"decompose": False},
        "unguarded": {"guards": False},
        "neither": {"decompose": False, "guards": False},
    },
    "ahead": {"three skills": {}, "none": {"look_ahead": 0}},
}
"""What can be left out or replaced, and the settings of each way."""
FAMILY = "embodiment"
"""The family that asks most of *can*: shown by itself."""

Run = Callable[[Path, Config], Summary]
"""Runs all tasks with a setting, with its results in a folder."""


@dataclass(frozen=True)
class Ablation:
    """A summary for each way to do without a part."""

    part: str
    of: dict[str, Summary]

    def figures(self) -> dict[str, float]:
        """Figure name to number: 'learned.execution_success', 'none.embodiment.plan_success', …"""
        return {
            f"{setting}.{name}": value
            for setting, summary in self.of.items()
            for name, value in summary.figures().items()
        }

    def table(self) -> str:
        """A row for each setting, in Markdown."""
        apart = [FAMILY] if any(FAMILY in summary.families for summary in self.of.values()) else []
        names = [self.part, "n", "success", "false done", "mean steps"]
        names += [f"{family} {name}" for family in apart for name in ("n", "success", "false done")]
        lines = [f"| {' | '.join(names)} |", f"| --- |{' ---: |' * (len(names) - 1)}"]
        for setting, summary in self.of.items():
            all_ = summary.overall
            cells = [setting, all_.n, _success(all_), all_.false_done, f"{all_.mean_steps:.1f}"]
            for one in (summary.families.get(family) for family in apart):
                cells += [one.n, _success(one), one.false_done] if one else [0, "-", "-"]
            lines.append(f"| {' | '.join(map(str, cells))} |")
        return "\n".join(lines) + "\n"


def ablate(run: Run, config: Config, out: str | Path, part: str = "can") -> Ablation:
    """Run in every way, each in a folder of its own under `out`; all of them together in `out` itself."""
    out, ways = results_folder(out), PARTS[part]
    ablation = Ablation(part, {way: run(out / way, replace(config, **settings)) for way, settings in ways.items()})
    write_whole(out / "table.md", ablation.table())
    write_whole(out / "summary.json", as_json(ablation.figures()))
    changed = {"runs", "memory", *(name for settings in ways.values() for name in settings)}
    settings = {name: value for name, value in asdict(config).items() if name not in changed}
    write_whole(out / "origin.json", as_json(origin(ways={part: list(ways)}, settings=settings)))
    return ablation


def _success(figures: Figures):
    return figures.execution or figures.plan
