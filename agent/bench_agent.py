"""The agents of a benchmark, as a `Config` describes them: slow parts loaded once, a fresh memory every episode."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import cached_property
from pathlib import Path

from ..sim.detector import Detector, OracleLabels
from ..sim.detectors import make_detector
from ..sim.scene import Scene, load_scene
from ..sim.world import World
from ..skills.library import SkillLibrary
from ..skills.own import load_makers
from .agent import Agent
from .config import Config
from .parts import make_memory, make_model, make_values
from .turn import Values

_PER_EPISODE = ("scene", "world", "seed", "memory", "runs", "max_steps", "gui", "model", "values", "detector")
"""Settings that the benchmark sets itself, or tells apart by the part that was really loaded."""


class ConfiguredAgents:
    """An `AgentMaker`: model and values are loaded when first needed, then shared by all episodes."""

    def __init__(self, config: Config | None = None):
        self.config = config or Config()
        self._detectors: dict[str, Detector | None] = {}
        self._known_values: dict[str, Values] = {}

    def describe(self) -> dict[str, str]:
        """The parts as loaded (the model's name tells its adapter), and every setting that bears on the results."""
        settings = {name: str(value) for name, value in asdict(self.config).items() if name not in _PER_EPISODE}
        values = f"{self.config.values} ({type(self._values(load_scene(self.config.scene))).__name__})"
        detector = self.detector(load_scene(self.config.scene))
        sees = detector.name if detector else OracleLabels.name
        return {"model": self._model.name, "values": values, "detector": sees, **settings}

    def detector(self, scene: Scene) -> Detector | None:
        """What finds objects in a scene's pictures; None: the world's own oracle labels. Loaded once a scene."""
        if scene.name not in self._detectors:
            threshold = self.config.detector_threshold
            self._detectors[scene.name] = make_detector(self.config.detector, scene, threshold=threshold)
        return self._detectors[scene.name]

    def __call__(self, world: World, folder: Path, *, max_steps: int, seed: int) -> Agent:
        """An agent with an empty memory of its own; everything that it writes goes into `folder`."""
        config = replace(
            self.config,
            seed=seed,
            max_steps=max_steps,
            memory=str(folder / "memory"),
            runs=str(folder / "runs"),
        )
        memory = make_memory(config)
        library = SkillLibrary.of(world.scene, load_makers(self.config.skills))
        return Agent(world, self._model, memory, self._values(world.scene), library, config)

    @cached_property
    def _model(self):
        return make_model(self.config)

    def _values(self, scene: Scene) -> Values:
        """The value functions for a scene."""
        if scene.name not in self._known_values:
            self._known_values[scene.name] = make_values(self.config, scene)
        return self._known_values[scene.name]
