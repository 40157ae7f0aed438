"""The Gymnasium environment over a world: what every action level shares, and the joint level.

An observation is what the robot's cameras have shown so far (`encoding.py`). Reward and success come from the world's
facts, as a benchmark's do, and are nowhere else: not in the observation, and in `info` only as `success`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from .catalogue import UnknownName
from .encoding import PICTURE, Encoder
from .facts import Facts
from .physics_world import PhysicsWorld
from .scene import Scene, load_scene
from .symbolic import SymbolicWorld
from .task import Task, parse_task
from .views import check_camera, picture

Reward = Callable[[Facts, Facts], float]
"""(facts before the step, facts after it) to a reward."""
RENDER_FPS = 10


@dataclass(frozen=True)
class Ended:
    """How an action ended the episode by itself; `refused`: by saying that the task is not possible."""

    refused: bool


class WorldEnv(gymnasium.Env[dict[str, Any], Any]):
    """An episode is one task in one world. Subclasses say what an action is.

    The reward is 1 when the episode ends with the task done, else 0; or what `reward` gives for a step. An episode ends
    when an action says that it is over, and with `ends="reached"` also as soon as the task's goal holds. After
    `max_episode_steps` actions it is truncated.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": RENDER_FPS}  # noqa: RUF012 (as Gymnasium declares it)

    def __init__(
        self,
        *,
        scene: str,
        task: Task | dict[str, Any],
        world: Literal["physics", "symbolic"] = "physics",
        reward: Literal["sparse"] | Reward = "sparse",
        ends: Literal["reached", "said"] = "reached",
        max_episode_steps: int | None = None,
        pixels: bool = False,
        slots: int = 24,
        render_mode: str | None = None,
        camera: str = "overview",
        render_size: tuple[int, int] = (400, 300),
    ):
        self._scene = load_scene(scene)
        self.task = _task(task, self._scene)
        if world not in ("physics", "symbolic"):
            raise UnknownName("a world", str(world), ("physics", "symbolic"))
        if isinstance(reward, str) and reward != "sparse":
            raise UnknownName("a reward (or give a function of the facts before and after)", reward, ("sparse",))
        if ends not in ("reached", "said"):
            raise UnknownName("a way to end", str(ends), ("reached", "said"))
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise UnknownName("a render mode", str(render_mode), self.metadata["render_modes"])
        if world == "symbolic" and (pixels or render_mode):
            raise ValueError(
                f"Expected world='physics' with pixels or a render mode, got {world!r}: "
                "there is nothing to see in a symbolic world."
            )
        if max_episode_steps is not None and max_episode_steps < 1:
            raise ValueError(f"Expected max_episode_steps to be at least 1, got {max_episode_steps}.")
        if world == "symbolic":
            self.metadata = {"render_modes": [], "render_fps": RENDER_FPS}
        self.world: PhysicsWorld | SymbolicWorld
        self.world = PhysicsWorld(self._scene) if world == "physics" else SymbolicWorld(self._scene)
        self._reward, self._ends, self._pixels = reward, ends, pixels
        self._max_steps = max_episode_steps
        self.render_mode, self._camera, self._render_size = render_mode, camera, render_size
        check_camera(self._scene, camera)
        axes = self.world.robot.joint_axes if isinstance(self.world, PhysicsWorld) else ()
        self.encoder = Encoder(self._scene, self._scene.types, axes, slots=slots, pixels=pixels)
        self.observation_space = self.encoder.space
        self._steps = 0

    @property
    def max_steps(self) -> int:
        """Actions after which an episode is truncated: as given to `gymnasium.make`, else the task's own number."""
        given = self.spec.max_episode_steps if self.spec else None
        return given or self._max_steps or self.task.max_steps

    # Gymnasium's methods ----------------------------------------------------------------------------------------

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Start an episode; the seed draws where objects stand. `options={"task": …}` changes the task."""
        super().reset(seed=seed)
        options = options or {}
        for key in options:
            if key != "task":
                raise UnknownName("a reset option", key, ("task",))
        if "task" in options:
            self.task = _task(options["task"], self._scene)
        draw = int(self.np_random.integers(2**31))
        self.seen = self.world.reset(self.task.setup, seed=draw)
        self._steps = 0
        return self._encoded(), self._info(None)

    def step(self, action: Any) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Act, look, judge."""
        before = self.world.facts()
        ended, report = self._act(action)
        self.seen = self.world.observe()
        after = self.world.facts()
        self._steps += 1
        done = self.task.goal.holds(after)
        if self.task.family == "impossible":
            success = done and ended is not None and ended.refused
        else:
            success = done and (ended is None or not ended.refused)
        terminated = ended is not None or (self._ends == "reached" and success)
        truncated = not terminated and self._steps >= self.max_steps
        if isinstance(self._reward, str):
            reward = float(success and (terminated or truncated))
        else:
            reward = float(self._reward(before, after))
        return self._encoded(), reward, terminated, truncated, self._info(report) | {"success": success}

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """The camera's picture, (height, width, 3) uint8; None without a render mode."""
        if self.render_mode is None or not isinstance(self.world, PhysicsWorld):
            return None
        return picture(self.world, self._camera, *self._render_size).rgb

    def close(self) -> None:
        """Let go of the physics; may be called twice."""
        if isinstance(self.world, PhysicsWorld):
            self.world.close()

    # For subclasses ---------------------------------------------------------------------------------------------

    def _act(self, action: Any) -> tuple[Ended | None, dict[str, Any]]:
        """Do it. Gives whether it ended the episode, and what `info` says of it."""
        raise NotImplementedError

    def _info(self, report: dict[str, Any] | None) -> dict[str, Any]:
        return {"instruction": self.task.instruction, **(report or {})}

    def _encoded(self) -> dict[str, Any]:
        if not isinstance(self.world, PhysicsWorld):
            return self.encoder(self.seen)
        frame = picture(self.world, self.world.robot.cameras[0], PICTURE[1], PICTURE[0]) if self._pixels else None
        return self.encoder(self.seen, self.world.robot.joint_state(), frame)


class JointEnv(WorldEnv):
    """Actions are rates of the robot's axes in [-1, 1], shares of their top speeds, held for 1 / `control_hz` seconds.

    The axes (`axis_names`) are the base's forward, left and turn (of a robot that drives), the arm's joints, and the
    gap between the fingers. The robot keeps its limits whatever it is told.
    """

    def __init__(self, *, control_hz: int = 10, **kwargs: Any):
        if kwargs.get("world", "physics") != "physics":
            raise ValueError(f"Expected world='physics' at the joint level, got {kwargs['world']!r}: it has no joints.")
        if control_hz not in (5, 10, 12, 15, 20, 30, 60):
            raise ValueError(f"Expected control_hz to be one of 5, 10, 12, 15, 20, 30, 60, got {control_hz}.")
        super().__init__(**kwargs)
        self._steps_per_action = 240 // control_hz
        self.axis_names = tuple(axis.name for axis in self._robot.axes)
        self.action_space = spaces.Box(-1.0, 1.0, (len(self.axis_names),), np.float32)

    @property
    def _robot(self) -> Any:
        return self.world.robot  # type: ignore[union-attr]

    def _act(self, action: NDArray[np.float32]) -> tuple[Ended | None, dict[str, Any]]:
        rates = np.asarray(action, dtype=float)
        if rates.shape != self.action_space.shape or not np.isfinite(rates).all():
            raise ValueError(f"Expected {self.action_space.shape} finite rates, got {action!r}.")
        self._robot.servo(rates, self._steps_per_action)
        return None, {}


def _task(task: Task | dict[str, Any], scene: Scene) -> Task:
    if isinstance(task, dict):
        return parse_task({"id": "given", **task}, scene)
    if task.scene != scene.name:
        raise ValueError(f"Expected a task in the scene {scene.name!r}, got one in {task.scene!r}.")
    return task
