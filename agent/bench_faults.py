"""`doable bench faults`: how success falls with the length of a goal when things go wrong, and what checks save.

Goals that take 1, 2, 4, 8 and 12 skills are pursued in the same situations, from the same seeds and with the same
number of turns (three for each skill and four more), by the loop as far as it looks:

| arm | what it does |
| --- | --- |
| open loop | plans once, carries the plan out, looks at nothing (as SayCan's released code does) |
| self-critique | the same plan; after each step the language model is asked whether it worked, and nobody looks |
| + after-check | the same plan; a step that is not seen to be done is tried again, up to three times |
| + recovery | chooses anew at every turn from what is seen; what failed is set aside |
| + all | with the guards: `done` has to be seen |

Skills fail with a probability before they move anything; or things slip, people move them, labels are wrong. Success is
judged by the world's own facts. A *loop* is an episode in which one skill came to the same result in the same situation
more than three times.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..memory.embedding import HashEmbedder
from ..sim.catalogue import UnknownName
from ..sim.disturbances import load_disturbances, parse_disturbances
from ..sim.facts import All, At, Condition, Holding, RobotAt
from ..sim.scene import Scene, load_scene
from ..sim.symbolic import SymbolicWorld
from ..sim.task import Setup
from ..skills.library import SkillLibrary
from ..skills.pool import run_all
from .agent import Agent
from .bench_files import appending, as_json, results_folder, write_whole
from .config import Config
from .curves import draw
from .knowing_model import KnowingModel
from .memory_views import Nothing
from .origin import origin
from .parts import make_model, make_values
from .statistics import Share, wilson
from .types import Result

ARMS: Mapping[str, str] = {
    "none": "open loop", "critique": "self-critique", "after": "+ after-check", "recover": "+ recovery", "all": "+ all",
}  # fmt: skip
"""What an arm is called."""
USUAL = ("none", "after", "recover", "all")
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "none": {"checks": "none"},
    "critique": {"checks": "critique"},
    "after": {"checks": "after"},
    "recover": {"guards": False},
    "all": {},
}
HORIZONS = (1, 2, 4, 8, 12)
RATES = (0.0, 0.05, 0.1, 0.2, 0.3)
OTHERS = ("slips", "people", "labels")
FAULTS = (*(f"p={rate:g}" for rate in RATES), *OTHERS)
_VARIANTS = 20
"""Situations of each horizon; what goes wrong in them differs from episode to episode."""


@dataclass(frozen=True)
class Cell:
    """What a figure is of."""

    fault: str
    horizon: int
    arm: str


@dataclass(frozen=True)
class Row:
    """One episode."""

    fault: str
    horizon: int
    arm: str
    number: int
    status: str
    success: bool
    steps: int
    loop: bool
    reason: str

    @property
    def cell(self) -> Cell:
        return Cell(self.fault, self.horizon, self.arm)


@dataclass(frozen=True)
class Job:
    """What a worker is told."""

    cell: Cell
    number: int
    seed: int
    config: Config


def situation(scene: Scene, horizon: int, number: int, seed: int) -> tuple[str, Setup, Condition]:
    """A goal in words that takes `horizon` skills, what stands where, and how it is when it is reached."""
    rng = np.random.default_rng((seed, horizon, number % _VARIANTS))
    surfaces = [p.name for p in scene.surfaces()]
    things = [str(kind) for kind in rng.permutation(list(scene.types))[:6]]
    objects = tuple((kind, str(rng.choice(surfaces[:-1]))) for kind in things)
    setup = Setup(objects, scene.place(scene.robot_at).name)
    if horizon == 1:
        place = str(rng.choice(surfaces))
        return f"go to the {place}", setup, RobotAt(place)
    if horizon == 2:
        return f"pick up the {things[0]}", setup, Holding(things[0])
    errands, goals = [], []
    where = dict(objects)
    for thing in things[: horizon // 4]:
        to = str(rng.choice(["user", *(name for name in surfaces if name != where[thing])]))
        errands.append(f"bring me the {thing}" if to == "user" else f"put the {thing} on the {to}")
        goals.append(At(thing, to))
    return ", then ".join(errands), setup, All(tuple(goals))


def run_faults_benchmark(
    config: Config,
    out: str | Path,
    *,
    n: int,
    seed: int = 0,
    horizons: Sequence[int] = HORIZONS,
    faults: Sequence[str] = FAULTS,
    arms: Sequence[str] = USUAL,
    workers: int = 1,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """`n` episodes a cell; writes rows.jsonl, summary.json, table.md, curves.png, origin.json into `out`. The table.

    Rows that are there are not done again, and count. Raises ValueError for an unknown fault, horizon or arm.
    """
    for fault in faults:
        if fault not in FAULTS:
            raise UnknownName("a fault", fault, FAULTS)
    for arm in arms:
        if arm not in ARMS:
            raise UnknownName("an arm", arm, ARMS)
    for horizon in horizons:
        if horizon not in HORIZONS:
            raise ValueError(f"Expected horizons among {', '.join(map(str, HORIZONS))}; got {horizon}.")
    out = results_folder(out)
    path = out / "rows.jsonl"
    rows = _read(path, config.world, seed)
    done = {(row.cell, row.number) for row in rows}
    cells = [Cell(f, h, arm) for f in faults for h in horizons for arm in arms if f in _of(h)]
    jobs = [Job(cell, k, seed, config) for k in range(n) for cell in cells if (cell, k) not in done]
    total = len(jobs)
    with appending(path) as file:
        for count, row in enumerate(run_all(pursue, jobs, workers), 1):
            file.write(json.dumps({"world": config.world, "seed": seed, **asdict(row)}) + "\n")
            file.flush()
            rows.append(row)
            progress(count, total)
    rows = [row for row in rows if row.cell in cells]
    figures, table = summarise(rows, cells)
    write_whole(out / "summary.json", as_json(figures))
    write_whole(out / "table.md", table)
    draw(out / "curves.png", _panels(rows, faults, horizons), across="skills that the goal takes", up="success")
    told = {"n": n, "horizons": list(horizons), "faults": list(faults), "arms": list(arms), "world": config.world}
    write_whole(out / "origin.json", as_json(origin(seed=seed, **told)))
    return table


def _of(horizon: int) -> tuple[str, ...]:
    """What goes wrong at a horizon: failures at each, the rest at two of them."""
    return FAULTS if horizon in (4, 12) else tuple(f for f in FAULTS if f not in OTHERS)


def _read(path: Path, world: str, seed: int) -> list[Row]:
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            data = json.loads(line)
            if (data.pop("world"), data.pop("seed")) == (world, seed):
                rows.append(Row(**data))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # cut short by a crash: it is done again
    return rows


# In a worker ----------------------------------------------------------------------------------------------------------

_parts: dict[str, Any] = {}


def pursue(job: Job) -> Row:
    """One episode, with this process's own model, which computes what it says of a prompt once."""
    cell, config = job.cell, job.config
    if not _parts:
        scene = load_scene(config.scene)
        _parts.update(
            scene=scene, model=KnowingModel(make_model(config)), values=make_values(config),
            library=SkillLibrary.of(scene), world=_world(config, scene), memory=Nothing(HashEmbedder()),
        )  # fmt: skip
    scene, world = _parts["scene"], _parts["world"]
    goal, setup, wanted = situation(scene, cell.horizon, job.number, job.seed)
    world.reset(replace(setup, disturbances=_disturbances(cell.fault, scene)), seed=job.seed * 100_003 + job.number)
    with TemporaryDirectory(prefix="doable-bench-", ignore_cleanup_errors=True) as folder:
        mine = replace(
            config, runs=folder,
            search="best-first", max_steps=3 * cell.horizon + 4, **SETTINGS[cell.arm],
        )  # fmt: skip
        result = Agent(world, _parts["model"], _parts["memory"], _parts["values"], _parts["library"], mine).run(goal)
    return Row(
        cell.fault, cell.horizon, cell.arm, job.number, result.status, wanted.holds(world.facts()),
        len(result.steps), loops(result), result.reason,
    )  # fmt: skip


def _world(config: Config, scene: Scene) -> Any:
    if config.world == "symbolic":
        return SymbolicWorld(scene)
    from ..sim.physics_world import PhysicsWorld

    return PhysicsWorld(scene)


def _disturbances(fault: str, scene: Scene) -> tuple:
    if fault in OTHERS:
        return parse_disturbances(load_disturbances(fault), scene)
    rate = float(fault.removeprefix("p="))
    return parse_disturbances([{"kind": "skill_failure", "probability": rate}], scene) if rate else ()


def loops(result: Result) -> bool:
    """Did one skill come to the same result in the same situation more than three times?"""
    seen = Counter(
        (step.decision.phrase, step.verdict.then, step.observation.believed())
        for step in result.steps
        if step.decision.phrase and step.verdict
    )
    return max(seen.values(), default=0) > 3


# Figures --------------------------------------------------------------------------------------------------------------


def summarise(rows: Sequence[Row], cells: Sequence[Cell]) -> tuple[dict[str, float], str]:
    """The figures by name, and a table with a row a fault and horizon."""
    share = {cell: _share([row.success for row in rows if row.cell == cell]) for cell in cells}
    figures: dict[str, float] = {}
    for cell, found in share.items():
        key = f"{cell.fault}.{cell.horizon}.{cell.arm}"
        figures |= {
            f"{key}.success": found.value,
            f"{key}.low": found.low,
            f"{key}.high": found.high,
            f"{key}.n": found.n,
        }
    calm, stormy = share.get(Cell("p=0", 12, "all")), share.get(Cell("p=0.1", 12, "all"))
    if calm and stormy and calm.value:
        figures["success_ratio_12_p10"] = stormy.value / calm.value
    if open_loop := share.get(Cell("p=0.1", 12, "none")):
        figures["open_loop_12_p10"] = open_loop.value
    ours = [row for row in rows if row.arm == "all"]
    false = _share([not row.success for row in ours if row.status == "reached"])
    if false.n:
        figures |= {
            "false_done_rate": false.value,
            "false_done_rate.low": false.low,
            "false_done_rate.high": false.high,
        }
    figures |= {"loops": sum(row.loop for row in ours), "episodes": len(ours)}
    arms = list(dict.fromkeys(cell.arm for cell in cells))
    lines = [
        f"| what goes wrong | skills | n | {' | '.join(ARMS[arm] for arm in arms)} |",
        f"| --- | ---: | ---: |{' ---: |' * len(arms)}",
    ]
    for fault, horizon in dict.fromkeys((cell.fault, cell.horizon) for cell in cells):
        mine = [share[Cell(fault, horizon, arm)] for arm in arms]
        lines.append(f"| {fault} | {horizon} | {mine[0].n} | {' | '.join(map(str, mine))} |")
    lines += ["", f"False done, all checks: {false} of {false.n} that said so."]
    lines += [f"Loops, all checks: {figures['loops']} in {len(ours)} episodes."]
    return figures, "\n".join(lines) + "\n"


def _share(outcomes: Sequence[bool]) -> Share:
    return wilson(sum(outcomes), len(outcomes))


def _panels(rows: Sequence[Row], faults: Sequence[str], horizons: Sequence[int]) -> dict[str, dict[str, list]]:
    panels: dict[str, dict[str, list]] = {}
    for fault in faults:
        lines = {}
        for arm, name in ARMS.items():
            points = []
            for horizon in horizons:
                mine = [row.success for row in rows if row.cell == Cell(fault, horizon, arm)]
                if mine:
                    points.append((horizon, _share(mine)))
            lines[name] = points
        panels[fault] = lines
    return panels
