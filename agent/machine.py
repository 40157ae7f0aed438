"""What the machine gives: its matrix-multiply peak, and how much memory a piece of work takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from .precision import Int8Linear, PackedLinear, Precision

_SIZE = 2048
_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@torch.inference_mode()
def peak_gflops(precision: Precision, *, size: int = _SIZE, tries: int = 10) -> float:
    """The best of some products of two size × size matrices, in 10⁹ operations a second, with torch's threads.

    In int8 without the scales, which are no part of the product.
    """
    weight, x = torch.randn(size, size), torch.randn(size, size)
    if precision == "int8":
        whole, rows = weight.mul(40).to(torch.int8), x.mul(40).to(torch.int8)
        product: Callable[[], object] = lambda: torch.ops.aten._int_mm(rows, whole.t())  # noqa: E731
    elif precision == "bfloat16":
        half, halves = weight.bfloat16(), x.bfloat16()
        product = lambda: torch.nn.functional.linear(halves, half)  # noqa: E731
    else:
        product = lambda: torch.nn.functional.linear(x, weight)  # noqa: E731
    best = float("inf")
    for _ in range(tries):
        started = time.perf_counter()
        product()
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best / 1e9


def products(model: torch.nn.Module, tokens: int) -> float:
    """Operations of the linear layers for `tokens` tokens, the one that makes the logits included."""
    layers = [m for m in model.modules() if isinstance(m, torch.nn.Linear | PackedLinear | Int8Linear)]
    return 2.0 * tokens * sum(layer.in_features * layer.out_features for layer in layers)


@contextmanager
def peak_memory() -> Iterator[Callable[[], float | None]]:
    """The process' peak memory from here on, in MB; None where the system does not tell."""
    try:
        _RESET.write_text("5")  # resets the high-water mark: proc(5), Linux
        resets = True
    except OSError:
        resets = False

    def peak() -> float | None:
        lines = _STATUS.read_text().splitlines() if resets else []
        return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmHWM")), None)

    yield peak
