"""From pictures to objects: what is where, judged by depth, and kept over an episode.

A `Detector` says which pixels are which type of object. Where the object is follows from the depth of those pixels and
the size that the catalogue gives its type. The `Tracker` keeps the newest knowledge of everything seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .camera import Frame
from .catalogue import CATALOGUE
from .furniture import BAR, FRONT, HANDLE_OUT
from .observation import DrawerState, SeenObject
from .scene import Scene

_HANDLE = FRONT + HANDLE_OUT + BAR / 2
"""From the cabinet's face to the outer side of a closed drawer's handle, metres: furniture knowledge, like the map."""
_FEWEST_PIXELS = 6
"""Fewer are not trusted to be an object."""


@dataclass(frozen=True)
class Detection:
    """One object in one picture: its type and its pixels (H, W) bool."""

    type: str
    mask: NDArray[np.bool_]


class Detector(Protocol):
    """Finds objects in a picture."""

    name: str
    """Named wherever results are shown."""

    def detect(self, frame: Frame) -> Sequence[Detection]: ...


class OracleLabels:
    """Types and outlines from the renderer's own labels: a perfect detector, for all that is in view and not hidden."""

    name = "oracle labels"

    def __init__(self, types: Mapping[int, str]):
        self._types = types

    def detect(self, frame: Frame) -> list[Detection]:
        """One detection for each body of a known type with enough pixels."""
        bodies, counts = np.unique(frame.body, return_counts=True)
        return [
            Detection(self._types[int(body)], frame.body == body)
            for body, count in zip(bodies, counts, strict=True)
            if int(body) in self._types and count >= _FEWEST_PIXELS
        ]


def locate(detection: Detection, points: NDArray[np.float64], scene: Scene, eye: Sequence[float]) -> SeenObject:
    """Where an object is, from the points (n, 3) of its pixels.

    Of a box or cylinder the top face is seen: its middle is the object's. Of a ball a cap is seen: its centre is where
    a sphere of the catalogue's radius fits. The height of the top above its support tells whether it still stands.
    """
    kind = CATALOGUE[detection.type]
    top = float(np.percentile(points[:, 2], 97))
    if kind.shape == "sphere":
        x, y, z = _ball(points, kind.size[0] / 2, np.asarray(eye))
        yaw, upright = 0.0, True
    else:
        face = points[points[:, 2] > top - 0.004]
        x, y = face[:, :2].mean(axis=0)
        spread = np.cov(face[:, :2].T) if len(face) > 2 else np.eye(2)
        axis = np.linalg.eigh(spread)[1][:, -1]
        yaw = math.atan2(axis[1], axis[0])
        surface = next((p.height for p in scene.places if p.kind != "bin" and p.contains(x, y, 0.02)), None)
        high = kind.size[2] if surface is None or top < surface else top - surface
        upright = abs(high - kind.size[2]) < 0.25 * kind.size[2] or high > 0.30
        z = top - (kind.size[2] if upright else high) / 2
    return SeenObject(
        type=kind.name,
        position=(float(x), float(y), float(z)),
        place=scene.resting_on(float(x), float(y), float(z)),
        yaw=(yaw + math.pi / 2) % math.pi - math.pi / 2,
        confidence=min(1.0, len(points) / 40),
        upright=upright,
    )


def _ball(points: NDArray[np.float64], radius: float, eye: NDArray[np.float64]) -> NDArray[np.float64]:
    """The centre of a sphere of known radius: the seen cap lies on average 2/3 of a radius before it."""
    middle = points.mean(axis=0)
    away = middle - eye
    centre = middle + 2 / 3 * radius * away / np.linalg.norm(away)
    for _ in range(10):  # Gauss-Newton on the distances to the surface
        offset = centre - points
        distance = np.linalg.norm(offset, axis=1)
        step = np.linalg.lstsq(offset / distance[:, None], radius - distance, rcond=None)[0]
        centre = centre + step
    return centre if np.linalg.norm(centre - middle) < 1.5 * radius else middle


class Tracker:
    """The newest knowledge of each object, drawer and place, over one episode."""

    def __init__(self, scene: Scene):
        self._scene = scene
        self.objects: list[SeenObject] = []
        self.drawers = {d.name: DrawerState(d.name, None) for d in scene.drawers}
        self.looked_at: list[str] = []
        self.visited: list[str] = []

    def look(
        self,
        frames: Sequence[Frame],
        detector: Detector,
        drawers: Mapping[tuple[int, int], str],
        time: float,
        hand: NDArray[np.float64],
        holding: str | None,
    ) -> None:
        """Take in pictures of one moment.

        `drawers` maps (body, link) labels to drawer names; `hand` is the grasp point (3,), world frame: what is seen
        there is the held object, not one that stands about.
        """
        points = [frame.points() for frame in frames]
        for frame, cloud in zip(frames, points, strict=True):
            self._see_drawers(frame, cloud, drawers, time)
        best: list[SeenObject] = []
        for frame, cloud in zip(frames, points, strict=True):
            for detection in detector.detect(frame):
                seen = self._located(detection, cloud, frame, time)
                if holding == seen.type and np.linalg.norm(np.asarray(seen.position) - hand) < 0.15:
                    continue
                twin = next((b for b in best if _same(b, seen, 0.12)), None)
                if twin is None:
                    best.append(seen)
                elif seen.confidence > twin.confidence:
                    best[best.index(twin)] = seen
        self._merge(best, frames, hand, holding)
        for place in self._scene.places:
            if place.name not in self.looked_at and self._surface_seen(place.name, frames) >= 0.6:
                self.looked_at.append(place.name)

    def _located(self, detection: Detection, cloud: NDArray[np.float64], frame: Frame, time: float) -> SeenObject:
        seen = locate(detection, cloud[detection.mask], self._scene, frame.view.eye)
        openings = {d.name: (self.drawers[d.name].opening or 0.0) * d.travel for d in self._scene.drawers}
        drawer = self._scene.inside_drawer(*seen.position, openings) if seen.place is None else None
        return replace(seen, place=drawer or seen.place, last_seen=time)

    def _merge(
        self, seen: list[SeenObject], frames: Sequence[Frame], hand: NDArray[np.float64], holding: str | None
    ) -> None:
        """Match by type and nearness; forget what is not where it was; keep what can't be seen from here."""
        kept = []
        unmatched = list(seen)
        for old in self.objects:
            match = min((s for s in unmatched if _same(s, old, 0.30)), key=lambda s: _distance(s, old), default=None)
            if match is not None:
                unmatched.remove(match)
                kept.append(match)
            elif not self._gone(old, frames):
                kept.append(replace(old, visible=False))
        if holding and not any(o.type == holding for o in seen):
            # What was picked up is no longer where it stood, even if the arm hides that spot.
            near = [o for o in kept if o.type == holding and np.hypot(*(np.array(o.position[:2]) - hand[:2])) < 0.9]
            if near:
                kept.remove(min(near, key=lambda o: float(np.hypot(*(np.array(o.position[:2]) - hand[:2])))))
        self.objects = kept + unmatched

    def _gone(self, old: SeenObject, frames: Sequence[Frame]) -> bool:
        """Is the spot in view, with nothing before it, and the object not there?"""
        reach = max(CATALOGUE[old.type].size) / 2 + 0.03
        for frame in frames:
            pixel, depth, inside = frame.project(np.array([old.position]))
            # Something clearly nearer hides the spot; otherwise the object would have been detected.
            if inside[0] and frame.depth[tuple(pixel[0])] > depth[0] - reach:
                return True
        return False

    def _surface_seen(self, name: str, frames: Sequence[Frame]) -> float:
        """The share of a place's near surface that these pictures show or show something standing on."""
        place = self._scene.place(name)
        length, depth = place.size
        height = 0.05 if place.kind == "bin" else place.height
        grid = [
            (*place.to_world(along, deep), height)
            for along in np.linspace(-length / 2 + 0.06, length / 2 - 0.06, 9)
            for deep in np.linspace(0.08, min(0.42, depth - 0.08), 4)
        ]
        seen = np.zeros(len(grid), dtype=bool)
        for frame in frames:
            pixels, depths, inside = frame.project(np.array(grid))
            shown = frame.depth[pixels[:, 0], pixels[:, 1]]
            seen |= inside & (shown > depths - 0.25)
        return float(seen.mean())

    def _see_drawers(
        self, frame: Frame, cloud: NDArray[np.float64], drawers: Mapping[tuple[int, int], str], time: float
    ) -> None:
        """A drawer's opening is how far the outermost of its pixels, its handle, stands before the cabinet."""
        for (body, link), name in drawers.items():
            mask = (frame.body == body) & (frame.link == link)
            if mask.sum() < _FEWEST_PIXELS:
                continue
            drawer = self._scene.drawer(name)
            place = self._scene.place(drawer.cabinet)
            c, s = math.cos(place.facing), math.sin(place.facing)
            offset = cloud[mask][:, :2] - np.asarray(place.centre)
            outward = -(c * offset[:, 0] + s * offset[:, 1]) - place.size[1] / 2
            out = float(np.partition(outward, -3)[-3]) - _HANDLE
            self.drawers[name] = DrawerState(name, float(np.clip(out / drawer.travel, 0.0, 1.0)), time)

    def state(self) -> dict[str, Any]:
        """Everything known, as JSON."""
        return {
            "objects": [asdict(o) for o in self.objects],
            "drawers": [asdict(d) for d in self.drawers.values()],
            "looked_at": self.looked_at,
            "visited": self.visited,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self.objects = [SeenObject(**{**o, "position": tuple(o["position"])}) for o in state["objects"]]
        self.drawers = {d["name"]: DrawerState(**d) for d in state["drawers"]}
        self.looked_at, self.visited = list(state["looked_at"]), list(state["visited"])


def _same(a: SeenObject, b: SeenObject, within: float) -> bool:
    return a.type == b.type and _distance(a, b) < within


def _distance(a: SeenObject, b: SeenObject) -> float:
    return math.dist(a.position, b.position)
