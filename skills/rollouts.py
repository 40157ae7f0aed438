"""Data for value functions: skills tried in many situations, and whether what they declare really came about.

From one situation (`situations.py`) several skills are tried, each from the same state. The label is the truth,
`facts()`; kept beside it is what the robot had seen, whole, so that features can change without new rollouts.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..sim.codec import from_json, to_json
from ..sim.observation import Observation
from ..sim.scene import Scene
from ..sim.task import parse_setup, setup_data
from .execute import execute
from .library import SkillLibrary
from .pool import run_all
from .situations import PARTS, Part, Plan, draw_scene, draw_setup, held_out, mishaps, nudge, scenes
from .skill import Skill

TRIES = 8
"""Skills tried from one state."""
_SHARES = {
    "pick up": 0.28, "find": 0.16, "put down": 0.14, "put in": 0.12, "wipe": 0.10, "open": 0.07, "close": 0.07,
    "go to": 0.04, "bring": 0.04,
}  # fmt: skip
"""How often each family is tried, where it can be; a family that is not named here `_ANY_SHARE`."""
_ANY_SHARE = 0.10
_MOST = {"pick and place": 6, "go to": 1}
"""Of one family from one state, else 2: there is always much to find, and seldom something to wipe."""
_PRESENT = 0.8
"""Share of searches that are for something in the room: the prior that a value of `find` starts from."""
_SEARCHED = 0.2
"""Share of states in which everything has been looked at already, in vain."""
_PLANNED = 0.4
"""Share of the states that are on the way of a plan, if there are plans."""
_UNABLE = 0.15
"""Share of tries of skills whose declared preconditions do not hold by what is seen (parts for measuring only)."""


@dataclass(frozen=True)
class Trial:
    """One skill tried from one state, once or, for a Monte-Carlo estimate, more often with small changes."""

    phrase: str
    family: str
    able: bool
    """Did its declared preconditions hold by what was seen?"""
    tries: int
    successes: int
    """How often the declared effects came about, by the world's facts."""
    reported: str
    """How the policy said it ended, the last time."""
    reason: str
    seconds: float
    """Simulated."""


@dataclass(frozen=True)
class State:
    """A situation, as the robot saw it, and what came of the skills that were tried from it."""

    number: int
    """Its seed, too: all tries of a state belong to one part of a split."""
    part: Part
    scene: str
    source: Literal["random", "plan"]
    clutter: str | None
    observation: Observation
    trials: tuple[Trial, ...]


@dataclass(frozen=True)
class Job:
    """What a worker is told: which state, and how to try."""

    part: Part
    number: int
    tries: int = TRIES
    repeats: int = 1
    plan: Plan | None = None


def collect(
    out: Path,
    *,
    part: Part = "train",
    states: int,
    seed: int = 0,
    workers: int = 1,
    tries: int = TRIES,
    repeats: int = 1,
    plans: Sequence[Plan] = (),
    ray: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Try skills from `states` situations of a part and append them to OUT/PART.jsonl; gives how many are there.

    A run that was cut short goes on where it was: states that are in the file are not done again. What is written
    depends on `seed`, the plans and the state's number alone, not on the workers. `ray`: the address of a Ray cluster
    ("local": one on this machine) whose actors do the work, `workers` of them; None: processes.
    """
    if part not in PARTS:
        raise ValueError(f"Expected a part among {', '.join(PARTS)}; got {part!r}.")
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{part}.jsonl"
    done: set[int] = set()
    if path.exists():
        whole = path.read_bytes()
        path.write_bytes(whole[: whole.rfind(b"\n") + 1])  # a last line that was cut short goes
        done = {state.number for state in read(path)}
    jobs = []
    for number in range(seed * 1_000_000, seed * 1_000_000 + states):
        rng = np.random.default_rng((PARTS.index(part), number, 1))
        plan = plans[int(rng.integers(len(plans)))] if plans and rng.random() < _PLANNED else None
        if number not in done:
            jobs.append(Job(part, number, tries, repeats, plan if part in ("train", "seeds") else None))
    with path.open("a", encoding="utf-8") as file:
        for state in run_all(try_state, jobs, workers, ray):
            file.write(json.dumps(to_json(state)) + "\n")
            file.flush()
            os.fsync(file.fileno())
            done.add(state.number)
            if progress:
                progress(len(done))
    return len(done)


def read(path: Path) -> list[State]:
    """The states of a file; a last line that was cut short is left out. Raises ValueError for other bad lines."""
    found = []
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        try:
            found.append(from_json(State, json.loads(line)))
        except ValueError as error:
            if number < len(lines):
                raise ValueError(
                    f"Expected a state with its rollouts on line {number} of {path.name}, got {line[:80]!r}: {error} "
                    "Collect into another folder."
                ) from None
    return found


def read_plans(path: Path) -> list[Plan]:
    """Plans from JSON lines {"scene", "setup", "phrases"}. Raises ValueError for a line that is none."""
    from ..sim.scene import training_scene

    plans = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            data = json.loads(line)
            setup = parse_setup(data["setup"], training_scene(data["scene"]))
            plans.append(Plan(data["scene"], setup, tuple(map(str, data["phrases"]))))
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"Expected a plan on line {number} of {path.name}, got {line[:80]!r}: {error}") from error
    return plans


def write_plans(path: Path, plans: Iterable[Plan]) -> None:
    """The inverse."""
    lines = ({"scene": plan.scene, "setup": setup_data(plan.setup), "phrases": list(plan.phrases)} for plan in plans)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


# In a worker: one world a scene, kept while the process lives -------------------------------------------------------

_worlds: dict[tuple[str, int], Any] = {}


def _world(scene: Scene) -> Any:
    from ..sim.physics_world import PhysicsWorld

    key = (scene.name, len(scene.types))
    if key not in _worlds:
        _worlds[key] = PhysicsWorld(scene)
    return _worlds[key]


def try_state(job: Job) -> State:
    """A state and its tries, in this process's own world."""
    rng = np.random.default_rng((PARTS.index(job.part), job.number))
    world, clutter = _begin(job, rng)
    library = SkillLibrary.of(world.scene)
    present = {*(o.type for o in world.facts().objects), world.facts().holding}
    if job.plan is None:
        _wander(world, library, present, rng)
    mishaps(world, rng)
    world.robot.tuck()
    observation = world.observe()
    trials = []
    with world.checkpoint() as start:
        for skill in _choices(job, library, observation, present, rng):
            trials.append(_trial(job, skill, world, start, observation, rng))
    source = "random" if job.plan is None else "plan"
    return State(job.number, job.part, world.scene.name, source, clutter, observation, tuple(trials))


def _begin(job: Job, rng: np.random.Generator) -> tuple[Any, str | None]:
    """A world at the start of the situation, and the level of its clutter."""
    if job.plan is not None:
        scene = next(s for s in scenes(job.part) if s.name == job.plan.scene)
        # What is held out does not exist here, and what was done with it is left out.
        there = tuple((kind, where) for kind, where in job.plan.setup.objects if kind in scene.types)
        held = job.plan.setup.holding if job.plan.setup.holding in scene.types else None
        setup, world = replace(job.plan.setup, objects=there, holding=held), _world(scene)
        world.reset(setup, seed=job.number)
        skills = {skill.phrase: skill for skill in SkillLibrary.of(scene)}
        for phrase in job.plan.phrases[: int(rng.integers(len(job.plan.phrases) + 1))]:
            skill = skills.get(phrase)
            if skill and not skill.ends and skill.preconditions.holds(world.observe().believed()):
                execute(skill, world)
        return world, setup.clutter
    for _ in range(20):
        scene = draw_scene(job.part, rng)
        setup, world = draw_setup(scene, job.part, rng), _world(scene)
        try:
            world.reset(setup, seed=job.number)
        except ValueError:  # more than a place can hold
            continue
        return world, setup.clutter
    raise RuntimeError(f"Expected a situation that fits into its scene, got none for state {job.number} of {job.part}.")


def _wander(world: Any, library: SkillLibrary, present: AbstractSet[str | None], rng: np.random.Generator) -> None:
    """A vain search, or a few skills, as in the middle of a plan."""
    absent = [kind for kind in world.scene.types if kind not in present]
    if absent and world.scene.robot.base is None and rng.random() < _SEARCHED:
        execute(library[f"find the {absent[int(rng.integers(len(absent)))]}"], world)
    for _ in range(int(rng.choice([0, 0, 1, 2]))):
        skill = _choose(list(library), world.observe(), present, rng)
        if skill is not None:
            execute(skill, world)


def _choices(
    job: Job,
    library: SkillLibrary,
    observation: Observation,
    present: AbstractSet[str | None],
    rng: np.random.Generator,
) -> list[Skill]:
    """The skills to try: mostly such whose preconditions hold by what is seen, each once."""
    skills = [skill for skill in library if skill.policy is not None]
    if job.part == "objects":
        skills = [skill for skill in skills if held_out(skill.target, observation.robot.holding)]
    believed = observation.believed()
    unable = [skill for skill in skills if not skill.preconditions.holds(believed)]
    chosen: dict[str, Skill] = {}
    for _ in range(job.tries):
        if job.part != "train" and unable and rng.random() < _UNABLE:
            skill: Skill | None = unable[int(rng.integers(len(unable)))]
        else:
            tried = Counter(each.family for each in chosen.values())
            left = [s for s in skills if s.phrase not in chosen and tried[s.family] < _MOST.get(s.family, 2)]
            skill = _choose(left, observation, present, rng)
        if skill is not None:
            chosen[skill.phrase] = skill
    return list(chosen.values())


def _choose(
    skills: Sequence[Skill], observation: Observation, present: AbstractSet[str | None], rng: np.random.Generator
) -> Skill | None:
    """A skill whose declared preconditions hold by what is seen: its family by `_SHARES`, then evenly within it.

    What is searched for is mostly there (`_PRESENT`), as with what a person asks for.
    """
    believed = observation.believed()
    able: dict[str, list[Skill]] = {}
    for skill in skills:
        if skill.policy is not None and skill.preconditions.holds(believed):
            able.setdefault(skill.family, []).append(skill)
    if not able:
        return None
    shares = np.array([_SHARES.get(family, _ANY_SHARE) for family in able])
    family = list(able)[int(rng.choice(len(able), p=shares / shares.sum()))]
    mine = able[family]
    if family == "find":
        there = rng.random() < _PRESENT
        mine = [skill for skill in mine if (skill.target in present) == there] or mine
    return mine[int(rng.integers(len(mine)))]


def _trial(job: Job, skill: Skill, world: Any, start: Any, observation: Observation, rng: np.random.Generator) -> Trial:
    able, successes, outcome = skill.preconditions.holds(observation.believed()), 0, None
    for _ in range(job.repeats):
        start.restore()
        if job.repeats > 1:
            nudge(world, rng)
        outcome = execute(skill, world)
        # What should not have been tried has not succeeded where it only found its effects there already.
        successes += (able or outcome.status == "done") and skill.effects.holds(world.facts())
    assert outcome is not None
    return Trial(
        skill.phrase,
        skill.family,
        able,
        job.repeats,
        successes,
        outcome.status,
        outcome.reason,
        round(outcome.seconds, 2),
    )
