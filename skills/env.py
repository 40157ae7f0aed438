"""The Gymnasium environments `doable/Kitchen-v0` and `doable/Tabletop-v0`: the skill level, and the names.

    import gymnasium, doable.skills.env
    env = gymnasium.make("doable/Kitchen-v0")

Importing this module registers both; `gymnasium.make("doable.skills.env:doable/Kitchen-v0")` does so by itself.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import gymnasium
import numpy as np
from gymnasium import spaces

from ..sim.catalogue import UnknownName
from ..sim.env import Ended, JointEnv, WorldEnv
from ..sim.scene import Scene, load_scene
from ..sim.task import Task, parse_task, read_tasks
from .execute import execute
from .library import SkillLibrary
from .skill import Outcome

_DEFAULTS: dict[tuple[str, str], dict[str, Any]] = {
    ("kitchen", "skill"): {"instruction": "bring me the sponge", "goal": {"at": ["sponge", "user"]}},
    ("kitchen", "joint"): {
        "instruction": "pick up the coke",
        "goal": {"holding": "coke"},
        "objects": [{"type": "coke", "at": "table"}, {"type": "apple", "at": "table"}],
        "robot": {"at": "table"},
        "max_steps": 300,
    },
    ("tabletop", "skill"): {
        "instruction": "put the blue block in the red bowl",
        "goal": {"at": ["blue block", "red bowl"]},
    },
    ("tabletop", "joint"): {
        "instruction": "pick up the red block",
        "goal": {"holding": "red block"},
        "max_steps": 300,
    },
}
"""The task when none is given, by kind of scene and action; without objects, the scene's own stand about."""


class SkillEnv(WorldEnv):
    """An action is one skill of the scene's library, done to its end: Discrete(n), in words in `action_meanings`.

    `done` and `say that it is not possible` end the episode. `info["action_mask"]` (n,) int8 is 1 where a skill's
    preconditions hold by what was seen; any other skill fails at once and moves nothing. `info["outcome"]` tells how
    the skill itself says it went: status, reason and simulated seconds.
    """

    def __init__(self, *, ends: Literal["reached", "said"] = "said", **kwargs: Any):
        super().__init__(ends=ends, **kwargs)
        self.library = SkillLibrary.of(self.world.scene)
        self.action_meanings = tuple(skill.phrase for skill in self.library)
        self.action_space = spaces.Discrete(len(self.library))

    def action_mask(self) -> np.ndarray:
        """(n,) int8: 1 where the preconditions hold by what was seen."""
        believed = self.seen.believed()
        return np.array([skill.preconditions.holds(believed) for skill in self.library], dtype=np.int8)

    def _act(self, action: Any) -> tuple[Ended | None, dict[str, Any]]:
        if not self.action_space.contains(action):
            raise ValueError(f"Expected a whole number in [0, {len(self.library)}), got {action!r}.")
        skill = self.library[int(action)]
        if skill.preconditions.holds(self.seen.believed()):
            outcome = execute(skill, self.world, self.seen)
        else:
            outcome = Outcome("failed", "its preconditions do not hold")
        told = {"status": outcome.status, "reason": outcome.reason, "seconds": float(outcome.seconds)}
        return (Ended(skill.family == "refuse") if skill.ends else None), {"skill": skill.phrase, "outcome": told}

    def _info(self, report: dict[str, Any] | None) -> dict[str, Any]:
        return super()._info(report) | {"action_mask": self.action_mask()}


def make_env(
    *,
    scene: str = "kitchen",
    action: Literal["skill", "joint"] = "skill",
    task: Task | dict[str, Any] | int | None = None,
    tasks: str | Path | None = None,
    goal: dict[str, Any] | None = None,
    instruction: str | None = None,
    **options: Any,
) -> WorldEnv:
    """What `gymnasium.make` calls. Options not named here are those of `WorldEnv` and `JointEnv`.

    The task is `task` (a `Task`, its JSON object as in task files, or an index into the file `tasks`), or the scene's
    default with `goal` (a condition as in task files) and `instruction` in place of its own.
    """
    if action not in ("skill", "joint"):
        raise UnknownName("an action level", str(action), ("skill", "joint"))
    found = load_scene(scene)
    chosen = _chosen(found, action, task, tasks)
    if goal is not None or instruction is not None:
        words = instruction or ("reach the goal" if goal is not None else chosen.instruction)
        own = {"id": "given", "instruction": words, "objects": [], "goal": goal}
        wanted = parse_task(own, found).goal if goal is not None else chosen.goal
        chosen = replace(chosen, instruction=words, goal=wanted)
    kind = SkillEnv if action == "skill" else JointEnv
    return kind(scene=scene, task=chosen, **options)


def _chosen(scene: Scene, action: str, task: Task | dict[str, Any] | int | None, tasks: str | Path | None) -> Task:
    if isinstance(task, int):
        if tasks is None:
            raise ValueError(f"Expected tasks='FILE.jsonl' with task={task}. Pass the file that the number counts in.")
        lines = read_tasks(tasks)
        if not 0 <= task < len(lines):
            raise ValueError(f"Expected task to be in [0, {len(lines)}), as {Path(tasks).name} has it, got {task}.")
        return lines[task]
    if isinstance(task, Task):
        return task
    if task is None:
        task = _DEFAULTS["tabletop" if "blue block" in scene.types else "kitchen", action]
    own = [{"type": kind, "at": at} for kind, at in scene.objects]
    return parse_task({"id": "given", "objects": own, **task}, scene)


for _name, _scene in (("Kitchen", "kitchen"), ("Tabletop", "tabletop")):
    if f"doable/{_name}-v0" not in gymnasium.registry:
        gymnasium.register(f"doable/{_name}-v0", entry_point="doable.skills.env:make_env", kwargs={"scene": _scene})
