"""The benchmark: every task from every seed, each from a clean start, judged by the world's own facts.

An episode is a success if the task's goal holds in the end and the agent refused exactly if the task is impossible
(family `impossible`: its goal says that nothing was touched, and the agent has to say so too).

Results land in one folder: `episodes.jsonl` (a line an episode, written at once, so that a run that was cut short goes
on where it stopped), `journals/` (an episode's journal by its key), `summary.json` (figure name to number), `table.md`,
and `origin.json` (command, code, parts, machine, date).
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from rich.console import Console

from ..sim.catalogue import UnknownName
from ..sim.detector import Detector, OracleLabels
from ..sim.disturbances import load_disturbances, parse_disturbances
from ..sim.scene import Scene, load_scene
from ..sim.symbolic import SymbolicWorld
from ..sim.task import Task, read_tasks
from ..sim.world import World
from ..skills.execute import execute
from ..skills.library import SkillLibrary
from .bench_files import appending, as_json, progress, results_folder, write_whole
from .origin import commit, origin
from .statistics import Episode, Summary, summarise
from .types import Result

TASKS = Path(__file__).with_name("tasks.jsonl")
"""The project's own tasks, in eight families."""
IMPOSSIBLE = "impossible"
"""The family of tasks that are to be refused."""


class Runner(Protocol):
    """Whatever pursues a goal in words: an `Agent`, or a baseline to lay beside it."""

    def run(self, goal: str) -> Result: ...


class AgentMaker(Protocol):
    """Makes a fresh agent for every episode, and says what it is made of."""

    def describe(self) -> Mapping[str, str]:
        """Every part that bears on the results: model and adapter, values, settings. Equal means comparable."""
        ...

    def __call__(self, world: World, folder: Path, *, max_steps: int, seed: int) -> Runner:
        """An agent for one episode in `world`, already reset.

        `folder` is empty, for its memory and runs, and deleted after; a `journal.jsonl` anywhere in it is kept.
        """
        ...


def run_tasks_benchmark(
    path: str | Path | None,
    seeds: int | Sequence[int],
    plan_only: bool,
    out: str | Path,
    config: Any = None,
    *,
    family: str | None = None,
) -> Summary:
    """Benchmark the agent that `config` describes on a task file (None: the project's own tasks).

    `seeds` is how many (0, 1, …) or which. Raises `TaskError` for a file that breaks a rule, ValueError for the rest.
    """
    from .bench_agent import ConfiguredAgents

    tasks = read_tasks(TASKS if path is None else path)
    if family is not None:
        known = {task.family for task in tasks}
        if family not in known:
            raise UnknownName("a family of tasks", family, known)
        tasks = [task for task in tasks if task.family == family]
    if config is not None and config.disturb:
        tasks = disturbed(tasks, config.disturb)
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    agents = ConfiguredAgents(config)
    return bench_tasks(
        tasks, seeds=chosen, plan_only=plan_only, out=out, make_agent=agents, make_detector=agents.detector
    )


def disturbed(tasks: Sequence[Task], name_or_path: str) -> list[Task]:
    """The tasks with more going wrong in each: a named set of disturbances, or a JSON file of them."""
    given = load_disturbances(name_or_path)
    more = {task.scene: parse_disturbances(given, load_scene(task.scene)) for task in tasks}
    return [
        replace(task, setup=replace(task.setup, disturbances=(*task.setup.disturbances, *more[task.scene])))
        for task in tasks
    ]


def bench_tasks(
    tasks: Sequence[Task],
    *,
    seeds: Sequence[int],
    plan_only: bool,
    out: str | Path,
    make_agent: AgentMaker,
    make_world: Callable[[str], World] | None = None,
    make_detector: Callable[[Scene], Detector | None] = lambda scene: None,
    console: Console | None = None,
) -> Summary:
    """Run every task from every seed and write the figures into the folder `out`.

    `plan_only` runs in the symbolic world, where nothing but disturbances is left to chance: without them one seed, the
    first, tells all, and the others would only feign more observations. With physics both figures come from the same
    run: execution success from the world's facts, plan success from playing the executed skills, undisturbed, in the
    symbolic world from the same start.

    Episodes found in `out` are not run again if agent, task, seed and code version are the same; others stay in the
    file but out of the figures. `make_world` builds the world of a scene by name, once; each episode resets it.
    `make_detector` gives what finds objects in the pictures of the physics world (None: oracle labels).
    """
    seeds = tuple(dict.fromkeys(seeds))
    if plan_only and not any(task.setup.disturbances for task in tasks):
        seeds = seeds[:1]
    if not tasks or not seeds:
        raise ValueError(f"Expected at least one task and one seed, got {len(tasks)} tasks and {len(seeds)} seeds.")
    out = results_folder(out)
    world_is = "the caller's" if make_world else "symbolic" if plan_only else "physics"
    parts = {**make_agent.describe(), "world": world_is}
    code = commit()
    keys = {(task.id, seed): _key(parts, code, task, seed) for task in tasks for seed in seeds}
    known = {e.key: e for e in read_episodes(out / "episodes.jsonl")}
    done = {place: known[key] for place, key in keys.items() if key in known}
    worlds = _Worlds(make_world or (SymbolicWorld if plan_only else partial(_physics_world, make_detector)))

    try:
        with progress(console) as bar, appending(out / "episodes.jsonl") as file:
            job = bar.add_task("", total=len(keys), completed=len(done))
            for seed in seeds:
                for task in tasks:
                    if (task.id, seed) in done:
                        continue
                    bar.update(job, description=f"{task.id}, seed {seed}")
                    key, world = keys[task.id, seed], worlds[task.scene]
                    episode = _run(task, seed, key, world, make_agent, plan_only, out / "journals")
                    file.write(json.dumps(asdict(episode), ensure_ascii=False) + "\n")
                    file.flush()
                    done[task.id, seed] = episode
                    bar.update(job, advance=1)
    finally:
        worlds.close()

    summary = summarise([done[task.id, seed] for task in tasks for seed in seeds])
    write_whole(out / "table.md", summary.table())
    write_whole(out / "summary.json", as_json(summary.figures()))
    told = origin(parts=parts, seeds=list(seeds), tasks=len(tasks), detector=parts.get("detector", OracleLabels.name))
    write_whole(out / "origin.json", as_json(told))
    return summary


def read_episodes(path: Path) -> list[Episode]:
    """The episodes of a file; a line that a crash cut short is left out. No file: none."""
    episodes = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            data = json.loads(line)
            episodes.append(
                Episode(**{**data, "phrases": tuple(data["phrases"]), "events": tuple(data.get("events", ()))})
            )
        except (ValueError, TypeError, KeyError):
            continue
    return episodes


def plan_reaches_goal(task: Task, phrases: Sequence[str]) -> bool:
    """Would these skills reach the task's goal if each did what it declares? One that can't start changes nothing."""
    world = SymbolicWorld(task.scene)
    world.reset(replace(task.setup, disturbances=()))
    library = SkillLibrary.of(world.scene)
    for phrase in phrases:
        execute(library[phrase], world)
    return task.goal.holds(world.facts())


def _run(
    task: Task, seed: int, key: str, world: World, make_agent: AgentMaker, plan_only: bool, journals: Path
) -> Episode:
    started = time.perf_counter()
    world.reset(task.setup, seed=seed)
    # The vector store may still hold its files when the folder goes.
    with TemporaryDirectory(prefix="doable-bench-", ignore_cleanup_errors=True) as folder:
        result = make_agent(world, Path(folder), max_steps=task.max_steps, seed=seed).run(task.instruction)
        for journal in Path(folder).rglob("journal.jsonl"):
            journals.mkdir(exist_ok=True)
            shutil.copyfile(journal, journals / f"{key}.jsonl")
    reached = task.goal.holds(world.facts())
    decisions = [step.decision for step in result.steps]
    phrases = tuple(d.phrase for d in decisions if d.kind == "act" and d.phrase is not None)
    ended_right = (result.status == "refused") == (task.family == IMPOSSIBLE)
    return Episode(
        key=key,
        task=task.id,
        family=task.family,
        seed=seed,
        status=result.status,
        plan_success=ended_right and (reached if plan_only else plan_reaches_goal(task, phrases)),
        execution_success=None if plan_only else ended_right and reached,
        phrases=phrases,
        steps=len(decisions),
        seconds=result.seconds,
        wall_seconds=round(time.perf_counter() - started, 3),
        reason=result.reason,
        events=tuple(f"{event.time:.1f} s: {event.text}" for event in world.events),
    )


def _key(parts: Mapping[str, str], code: str | None, task: Task, seed: int) -> str:
    return hashlib.sha256(json.dumps([sorted(parts.items()), code, repr(task), seed]).encode()).hexdigest()[:16]


class _Worlds:
    """The worlds in use, one a scene, built when first asked for."""

    def __init__(self, make: Callable[[str], World]):
        self._make = make
        self._built: dict[str, World] = {}

    def __getitem__(self, scene: str) -> World:
        if scene not in self._built:
            self._built[scene] = self._make(scene)
        return self._built[scene]

    def close(self) -> None:
        for world in self._built.values():
            if callable(close := getattr(world, "close", None)):
                close()


def _physics_world(make_detector: Callable[[Scene], Detector | None], name: str) -> World:
    from ..sim.physics_world import PhysicsWorld  # imports the physics engine: only when it is needed

    scene = load_scene(name)
    return PhysicsWorld(scene, detector=make_detector(scene))
