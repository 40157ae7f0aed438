"""Fitting value functions to rollouts, calibrating them, and saying honestly how good they are.

Three things are chosen, each on data that the networks did not learn from:

* the *temperature* of each family, on the calibration states;
* `doubt`, how much disagreement of the members takes trust from them: by a second ensemble that knows only one layout
  and not the `PROXY_TYPES`, on the calibration states of that layout together with those of the other layouts and of
  these types. That is a shift like the ones that values are measured under, but none of those;
* nothing else: the held-out layout, types and clutter are in no part of this.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..sim.scene import Scene
from .features import Ground
from .library import SkillLibrary
from .measures import Figures, measure
from .rollouts import State, Trial, read
from .situations import scenes
from .value import Calibration, Ensemble, Learned, blend

EPOCHS, BATCH, DECAY = 40, 256, 0.5
LEAST = 20
"""Rollouts that a family must have to be learned; one with fewer keeps its declared value."""
PROXY_LAYOUT = "kitchen"
PROXY_TYPES = ("banana", "7up")
_DOUBTS = tuple(float(d) for d in np.geomspace(0.5, 32.0, 25))

Log = Callable[[str], None]


@dataclass(frozen=True)
class Rows:
    """Rollouts as arrays; only such whose preconditions held by what was seen."""

    x: NDArray[np.float32]
    """(n, columns)."""
    y: NDArray[np.float64]
    """(n,) share of successes."""
    family: NDArray[np.intp]
    """(n,) numbers into `families`."""
    state: NDArray[np.int64]
    scene: NDArray[np.str_]
    about: NDArray[np.str_]
    """(n,) the target, or what the hand held."""
    families: tuple[str, ...]

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        """Some of them."""
        arrays = {name: getattr(self, name)[chosen] for name in ("x", "y", "family", "state", "scene", "about")}
        return replace(self, **arrays)


def families_of(states: Sequence[State]) -> tuple[str, ...]:
    """The families with rollouts enough to learn from, in the order in which they come up."""
    counts: dict[str, int] = {}
    for state in states:
        for trial in state.trials:
            counts[trial.family] = counts.get(trial.family, 0) + trial.able
    return tuple(sorted(name for name, count in counts.items() if count >= LEAST))


def table(states: Sequence[State], families: tuple[str, ...], part: str = "train") -> Rows:
    """The rows of all rollouts of these families. Raises ValueError for a skill that its scene does not have."""
    grounds: dict[str, tuple[Ground, dict[str, int]]] = {}
    by_name: dict[str, Scene] = {scene.name: scene for scene in scenes(part)}  # type: ignore[arg-type]
    xs, ys, kinds, numbers, names, about = [], [], [], [], [], []
    for state in states:
        if state.scene not in grounds:
            library = SkillLibrary.of(by_name[state.scene])
            ground = Ground(list(library), by_name[state.scene], families)
            grounds[state.scene] = ground, {skill.phrase: i for i, skill in enumerate(library)}
        ground, index = grounds[state.scene]
        mine = [t for t in state.trials if t.able and t.family in families]
        missing = next((t.phrase for t in mine if t.phrase not in index), None)
        if missing is not None:
            raise ValueError(f"Expected rollouts of skills that {state.scene} has, got {missing!r}. Collect them anew.")
        if not mine:
            continue
        chosen = np.array([index[t.phrase] for t in mine], dtype=np.intp)
        xs.append(ground.features(state.observation, chosen))
        for t in mine:
            skill = ground.skills[index[t.phrase]]
            about.append(skill.target if skill.target in ground.types else state.observation.robot.holding or "")
            ys.append(t.successes / t.tries)
            kinds.append(families.index(t.family))
            numbers.append(state.number)
            names.append(state.scene)
    if not xs:
        raise ValueError("Expected rollouts of skills whose preconditions hold, got none. Collect more states first.")
    return Rows(
        np.concatenate(xs), np.array(ys), np.array(kinds), np.array(numbers), np.array(names), np.array(about), families
    )


def fit(data: Path, out: Path, *, seed: int = 0, command: str = "", log: Log = lambda line: None) -> dict[str, Figures]:
    """Train on DATA/train.jsonl, write OUT (safetensors) and its data card beside it; gives the calibration figures.

    States, not rows, are split: 80% train, 20% calibrate. How good the values are is measured on other parts
    (`doable bench values`).
    """
    path = data / "train.jsonl"
    if not path.is_file():
        raise ValueError(f"Expected rollouts in {str(path)!r}, which does not exist. Collect them first.")
    states = read(path)
    families = families_of(states)
    count = sum(t.able for s in states for t in s.trials)
    if count < 50 or not families:
        raise ValueError(f"Expected at least 50 rollouts to learn from, got {count}. Collect more states first.")
    rows = table(states, families)
    log(f"{len(rows.y)} rollouts from {len(states)} states, of {', '.join(families)}")
    learned = fit_rows(rows, seed=seed, log=log)
    figures = _figures(learned, rows.where(_held(rows, seed)))
    learned.save(out, {"command": command, "seed": str(seed)})
    _card(out.with_suffix(".md"), states, rows, figures, learned, command, seed)
    return figures


def fit_rows(rows: Rows, *, epochs: int = EPOCHS, seed: int = 0, log: Log = lambda line: None) -> Learned:
    """Train on four fifths of the states and calibrate on the others."""
    held = _held(rows, seed)
    doubt = _doubt(rows, held, seed, log)
    return _calibrated(_train(rows.where(~held), seed, log, epochs), rows.where(held), doubt)


def _held(rows: Rows, seed: int) -> NDArray[np.bool_]:
    """(n,) the rows of the states that are set aside, a fifth of them."""
    states, member = np.unique(rows.state, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(states)) < 0.2 * len(states))[member]


def _train(rows: Rows, seed: int, log: Log, epochs: int = EPOCHS) -> Learned:
    """An ensemble, each member on a bootstrap sample of the states; not calibrated."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    mean, scale = rows.x.mean(0), np.maximum(rows.x.std(0), 1e-2)
    x, y = torch.from_numpy((rows.x - mean) / scale), torch.from_numpy(rows.y.astype(np.float32))
    ensemble = Ensemble(x.shape[1])
    members = len(ensemble.weights[0])
    _, group = np.unique(rows.state, return_inverse=True)
    weight = torch.from_numpy(rng.poisson(1.0, size=(members, group.max() + 1))[:, group].astype(np.float32))
    optimiser = torch.optim.AdamW(ensemble.parameters(), lr=2e-3, weight_decay=DECAY)
    steps = epochs * -(-len(x) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    for epoch in range(epochs):
        total = 0.0
        for index in torch.from_numpy(rng.permutation(len(x))).split(BATCH):
            logits = ensemble(x[index])  # (members, batch)
            target = y[index].expand_as(logits)
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, target, weight[:, index])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * len(index)
        if (epoch + 1) % 10 == 0 or epoch + 1 == epochs:
            log(f"epoch {epoch + 1} of {epochs}: cross-entropy {total / len(x):.4f}")
    prior = [Calibration(1.0, _logit(rows.y[rows.family == i])) for i in range(len(rows.families))]
    calibration = dict(zip(rows.families, prior, strict=True))
    return Learned(
        ensemble.eval(), rows.families, torch.from_numpy(mean), torch.from_numpy(scale), float("inf"), calibration
    )


def _logit(outcomes: NDArray[np.float64]) -> float:
    """Of the rate of success, with one success and one failure more than there were."""
    rate = (outcomes.sum() + 1) / (len(outcomes) + 2)
    return float(np.log(rate / (1 - rate)))


def _calibrated(learned: Learned, rows: Rows, doubt: float) -> Learned:
    """With the temperatures under which these outcomes are most likely (Guo et al. 2017, section 4.2)."""
    learned = replace(learned, doubt=doubt)
    mean, spread = (part.double().numpy() for part in learned.logits(torch.from_numpy(rows.x)))
    found = {}
    for number, name in enumerate(learned.families):
        mine, prior = rows.family == number, learned.calibration[name].prior
        heat = 1.0
        if mine.sum() >= LEAST:
            outcomes = rows.y[mine]

            def loss(heat: float, mine=mine, outcomes=outcomes, prior=prior) -> float:
                return _nll(blend(mean[mine], spread[mine], heat, prior, doubt), outcomes)

            heat = float(min(np.geomspace(0.5, 4.0, 31), key=loss))
        found[name] = Calibration(heat, prior)
    return replace(learned, calibration=found)


def _nll(predicted: NDArray[np.float64], outcome: NDArray[np.float64]) -> float:
    p = np.clip(predicted, 1e-6, 1 - 1e-6)
    return float(-(outcome * np.log(p) + (1 - outcome) * np.log(1 - p)).mean())


def _doubt(rows: Rows, held: NDArray[np.bool_], seed: int, log: Log) -> float:
    """The disagreement at which half of the trust is gone, chosen under a shift that is none of the measured ones."""
    familiar = (rows.scene == PROXY_LAYOUT) & ~np.isin(rows.about, PROXY_TYPES)
    learn, calibrate, judge = familiar & ~held, familiar & held, held
    if min(learn.sum(), calibrate.sum(), (judge & ~familiar).sum()) < LEAST:
        return 4.0
    proxy = _train(rows.where(learn), seed, lambda line: None)
    # What the proxy has no rollouts of at all, of the tabletop for one, tells nothing about it.
    known = np.isin(rows.family, np.unique(rows.family[learn]))
    judged, shifted = rows.where(judge & known), ~familiar[judge & known]

    def loss(doubt: float) -> float:
        predicted = _probabilities(_calibrated(proxy, rows.where(calibrate), doubt), judged)
        # Half of the say to the shift, however many rollouts there are of it.
        parts = [_nll(predicted[part], judged.y[part]) for part in (shifted, ~shifted)]
        return float(np.mean(parts))

    best = min(_DOUBTS, key=loss)
    log(f"doubt {best:.2f}: cross-entropy under a shift {loss(best):.4f}, without shrinking {loss(1e9):.4f}")
    return best


def _probabilities(learned: Learned, rows: Rows) -> NDArray[np.float64]:
    return learned.probabilities(torch.from_numpy(rows.x), rows.family)


def _figures(learned: Learned, rows: Rows) -> dict[str, Figures]:
    predicted, outcome = _probabilities(learned, rows), rows.y > 0.5
    figures = {"all": measure(predicted, outcome)}
    for number, name in enumerate(learned.families):
        mine = rows.family == number
        if mine.any():
            figures[name] = measure(predicted[mine], outcome[mine])
    return figures


def _card(
    path: Path,
    states: Sequence[State],
    rows: Rows,
    figures: dict[str, Figures],
    learned: Learned,
    command: str,
    seed: int,
) -> None:
    """The data card: where the values come from and how good they are."""
    count = {name: sum(s.scene == name for s in states) for name in sorted({s.scene for s in states})}
    planned = sum(s.source == "plan" for s in states)
    lines = [
        "# Data card: learned values",
        "",
        f"{len(rows.y)} rollouts of the skills' own policies from {len(states)} states "
        f"({', '.join(f'{n} in {name}' for name, n in count.items())}), with physics; {planned} of the states were "
        "reached by following a plan, the others are random: a full hand, drawers that are open or ajar, things in "
        "drawers, at the wrong place, hidden, knocked over, spilled. Labels are the world's facts, observations have "
        "oracle labels.",
        "",
        f"Made by: `{command}` (seed {seed}).",
        "",
        "No part of the training: the layout `kitchen-island`, the types energy bar and red bull, heavy clutter, and "
        "all seeds that values are measured on. How good they are there: `doable bench values`.",
        "",
        "A fifth of the states is set aside to choose temperatures (and doubt, by a second ensemble); the figures "
        "below are of these, so a little flattering.",
        "",
        "| family | rollouts | success | AUROC | Brier | ECE(15) | NLL | temperature |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, f in figures.items():
        auroc = "–" if np.isnan(f.auroc) else f"{f.auroc:.3f}"
        heat = f"{learned.calibration[name].temperature:.2f}" if name in learned.calibration else ""
        lines.append(
            f"| {name} | {f.n} | {f.base:.1%} | {auroc} | {f.brier:.3f} | {f.ece:.3f} | {f.nll:.3f} | {heat} |"
        )
    lines += [
        "",
        f"Ensemble of {len(learned.ensemble.weights[0])}; half of its trust is gone where the members' logits spread "
        f"by {learned.doubt:.2f}.",
        "",
        "Eight of ten searches are for something that is in the room, as with what a person asks for; a fifth of the "
        "random states have been searched in vain before. Where a skill's declared preconditions do not hold by what "
        "is seen, its value is 0 whatever was learned.",
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


__all__ = ["Figures", "Rows", "Trial", "families_of", "fit", "measure", "table"]
