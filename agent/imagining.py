"""Thinking a goal through before anything moves: the loop itself, in a world as it is believed to be.

What is not known is assumed to be where nobody has looked (`BelievedWorld`), and every skill does what it
declares. So a plan says what would be done if nothing went wrong, and nothing more.
"""

from __future__ import annotations

from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..memory.store import Memory
from ..sim.believed import BelievedWorld
from ..sim.observation import Observation
from .agenda import Agenda
from .memory_views import ReadOnly
from .parts import make_restating
from .types import Result

if TYPE_CHECKING:
    from ..sim.scene import Scene
    from ..skills.library import SkillLibrary
    from .agent import Watcher
    from .config import Config
    from .language_model import LanguageModel
    from .turn import Values


def plan(
    goal: str,
    observation: Observation,
    *,
    scene: Scene,
    model: LanguageModel,
    memory: Memory,
    values: Values,
    library: SkillLibrary,
    config: Config,
    watcher: Watcher | None = None,
) -> Result:
    """How the goal would be pursued from what is seen: a run that moved nothing, left nothing behind, and has no id."""
    from .agent import Agent  # which runs the loop that asks for plans

    agenda = Agenda(goal, scene, config, restating=make_restating(config, model))
    meant = agenda.meanings(agenda.beginning(observation.robot.holding).subgoals).values()
    where_to = {each.to for each in meant if each and each.to}
    world: Any = BelievedWorld(scene, observation, not_at=where_to)
    asked: Any = ReadOnly(memory)
    with TemporaryDirectory(prefix="doable-plan-", ignore_cleanup_errors=True) as folder:
        config = replace(config, checks="all", authority="auto", answers=None, runs=folder)
        result = Agent(world, model, asked, values, library, config, watcher).run(goal)
        return replace(result, run_id="", steps=tuple(result.steps))
