"""Value functions: how likely each skill's own policy is to succeed from here.

A skill's policy ends by itself and earns 1 for success, 0 otherwise, with no discount; the expected return of such an
episode is its probability of success. Fitting outcomes of rollouts by cross-entropy therefore estimates the policy's
value, as Monte-Carlo policy evaluation does (Sutton & Barto 2018, chapter 5; sparse reward as in SayCan, Ahn et al.
2022, section 4), without bootstrapping.

What was never seen in training is told by the members of an ensemble disagreeing (Lakshminarayanan et al. 2017). The
more they do, the nearer the value comes to a flat prior, the family's own rate of success, so that the language model,
or a question, decides:

    V = sigmoid(prior + trust × (mean logit / temperature - prior)),   trust = 1 / (1 + (spread of logits / doubt)²)
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file

from ..sim.observation import Observation
from ..sim.scene import Scene, load_scene
from .features import NAMES, VERSION, Ground
from .skill import Skill

WEIGHTS = Path(__file__).parent / "weights" / "values.safetensors"
"""The values that ship."""
MEMBERS, HIDDEN = 5, 48


class BadWeights(ValueError):
    """A weights file that does not fit; the message says what it is and what is needed."""


class NoValue(ValueError):
    """A learned value was demanded of a skill whose family has none."""


@dataclass(frozen=True)
class Calibration:
    """What turns an ensemble's logits into the probability of a family's skills."""

    temperature: float = 1.0
    prior: float = 0.0
    """The logit of the family's rate of success, in training, where its preconditions held."""


class Ensemble(torch.nn.Module):
    """Several small networks side by side: features (n, F) to logits (members, n)."""

    def __init__(self, columns: int, members: int = MEMBERS, hidden: int = HIDDEN):
        super().__init__()
        sizes = (columns, hidden, hidden, 1)
        self.weights = torch.nn.ParameterList(
            torch.nn.Parameter((torch.rand(members, a, b) * 2 - 1) / a**0.5) for a, b in pairwise(sizes)
        )
        self.biases = torch.nn.ParameterList(torch.nn.Parameter(torch.zeros(members, 1, b)) for b in sizes[1:])

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        """rows (n, F), or (members, n, F) for rows of their own -> logits (members, n)."""
        hidden = rows.expand(len(self.weights[0]), *rows.shape) if rows.dim() == 2 else rows
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            hidden = torch.baddbmm(bias, hidden, weight)  # (members, n, out)
            if layer < len(self.weights) - 1:
                hidden = torch.nn.functional.silu(hidden)
        return hidden.squeeze(-1)


@dataclass(frozen=True)
class Learned:
    """All that is learned: the networks with the scale of their inputs, and how to read them, family by family."""

    ensemble: Ensemble
    families: tuple[str, ...]
    mean: torch.Tensor
    scale: torch.Tensor
    doubt: float
    """Spread of the members' logits at which the value is half prior, half learned."""
    calibration: Mapping[str, Calibration]

    @torch.inference_mode()
    def logits(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The members' mean (n,) and spread (n,) for feature rows (n, F)."""
        found = self.ensemble((rows - self.mean) / self.scale)
        return found.mean(0), found.std(0)

    def probabilities(self, rows: torch.Tensor, families: NDArray[np.intp]) -> NDArray[np.float64]:
        """P(success) of feature rows (n, F), of families by number (n,), before masks: (n,) in (0, 1)."""
        mean, spread = (part.double().numpy() for part in self.logits(rows))
        heat = np.array([self.calibration[name].temperature for name in self.families])[families]
        prior = np.array([self.calibration[name].prior for name in self.families])[families]
        return blend(mean, spread, heat, prior, self.doubt)

    def save(
        self, path: Path, about: Mapping[str, str], *, version: str = VERSION, columns: Sequence[str] = NAMES
    ) -> None:
        """Write it as safetensors; `about` goes into its metadata."""
        tensors = {name: tensor.detach().contiguous() for name, tensor in self.ensemble.state_dict().items()}
        told = {name: [c.temperature, c.prior] for name, c in self.calibration.items()}
        metadata = {
            "features": version, "families": json.dumps(self.families), "doubt": repr(self.doubt),
            "calibration": json.dumps(told), "columns": json.dumps(columns), **about,
        }  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({**tensors, "mean": self.mean, "scale": self.scale}, path, metadata)

    @classmethod
    def load(cls, path: Path, version: str = VERSION, names: Sequence[str] = NAMES) -> Learned:
        """The inverse, for features of this version, with these columns besides those of the families.

        Raises `BadWeights`, saying what is wrong with the file.
        """
        if not path.is_file():
            raise BadWeights(f"Expected a file of learned values, got {str(path)!r}, which does not exist.")
        try:
            with safe_open(str(path), "pt") as file:
                about = file.metadata() or {}
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        except Exception as error:  # safetensors raises its own kinds
            raise BadWeights(f"Expected {path.name} to be a safetensors file, got: {error}") from error
        if about.get("features") != version:
            raise BadWeights(
                f"Expected values learned on features of version {version!r}, got {about.get('features')!r} "
                f"in {path.name}. Train them again: doable train values --work FOLDER --out {path.name}"
            )
        try:
            mean, scale = tensors.pop("mean"), tensors.pop("scale")
            members, columns, hidden = tensors["weights.0"].shape
            ensemble = Ensemble(columns, members, hidden)
            ensemble.load_state_dict(tensors)
            families = tuple(json.loads(about["families"]))
            calibration = {n: Calibration(*map(float, c)) for n, c in json.loads(about["calibration"]).items()}
            learned = cls(ensemble.eval(), families, mean, scale, float(about["doubt"]), calibration)
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise BadWeights(f"Expected whole values in {path.name}, got: {error!r:.200}") from error
        if columns != len(families) + len(names) or set(calibration) != set(families):
            raise BadWeights(
                f"Expected values over {len(families) + len(names)} columns for {', '.join(families)}; {path.name} has "
                f"{columns} columns, for {', '.join(calibration)}."
            )
        return learned


def blend(mean: NDArray[np.float64], spread: NDArray[np.float64], heat, prior, doubt: float) -> NDArray[np.float64]:
    """The rule at the top of this page: (n,) each -> probabilities (n,)."""
    trust = 1.0 / (1.0 + (spread / doubt) ** 2)
    return 1.0 / (1.0 + np.exp(-(prior + trust * (mean / heat - prior))))


class ValueFunction:
    """P(success) of each skill in one batched pass.

    Where a skill's declared preconditions do not hold by what is seen, its value is 0 whatever was learned. A family
    that was not learned, a user's own for one, is worth a declared 1 where they hold, and `provenance` says so.
    """

    def __init__(self, learned: Learned, scene: Scene):
        self.learned, self._scene = learned, scene
        self._ground: Ground | None = None

    @classmethod
    def load(cls, path: str | Path | None = None, scene: Scene | None = None) -> ValueFunction:
        """From a safetensors file; None: the one that ships. Raises `BadWeights`, saying what is wrong with it."""
        return cls(Learned.load(Path(path or WEIGHTS)), scene or load_scene())

    def __call__(self, observation: Observation, skills: Sequence[Skill]) -> NDArray[np.float64]:
        """(n,) in [0, 1]. Raises `BadObservation` for NaN in the observation."""
        ground = self._grounded(skills)
        able = ground.preconditions.holds(observation.believed())
        families = self._families
        values = able.astype(np.float64)
        chosen = np.flatnonzero(able & (families >= 0))
        rows = torch.from_numpy(ground.features(observation, chosen))
        if len(chosen):
            values[chosen] = self.learned.probabilities(rows, families[chosen])
        return values

    def demand(self, observation: Observation, skills: Sequence[Skill]) -> NDArray[np.float64]:
        """As calling it, where nothing but learned values will do. Raises `NoValue` for a family that has none."""
        for skill in skills:
            if self.provenance(skill) != "learned":
                raise NoValue(
                    f"Expected a skill of a family with learned values ({', '.join(self.learned.families)}), got "
                    f"{skill.phrase!r} of {skill.family!r}. Roll it out and train: doable train values --work FOLDER."
                )
        return self(observation, skills)

    def provenance(self, skill: Skill) -> Literal["learned", "declared"]:
        """Where a skill's value comes from."""
        return "learned" if skill.family in self.learned.families else "declared"

    def with_calibration(self, **families: Calibration) -> ValueFunction:
        """The same networks, read otherwise."""
        return ValueFunction(replace(self.learned, calibration={**self.learned.calibration, **families}), self._scene)

    def _grounded(self, skills: Sequence[Skill]) -> Ground:
        """What is known of these skills; kept, for they are the same every turn."""
        ground = self._ground
        if ground is None or len(skills) != len(ground.skills) or any(map(_other, skills, ground.skills)):
            ground = self._ground = Ground(skills, self._scene, self.learned.families)
            number = {name: i for i, name in enumerate(self.learned.families)}
            self._families = np.array([number.get(s.family, -1) for s in skills], dtype=np.intp)
        return ground


def _other(a: Skill, b: Skill) -> bool:
    return a is not b
