"""How well a detector sees: outlines, names and places of things in random situations, against the renderer's labels.

- *IoU*: of the pixels that the detector or the labels give a type, the share that both do.
- *precision, recall*: a detection is right if its outline and that of a thing of its type share at least half of their
  union; things of which fewer than six pixels show do not count.
- *position error*: from where `locate` puts a rightly detected thing to its true centre; the oracle's is beside it.

Intervals are percentiles of a bootstrap over situations, 95%.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..sim.detector import Detection, Detector, OracleLabels
from ..sim.detectors import make_detector
from ..sim.scene import Scene, load_scene
from .origin import origin

if TYPE_CHECKING:
    from ..sim.camera import Frame
    from ..sim.physics_world import PhysicsWorld

_SAME = 0.5
_CLEAR = 40
"""Pixels from which on a thing counts as clearly in view."""
_SAMPLES = 1000


@dataclass
class Tally:
    """What was counted in one situation, by label: (labels,) each, and the position errors, metres."""

    both: NDArray[np.float64]
    either: NDArray[np.float64]
    right: NDArray[np.float64]
    told: NDArray[np.float64]
    there: NDArray[np.float64]
    clear_right: int = 0
    clear_there: int = 0
    errors: dict[int, list[float]] = field(default_factory=dict)
    """By label, of right detections."""
    oracle_errors: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Share:
    """A figure with the bounds of its interval."""

    value: float
    low: float
    high: float

    def text(self, scale: float = 1.0) -> str:
        return f"{self.value * scale:.2f} [{self.low * scale:.2f}, {self.high * scale:.2f}]"


def bench_detector(
    detector: str,
    scenes: Sequence[str],
    *,
    situations: int,
    seed: int,
    out: Path,
    threshold: float = 0.1,
    progress: Callable[[int], None] = lambda count: None,
) -> str:
    """Measure in each scene and write summary.json, table.md and origin.json into `out`. Gives the table.

    Situations of this seed were never trained on, as long as training used another.
    """
    if out.exists() and not out.is_dir():
        raise ValueError(f"Expected a folder for the results, got {str(out)!r}, which is a file. Name another one.")
    rooms = [load_scene(name) for name in scenes]
    out.mkdir(parents=True, exist_ok=True)
    figures: dict[str, float] = {}
    tables, name = [], OracleLabels.name
    for number, scene in enumerate(rooms):
        made = make_detector(detector, scene, threshold=threshold)
        name = made.name if made else name
        labels, tallies = measure(scene, made, situations, seed, lambda n, k=number: progress(k * situations + n))
        told, table = _report(scene, labels, tallies)
        figures |= {f"{scene.name}.{key}": value for key, value in told.items()}
        tables.append(table)
    text = f"Detector: {name}. {situations} situations a scene, seed {seed}.\n\n" + "\n".join(tables)
    (out / "table.md").write_text(text, encoding="utf-8")
    (out / "summary.json").write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    told = origin(detector=name, scenes=list(scenes), situations=situations, seed=seed)
    (out / "origin.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    return text


def measure(
    scene: Scene, detector: Detector | None, situations: int, seed: int, progress: Callable[[int], None]
) -> tuple[tuple[str, ...], list[Tally]]:
    """The labels of a scene and what was counted in each situation. None: the oracle, to see what it can't do."""
    from ..sim.physics_world import PhysicsWorld
    from ..sim.pictures import LABELS, situation

    labels = LABELS
    world = PhysicsWorld(scene)
    tallies = []
    for state in range(situations):
        count = len(labels)
        tally = Tally(np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count))
        for picture in situation(world, seed=seed, state=state):
            oracle = OracleLabels(world.types)
            found = (detector or oracle).detect(picture.frame)
            _count_pixels(tally, found, picture.label, labels, scene)
            _count_things(tally, [d for d in found if d.type in labels], picture.frame, oracle, labels, world)
        tallies.append(tally)
        progress(state + 1)
    world.close()
    return labels, tallies


def _count_pixels(
    tally: Tally, found: Sequence[Detection], truth: NDArray[np.uint8], labels: Sequence[str], scene: Scene
) -> None:
    drawers = {d.name for d in scene.drawers}
    claimed = np.zeros(truth.shape, dtype=np.int64)
    for detection in found:
        claimed[detection.mask] = labels.index("drawer" if detection.type in drawers else detection.type)
    for label in np.union1d(np.unique(claimed), np.unique(truth)):
        tally.both[label] += ((claimed == label) & (truth == label)).sum()
        tally.either[label] += ((claimed == label) | (truth == label)).sum()


def _count_things(
    tally: Tally,
    found: Sequence[Detection],
    frame: Frame,
    oracle: OracleLabels,
    labels: Sequence[str],
    world: PhysicsWorld,
) -> None:
    from ..sim.perception import locate

    cloud, things = frame.points(), oracle.detect(frame)
    free = list(things)
    for detection in sorted(found, key=lambda d: -d.confidence):
        label = labels.index(detection.type)
        tally.told[label] += 1
        match = max((t for t in free if t.type == detection.type), key=lambda t: _shared(t, detection), default=None)
        if match is None or _shared(match, detection) < _SAME:
            continue
        free = [t for t in free if t is not match]
        tally.right[label] += 1
        tally.clear_right += int(match.mask.sum() >= _CLEAR)
        body = int(np.bincount(frame.body[match.mask]).argmax())
        truth = world.physics.p.getBasePositionAndOrientation(body)[0]
        mine, own = (locate(d, cloud[d.mask], world.scene, frame.view.eye).position for d in (detection, match))
        tally.errors.setdefault(label, []).append(float(np.linalg.norm(np.subtract(mine, truth))))
        tally.oracle_errors.append(float(np.linalg.norm(np.subtract(own, truth))))
    for thing in things:
        tally.there[labels.index(thing.type)] += 1
        tally.clear_there += int(thing.mask.sum() >= _CLEAR)


def _shared(a: Detection, b: Detection) -> float:
    return float((a.mask & b.mask).sum() / max((a.mask | b.mask).sum(), 1))


def _report(scene: Scene, labels: Sequence[str], tallies: Sequence[Tally]) -> tuple[dict[str, float], str]:
    """Figures by name, and a table: a row a type, then all."""
    rng = np.random.default_rng(0)
    objects = [i for i, label in enumerate(labels) if label in scene.types]

    def bootstrap(figure: Callable[[Sequence[Tally]], float]) -> Share:
        draws = [
            figure([tallies[int(i)] for i in rng.integers(len(tallies), size=len(tallies))]) for _ in range(_SAMPLES)
        ]
        low, high = np.nanpercentile(draws, [2.5, 97.5])
        return Share(figure(tallies), float(low), float(high))

    shares = {
        "mean_iou": bootstrap(lambda ts: _mean_iou(ts, objects)),
        "precision": bootstrap(lambda ts: _all(ts, "right", "told")),
        "recall": bootstrap(lambda ts: _all(ts, "right", "there")),
        "recall_clear": bootstrap(
            lambda ts: _over(sum(t.clear_right for t in ts), sum(t.clear_there for t in ts))
        ),
        "position_error": bootstrap(lambda ts: _median([e for t in ts for es in t.errors.values() for e in es])),
        "oracle_position_error": bootstrap(lambda ts: _median([e for t in ts for e in t.oracle_errors])),
    }  # fmt: skip
    iou = _ratio(_sum(tallies, "both"), _sum(tallies, "either"))
    right, told, there = (_sum(tallies, name) for name in ("right", "told", "there"))
    figures: dict[str, float] = {"situations": len(tallies), "things": float(there.sum())}
    for name, share in shares.items():
        figures |= {name: share.value, f"{name}.low": share.low, f"{name}.high": share.high}
    note = " (held out of training)" if scene.held_out else ""
    rows = [
        f"**{scene.name}**{note}: {int(there.sum())} things shown in {len(tallies)} situations", "",
        "| type | n | pixel IoU | precision | recall | position error, cm |", "|---|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    for i in objects:
        errors = [e for t in tallies for e in t.errors.get(i, [])]
        cells = [labels[i], str(int(there[i])), _cell(iou[i]), _cell(_over(right[i], told[i]))]
        cells += [_cell(_over(right[i], there[i])), _cell(_median(errors) * 100)]
        rows.append(f"| {' | '.join(cells)} |")
        figures[f"iou.{labels[i]}"] = float(iou[i])
    if scene.drawers:
        rows.append(f"| drawer | | {_cell(iou[labels.index('drawer')])} | | | |")
        figures["iou.drawer"] = float(iou[labels.index("drawer")])
    rows.append(
        f"| **all** | {int(there.sum())} | {shares['mean_iou'].text()} | {shares['precision'].text()} "
        f"| {shares['recall'].text()} | {shares['position_error'].text(100)} |"
    )
    rows += [
        "", f"Of what shows at least {_CLEAR} pixels, {shares['recall_clear'].text()} is found; the position error "
        f"with oracle labels for the same things is {shares['oracle_position_error'].text(100)} cm.", "",
    ]  # fmt: skip
    return {name: value for name, value in figures.items() if np.isfinite(value)}, "\n".join(rows)


def _sum(tallies: Sequence[Tally], name: str) -> NDArray[np.float64]:
    return np.sum([getattr(t, name) for t in tallies], axis=0)


def _mean_iou(tallies: Sequence[Tally], objects: list[int]) -> float:
    """Over the types that are shown or told."""
    shares = _ratio(_sum(tallies, "both"), _sum(tallies, "either"))[objects]
    return float(np.nanmean(shares)) if np.isfinite(shares).any() else float("nan")


def _all(tallies: Sequence[Tally], part: str, whole: str) -> float:
    return _over(_sum(tallies, part).sum(), _sum(tallies, whole).sum())


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def _over(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")


def _median(values: Sequence[float]) -> float:
    return float(np.median(values)) if values else float("nan")


def _cell(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.2f}"
