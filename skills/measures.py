"""How good predicted probabilities are: discrimination, sharpness, calibration, and how sure that is."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15


@dataclass(frozen=True)
class Figures:
    """How good predicted probabilities are on `n` outcomes of which the share `base` succeeded."""

    n: int
    base: float
    auroc: float
    """Area under the ROC curve: 0.5 is chance; NaN where all outcomes are alike."""
    brier: float
    ece: float
    """Expected calibration error, 15 equally wide bins (Guo et al. 2017)."""
    nll: float


@dataclass(frozen=True)
class Bin:
    """A bar of a reliability plot."""

    low: float
    n: int
    predicted: float
    observed: float


def measure(predicted: NDArray[np.float64], outcome: NDArray[np.bool_]) -> Figures:
    """Figures of (n,) probabilities against (n,) outcomes."""
    outcome = np.asarray(outcome, dtype=bool)
    clipped = np.clip(predicted, 1e-6, 1 - 1e-6)
    return Figures(
        n=len(outcome),
        base=float(outcome.mean()),
        auroc=_auroc(predicted, outcome),
        brier=float(((predicted - outcome) ** 2).mean()),
        ece=sum(b.n * abs(b.predicted - b.observed) for b in reliability(predicted, outcome)) / len(outcome),
        nll=float(-np.where(outcome, np.log(clipped), np.log(1 - clipped)).mean()),
    )


def reliability(predicted: NDArray[np.float64], outcome: NDArray[np.bool_]) -> list[Bin]:
    """The bins that are not empty, the lowest first."""
    bins = np.minimum((predicted * BINS).astype(int), BINS - 1)
    return [
        Bin(b / BINS, int((bins == b).sum()), float(predicted[bins == b].mean()), float(outcome[bins == b].mean()))
        for b in np.unique(bins)
    ]


def intervals(
    predicted: NDArray[np.float64],
    outcome: NDArray[np.bool_],
    groups: NDArray[np.int64],
    *,
    draws: int = 300,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """95% bootstrap intervals of the figures: states (`groups`) are drawn with replacement, their rollouts together."""
    rng = np.random.default_rng(seed)
    _, member = np.unique(groups, return_inverse=True)
    rows_of = [np.flatnonzero(member == g) for g in range(member.max() + 1)]
    found = []
    for _ in range(draws):
        rows = np.concatenate([rows_of[g] for g in rng.integers(len(rows_of), size=len(rows_of))])
        found.append(asdict(measure(predicted[rows], outcome[rows])))
    spans = {}
    for name in ("auroc", "brier", "ece", "nll"):
        values = np.array([f[name] for f in found])
        values = values[np.isfinite(values)]
        if len(values):
            low, high = np.quantile(values, [0.025, 0.975])
            spans[name] = (float(low), float(high))
    return spans


def _auroc(predicted: NDArray[np.float64], outcome: NDArray[np.bool_]) -> float:
    """The share of (success, failure) pairs that are in the right order, ties by half (Mann-Whitney U)."""
    up, down = int(outcome.sum()), int((~outcome).sum())
    if not up or not down:
        return float("nan")
    _, rank, counts = np.unique(predicted, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2  # mean rank of each distinct value, from 1
    return float((middle[rank][outcome].sum() - up * (up + 1) / 2) / (up * down))
