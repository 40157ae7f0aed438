"""The parts an agent works with, made as a `Config` says. Each is imported only when it is needed: some load slowly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from langchain_core.embeddings import Embeddings

from ..memory.store import Memory
from ..sim.detectors import make_detector
from ..sim.disturbances import load_disturbances, parse_disturbances
from ..sim.scene import Scene, load_scene
from ..sim.symbolic import SymbolicWorld
from ..sim.task import Setup
from ..sim.world import World
from ..sim.zones import around, parse_zones
from . import prompts
from .config import Config
from .language_model import LanguageModel, ScriptedModel
from .turn import Values

if TYPE_CHECKING:
    from .restating import Restating, Way

SCRIPTED = "scripted:"


def make_world(config: Config) -> World:
    """The world of the config's scene, reset by its seed."""
    scene = fenced(load_scene(config.scene), config)
    if config.world == "symbolic":
        world: World = SymbolicWorld(scene)
    else:
        from ..sim.physics_world import PhysicsWorld

        detector = make_detector(config.detector, scene, threshold=config.detector_threshold)
        world = PhysicsWorld(scene, gui=config.gui, detector=detector, speed=config.top_speed, force=config.top_force)
    setup = replace(Setup.of(scene), clutter=config.clutter)
    if config.disturb:
        setup = replace(setup, disturbances=parse_disturbances(load_disturbances(config.disturb), scene))
    world.reset(setup, seed=config.seed)
    return world


def fenced(scene: Scene, config: Config) -> Scene:
    """The scene with what the config closes to the robot. Raises `ZoneError`."""
    closed = parse_zones(config.forbidden or "") + (around(config.workspace) if config.workspace else ())
    return replace(scene, forbidden=scene.forbidden + closed) if closed else scene


def make_model(config: Config) -> LanguageModel:
    """The language model of a name, or a scripted stand-in. Raises what `models.load_model` raises."""
    if config.model and config.model.startswith(SCRIPTED):
        return following(config.model.removeprefix(SCRIPTED).split(";"))
    from .models import load_model

    return load_model(config.model, precision=config.precision)


def make_restating(config: Config, model: LanguageModel) -> Restating | None:
    """What says odd words again in plain ones, beside the planner that ships; loaded when it is first asked."""
    if not (config.restate and getattr(model, "says_skills", False)):
        return None

    def restating(goal: str, holding: str | None, scene: Scene) -> tuple[Way, ...]:
        from .restating import restater

        return restater()(goal, holding, scene)

    return restating


def following(phrases: Sequence[str]) -> ScriptedModel:
    """A model that says one phrase after the other, by the turns that it reads in the prompt; the last for ever."""
    plan = [prompts.continuation(phrase.strip()) for phrase in phrases]

    def say(prompt: str, continuation: str) -> float:
        turn = prompt.count("\nRobot: ")
        return -0.1 if continuation == plan[min(turn, len(plan) - 1)] else -9.0

    return ScriptedModel(say)


def make_memory(config: Config) -> Memory:
    """The memory in the config's folder."""
    return Memory(config.memory, make_embedder(config))


def make_embedder(config: Config) -> Embeddings:
    """What compares texts, for memory and for few-shot examples."""
    from ..memory import embedding

    embedder = embedding.HashEmbedder() if config.embedder == "hash" else embedding.MiniLM()
    embedder.embed_query("ready")  # a model that is missing is told now, not in the middle of a run
    return embedder


def make_values(config: Config, scene: Scene | None = None) -> Values:
    """The value functions: trained ones, or what they are laid beside."""
    from ..skills import baselines
    from ..skills.value import ValueFunction
    from .done_value import DoneValue, GoalValues

    scene = scene or load_scene(config.scene)
    if config.values == "declared":
        return baselines.DeclaredValues()
    if config.values == "heuristic":
        return baselines.HeuristicValues(scene)
    if config.values == "none":
        return baselines.NoValues()
    values = ValueFunction.load(None if config.values == "learned" else config.values, scene)
    return GoalValues(values, DoneValue.load(scene))
