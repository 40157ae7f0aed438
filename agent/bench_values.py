"""`doable bench values`: how good the values are, on seeds, a layout, types and clutter that nothing was learned from.

    part      what is new            figures
    seeds     the seeds alone        auroc, brier, ece15, nll, FAMILY.auroc …
    layout    a kitchen              layout.auroc …   ┐
    objects   two object types       objects.auroc …  ├ together auroc_shift, ece15_shift
    clutter   a level of clutter     clutter.auroc …  ┘

Figures are of skills whose declared preconditions hold by what is seen, since all others are masked; a table of its own
also counts those (some are tried for the purpose), or "preconditions only" would be no different from "always 1". They
come with 95% bootstrap intervals over states. As Monte-Carlo truth some states' skills are tried many times, things
nudged by millimetres each time. Rollouts land in `work`, and a run that was stopped goes on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..sim.facts import ALWAYS
from ..sim.observation import Observation
from ..sim.scene import Scene, load_scene
from ..skills.baselines import DeclaredValues, HeuristicValues, NoValues
from ..skills.library import SkillLibrary
from ..skills.measures import Figures, intervals, measure, reliability
from ..skills.rollouts import State, collect, read
from ..skills.situations import PARTS, SHIFTED, Part
from ..skills.skill import Skill
from ..skills.value import ValueFunction
from .bench_files import as_json, results_folder, write_whole
from .origin import origin
from .reliability import draw

PHRASES = 550
"""Skills that are valued at once to take the time, as many as SayCan had."""
SEED = 7
"""Of the states to measure on; training has other ones."""
_BASELINES = {"learned": None, "preconditions only": DeclaredValues, "SayCan's heuristics": HeuristicValues,
              "always 1": NoValues}  # fmt: skip


@dataclass(frozen=True)
class Predictions:
    """What was predicted of the rollouts of one part, and what came of them."""

    families: NDArray[np.str_]
    able: NDArray[np.bool_]
    """(n,) Did the declared preconditions hold by what was seen?"""
    share: NDArray[np.float64]
    """(n,) of successes among a rollout's tries."""
    states: NDArray[np.int64]
    values: Mapping[str, NDArray[np.float64]]
    """By kind of values: (n,)."""

    def of(self, kind: str, rows: NDArray[np.bool_]) -> Figures:
        return measure(self.values[kind][rows], self.share[rows] > 0.5)


def predict(states: list[State], weights: Path | None = None) -> Predictions:
    """Value every skill that was tried, as it was seen then."""
    made: dict[str, tuple[SkillLibrary, dict[str, Callable]]] = {}
    families, able, share, numbers = [], [], [], []
    values: dict[str, list[float]] = {kind: [] for kind in _BASELINES}
    for state in states:
        if state.scene not in made:
            scene = load_scene(state.scene)
            kinds = {k: make(scene) if make is HeuristicValues else make() for k, make in _BASELINES.items() if make}
            made[state.scene] = SkillLibrary.of(scene), {"learned": ValueFunction.load(weights, scene), **kinds}
        library, kinds = made[state.scene]
        index = {skill.phrase: i for i, skill in enumerate(library)}
        chosen = [index[trial.phrase] for trial in state.trials]
        for kind, of in kinds.items():
            values[kind] += list(of(state.observation, library)[chosen])
        families += [trial.family for trial in state.trials]
        able += [trial.able for trial in state.trials]
        share += [trial.successes / trial.tries for trial in state.trials]
        numbers += [PARTS.index(state.part) * 10**9 + state.number] * len(state.trials)
    return Predictions(
        np.array(families), np.array(able, dtype=bool), np.array(share), np.array(numbers),
        {kind: np.array(found) for kind, found in values.items()},
    )  # fmt: skip


def joined(parts: list[Predictions]) -> Predictions:
    """All of them as one."""
    return Predictions(
        families=np.concatenate([p.families for p in parts]),
        able=np.concatenate([p.able for p in parts]),
        share=np.concatenate([p.share for p in parts]),
        states=np.concatenate([p.states for p in parts]),
        values={kind: np.concatenate([p.values[kind] for p in parts]) for kind in _BASELINES},
    )


def seconds_for(values: ValueFunction, observation: Observation, scene: Scene, rounds: int = 50) -> float:
    """Median seconds for `PHRASES` skills of one state, features and masks included, on one thread.

    The scene's own skills, over and over: each is a skill of its own to the value function. Once as they are, most of
    them masked, and once with preconditions that always hold, so that the networks see them all: the slower one counts.
    """
    own = [skill for skill in SkillLibrary.of(scene) if values.provenance(skill) == "learned"]
    many = [replace(own[i % len(own)], phrase=f"{own[i % len(own)].phrase} {i}") for i in range(PHRASES)]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return max(_median(values, observation, skills, rounds) for skills in (many, [*map(_always, many)]))
    finally:
        torch.set_num_threads(threads)


def _always(skill: Skill) -> Skill:
    return replace(skill, preconditions=ALWAYS)


def _median(values: ValueFunction, observation: Observation, skills: list[Skill], rounds: int) -> float:
    values(observation, skills)
    spans = []
    for _ in range(rounds):
        begun = time.perf_counter()
        values(observation, skills)
        spans.append(time.perf_counter() - begun)
    return float(np.median(spans))


def bench_values(
    out: str | Path,
    work: Path,
    *,
    weights: Path | None = None,
    states: int = 200,
    shifted: int = 100,
    monte_carlo: int = 200,
    repeats: int = 20,
    workers: int = 1,
    ray: str | None = None,
    progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> str:
    """Roll out, measure, and write `summary.json`, `table.md`, `reliability.png` and `origin.json` into `out`.

    `states` of the part seeds, `shifted` of each shifted part, `monte_carlo` states with `repeats` tries (0: none).
    Gives the table. Raises what `ValueFunction.load` raises, before anything is rolled out.
    """
    out = results_folder(out)
    values = ValueFunction.load(weights)
    data: dict[str, list[State]] = {}
    for part in ("seeds", *SHIFTED):
        data[part] = _rollouts(work, part, states if part == "seeds" else shifted, workers, ray, progress)
    predicted = {part: predict(found, weights) for part, found in data.items()}
    shift = joined([predicted[part] for part in SHIFTED])
    summary: dict[str, float | int] = {}
    _add(summary, "", predicted["seeds"])
    _add(summary, "", shift, suffix="_shift")
    for part in SHIFTED:
        _add(summary, f"{part}.", predicted[part])
    for family in _families(predicted["seeds"]):
        _add(summary, f"{family}.", predicted["seeds"], family)
    for family in _families(shift):
        _add(summary, f"{family}.", shift, family, suffix="_shift")
    lines = [_table(predicted, shift), _baselines(predicted["seeds"], shift)]
    if monte_carlo:
        found = _rollouts(work / "monte-carlo", "seeds", monte_carlo, workers, ray, progress, repeats)
        lines.append(_monte_carlo(predict(found, weights), repeats, summary))
    state = max(data["seeds"], key=lambda s: (s.scene == "kitchen", len(s.observation.objects)))
    scene = load_scene(state.scene)
    timed = ValueFunction(values.learned, scene)
    summary["seconds_550_skills"] = seconds_for(timed, state.observation, scene)
    lines.append(f"{PHRASES} skills of one state on one core: {summary['seconds_550_skills'] * 1e3:.2f} ms.\n")
    text = "\n".join(lines)
    write_whole(out / "table.md", text)
    write_whole(out / "summary.json", as_json({k: round(v, 6) for k, v in summary.items()}))
    draw(out / "reliability.png", _panels(predicted["seeds"], shift))
    told = origin(
        seed=SEED, states=states, shifted=shifted, monte_carlo=monte_carlo, repeats=repeats,
        families=list(values.learned.families), detector="oracle",
    )  # fmt: skip
    write_whole(out / "origin.json", as_json(told))
    return text


def _rollouts(
    work: Path, part: Part, states: int, workers: int, ray: str | None, progress, repeats: int = 1
) -> list[State]:
    what = part if repeats == 1 else "Monte Carlo"
    collect(
        work, part=part, states=states, seed=SEED, workers=workers, ray=ray, repeats=repeats,
        tries=1 if repeats > 1 else 6, progress=lambda done: progress(what, done, states),
    )  # fmt: skip
    return read(work / f"{part}.jsonl")


def _families(predicted: Predictions) -> list[str]:
    return sorted(set(predicted.families[predicted.able].tolist()))


def _rows(predicted: Predictions, family: str | None = None) -> NDArray[np.bool_]:
    return predicted.able & ((predicted.families == family) if family else True)


def _add(
    summary: dict[str, float | int], prefix: str, predicted: Predictions, family: str | None = None, suffix: str = ""
) -> None:
    """Put the figures of some rollouts into the summary; what can't be told, of too few, is left out."""
    rows = _rows(predicted, family)
    if not rows.any():
        return
    figures = predicted.of("learned", rows)
    spans = intervals(predicted.values["learned"][rows], predicted.share[rows] > 0.5, predicted.states[rows])
    for name, value in asdict(figures).items():
        key = f"{prefix}{'ece15' if name == 'ece' else name}{suffix}"
        if np.isfinite(value):
            summary[key] = value
            if name in spans:
                summary[f"{key}.low"], summary[f"{key}.high"] = spans[name]


def _table(predicted: Mapping[str, Predictions], shift: Predictions) -> str:
    """A row a part and family, with intervals."""
    lines = [
        "| rollouts | family | n | success | AUROC | Brier | ECE(15) | NLL |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    groups = [("held-out seeds", predicted["seeds"], None)]
    groups += [("held-out seeds", predicted["seeds"], f) for f in _families(predicted["seeds"])]
    groups += [("under shift", shift, None), *((f"{part} alone", predicted[part], None) for part in SHIFTED)]
    groups += [("under shift", shift, f) for f in _families(shift)]
    for name, of, family in groups:
        rows = _rows(of, family)
        if not rows.any():
            continue
        f = of.of("learned", rows)
        spans = intervals(of.values["learned"][rows], of.share[rows] > 0.5, of.states[rows])
        cells = [_with(value, spans.get(key)) for key, value in asdict(f).items() if key not in ("n", "base")]
        lines.append(f"| {name} | {family or '**all**'} | {f.n} | {f.base:.1%} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _with(value: float, span: tuple[float, float] | None) -> str:
    if not np.isfinite(value):
        return "–"
    return f"{value:.3f}" + (f" [{span[0]:.3f}, {span[1]:.3f}]" if span else "")


def _baselines(seeds: Predictions, shift: Predictions) -> str:
    lines = [
        "| rollouts | values | n | AUROC | Brier | ECE(15) | NLL |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, of, rows in (
        ("held-out seeds, preconditions hold", seeds, seeds.able),
        ("held-out seeds, masked ones too", seeds, np.ones_like(seeds.able)),
        ("under shift, preconditions hold", shift, shift.able),
    ):
        for kind in _BASELINES:
            f = of.of(kind, rows)
            lines.append(
                f"| {name} | {kind} | {f.n} | {_with(f.auroc, None)} | {f.brier:.3f} | {f.ece:.3f} | {f.nll:.3f} |"
            )
    return "\n".join(lines) + "\n"


def _monte_carlo(of: Predictions, repeats: int, summary: dict[str, float | int]) -> str:
    """How far the values are from the share of successes in many tries, beside the error that so many tries have."""
    lines = [
        f"| {repeats} tries each | n | mean truth | mean value | RMSE | noise of the truth |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for family in (None, *_families(of)):
        rows = _rows(of, family)
        if not rows.any():
            continue
        truth, value = of.share[rows], of.values["learned"][rows]
        error = float(np.sqrt(((value - truth) ** 2).mean()))
        noise = float(np.sqrt((truth * (1 - truth) / max(1, repeats - 1)).mean()))
        summary[f"{family + '.' if family else ''}monte_carlo_rmse"] = error
        name = family or "**all**"
        lines.append(f"| {name} | {rows.sum()} | {truth.mean():.3f} | {value.mean():.3f} | {error:.3f} | {noise:.3f} |")
    return "\n".join(lines) + "\n"


def _panels(seeds: Predictions, shift: Predictions) -> dict[str, list]:
    def bins(of: Predictions, family: str | None = None) -> list:
        rows = _rows(of, family)
        return reliability(of.values["learned"][rows], of.share[rows] > 0.5)

    return {
        "all, held-out seeds": bins(seeds),
        "all, under shift": bins(shift),
        **{family: bins(seeds, family) for family in _families(seeds)},
    }
