"""Fitting value functions to rollouts, calibrating them, and saying honestly how good they are."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file

from ..sim.scene import load_scene
from .features import LEARNED, NAMES, VERSION
from .rollouts import Rollout, read
from .value import ValueFunction, make_network

_MEMBERS, _EPOCHS, _BATCH = 3, 30, 128


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


def measure(predicted: NDArray[np.float64], outcome: NDArray[np.bool_]) -> Figures:
    """Figures of (n,) probabilities against (n,) outcomes."""
    outcome = np.asarray(outcome, dtype=bool)
    clipped = np.clip(predicted, 1e-6, 1 - 1e-6)
    nll = -np.where(outcome, np.log(clipped), np.log(1 - clipped)).mean()
    bins = np.minimum((predicted * 15).astype(int), 14)
    ece = sum(
        abs(predicted[bins == b].mean() - outcome[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)
    )
    return Figures(
        n=len(outcome),
        base=float(outcome.mean()),
        auroc=_auroc(predicted, outcome),
        brier=float(((predicted - outcome) ** 2).mean()),
        ece=float(ece),
        nll=float(nll),
    )


def _auroc(predicted: NDArray[np.float64], outcome: NDArray[np.bool_]) -> float:
    """The share of (success, failure) pairs that are in the right order, ties by half (Mann-Whitney U)."""
    up, down = predicted[outcome], predicted[~outcome]
    if not len(up) or not len(down):
        return float("nan")
    return float((up[:, None] > down).mean() + 0.5 * (up[:, None] == down).mean())


def fit(data: Path, out: Path, *, seed: int = 0, command: str = "") -> dict[str, Figures]:
    """Train on DATA/rollouts.jsonl, write OUT (safetensors) and its data card beside it; gives the test figures.

    States, not rows, are split: 70% train, 15% calibrate, 15% test.
    """
    rows = read(data / "rollouts.jsonl")
    if len(rows) < 50:
        raise ValueError(f"Expected at least 50 rollouts to learn from, got {len(rows)}. Collect more first.")
    x = np.array([row.features for row in rows], dtype=np.float32)
    y = np.array([row.success for row in rows])
    families = np.array([row.family for row in rows])
    part = np.random.default_rng(seed).permutation(max(row.state for row in rows) % 1_000_000 + 1)
    share = np.array([part[row.state % 1_000_000] / len(part) for row in rows])
    train, calibrate, test = share < 0.70, (share >= 0.70) & (share < 0.85), share >= 0.85
    mean, scale = x[train].mean(0), np.maximum(x[train].std(0), 1e-2)
    networks = [_train((x[train] - mean) / scale, y[train], seed + member) for member in range(_MEMBERS)]
    raw = ValueFunction(networks, mean, scale, {}, load_scene())
    temperature = {
        family: _temperature(raw, x[calibrate & (families == family)], y[calibrate & (families == family)], family)
        for family in LEARNED
    }
    values = ValueFunction(networks, mean, scale, temperature, load_scene())
    predicted = values.probabilities(torch.from_numpy(x[test]), families[test].tolist())
    figures = {"all": measure(predicted, y[test])}
    for family in LEARNED:
        mine = families[test] == family
        if mine.any():
            figures[family] = measure(predicted[mine], y[test][mine])
    base = {"preconditions alone (always 1)": measure(np.ones(int(test.sum())), y[test])}
    _save(out, networks, mean, scale, temperature, command)
    _card(out.with_suffix(".md"), rows, figures, base, command, seed)
    return figures


def _train(x: NDArray[np.float32], y: NDArray[np.bool_], seed: int) -> torch.nn.Sequential:
    """One member on a bootstrap sample of the rows."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    sample = rng.integers(len(x), size=len(x))
    inputs, targets = torch.from_numpy(x[sample]), torch.from_numpy(y[sample].astype(np.float32))
    network = make_network()
    optimiser = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=3e-2)
    for _ in range(_EPOCHS):
        for index in torch.from_numpy(rng.permutation(len(x))).split(_BATCH):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(
                network(inputs[index]).squeeze(-1), targets[index]
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return network


def _temperature(values: ValueFunction, x: NDArray[np.float32], y: NDArray[np.bool_], family: str) -> float:
    """The temperature under which a family's calibration outcomes are most likely (Guo et al. 2017, section 4.2)."""
    if len(y) < 20:
        return 1.0

    def loss(heat: float) -> float:
        values._temperature = {family: heat}
        return measure(values.probabilities(torch.from_numpy(x), [family] * len(y)), y).nll

    return float(min(np.geomspace(0.5, 4.0, 31), key=loss))


def _save(
    out: Path, networks: Sequence[torch.nn.Module], mean: NDArray[np.float32], scale: NDArray[np.float32],
    temperature: dict[str, float], command: str,
) -> None:  # fmt: skip
    tensors = {f"{i}.{name}": t.contiguous() for i, net in enumerate(networks) for name, t in net.state_dict().items()}
    tensors |= {"mean": torch.from_numpy(mean), "scale": torch.from_numpy(scale)}
    metadata = {
        "features": VERSION, "members": str(len(networks)), "temperature": json.dumps(temperature),
        "columns": json.dumps(NAMES), "command": command,
    }  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out, metadata)


def _card(
    path: Path, rows: Sequence[Rollout], figures: dict[str, Figures], base: dict[str, Figures], command: str, seed: int
) -> None:
    """The data card: where the values come from and how good they are."""
    states = len({row.state for row in rows})
    lines = [
        "# Data card: learned values",
        "",
        f"{len(rows)} rollouts of the skills' own policies from {states} random states of the `kitchen` scene, with "
        "physics; labels by the world's facts, observations with oracle labels.",
        "States are split 70 / 15 / 15 into training, calibration and test; the figures are of the test part.",
        "",
        f"Made by: `{command}` (seed {seed}).",
        "",
        "| family | n | success | AUROC | Brier | ECE(15) | NLL |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, f in {**figures, **base}.items():
        auroc = "–" if np.isnan(f.auroc) else f"{f.auroc:.3f}"
        lines.append(f"| {name} | {f.n} | {f.base:.1%} | {auroc} | {f.brier:.3f} | {f.ece:.3f} | {f.nll:.3f} |")
    lines += [
        "",
        "Eight of ten searches are for something that is in the room, as with what a person asks for; a quarter of the "
        "states have been searched in vain before.",
        "",
        "Limits: one scene, no held-out layout or object types yet; `done` and `refuse` have declared values. Where a "
        "skill's declared preconditions do not hold by what is seen, its value is 0 whatever was learned.",
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
