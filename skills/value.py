"""Value functions: how likely each skill's own policy is to succeed from here.

A skill's policy ends by itself and earns 1 for success, 0 otherwise, with no discount; the expected return of such an
episode is its probability of success. Fitting outcomes of rollouts by cross-entropy therefore estimates the policy's
value, as Monte-Carlo policy evaluation does (Sutton & Barto 2018, chapter 5; sparse reward as in SayCan, Ahn et al.
2022, section 4), without bootstrapping.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open

from ..sim.observation import Observation
from ..sim.scene import Scene, load_scene
from .features import LEARNED, NAMES, VERSION, features
from .skill import Skill

WEIGHTS = Path(__file__).parent / "weights" / "values.safetensors"
"""The values that ship."""
DECLARED = 1.0
"""What families without learned values are worth where their preconditions hold: a declared constant."""


class BadWeights(ValueError):
    """A weights file that does not fit; the message says what it is and what is needed."""


class DeclaredValues:
    """1 where declared preconditions hold by what is seen, else 0: the ablation, and the stand-in for tests."""

    def __call__(self, observation: Observation, skills: Sequence[Skill]) -> NDArray[np.float64]:
        """(n,) in {0, 1}."""
        believed = observation.believed()
        return np.array([float(skill.preconditions.holds(believed)) for skill in skills])


class ValueFunction:
    """P(success) of each skill in one batched pass: the mean of an ensemble, calibrated a family at a time.

    Where a skill's declared preconditions do not hold by what is seen, its value is 0 whatever was learned.
    """

    def __init__(
        self, networks: Sequence[torch.nn.Module], mean: Any, scale: Any, temperature: dict[str, float], scene: Scene
    ):
        self._networks = [network.eval() for network in networks]
        self._mean, self._scale = torch.as_tensor(mean), torch.as_tensor(scale)
        self._temperature, self._scene = temperature, scene

    @classmethod
    def load(cls, path: str | Path | None = None, scene: Scene | None = None) -> ValueFunction:
        """From a safetensors file; None: the one that ships. Raises `BadWeights`, saying what is wrong with it."""
        path = Path(path or WEIGHTS)
        if not path.is_file():
            raise BadWeights(f"Expected a file of learned values, got {str(path)!r}, which does not exist.")
        try:
            with safe_open(str(path), "pt") as file:
                about = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        except Exception as error:  # safetensors raises its own kinds
            raise BadWeights(f"Expected {path.name} to be a safetensors file, got: {error}") from error
        if about.get("features") != VERSION:
            raise BadWeights(
                f"Expected values learned on features of version {VERSION!r}, got {about.get('features')!r} "
                f"in {path.name}. Train them again: doable train values fit."
            )
        networks = []
        for member in range(int(about["members"])):
            network = make_network()
            prefix = f"{member}."
            network.load_state_dict({k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)})
            networks.append(network)
        return cls(networks, tensors["mean"], tensors["scale"], json.loads(about["temperature"]), scene or load_scene())

    def __call__(self, observation: Observation, skills: Sequence[Skill]) -> NDArray[np.float64]:
        """(n,) in [0, 1]. Raises `BadObservation` for NaN in the observation."""
        skills = list(skills)
        believed = observation.believed()
        able = [skill.preconditions.holds(believed) for skill in skills]
        values = np.array([DECLARED * holds for holds in able])
        open_to = [i for i, s in enumerate(skills) if s.family in LEARNED and able[i]]
        if open_to:
            chosen = [skills[i] for i in open_to]
            rows = torch.from_numpy(features(observation, chosen, self._scene))
            values[open_to] = self.probabilities(rows, [skill.family for skill in chosen])
        return values

    @torch.inference_mode()
    def probabilities(self, rows: torch.Tensor, families: Sequence[str]) -> NDArray[np.float64]:
        """P(success) of feature rows (n, F), before masks: (n,) in (0, 1)."""
        scaled = (rows - self._mean) / self._scale
        logits = torch.stack([network(scaled).squeeze(-1) for network in self._networks])  # (members, n)
        heat = torch.tensor([self._temperature.get(family, 1.0) for family in families])
        return torch.sigmoid(logits / heat).mean(0).double().numpy()

    def provenance(self, skill: Skill) -> Literal["learned", "declared"]:
        """Where a skill's value comes from."""
        return "learned" if skill.family in LEARNED else "declared"


def make_network() -> torch.nn.Sequential:
    """One member of the ensemble: features to a logit."""
    return torch.nn.Sequential(
        torch.nn.Linear(len(NAMES), 64),
        torch.nn.SiLU(),
        torch.nn.Linear(64, 64),
        torch.nn.SiLU(),
        torch.nn.Linear(64, 1),
    )
