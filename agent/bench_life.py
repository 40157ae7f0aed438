"""Does memory pay? The same errands in one kitchen with memory, without it, and with memory in a small prompt.

Thirty requests come one after the other, each a run of its own; between them people use the kitchen. What is assumed of
them: they have habits. Before each request a thing is carried elsewhere with probability 0.08, and what was asked for
is put back to where it belongs with 0.75, else anywhere. Ten things of seventeen are asked for, again and again. Where
nothing is put back, memory pays less. What stands where at each request is drawn beforehand, so it is the same for all
three. The world is the symbolic one; a drive to look somewhere takes time there too.
Search steps are the places driven to until the thing that is wanted is in view for the
first time. Success is judged by the world's facts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.console import Console

from ..sim.facts import At
from ..sim.scene import Scene, load_scene
from ..sim.symbolic import SymbolicWorld
from ..sim.task import Setup
from ..skills.library import SkillLibrary
from .agent import Agent
from .bench_files import as_json, progress, results_folder, write_whole
from .config import Config
from .origin import origin
from .parts import make_memory, make_model, make_values
from .statistics import wilson

CONDITIONS: Mapping[str, Mapping[str, int]] = {
    "memory": {},
    "no memory": {},
    "memory, 512 tokens": {"prompt_tokens": 512},
}
_WANTED = 10
"""Different things that are asked for."""
_MOVED, _HOME = 0.08, 0.75
"""How likely a thing is carried elsewhere between two requests; what was used is put back where it belongs."""
_DRIVE = 8.0
"""Seconds of a drive across the kitchen, about what it takes with physics."""
_BREAK = 1200.0
"""Seconds from request to request."""
_START = 1_772_438_400.0
"""Unix seconds of the first one."""


@dataclass(frozen=True)
class Request:
    """One errand, and what stands where when it comes."""

    thing: str
    objects: tuple[tuple[str, str], ...]


class SearchedWorld(SymbolicWorld):
    """Counts the places driven to until `wanted` is seen, and lets drives take time."""

    def begin(self, request: Request, seed: int) -> None:
        """The world as it is when a request comes."""
        self.wanted, self.drives, self.found = request.thing, 0, False
        self.reset(Setup(request.objects, "user"), seed=seed)

    def _move(self, place: str) -> None:
        if place != self.room.robot_at:
            self.room.time += _DRIVE
            self.drives += not getattr(self, "found", True)
        super()._move(place)
        there = any(kind == self.wanted and at == place for kind, at in self.room.objects)
        self.found = self.found or there


def requests(scene: Scene, count: int, seed: int) -> list[Request]:
    """The errands of a life, drawn by seed."""
    rng = np.random.default_rng(seed)
    homes = dict(scene.objects)
    surfaces = [p.name for p in scene.surfaces() if p.kind not in ("person",)]
    wanted = [str(thing) for thing in rng.choice(sorted(homes), size=_WANTED, replace=False)]
    where, made = dict(homes), []
    for _ in range(count):
        for thing in where:
            if rng.random() < _MOVED:
                where[thing] = str(rng.choice(surfaces))
        thing = str(rng.choice(wanted))
        made.append(Request(thing, tuple(where.items())))
        where[thing] = homes[thing] if rng.random() < _HOME else str(rng.choice(surfaces))
    return made


def run_life_benchmark(
    config: Config, out: str | Path, *, count: int = 30, seed: int = 0, console: Console | None = None
) -> str:
    """Live it three times, and write rows, figures and their origin; the table."""
    out = results_folder(out)
    scene = load_scene(config.scene)
    model, values, library = make_model(config), make_values(config), SkillLibrary.of(scene)
    errands = requests(scene, count, seed)
    rows = []
    with progress(console) as bar:
        for condition, changed in CONDITIONS.items():
            job = bar.add_task(condition, total=count)
            with TemporaryDirectory(prefix="doable-bench-", ignore_cleanup_errors=True) as folder:
                world = SearchedWorld(scene)
                for i, request in enumerate(errands):
                    kept = "always" if condition != "no memory" else f"only-{i}"
                    mine = replace(
                        config, memory=f"{folder}/{kept}", runs=f"{folder}/runs", world="symbolic", **changed
                    )
                    world.begin(request, seed + i)
                    memory = make_memory(mine)
                    started = _START + i * _BREAK
                    agent = Agent(world, model, memory, values, library, mine, clock=lambda at=started: at)
                    result = agent.run(f"bring me the {request.thing}")
                    memory.close()
                    rows.append({
                        "condition": condition, "request": i, "thing": request.thing, "status": result.status,
                        "success": At(request.thing, "user").holds(world.facts()), "search_steps": world.drives,
                        "steps": len(result.steps), "seconds": result.seconds,
                        "phrases": [step.decision.phrase for step in result.steps if step.decision.phrase],
                    })  # fmt: skip
                    bar.update(job, advance=1)
    figures, table = _summarise(rows)
    write_whole(out / "rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    write_whole(out / "summary.json", as_json(figures))
    write_whole(out / "table.md", table)
    parts = {"model": model.name, "values": type(values).__name__, "embedder": config.embedder}
    write_whole(out / "origin.json", as_json(origin(seed=seed, parts=parts)))
    return table


def _summarise(rows: Sequence[Mapping]) -> tuple[dict[str, float], str]:
    figures: dict[str, float] = {}
    lines = [
        "| condition | n | success | search steps | steps | seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for condition in CONDITIONS:
        mine = [row for row in rows if row["condition"] == condition]
        success = wilson(sum(row["success"] for row in mine), len(mine))
        means = {name: float(np.mean([row[name] for row in mine])) for name in ("search_steps", "steps", "seconds")}
        figures |= {f"{condition}.{name}": value for name, value in means.items()}
        figures |= {f"{condition}.success": success.value, f"{condition}.n": success.n}
        figures |= {f"{condition}.success.low": success.low, f"{condition}.success.high": success.high}
        lines.append(
            f"| {condition} | {success.n} | {success} | {means['search_steps']:.2f} | {means['steps']:.1f} | "
            f"{means['seconds']:.0f} |"
        )
    without = figures["no memory.search_steps"]
    figures["search_steps_saved"] = 1 - figures["memory.search_steps"] / without if without else 0.0
    return figures, "\n".join(lines) + "\n"
