"""In which numbers a model's matrix products are computed: float32, the reference, or something faster.

Lower precision is for the linear layers alone, and not for the last of them, which makes the logits: weights and inputs
of a product are rounded, everything between the layers stays float32. In float32 too the weights are laid out once as
the processor reads them fastest. 'auto' takes the fastest precision that this processor has instructions for *and* that
ranks skills as float32 does, by a measurement that ships or is made once for a model, on made-up situations.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
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
SHIPPED = Path(__file__).parent / "weights" / "precision.json"
"""What was measured of the model that ships."""
_EPISODES = 4
_LEAST_TOP1, _LEAST_RANK = 0.95, 0.995
"""Agreement with float32 that 'auto' asks for."""


class PackedLinear(nn.Module):
    """A linear layer in float32 or bfloat16, its weight laid out for oneDNN once instead of at every product.

    With 16 rows that takes a quarter less time for a layer, with 128 a tenth; for 49,152 logits about half.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, dtype: torch.dtype = torch.float32):
        super().__init__()
        self.out_features, self.in_features = weight.shape
        self._dtype = dtype
        self._bias = None if bias is None else bias.detach().to(dtype)
        plain = weight.detach().to(dtype).contiguous()
        self._packed = torch.ops.mkldnn._reorder_linear_weight(plain, None) if _packs() else plain

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in) -> (..., out), in the type of `x`."""
        rows = x.to(self._dtype)
        if self._packed.is_mkldnn:
            out = torch.ops.mkldnn._linear_pointwise(rows, self._packed, self._bias, "none", [], "")
        else:
            out = nn.functional.linear(rows, self._packed, self._bias)
        return out.to(x.dtype)


@cache
def _packs() -> bool:
    """Has this build of torch oneDNN's packed products?"""
    try:
        packed = torch.ops.mkldnn._reorder_linear_weight(torch.eye(2), None)
        out = torch.ops.mkldnn._linear_pointwise(torch.ones(1, 2), packed, None, "none", [], "")
    except (AttributeError, RuntimeError):
        return False
    return packed.is_mkldnn and bool((out == 1).all())


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
        self.out_features, self.in_features = weight.shape
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


def lower(model: nn.Module, precision: Precision) -> Callable[[], None]:
    """Compute the products of `model` in `precision`, from now on. Gives the function that undoes it."""
    from transformers.pytorch_utils import Conv1D  # GPT-2's linear layer, with its weight the other way round

    head = getattr(model, "get_output_embeddings", lambda: None)()
    replaced: list[tuple[nn.Module, str, nn.Module]] = []
    for parent in list(model.modules()):
        for name, layer in list(parent.named_children()):
            if not isinstance(layer, nn.Linear | Conv1D):
                continue
            weight = (layer.weight if isinstance(layer, nn.Linear) else layer.weight.t()).contiguous()
            replaced.append((parent, name, layer))
            if layer is head or precision == "float32":
                lowered = PackedLinear(weight, layer.bias)
            elif precision == "bfloat16":
                lowered = PackedLinear(weight, layer.bias, torch.bfloat16)
            else:
                lowered = Int8Linear(weight, layer.bias)
            setattr(parent, name, lowered)

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

    `source`: where `model` was read from. What ships of measurements of it is used; else it is measured, and noted in
    the file `notes`, so as not to be measured again.
    """
    options: Sequence[Precision] = fast_here() if possible is None else possible
    known, key = _read(SHIPPED) | _read(notes), identity(source)
    missing: list[Precision] = [precision for precision in options if f"{key}/{precision}" not in known]
    if missing:
        measured = measure(model, missing, situations())
        new = {f"{key}/{precision}": asdict(agreement) for precision, agreement in measured.items()}
        known |= new
        _write(notes, _read(notes) | new)
    for precision in options:
        if Agreement(**known[f"{key}/{precision}"]).good:
            return precision
    return "float32"


def identity(source: str | Path) -> str:
    """Names a model's weights: a folder of ours by its name, others by their files' sizes and dates, a hub id as is."""
    folder = Path(source)
    if (folder / "doable.json").is_file():
        return folder.name
    files = sorted(folder.glob("*")) if folder.is_dir() else []
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
