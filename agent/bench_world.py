"""How fast the world is: our layers beside bare Bullet, the tabletop beside panda-gym, episodes beside the clock.

Whatever is laid beside each other runs in turns, in the same process, from the same state; the best of several rounds
counts, because what else the machine does can only make a round slower. Figures of a busy machine mean little.

* *stepping*: `Physics.step` (clock, hooks) beside `stepSimulation` of the same bodies;
* *moving*: a motion of the arm as skills ask for it (ramps, motor commands, feeling for contacts) beside as many
  commands to the same motors and as many bare steps over the same way. Its ratio is the `overhead_ratio`;
* *panda-gym*: PandaPickAndPlace-v3, with one command to the arm every 20 steps, as its environment gives them; the
  tabletop likewise;
* *episode*: find, pick up, bring and put down the sponge among all the kitchen's objects, by the skills themselves.
"""

from __future__ import annotations

import importlib.util
import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np

from ..sim.physics import STEP, pb, quiet
from ..sim.physics_world import PhysicsWorld
from ..sim.recorder import record
from ..sim.robot import Robot
from ..sim.task import Setup
from ..skills.execute import execute
from ..skills.library import SkillLibrary
from .bench_files import as_json, results_folder, write_whole
from .origin import origin

SCENES = ("kitchen", "tabletop")
PLAN = ("find the sponge", "pick up the sponge", "bring it to you", "put down the sponge")
"""The episode, in the kitchen with its own objects."""
SUBSTEPS = 20
"""Physics steps between two commands, as panda-gym has them."""
_OVERALL = ("overhead_ratio", "vs_panda_gym", "vs_panda_gym_one_block", "realtime_factor", "realtime_factor_video")
_ONE_BLOCK = Setup((("red block", "table"),), "table")
_COMMAND = 4
"""Physics steps between two commands of our motions."""


@dataclass(frozen=True)
class SceneSpeed:
    """One scene. Rates per second of the clock; ratios are seconds per step, ours / bare."""

    scene: str
    bodies: int
    steps_per_second: float
    bare_steps_per_second: float
    stepping_ratio: float
    motion_ratio: float
    head_frames_per_second: float
    overview_frames_per_second: float


@dataclass(frozen=True)
class WorldSpeed:
    """All that `doable bench world` measures. None: not measured."""

    scenes: tuple[SceneSpeed, ...]
    panda_gym_steps_per_second: float | None
    tabletop_steps_per_second: float | None
    """Both with a command to the arm every 20 steps; ours with its eight objects."""
    one_block_steps_per_second: float | None
    """The tabletop with one block on it, as panda-gym's table has one cube."""
    realtime_factor: float
    """Simulated seconds of the episode per second of the clock."""
    realtime_factor_video: float
    """The same while it is filmed."""
    episode_seconds: float
    """Simulated seconds of all episodes."""
    episodes_done: int
    """Episodes in which every skill was done."""

    def figures(self) -> dict[str, float | int | None]:
        """Figure name to number."""
        ours, theirs = self.tabletop_steps_per_second, self.panda_gym_steps_per_second
        alike = self.one_block_steps_per_second
        flat: dict[str, float | int | None] = {
            "overhead_ratio": max(scene.motion_ratio for scene in self.scenes),
            "vs_panda_gym": ours / theirs if ours and theirs else None,
            "vs_panda_gym_one_block": alike / theirs if alike and theirs else None,
            "realtime_factor": self.realtime_factor,
            "realtime_factor_video": self.realtime_factor_video,
            "episode_seconds": self.episode_seconds,
            "episodes_done": self.episodes_done,
            "panda_gym.steps_per_second": theirs,
            "panda_gym.tabletop_steps_per_second": ours,
            "panda_gym.one_block_steps_per_second": alike,
        }
        for scene in self.scenes:
            flat |= {f"{scene.scene}.{name}": value for name, value in asdict(scene).items() if name != "scene"}
        return {name: round(v, 4) if isinstance(v, float) else v for name, v in flat.items()}

    def table(self) -> str:
        """The figures in Markdown."""
        lines = [
            "| scene | bodies | steps/s | bare steps/s | stepping | moving | head frames/s | overview frames/s |",
            "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        ]
        lines += [
            f"| {s.scene} | {s.bodies} | {s.steps_per_second:,.0f} | {s.bare_steps_per_second:,.0f} | "
            f"{s.stepping_ratio:.3f} | {s.motion_ratio:.3f} | {s.head_frames_per_second:.0f} | "
            f"{s.overview_frames_per_second:.1f} |"
            for s in self.scenes
        ]
        figures = self.figures()
        lines += ["", "| overall | |", "| --- | ---: |"]
        for name in _OVERALL:
            value = figures[name]
            lines.append(f"| {name} | {'-' if value is None else format(value, '.2f')} |")
        return "\n".join(lines) + "\n"


def bench_world(
    out: str | Path,
    *,
    scenes: Sequence[str] = SCENES,
    rounds: int = 7,
    steps: int = 1000,
    seeds: Sequence[int] = (0, 1),
) -> WorldSpeed:
    """Measure, and write `summary.json`, `table.md` and `origin.json` into the folder `out`.

    `steps` are those of one round; `seeds` those of the episodes. Raises ValueError for a folder that can't be one.
    """

    out = results_folder(out)
    measured = []
    theirs = panda_gym_speed(rounds, steps)
    ours = alike = None
    for name in scenes:
        world = PhysicsWorld(name)
        try:
            measured.append(scene_speed(world, rounds, steps))
            if name == "tabletop" and theirs:
                ours = commanded_speed(world, None, rounds, steps)
                alike = commanded_speed(world, _ONE_BLOCK, rounds, steps)
        finally:
            world.close()
    plain, done = episode_speed(seeds)
    filmed, _ = episode_speed(seeds[:1], film=True)
    result = WorldSpeed(
        scenes=tuple(measured),
        panda_gym_steps_per_second=theirs,
        tabletop_steps_per_second=ours,
        one_block_steps_per_second=alike,
        realtime_factor=plain[0] / plain[1],
        realtime_factor_video=filmed[0] / filmed[1],
        episode_seconds=plain[0],
        episodes_done=done,
    )
    write_whole(out / "table.md", result.table())
    write_whole(out / "summary.json", as_json(result.figures()))
    told = origin(scenes=list(scenes), rounds=rounds, steps=steps, seeds=list(seeds), plan=list(PLAN))
    write_whole(out / "origin.json", as_json(told))
    return result


def scene_speed(world: PhysicsWorld, rounds: int, steps: int) -> SceneSpeed:
    """Our layers beside bare Bullet, in the scene's own episode."""
    world.reset(seed=0)
    client = world.physics.p._client

    def bare() -> None:
        for _ in range(steps):
            pb.stepSimulation(client)

    with world.checkpoint() as start:
        ours, alone = _in_turns(rounds, start.restore, lambda: world.physics.step(steps), bare)
        moved, commanded = _in_turns(rounds, start.restore, *_motions(world))
        eye = world.robot.cameras[0]
        frames = [_best(5, lambda: None, look) for look in (lambda: world.camera(eye), lambda: world.overview())]
    return SceneSpeed(
        scene=world.scene.name,
        bodies=world.physics.p.getNumBodies(),
        steps_per_second=steps / ours,
        bare_steps_per_second=steps / alone,
        stepping_ratio=ours / alone,
        motion_ratio=moved / commanded,
        head_frames_per_second=1 / frames[0],
        overview_frames_per_second=1 / frames[1],
    )


def _motions(world: PhysicsWorld) -> tuple[Callable[[], None], Callable[[], None]]:
    """The arm's way to its ready pose and back by our layers, and the same commands and steps without them."""
    robot, p = world.robot, world.physics.p
    policy_side = cast(Robot, robot)
    way: list[np.ndarray] = []
    with world.imagine():
        start = world.time
        world.physics.on_step = [lambda: way.append(np.array(robot.arm.goal))]
        for motion in (policy_side.ready, policy_side.tuck):
            done = motion()
            if not done.ok:
                raise RuntimeError(f"Expected the arm to be free to move at the start, but {done.reason}.")
        count = round((world.time - start) / STEP)
    goals = [goal.tolist() for goal in way[::_COMMAND]]
    joints, client = list(robot.arm.joints), p._client
    forces, still = list(robot.arm.effort), [0.0] * len(joints)
    gains, damping = [0.3] * len(joints), [1.0] * len(joints)

    def ours() -> None:
        policy_side.ready()
        policy_side.tuck()

    def bare() -> None:
        for goal in goals:
            pb.setJointMotorControlArray(
                robot.body, joints, pb.POSITION_CONTROL, targetPositions=goal, targetVelocities=still, forces=forces,
                positionGains=gains, velocityGains=damping, physicsClientId=client,
            )  # fmt: skip
            for _ in range(_COMMAND):
                pb.stepSimulation(client)
        for _ in range(count - _COMMAND * len(goals)):
            pb.stepSimulation(client)

    return ours, bare


def commanded_speed(world: PhysicsWorld, setup: Setup | None, rounds: int, steps: int) -> float:
    """Steps a second of a world whose arm gets a new command every `SUBSTEPS` steps, to wander about where it is."""
    world.reset(setup, seed=0)
    robot, rng = world.robot, np.random.default_rng(0)
    home = np.array(robot.arm.goal)
    wander = [home + 0.05 * rng.uniform(-1, 1, len(home)) for _ in range(math.ceil(steps / SUBSTEPS))]

    def move() -> None:
        for goal in wander:
            robot.arm.goal = goal
            robot.reissue()
            world.physics.step(SUBSTEPS)

    with world.checkpoint() as start:
        return len(wander) * SUBSTEPS / _best(rounds, start.restore, move)


def panda_gym_speed(rounds: int, steps: int) -> float | None:
    """Steps a second of panda-gym's PickAndPlace, without rendering, observation or reward; None: not installed."""
    if importlib.util.find_spec("panda_gym") is None:
        return None
    import gymnasium

    with quiet():
        importlib.import_module("panda_gym")
        env: Any = gymnasium.make("PandaPickAndPlace-v3").unwrapped
    env.reset(seed=0)
    env.action_space.seed(0)
    actions = [env.action_space.sample() for _ in range(math.ceil(steps / SUBSTEPS))]
    if env.sim.n_substeps != SUBSTEPS:
        raise RuntimeError(f"Expected panda-gym to take {SUBSTEPS} steps an action, got {env.sim.n_substeps}.")

    def move() -> None:
        for action in actions:
            env.robot.set_action(action)
            env.sim.step()

    try:
        return len(actions) * SUBSTEPS / _best(rounds, lambda: env.reset(seed=0), move)
    finally:
        with quiet():
            env.close()


def episode_speed(seeds: Sequence[int], *, film: bool = False) -> tuple[tuple[float, float], int]:
    """The episode from each seed: (simulated seconds, seconds on the clock), and in how many every skill was done."""
    world = PhysicsWorld("kitchen")
    library = SkillLibrary.of(world.scene)
    simulated = clock = 0.0
    done = 0
    try:
        for seed in seeds:
            world.reset(seed=seed)
            with TemporaryDirectory() as folder:
                begun = time.perf_counter()
                with record(world, Path(folder, "film.mp4")) if film else nullcontext():
                    outcomes = [execute(library[phrase], world) for phrase in PLAN]
                clock += time.perf_counter() - begun
            simulated += world.time
            done += all(outcome.status == "done" for outcome in outcomes)
    finally:
        world.close()
    return (simulated, clock), done


def _in_turns(
    rounds: int, prepare: Callable[[], object], first: Callable[[], object], second: Callable[[], object]
) -> tuple[float, float]:
    """The best seconds of each, over rounds in which both run, the second one first every other time."""
    best = [math.inf, math.inf]
    for k in range(rounds):
        for which, run in ((0, first), (1, second)) if k % 2 == 0 else ((1, second), (0, first)):
            best[which] = min(best[which], _best(1, prepare, run))
    return best[0], best[1]


def _best(rounds: int, prepare: Callable[[], object], run: Callable[[], object]) -> float:
    """Seconds of the fastest round."""
    fastest = math.inf
    for _ in range(rounds):
        prepare()
        begun = time.perf_counter()
        run()
        fastest = min(fastest, time.perf_counter() - begun)
    return fastest
