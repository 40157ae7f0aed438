"""Detectors by the name that a person gives."""

from __future__ import annotations

from pathlib import Path

from .catalogue import UnknownName
from .detector import Detector
from .scene import Scene

ORACLE, LEARNED = "oracle", "learned"


def make_detector(name: str, scene: Scene, *, threshold: float = 0.1) -> Detector | None:
    """'oracle' (None: the world labels its own pictures), 'learned', a file of trained weights, or the folder of
    an OWL-ViT or OWLv2 model, which tells what it is at least `threshold` sure of. Raises ValueError."""
    if name == ORACLE:
        return None
    path = Path(name)
    if name == LEARNED or path.suffix == ".safetensors":
        from .learned_detector import LearnedDetector

        return LearnedDetector.load(None if name == LEARNED else path, scene)
    if path.is_dir():
        from .zero_shot import ZeroShotDetector

        return ZeroShotDetector(path, scene, threshold=threshold)
    raise UnknownName("a detector (or a weights file, or a model's folder)", name, (ORACLE, LEARNED))
