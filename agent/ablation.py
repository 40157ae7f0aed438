"""`doable bench tasks --ablate can`: the same tasks from the same seeds, with what *can* is taken from a setting each.

| values | what they are |
| --- | --- |
| learned | those that ship, `done` among them |
| heuristic | SayCan's published ones (`skills/baselines.py`) |
| declared | 1 where a skill's preconditions hold by what is seen, else 0 |
| none | 1 for everything: the language model alone |

SayCan has no floor under which it refuses, and its `done` is worth 0.1: with heuristic values there is none here
either.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from .bench_files import as_json, results_folder, write_whole
from .config import Config
from .origin import origin
from .statistics import Figures, Summary

CAN = ("learned", "heuristic", "declared", "none")
FAMILY = "embodiment"
"""The family that asks most of *can*: shown by itself."""

Run = Callable[[Path, Config], Summary]
"""Runs all tasks with a setting, with its results in a folder."""


@dataclass(frozen=True)
class Ablation:
    """A summary for each setting of *can*."""

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
        lines = [
            f"| can | n | success | false done | mean steps | {FAMILY} n | {FAMILY} success | {FAMILY} false done |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        ]
        for setting, summary in self.of.items():
            all_, one = summary.overall, summary.families.get(FAMILY)
            mine = (str(one.n), str(_success(one)), str(one.false_done)) if one else ("0", "-", "-")
            cells = (setting, all_.n, _success(all_), all_.false_done, f"{all_.mean_steps:.1f}", *mine)
            lines.append(f"| {' | '.join(map(str, cells))} |")
        return "\n".join(lines) + "\n"


def ablate(run: Run, config: Config, out: str | Path) -> Ablation:
    """Run with every setting, each in a folder of its own under `out`; all of them together in `out` itself."""
    out = results_folder(out)
    found = {}
    for setting in CAN:
        floor = 0.0 if setting == "heuristic" else config.floor
        found[setting] = run(out / setting, replace(config, values=setting, floor=floor))
    ablation = Ablation(found)
    write_whole(out / "table.md", ablation.table())
    write_whole(out / "summary.json", as_json(ablation.figures()))
    settings = {name: value for name, value in asdict(config).items() if name not in ("values", "runs", "memory")}
    write_whole(out / "origin.json", as_json(origin(can=list(CAN), settings=settings)))
    return ablation


def _success(figures: Figures):
    return figures.execution or figures.plan
