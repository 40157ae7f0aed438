"""Our own pick and place in somebody else's physics: panda-gym's PickAndPlace-v3, judged by its success flag.

    python examples/panda_gym_arm.py --seeds 50

`PandaGymArm` is a `Robot` over the environment's actions: what skills ask for becomes joint displacements of at most
0.05 rad a step, and what they see is what the environment observes. Nothing of panda-gym is changed, its 50 steps
(2 s) an episode included.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np

from doable.agent.origin import origin
from doable.agent.statistics import wilson
from doable.sim.kinematics import (
    EFFORT,
    LOWER,
    UPPER,
    VELOCITY,
    Joints,
    Pose,
    continue_through,
    forward,
    solutions,
)
from doable.sim.observation import Observation, RobotState, SeenObject
from doable.sim.physics import quiet
from doable.sim.robot import Grip, HandShape, Limits, Motion, Point, grasp_height
from doable.sim.scene import load_scene
from doable.skills.motion import CannotDo
from doable.skills.pick import grasp
from doable.skills.place import set_down

BLOCK = "green block"
"""What panda-gym's cube is in our catalogue: 4 cm wide."""
_FLOOR = 0.4
"""How far their floor lies below their origin, metres: heights in our frame count from the floor."""
_MOUNT = np.array([-0.6, 0.0, _FLOOR])
_STEP = 0.05
"""Radians that a full action moves a joint by."""
_GAIN = 1.5
"""How much further than the next knot is asked for: the arm lags behind its goals."""
_STILL = 0.004
"""Radians a step below which the arm stands."""
_MOST = 60
"""Steps after which a knot of a path is given up."""


class PandaGymArm:
    """The `Robot` contract over `gymnasium.make("PandaPickAndPlace-v3", control_type="joints")`."""

    can_drive = False
    cameras = ()
    hand = HandShape()
    limits = Limits(
        tuple(LOWER.tolist()), tuple(UPPER.tolist()), tuple(VELOCITY.tolist()), tuple(EFFORT.tolist()),
        base_speed=0.0, base_turn=0.0, grip_force=170.0,
    )  # fmt: skip

    def __init__(self, env: gymnasium.Env[Any, Any], seed: int):
        self.scene = load_scene(Path(__file__).with_suffix(".yaml"))
        self._env = env
        self._arm = env.unwrapped.robot  # type: ignore[attr-defined]
        self._now, _ = env.reset(seed=seed)
        self._fingers = 1.0
        self._held: Grip | None = None
        self.steps, self.over, self.success = 0, False, False
        self.reason = ""

    @property
    def carry_height(self) -> float:
        """Nothing but the cube stands on the table; a goal in the air is not lower."""
        return max(_FLOOR + 0.07, self.goal[2] + 0.01)

    @property
    def goal(self) -> Point:
        """Where the middle of the cube is to be, world frame, metres."""
        x, y, z = (float(v) for v in self._now["desired_goal"])
        return x, y, z + _FLOOR

    @property
    def time(self) -> float:
        return self.steps * 0.04

    @property
    def holding(self) -> str | None:
        """Fingers that were closed on something stay apart."""
        return self._held.type if self._held and self._now["observation"][6] > 0.02 else None

    @property
    def gripped(self) -> Grip | None:
        return self._held if self.holding else None

    def observe(self, focus: Point | None = None) -> Observation:
        """The environment's own observation: the cube's pose."""
        x, y, z, *turn = (float(v) for v in self._now["observation"][7:13])
        cube = SeenObject(BLOCK, (x, y, z + _FLOOR), "table", yaw=math.remainder(turn[2], math.pi / 2))
        robot = RobotState((float(_MOUNT[0]), 0.0), 0.0, "table", self.holding)
        return Observation(self.time, robot, () if self.holding else (cube,))

    def look_at(self, point: Point) -> None:
        """There is no camera."""

    def base_pose(self) -> tuple[float, float, float]:
        return float(_MOUNT[0]), float(_MOUNT[1]), 0.0

    def hand_pose(self) -> Pose:
        pose = forward(self._joints())
        pose[:3, 3] += _MOUNT
        return pose

    def drive_to(self, x: float, y: float, yaw: float, speed: float = 1.0) -> Motion:
        return Motion("refused", "the arm is bolted down")

    def plan_hand(self, path: Sequence[Pose]) -> list[Joints] | None:
        """The nearest way: 50 steps are few. The fingers are alike, so half a turn of the hand is the same grasp."""
        now = self._joints()
        found: list[tuple[float, Joints, list[Pose]]] = []
        for turn in (np.eye(4), np.diag([-1.0, -1.0, 1.0, 1.0])):
            poses = [self._to_mount(pose) @ turn for pose in path]
            for joint7 in np.clip(now[6] + np.linspace(-2.0, 2.0, 41), LOWER[6], UPPER[6]):
                found += [(float(np.abs(q - now).max()), q, poses) for q in solutions(poses[0], float(joint7))]
        for _, joints, poses in sorted(found, key=lambda one: one[0]):
            if line := continue_through(joints, poses[1:]):
                return line
        return None

    def move_joints(self, path: Sequence[Joints], speed: float = 1.0, *, feel: bool = False) -> Motion:
        for i, knot in enumerate(path):
            near = 0.02 if i == len(path) - 1 else 0.10
            before = self._joints() + 1.0
            for _ in range(_MOST):
                now = self._joints()
                # Where it comes to rest it hangs a little below its goal: nothing is gained by waiting on.
                if np.abs(knot - now).max() < near or np.abs(now - before).max() < _STILL:
                    break
                if not self._act(_GAIN * (knot - now) / _STEP):
                    return Motion("stopped", "the episode is over")
                before = now
        return Motion("reached")

    def move_hand(self, pose: Pose, speed: float = 1.0, *, feel: bool = False) -> Motion:
        line = continue_through(self._joints(), [self._to_mount(pose)])
        return self.move_joints(line[1:], speed) if line else Motion("stopped", "the hand can't reach there")

    def grip(self, grip: Grip | None = None) -> float:
        self._fingers = -1.0
        gap = 1.0
        for _ in range(6):
            before, gap = gap, float(self._now["observation"][6])
            if abs(before - gap) < 1e-3 or not self._act(np.zeros(7)):
                break
        self._held = grip
        return gap

    def release(self) -> None:
        self._fingers, self._held = 1.0, None
        for _ in range(3):
            self._act(np.zeros(7))

    def ready(self) -> Motion:
        """It is: an episode begins with the hand up."""
        return Motion("reached")

    tuck = ready

    def _joints(self) -> Joints:
        return np.array([self._arm.get_joint_angle(joint=i) for i in range(7)])

    @staticmethod
    def _to_mount(pose: Pose) -> Pose:
        moved = pose.copy()
        moved[:3, 3] -= _MOUNT
        return moved

    def _act(self, arm: Joints) -> bool:
        """One step of the environment; False once the episode is over."""
        if self.over:
            return False
        action = np.append(np.clip(arm, -1.0, 1.0), self._fingers).astype(np.float32)
        self._now, _, terminated, truncated, info = self._env.step(action)
        self.steps += 1
        self.over, self.success = bool(terminated or truncated), bool(info["is_success"])
        return not self.over


def attempt(env: gymnasium.Env[Any, Any], seed: int) -> PandaGymArm:
    """Pick the cube up and put it where the goal is; how it went is in the arm."""
    robot = PandaGymArm(env, seed)
    table = robot.scene.place("table")
    try:
        for _ in range(3):
            seen = robot.observe()
            reason = grasp(robot, seen.objects[0], (), table.height, table.facing)
            if not reason:
                x, y, z = robot.goal
                set_down(robot, x, y, z - 0.02 + grasp_height(BLOCK), table.facing)
            robot.reason = reason
            if robot.over:
                break
            robot.release()
    except CannotDo as stop:
        robot.reason = str(stop)
    return robot


def main() -> None:
    """Say how many seeds are solved."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--max-steps", type=int, default=50, help="of an episode; panda-gym's own limit is 50")
    parser.add_argument("--out", type=Path, help="a folder for summary.json and origin.json")
    options = parser.parse_args()
    env = make(options.max_steps)
    solved = []
    for seed in range(options.seeds):
        robot = attempt(env, seed)
        solved.append(robot.success)
        how = "solved" if robot.success else f"not solved, {robot.reason},"
        print(f"seed {seed}: {how} after {robot.steps} steps", flush=True)
    share = wilson(sum(solved), len(solved))
    print(f"solved: {share} of {len(solved)}, at most {options.max_steps} steps each")
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        figures = {"n": share.n, "success": share.value, "success.low": share.low, "success.high": share.high}
        about = origin(seeds=options.seeds, max_steps=options.max_steps, environment="PandaPickAndPlace-v3")
        for name, data in (("summary.json", figures), ("origin.json", about)):
            (options.out / name).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def make(max_steps: int = 50) -> gymnasium.Env[Any, Any]:
    """The environment, moved by joints."""
    with quiet():
        import panda_gym  # noqa: F401 (registers its environments)

        return gymnasium.make("PandaPickAndPlace-v3", control_type="joints", max_episode_steps=max_steps)


if __name__ == "__main__":
    main()
