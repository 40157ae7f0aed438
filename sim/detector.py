"""Which pixels are which object: the border that every way of detecting keeps, and the perfect one.

A detector sees one `Frame`; what its answer means in the room is worked out in `perception.py` and `tracking.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from .catalogue import SPILL

if TYPE_CHECKING:
    from .camera import Frame

FEWEST_PIXELS = 6
"""Fewer are not trusted to be an object."""
FEWEST_SPILLED = 2
"""The same of a spill: what is left of it after wiping may be a single drop."""


@dataclass(frozen=True)
class Detection:
    """One object or drawer in one picture: what it is, its pixels (H, W) bool, and how sure that is, in [0, 1]."""

    type: str
    """A type of the catalogue, the name of a drawer, or "spill" (the pixels of all that is spilled)."""
    mask: NDArray[np.bool_]
    confidence: float = 1.0


class Detector(Protocol):
    """Finds objects and drawers in a picture."""

    name: str
    """Named wherever results are shown."""

    def detect(self, frame: Frame) -> Sequence[Detection]: ...


class OracleLabels:
    """Types and outlines from the renderer's own labels: a perfect detector, for all that is in view and not hidden.

    `types` maps bodies to catalogue types, `drawers` maps (body, link) to the names of drawers; `drops` are the bodies
    of what is spilled.
    """

    name = "oracle labels"

    def __init__(
        self,
        types: Mapping[int, str],
        drawers: Mapping[tuple[int, int], str] | None = None,
        drops: Collection[int] = (),
    ):
        self._types, self._drawers, self._drops = types, dict(drawers or {}), list(drops)

    def detect(self, frame: Frame) -> list[Detection]:
        """One detection for each drawer, then for each body of a known type, with enough pixels."""
        found = [
            Detection(name, (frame.body == body) & (frame.link == link)) for (body, link), name in self._drawers.items()
        ]
        found += [
            Detection(self._types[int(body)], frame.body == body)
            for body in np.unique(frame.body)
            if int(body) in self._types
        ]
        seen = [one for one in found if one.mask.sum() >= FEWEST_PIXELS]
        spilled = np.isin(frame.body, self._drops)
        return [*seen, Detection(SPILL, spilled)] if spilled.sum() >= FEWEST_SPILLED else seen
