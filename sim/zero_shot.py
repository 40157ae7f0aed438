"""Detectors that know things by name: OWL-ViT and OWLv2 (Minderer et al. 2022, 2023), through transformers.

A model is a folder on this machine. Its boxes become outlines by depth: what stands above the map's surface in a box,
near the middle of the box. Drawers are not asked for: where they slide is on the map, how far out they are is depth.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .camera import Frame
from .catalogue import CATALOGUE
from .detector import FEWEST_PIXELS, Detection
from .perception import drawer_region
from .scene import Scene
from .segmentation import surface_below

_KINDS = ("owlvit", "owlv2")
_WORDS = "a photo of a {}"
"""How the makers word their queries."""
_ABOVE = 0.005
"""Metres above the map's surface from which on a point belongs to a thing that stands there."""
_OVERLAP = 0.5
"""Boxes that share more than this of their union show the same thing: the likeliest stays."""


class BadZeroShotModel(ValueError):
    """A folder that holds no model of a known kind; the message says what it is and what is needed."""


class ZeroShotDetector:
    """The `Detector` that asks an OWL-type model for everything that the scene can hold, by name and synonyms.

    `threshold` is the least score in [0, 1] that is told. The queries are embedded once.
    """

    def __init__(self, folder: str | Path, scene: Scene, *, threshold: float = 0.1):
        if not 0 <= threshold < 1:
            raise ValueError(f"Expected a threshold in [0, 1), got {threshold}.")
        self._scene, self._threshold = scene, threshold
        self._model, self._processor, kind = _load(Path(folder))
        self.name = f"{kind} {Path(folder).name}"
        types = getattr(scene, "types", None) or tuple(CATALOGUE)
        self.queries: Mapping[str, str] = {
            _WORDS.format(word): kind for kind in types for word in (kind, *CATALOGUE[kind].synonyms)
        }
        """Query to type."""
        self._embedded = self._embed(list(self.queries))

    def detect(self, frame: Frame) -> list[Detection]:
        """Drawers, then objects."""
        points = frame.points()
        height = points[..., 2] - surface_below(points, self._scene)
        drawers = [Detection(d.name, drawer_region(d, points, self._scene)) for d in self._scene.drawers]
        found = [one for one in drawers if one.mask.sum() >= FEWEST_PIXELS]
        for box, type_name, score in self._boxes(frame.rgb):
            mask = outline(box, frame.depth, height, max(CATALOGUE[type_name].size))
            if mask.sum() >= FEWEST_PIXELS:
                found.append(Detection(type_name, mask, score))
        return found

    def _embed(self, queries: Sequence[str]) -> torch.Tensor:
        """(1, queries, width), by one pass with an empty picture."""
        blank = np.zeros((64, 64, 3), dtype=np.uint8)
        with torch.inference_mode():
            given = self._processor(text=[list(queries)], images=blank, return_tensors="pt", truncation=True)
            return self._model(**given).text_embeds.reshape(1, len(queries), -1)

    def scores(self, rgb: NDArray[np.uint8]) -> SimpleNamespace:
        """What the model's own forward pass gives: logits (1, boxes, queries), pred_boxes (1, boxes, 4) in [0, 1]."""
        model = self._model
        with torch.inference_mode():
            pixels = self._processor(images=rgb, return_tensors="pt")["pixel_values"]
            grid = model.image_embedder(pixel_values=pixels)[0]  # (1, rows, columns, width)
            features = grid.reshape(1, -1, grid.shape[-1])
            everything = torch.ones(1, self._embedded.shape[1], dtype=torch.bool)
            logits = model.class_predictor(features, self._embedded, everything)[0]
            return SimpleNamespace(logits=logits, pred_boxes=model.box_predictor(features, grid))

    def _boxes(self, rgb: NDArray[np.uint8]) -> list[tuple[NDArray[np.float64], str, float]]:
        """((left, top, right, bottom) in pixels, type, score), the likeliest first, each thing once."""
        found = self._processor.post_process_grounded_object_detection(
            outputs=self.scores(rgb), threshold=self._threshold, target_sizes=torch.tensor([rgb.shape[:2]])
        )[0]
        types = list(self.queries.values())
        boxes = found["boxes"].numpy().astype(np.float64)
        kept: list[tuple[NDArray[np.float64], str, float]] = []
        for i in np.argsort(-found["scores"].numpy(), kind="stable"):
            if all(_shared(boxes[i], other) <= _OVERLAP for other, _, _ in kept):
                kept.append((boxes[i], types[int(found["labels"][i])], float(found["scores"][i])))
        return kept


def outline(
    box: NDArray[np.float64], depth: NDArray[np.float32], height: NDArray[np.float64], size: float
) -> NDArray[np.bool_]:
    """The pixels (H, W) of the thing in a box: of those above the surface, the ones at most `size` metres from the
    median depth in the box's middle. Where nothing stands above the surface, depth alone decides."""
    rows, columns = depth.shape
    left, top, right, bottom = box
    inside = np.zeros(depth.shape, dtype=bool)
    inside[
        max(0, int(np.floor(top))) : min(rows, int(np.ceil(bottom))),
        max(0, int(np.floor(left))) : min(columns, int(np.ceil(right))),
    ] = True
    standing = inside & (height > _ABOVE)
    if standing.sum() < FEWEST_PIXELS:
        standing = inside
    if not standing.any():
        return standing
    row, column = np.nonzero(standing)
    off = np.abs(row - (top + bottom) / 2) / max(bottom - top, 1) + np.abs(column - (left + right) / 2) / max(
        right - left, 1
    )
    middle = off <= max(0.5, float(off.min()))
    median = float(np.median(depth[row[middle], column[middle]]))
    return standing & (np.abs(depth - median) <= size)


def _shared(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Intersection over union of two boxes."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    both = float(np.prod(np.maximum(high - low, 0)))
    return both / max(float(np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2])) - both, 1e-9)


def _load(folder: Path) -> tuple[Any, Any, str]:
    """Model, processor and kind of a folder. Nothing is downloaded. Raises `BadZeroShotModel`."""
    try:
        kind = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise BadZeroShotModel(
            f"Expected the folder of an OWL-ViT or OWLv2 model with a config.json, got {str(folder)!r}: {error}. "
            "Download one, for instance google/owlv2-base-patch16-ensemble, and pass its folder."
        ) from error
    if kind not in _KINDS:
        raise BadZeroShotModel(
            f"Expected a model of the type {' or '.join(_KINDS)} in {str(folder)!r}, got {kind!r}. "
            "Other zero-shot detectors are not supported."
        )
    from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

    try:
        processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
        model = AutoModelForZeroShotObjectDetection.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, ImportError) as error:
        raise BadZeroShotModel(f"Expected a whole {kind} model in {str(folder)!r}: {error}") from error
    return model.eval(), processor, str(kind)
