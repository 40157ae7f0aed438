"""`doable bench long`: a goal of many errands, pursued at constant memory and prompt size.

One run in the symbolic world, of as many subgoals as asked for, in which skills fail with a probability of 5%. At every
hundredth of it is measured: the memory that the process holds (resident set, megabytes), the longest prompt since the
last point (tokens), the size of the checkpoints on disk, turns a second.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from ..sim.disturbances import parse_disturbances
from ..sim.scene import Scene, load_scene
from ..sim.symbolic import SymbolicWorld
from ..sim.task import Setup
from .accounts import estimate
from .agent import Agent
from .around_lm import AroundLM
from .bench_files import appending, as_json, results_folder, write_whole
from .config import Config
from .language_model import ScriptedModel
from .origin import origin
from .parts import make_memory, make_model, make_values
from .runs import runs_folder

_FAILURES = 0.05
_POINTS = 100
_MEGA = 1e6


@dataclass(frozen=True)
class Point:
    """What was measured after some subgoals."""

    subgoals: int
    turns: int
    memory: float
    """Resident set, megabytes."""
    prompt: int
    """Tokens of the longest prompt since the last point."""
    checkpoints: float
    """Megabytes on disk."""
    seconds: float
    """On the clock, since the start."""


class _Listening(AroundLM):
    """Knows how long the prompts were."""

    longest = 0

    def loglikelihood(self, prompt: str, continuations: Any) -> Any:
        """The model's."""
        self.heard(prompt)
        return super().loglikelihood(prompt, continuations)

    def _best_first(self, search: Any, prompt: str, continuations: Any, can: Any, **how: Any) -> Any:
        self.heard(prompt)
        return super()._best_first(search, prompt, continuations, can, **how)

    def heard(self, prompt: str) -> None:
        """One more prompt."""
        count: Callable[[str], int] = getattr(self._model, "count_tokens", estimate)
        self.longest = max(self.longest, count(prompt))


def by_its_words(prompt: str, continuation: str) -> float:
    """What a stand-in says of an errand 'put the … on the …': the five skills that its words ask for, one by one."""
    goal = prompt.split("Goal: ", 1)[1].split("\n", 1)[0]
    thing, _, place = goal.removeprefix("put the ").partition(" on the ")
    plan = (f"find the {thing}", f"pick up the {thing}", f"go to the {place}", f"put down the {thing}", "done")
    return -0.1 if continuation.strip() == plan[min(prompt.count("\nDone."), 4)] else -9.0


def errands(scene: Scene, count: int, seed: int) -> tuple[str, Setup]:
    """A goal of `count` errands, each of which moves a thing from where the one before it left it."""
    rng = np.random.default_rng(seed)
    places = [p.name for p in scene.surfaces() if p.name != "user"]
    things = [str(kind) for kind in rng.permutation(list(scene.types))[:6]]
    where = {thing: str(rng.choice(places)) for thing in things}
    setup = Setup(tuple(where.items()), scene.place(scene.robot_at).name)
    told = []
    for _ in range(count):
        thing = str(rng.choice(things))
        where[thing] = str(rng.choice([place for place in places if place != where[thing]]))
        told.append(f"put the {thing} on the {where[thing]}")
    return ", then ".join(told), setup


def run_long_benchmark(
    config: Config,
    out: str | Path,
    *,
    subgoals: int,
    stand_in: bool = False,
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """Pursue a goal of so many errands; writes points.jsonl, summary.json, table.md, origin.json into `out`.

    `stand_in`: by a model that follows an errand's words, instead of a language model.
    """
    out, scene = results_folder(out), load_scene(config.scene)
    goal, setup = errands(scene, subgoals, seed)
    failures = parse_disturbances([{"kind": "skill_failure", "probability": _FAILURES}], scene)
    world = SymbolicWorld(scene)
    world.reset(replace(setup, disturbances=failures), seed=seed)
    model = _Listening(ScriptedModel(by_its_words, "stand-in") if stand_in else make_model(config))
    points: list[Point] = []
    (out / "points.jsonl").unlink(missing_ok=True)
    with TemporaryDirectory(prefix="doable-bench-", ignore_cleanup_errors=True) as folder:
        mine = replace(config, memory=f"{folder}/memory", runs=f"{folder}/runs", max_steps=60 * subgoals)
        memory = make_memory(mine)
        agent = Agent(world, model, memory, make_values(mine), config=mine)
        start, every = time.monotonic(), max(1, subgoals // _POINTS)
        with appending(out / "points.jsonl") as file:
            for step in agent.stream(goal):
                done = step.subgoal.index + (step.decision.kind == "finish")
                if step.decision.kind == "finish" and done % every == 0:
                    point = Point(
                        done, step.index + 1, _resident(), model.longest, _size(runs_folder(mine.runs)),
                        time.monotonic() - start,
                    )  # fmt: skip
                    model.longest = 0
                    points.append(point)
                    file.write(json.dumps(asdict(point)) + "\n")
                    file.flush()
                    progress(done, subgoals)
        result, turns = agent.result, len(agent.result.steps)
        memory.close()
    figures, table = summarise(points, result.status, result.reason, turns)
    write_whole(out / "summary.json", as_json(figures))
    write_whole(out / "table.md", table)
    write_whole(out / "origin.json", as_json(origin(seed=seed, subgoals=subgoals, model=model.name)))
    return table


def summarise(points: list[Point], status: str, reason: str, turns: int) -> tuple[dict[str, float], str]:
    """The figures by name, and a table of ten points."""
    settled = points[len(points) // 10 :]
    slope = np.polyfit([p.turns for p in settled], [p.memory for p in settled], 1)[0] if len(settled) > 1 else 0.0
    figures = {
        "subgoals": points[-1].subgoals if points else 0,
        "turns": turns,
        "reached": float(status == "reached"),
        "memory_mb_a_thousand_turns": round(float(slope) * 1000, 3),
        "longest_prompt": max((p.prompt for p in points), default=0),
        "checkpoints_mb": max((p.checkpoints for p in points), default=0.0),
    }
    lines = [
        "| subgoals | turns | memory (MB) | longest prompt (tokens) | checkpoints (MB) | turns/s |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for p in points[:: max(1, len(points) // 10)]:
        lines.append(
            f"| {p.subgoals} | {p.turns} | {p.memory:.0f} | {p.prompt} | {p.checkpoints:.1f} | "
            f"{p.turns / max(p.seconds, 1e-9):.1f} |"
        )
    lines += ["", f"Ended: {status}, {reason}; {turns} turns."]
    return figures, "\n".join(lines) + "\n"


def _resident() -> float:
    """Megabytes that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / _MEGA


def _size(runs: Path) -> float:
    """Megabytes of the checkpoints."""
    return sum(path.stat().st_size for path in runs.glob("*/checkpoints.sqlite*")) / _MEGA
