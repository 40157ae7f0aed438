"""The newest knowledge of everything seen, kept over an episode: what is where, in which state, and since when."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .camera import Frame
from .catalogue import CATALOGUE, SPILL
from .detector import Detection, Detector
from .furniture import BAR, FRONT, HANDLE_OUT
from .observation import DrawerState, Hidden, SeenObject, SeenSpill, State
from .perception import ON_FLOOR, locate
from .scene import Scene
from .scene_parts import Drawer
from .support import carrier

_HANDLE = FRONT + HANDLE_OUT + BAR / 2
"""From the cabinet's face to the outer side of a closed drawer's handle, metres: furniture knowledge, like the map."""
_COVERED = 0.02
"""How far off, metres, a block seems to be of which another one covers the top."""
_SQUARE = 0.02
"""A side of the squares that a spill is told in, metres."""
_SHUT = 0.1
"""A drawer that is open by less of its travel counts as closed."""


class Tracker:
    """The newest knowledge of each object, drawer and place, over one episode."""

    def __init__(self, scene: Scene):
        self._scene = scene
        self.objects: list[SeenObject] = []
        self.carried: SeenObject | None = None
        self.drawers = {d.name: DrawerState(d.name, None) for d in scene.drawers}
        self.spills: dict[str, SeenSpill] = {}
        self.looked_at: list[str] = []
        self.visited: list[str] = []

    def look(
        self,
        frames: Sequence[Frame],
        detector: Detector,
        time: float,
        hand: NDArray[np.float64],
        holding: str | None,
        wrist: Frame | None = None,
    ) -> None:
        """Take in pictures of one moment.

        `hand` is the grasp point (3,), world frame: what is seen there is the held object, not one that stands about.
        `wrist` looks at the fingers, and tells of nothing else.
        """
        points = [frame.points() for frame in frames]
        found = [detector.detect(frame) for frame in frames]
        for cloud, detections in zip(points, found, strict=True):
            self._see_drawers(cloud, detections, time)
        self._see_spills(frames, points, found, time)
        best: list[SeenObject] = []
        held: list[SeenObject] = []
        for frame, cloud, detections in zip(frames, points, found, strict=True):
            for detection in detections:
                if detection.type in self.drawers or detection.type == SPILL:
                    continue
                seen = self._located(detection, cloud, frame, time)
                if holding == seen.type and _in_hand(seen, hand):
                    held.append(seen)
                    continue
                twin = next((b for b in best if _same(b, seen, 0.12)), None)
                if twin is None:
                    best.append(seen)
                elif seen.confidence > twin.confidence:
                    best[best.index(twin)] = seen
        best = [self._carried_by(seen, best) for seen in best]
        self._merge(best, frames, hand, holding)
        if holding and wrist:
            cloud = wrist.points()
            mine = [d for d in detector.detect(wrist) if d.type == holding]
            held += [s for s in (self._located(d, cloud, wrist, time) for d in mine) if _in_hand(s, hand)]
        self._see_carried(holding, held, hand)
        for place in self._scene.places:
            if place.name not in self.looked_at and self._surface_seen(place.name, frames) >= 0.6:
                self.looked_at.append(place.name)

    def _located(self, detection: Detection, cloud: NDArray[np.float64], frame: Frame, time: float) -> SeenObject:
        seen = locate(detection, cloud[detection.mask], self._scene, frame.view.eye)
        openings = {d.name: (self.drawers[d.name].opening or 0.0) * d.travel for d in self._scene.drawers}
        drawer = self._scene.inside_drawer(*seen.position, openings) if seen.place is None else None
        seen = replace(seen, place=drawer or seen.place, last_seen=time)
        return replace(seen, state=self._state(seen))

    def _state(self, seen: SeenObject) -> State:
        if seen.place is None:
            low = seen.position[2] < ON_FLOOR
            return "on the floor" if low else "standing" if seen.upright else "knocked over"
        if seen.place in self.drawers or self._scene.place(seen.place).kind == "bin":
            return "inside"
        return "standing" if seen.upright else "knocked over"

    def _carried_by(self, thing: SeenObject, others: Sequence[SeenObject]) -> SeenObject:
        """With the bowl or the block that it lies in or on as its place, if there is one."""
        seen = [(o.type, o.position) for o in others if o is not thing]
        below = carrier((thing.type, thing.position), seen, _COVERED)
        if below is None:
            return thing
        return replace(thing, place=below, state="inside" if CATALOGUE[below].holds else thing.state)

    def _see_carried(self, holding: str | None, held: Sequence[SeenObject], hand: NDArray[np.float64]) -> None:
        """What the fingers feel, with what the pictures show there: the surest of them, else the last one."""
        if holding is None:
            self.carried = None
            return
        surest = max(held, key=lambda s: s.confidence, default=None)
        if surest is not None:
            self.carried = replace(surest, place=None, state="carried")
            return
        before = self.carried if self.carried and self.carried.type == holding else None
        x, y, z = (float(v) for v in hand)
        felt = before or SeenObject(holding, (x, y, z), None, confidence=0.0, last_seen=0.0)
        hidden: Hidden = "occluded"
        self.carried = replace(felt, position=(x, y, z), visible=False, state="carried", hidden=hidden)

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
                kept.append(replace(old, visible=False, hidden=self._hidden(old, frames)))
        if holding and not any(o.type == holding for o in seen):
            # What was picked up is no longer where it stood, even if the arm hides that spot.
            near = [o for o in kept if o.type == holding and np.hypot(*(np.array(o.position[:2]) - hand[:2])) < 0.9]
            if near:
                kept.remove(min(near, key=lambda o: float(np.hypot(*(np.array(o.position[:2]) - hand[:2])))))
        self.objects = kept + unmatched

    def _gone(self, old: SeenObject, frames: Sequence[Frame]) -> bool:
        """Is the spot in view, with nothing before it, and the object not there?"""
        if self._shut_in(old):
            return False
        reach = max(CATALOGUE[old.type].size) / 2 + 0.03
        for frame in frames:
            pixel, depth, inside = frame.project(np.array([old.position]))
            # Something clearly nearer hides the spot; otherwise the object would have been detected.
            if inside[0] and frame.depth[tuple(pixel[0])] > depth[0] - reach:
                return True
        return False

    def _hidden(self, old: SeenObject, frames: Sequence[Frame]) -> Hidden:
        """Why a thing that is still where it was is not in these pictures."""
        if self._shut_in(old):
            return "shut in"
        in_view = any(frame.project(np.array([old.position]))[2][0] for frame in frames)
        return "occluded" if in_view else "out of view"

    def _shut_in(self, thing: SeenObject) -> bool:
        drawer = self.drawers.get(thing.place or "")
        return drawer is not None and drawer.opening is not None and drawer.opening <= _SHUT

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

    def _see_spills(
        self,
        frames: Sequence[Frame],
        points: Sequence[NDArray[np.float64]],
        found: Sequence[Sequence[Detection]],
        time: float,
    ) -> None:
        """The squares that show a spill now, and those that did and can't be seen now."""
        shown: dict[str, set[tuple[float, float]]] = {}
        for cloud, detections in zip(points, found, strict=True):
            for detection in (d for d in detections if d.type == SPILL):
                for x, y in {_square(x, y) for x, y, _ in cloud[detection.mask]}:
                    place = next((p for p in self._scene.surfaces() if p.contains(x, y, 0.02)), None)
                    if place is not None:
                        shown.setdefault(place.name, set()).add((x, y))
        spills = {}
        for place in self._scene.places:
            now, old = shown.get(place.name, set()), self.spills.get(place.name)
            # A square that is in view, with nothing before it, and shows none is clean.
            kept = {c for c in old.cells if not self._in_view((*c, place.height), frames)} if old else set()
            if now | kept:
                seen = time if now or old is None else old.last_seen
                spills[place.name] = SeenSpill(place.name, tuple(sorted(now | kept)), seen, bool(now))
        self.spills = spills

    def _in_view(self, point: tuple[float, float, float], frames: Sequence[Frame]) -> bool:
        """Does one of the pictures show what is at this point of a surface?"""
        for frame in frames:
            pixel, depth, inside = frame.project(np.array([point]))
            if inside[0] and frame.depth[tuple(pixel[0])] > depth[0] - 0.03:
                return True
        return False

    def _see_drawers(self, cloud: NDArray[np.float64], detections: Sequence[Detection], time: float) -> None:
        """A drawer's opening is how far the outermost of its pixels, its handle, stands before the cabinet."""
        for detection in detections:
            if detection.type not in self.drawers:
                continue
            drawer = self._scene.drawer(detection.type)
            place = self._scene.place(drawer.cabinet)
            c, s = math.cos(place.facing), math.sin(place.facing)
            offset = cloud[detection.mask][:, :2] - np.asarray(place.centre)
            outward = -(c * offset[:, 0] + s * offset[:, 1]) - place.size[1] / 2
            out = float(np.partition(outward, -3)[-3]) - _HANDLE
            now = DrawerState(drawer.name, float(np.clip(out / drawer.travel, 0.0, 1.0)), time)
            self._carry_along(drawer, self.drawers[drawer.name], now)
            self.drawers[drawer.name] = now

    def _carry_along(self, drawer: Drawer, before: DrawerState, now: DrawerState) -> None:
        """What lies in a drawer that was moved has moved with it."""
        moved = 0.0 if before.opening is None or now.opening is None else now.opening - before.opening
        if abs(moved) <= _SHUT:
            return
        facing = self._scene.place(drawer.cabinet).facing
        dx, dy = -moved * drawer.travel * math.cos(facing), -moved * drawer.travel * math.sin(facing)
        self.objects = [
            replace(o, position=(o.position[0] + dx, o.position[1] + dy, o.position[2]))
            if o.place == drawer.name
            else o
            for o in self.objects
        ]

    def state(self) -> dict[str, Any]:
        """Everything known, as JSON."""
        return {
            "objects": [asdict(o) for o in self.objects],
            "carried": asdict(self.carried) if self.carried else None,
            "drawers": [asdict(d) for d in self.drawers.values()],
            "spills": [asdict(s) for s in self.spills.values()],
            "looked_at": self.looked_at,
            "visited": self.visited,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """The inverse of `state`."""
        self.objects = [_seen(o) for o in state["objects"]]
        self.carried = _seen(state["carried"]) if state.get("carried") else None
        self.drawers = {d["name"]: DrawerState(**d) for d in state["drawers"]}
        spills = [SeenSpill(**{**s, "cells": tuple(tuple(c) for c in s["cells"])}) for s in state.get("spills", ())]
        self.spills = {spill.place: spill for spill in spills}
        self.looked_at, self.visited = list(state["looked_at"]), list(state["visited"])


def _seen(data: Mapping[str, Any]) -> SeenObject:
    return SeenObject(**{**data, "position": tuple(data["position"])})


def _square(x: float, y: float) -> tuple[float, float]:
    """The middle of the 2 cm square that the point is in."""
    return round((math.floor(x / _SQUARE) + 0.5) * _SQUARE, 3), round((math.floor(y / _SQUARE) + 0.5) * _SQUARE, 3)


def _in_hand(seen: SeenObject, hand: NDArray[np.float64]) -> bool:
    return bool(np.linalg.norm(np.asarray(seen.position) - hand) < 0.15)


def _same(a: SeenObject, b: SeenObject, within: float) -> bool:
    return a.type == b.type and _distance(a, b) < within


def _distance(a: SeenObject, b: SeenObject) -> float:
    return math.dist(a.position, b.position)
