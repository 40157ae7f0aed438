"""In which numbers a model's matrix products are computed: float32, the reference, or something faster.

Lower precision is for the linear layers alone, and not for the last of them, which makes the logits: weights and inputs
of a product are rounded, everything between the layers stays float32. 'auto' takes the fastest that this processor has
instructions for *and* that ranks skills as float32 does, measured once for each model on a few made-up situations.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

Precision = Literal["float32", "bfloat16", "int8"]

_FLAGS: dict[Precision, frozenset[str]] = {
    "int8": frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "i8mm"}),
    "bfloat16": frozenset({"avx512_bf16", "amx_bf16", "bf16"}),
}
"""Processor flags, as Linux names them, of which one makes a precision fast. Fastest first."""
_EPISODES = 8
_LEAST_TOP1, _LEAST_RANK = 0.95, 0.995
"""Agreement with float32 that 'auto' asks for."""


class Bfloat16Linear(nn.Module):
    """A linear layer whose weights and inputs are rounded to bfloat16."""

    weight: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None):
        super().__init__()
        self.register_buffer("weight", weight.detach().bfloat16(), persistent=False)
        self.register_buffer("bias", None if bias is None else bias.detach().bfloat16(), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in) -> (..., out), in the type of `x`."""
        return nn.functional.linear(x.bfloat16(), self.weight, self.bias).to(x.dtype)


class Int8Linear(nn.Module):
    """A linear layer in 8-bit integers: a scale for each output's weights, and one for each row of inputs as it comes.

    One scale for all rows, as torch's own dynamic quantisation has it, costs far more accuracy: a few tokens have
    inputs many times larger than the rest (LLM.int8(): Dettmers et al. 2022, section 3.1).
    """

    weight: torch.Tensor
    scale: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None):
        super().__init__()
        scale = weight.detach().float().abs().amax(1).clamp_min(1e-12) / 127
        self.register_buffer("weight", (weight.detach() / scale[:, None]).round().to(torch.int8), persistent=False)
        self.register_buffer("scale", scale, persistent=False)
        self.register_buffer("bias", None if bias is None else bias.detach().float(), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in) -> (..., out), in the type of `x`."""
        rows = x.reshape(-1, x.shape[-1]).float()
        scale = rows.abs().amax(1, keepdim=True).clamp_min(1e-12) / 127  # (rows, 1)
        out = torch.ops.aten._int_mm((rows / scale).round_().to(torch.int8), self.weight.t()).float()
        out = out.mul_(scale).mul_(self.scale)
        if self.bias is not None:
            out += self.bias
        return out.view(*x.shape[:-1], -1).to(x.dtype)


_LAYERS: dict[Precision, type[Bfloat16Linear] | type[Int8Linear]] = {"bfloat16": Bfloat16Linear, "int8": Int8Linear}


def lower(model: nn.Module, precision: Precision) -> Callable[[], None]:
    """Compute the products of `model` in `precision`, from now on. Gives the function that undoes it."""
    if precision == "float32":
        return lambda: None
    from transformers.pytorch_utils import Conv1D  # GPT-2's linear layer, with its weight the other way round

    head = getattr(model, "get_output_embeddings", lambda: None)()
    replaced: list[tuple[nn.Module, str, nn.Module]] = []
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if layer is head or not isinstance(layer, nn.Linear | Conv1D):
                continue
            weight = layer.weight if isinstance(layer, nn.Linear) else layer.weight.t()
            replaced.append((parent, name, layer))
            setattr(parent, name, _LAYERS[precision](weight.contiguous(), layer.bias))

    def undo() -> None:
        for parent, name, layer in replaced:
            setattr(parent, name, layer)

    return undo


@dataclass(frozen=True)
class Agreement:
    """How a precision ranks skills beside float32, over some decisions."""

    top1: float
    """Share of decisions with the same best phrase."""
    rank: float
    """Mean of Spearman's rank correlation over all phrases."""
    decisions: int

    @classmethod
    def of(cls, reference: Sequence[NDArray[np.float64]], other: Sequence[NDArray[np.float64]]) -> Agreement:
        """From the log-probabilities (phrases,) of each decision."""
        pairs = list(zip(reference, other, strict=True))
        same = [a.argmax() == b.argmax() for a, b in pairs]
        ranks = [np.corrcoef(a.argsort().argsort(), b.argsort().argsort())[0, 1] for a, b in pairs]
        return cls(round(float(np.mean(same)), 4), round(float(np.mean(ranks)), 5), len(pairs))

    @property
    def good(self) -> bool:
        """Is it near enough to stand in for float32?"""
        return self.top1 >= _LEAST_TOP1 and self.rank >= _LEAST_RANK


class Lowering(Protocol):
    """A language model whose precision can be set."""

    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]: ...

    def lower(self, precision: Precision) -> Callable[[], None]:
        """Compute in `precision` from now on; gives the function that undoes it."""
        ...


Situations = Sequence[tuple[str, Sequence[str]]]
"""Prompts, each with the phrases to rank behind it."""


def situations(count: int = _EPISODES) -> Situations:
    """Every turn of `count` made-up episodes in the kitchen, none of which was trained on."""
    from ..sim.scene import load_scene
    from ..skills.library import SkillLibrary
    from .episodes import episodes
    from .prompts import continuation

    scene, made = load_scene(), []
    library = [continuation(skill.phrase) for skill in SkillLibrary.of(scene)]
    for episode in islice(episodes(scene, "dev", seed=0), count):
        options, text = list(dict.fromkeys([*library, *map(continuation, episode.phrases)])), ""
        for segment in episode.segments:
            if segment.learn:
                made.append((text, options))
            text += segment.text
    return made


def measure(model: Lowering, precisions: Sequence[Precision], over: Situations) -> dict[Precision, Agreement]:
    """How each precision agrees with the model as it is."""
    reference = [model.loglikelihood(prompt, options) for prompt, options in over]
    measured: dict[Precision, Agreement] = {}
    for precision in precisions:
        undo = model.lower(precision)
        try:
            measured[precision] = Agreement.of(reference, [model.loglikelihood(p, options) for p, options in over])
        finally:
            undo()
    return measured


def fast_here() -> tuple[Precision, ...]:
    """The lower precisions that this processor has instructions for, fastest first."""
    info = Path("/proc/cpuinfo")
    words = set(info.read_text(encoding="utf-8").split()) if info.is_file() else set()
    return tuple(precision for precision, flags in _FLAGS.items() if flags & words)


def choose(
    model: Lowering, source: str | Path, notes: Path, *, possible: Sequence[Precision] | None = None
) -> Precision:
    """The fastest precision that is fast here and agrees with float32.

    `source`: where `model` was read from. What was measured of it is noted in the file `notes` and not measured again.
    """
    possible = fast_here() if possible is None else possible
    known = _read(notes)
    for precision in possible:
        key = f"{_identity(source)}/{precision}/torch {torch.__version__}"
        if key not in known:
            known[key] = asdict(measure(model, [precision], situations())[precision])
            _write(notes, known)
        if Agreement(**known[key]).good:
            return precision
    return "float32"


def _identity(source: str | Path) -> str:
    """Names a model's weights: their folder, sizes and dates (a hub id by itself)."""
    files = sorted(Path(source).glob("*")) if Path(source).is_dir() else []
    marks = [f"{file.name} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in files]
    return hashlib.sha256("\n".join([str(source), *marks]).encode()).hexdigest()[:16]


def _read(notes: Path) -> dict[str, Any]:
    try:
        return json.loads(notes.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _write(notes: Path, known: dict[str, Any]) -> None:
    notes.parent.mkdir(parents=True, exist_ok=True)
    half = notes.with_name(f".{notes.name}.{os.getpid()}")
    half.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    os.replace(half, notes)
