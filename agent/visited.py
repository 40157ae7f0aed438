"""States that the planner itself gets into: made instructions, pursued by the agent in the symbolic world.

What it did there, right or wrong, is a plan that rollouts follow with physics (`skills/rollouts.py`), to try skills
from wherever it leads. The instructions are of the training frames, never ones that results are reported on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..sim.scene import training_scene
from ..sim.symbolic import SymbolicWorld
from ..skills.baselines import DeclaredValues
from ..skills.library import SkillLibrary
from ..skills.situations import Plan, scenes
from .agent import Agent
from .config import Config
from .instructions import Grammar
from .language_model import LanguageModel
from .parts import make_memory


def planned(
    model: LanguageModel,
    count: int,
    *,
    seed: int = 0,
    max_steps: int = 8,
    progress: Callable[[int], None] | None = None,
) -> list[Plan]:
    """What the agent did about `count` made instructions, with declared values: in turn in every training kitchen."""
    names = [scene.name for scene in scenes("train") if scene.robot.base is None]
    worlds = {name: SymbolicWorld(training_scene(name)) for name in names}
    grammars = {name: Grammar(world.scene) for name, world in worlds.items()}
    rng = np.random.default_rng(seed)
    plans = []
    for number in range(count):
        world = worlds[names[number % len(names)]]
        made = grammars[world.scene.name].draw(rng)
        world.failure_rate = 0.1 if rng.random() < 0.5 else 0.0
        world.reset(made.setup, seed=number)
        with TemporaryDirectory(prefix="doable-plans-", ignore_cleanup_errors=True) as folder:
            config = Config(
                scene=world.scene.name, world="symbolic", max_steps=max_steps, embedder="hash",
                memory=str(Path(folder, "memory")), runs=str(Path(folder, "runs")),
            )  # fmt: skip
            library = SkillLibrary.of(world.scene)
            agent = Agent(world, model, make_memory(config), DeclaredValues(), library, config)
            steps = agent.run(made.text).steps
        phrases = tuple(step.decision.phrase for step in steps if step.decision.phrase)
        if phrases:
            plans.append(Plan(world.scene.name, replace(made.setup, disturbances=()), phrases))
        if progress:
            progress(number + 1)
    return plans
