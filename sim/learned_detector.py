"""Objects and drawers by a network trained on the project's own renders: labels of pixels, gathered into things.

Pixels that hang together in the room are one thing, whichever type most of them seem to be, as long as it is no larger
than that type; else they are taken apart by type. Which drawer a drawer's pixel belongs to is read off the map.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from .camera import Frame
from .catalogue import CATALOGUE
from .detector import FEWEST_PIXELS, Detection
from .perception import drawer_region
from .scene import Scene
from .segmentation import INPUTS, Segmenter, inputs

WEIGHTS = Path(__file__).parent / "weights" / "detector.safetensors"
"""The detector that ships."""
DRAWER = "drawer"
"""The label of every drawer's pixels."""
_SURE = 0.5
"""Things that are less sure are not told."""
_APART = 0.04
"""Neighbouring pixels whose points are farther apart than this, metres, belong to different things."""
_HANDLE_APART = 0.10
"""The same for the parts of a drawer: its handle stands before its front."""
_DRAWER_PIXELS = 30
"""Fewer together are not trusted to be a drawer."""
_DRAWER_PIXELS = 30
"""Fewer together are not trusted to be a drawer."""
_SPECK = 0.15
"""Parts of a drawer that are smaller than this share of its largest one are not of it."""
_LARGER = 1.25
"""How much larger than its type a thing may seem."""


class BadDetector(ValueError):
    """A file that holds no detector of this version; the message says what it is and what is needed."""


class LearnedDetector:
    """The `Detector` that looks at pixels alone. `labels`: the network's, the first of them 'background'.

    What the scene can't hold it does not tell.
    """

    def __init__(self, network: Segmenter, labels: tuple[str, ...], scene: Scene, name: str = "learned"):
        self._network, self._labels, self._scene, self.name = network.eval(), labels, scene, name
        possible = ("background", *scene.types, *([DRAWER] if scene.drawers else []))
        self._impossible = torch.tensor([label not in possible for label in labels])

    @classmethod
    def load(cls, path: str | Path | None, scene: Scene) -> LearnedDetector:
        """From a safetensors file; None: the one that ships. Raises `BadDetector`."""
        path = Path(path or WEIGHTS)
        try:
            with safe_open(path, "pt") as file:
                about = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise BadDetector(
                f"Expected a detector's weights (safetensors), got {str(path)!r}: {error}. "
                "Train one with `doable train detector`, or use 'learned' or 'oracle'."
            ) from error
        if about.get("inputs") != json.dumps(INPUTS) or "labels" not in about:
            raise BadDetector(
                f"Expected a detector of the inputs {', '.join(INPUTS)}, got {path.name} with "
                f"{about.get('inputs', 'none')}. Train one with `doable train detector`."
            )
        labels = tuple(json.loads(about["labels"]))
        network = Segmenter(len(labels))
        try:
            network.load_state_dict(tensors)
        except RuntimeError as error:
            raise BadDetector(f"Expected a detector of {len(labels)} labels in {path.name}: {error}") from error
        return cls(network, labels, scene, f"learned ({hashlib.sha256(path.read_bytes()).hexdigest()[:8]})")

    def detect(self, frame: Frame) -> list[Detection]:
        """Drawers, then objects."""
        chances = self.probabilities(frame)
        points = frame.points()
        best = chances.argmax(axis=0)
        return [*self._drawers(chances, best, points), *self._objects(chances, best, points)]

    def probabilities(self, frame: Frame) -> NDArray[np.float32]:
        """(labels, H, W): of each pixel, in [0, 1]."""
        with torch.inference_mode():
            logits = self._network(torch.from_numpy(inputs(frame, self._scene))[None])[0]
            return torch.softmax(logits.masked_fill(self._impossible[:, None, None], -torch.inf), dim=0).numpy()

    def _objects(
        self, chances: NDArray[np.float32], best: NDArray[np.int64], points: NDArray[np.float64]
    ) -> Iterator[Detection]:
        drawer = self._labels.index(DRAWER) if DRAWER in self._labels else -1
        things = (best > 0) & (best != drawer)
        objects = [i for i, label in enumerate(self._labels) if label in CATALOGUE]
        for mask in groups(things.astype(np.int64), points):
            shares = chances[objects][:, mask].mean(axis=1)
            winner = objects[int(shares.argmax())]
            if _fits(self._labels[winner], points[mask]):
                parts = [(winner, mask)]
            else:
                parts = [(int(best[part][0]), part) for part in groups(np.where(mask, best, 0), points)]
            for label, part in parts:
                sure = float(chances[label][part].mean())
                if sure >= _SURE and _fits(self._labels[label], points[part]):
                    yield Detection(self._labels[label], part, sure)

    def _drawers(
        self, chances: NDArray[np.float32], best: NDArray[np.int64], points: NDArray[np.float64]
    ) -> Iterator[Detection]:
        if DRAWER not in self._labels:
            return
        label = self._labels.index(DRAWER)
        for drawer in self._scene.drawers:
            mine = (best == label) & drawer_region(drawer, points, self._scene)
            parts = groups(mine.astype(np.int64), points, apart=_HANDLE_APART)
            if parts and parts[0].sum() >= _DRAWER_PIXELS:
                # Its outermost pixels tell how far it is open: specks on whatever stands before it must not count.
                mine = np.any([part for part in parts if part.sum() >= _SPECK * parts[0].sum()], axis=0)
                yield Detection(drawer.name, mine, float(chances[label][mine].mean()))


def groups(labels: NDArray[np.int64], points: NDArray[np.float64], apart: float = _APART) -> list[NDArray[np.bool_]]:
    """The things in a picture: masks of pixels of one label (above 0) that hang together in the room, largest first.

    Neighbouring pixels whose points are farther apart than `apart` metres do not hang together.
    """
    height, width = labels.shape
    ids = np.where(labels > 0, np.arange(height * width).reshape(height, width), -1)
    joins = []
    for step in ((slice(None), slice(1, None)), (slice(1, None), slice(None))):
        back = tuple(slice(None, -1) if part.start else part for part in step)
        near = np.linalg.norm(points[step] - points[back], axis=-1) < apart
        joins.append((step, back, near & (labels[step] == labels[back]) & (labels[step] > 0)))
    while True:
        before = ids.copy()
        for step, back, joined in joins:
            for here, there in ((step, back), (back, step)):
                ids[here] = np.where(joined, np.minimum(ids[here], ids[there]), ids[here])
        ids = np.where(ids >= 0, ids.ravel()[ids], -1)  # a group's number is that of its first pixel
        if (ids == before).all():
            break
    found, counts = np.unique(ids[ids >= 0], return_counts=True)
    order = np.argsort(-counts, kind="stable")
    return [ids == found[i] for i in order if counts[i] >= FEWEST_PIXELS]


def _fits(type_name: str, points: NDArray[np.float64]) -> bool:
    """Can points (n, 3) be of one thing of this type? A few strays at the outline do not count."""
    low, high = np.percentile(points, [2, 98], axis=0)
    return bool(np.linalg.norm(high - low) <= _LARGER * math.hypot(*CATALOGUE[type_name].size) + 0.02)
