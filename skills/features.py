"""What a value function gets to know of a skill in a situation: numbers from the observation, and from nothing else.

What a skill is about does not change, so it is looked up once a library (`Ground`). What is seen is put into small
tables, a row for each object type, place and drawer, once a turn; a skill's row is then gathered from them:

    family │ target's kind │ target as seen │ where to: kind, as seen │ place │ drawer │ robot and its place
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..sim.catalogue import CATALOGUE
from ..sim.observation import Observation
from ..sim.scene import Scene
from .conditions import Conditions
from .skill import Skill

VERSION = "2"
"""Changes whenever the meaning of a column does; weights of another version are refused."""
_KINDS = ("counter", "table", "cabinet", "bin", "person", "spot")
_SHAPES = ("box", "cylinder", "sphere", "bowl")
_FAR = 6.0
"""Distances beyond this many metres say no more."""
_NEAR = 0.20
"""What is nearer than this, metres, is close to something."""
_GAP = 0.5
"""The gap to a neighbour where there is none so near, metres."""

KIND = (*(f"shape: {shape}" for shape in _SHAPES), "size x (m)", "size y (m)", "size z (m)", "mass (kg)", "friction")
SEEN = (
    "known", "remembered", "visible", "here", "upright", "confidence", "age (min)", "occluded", "shut in",
    "on the floor", "base distance (m)", "along (m)", "to the end (m)", "deep (m)", "to the back (m)",
    "turned (0 along the edge, 1 across)", "gap to neighbour (m)", "neighbour height (m)", "second gap (m)",
    "second height (m)", "neighbours within 20 cm", "neighbours in front", "things on or in it", "height (m)",
    "of this type (of 5)",
)  # fmt: skip
PLACE = (
    *(f"kind: {kind}" for kind in _KINDS), "looked at", "robot there", "distance to its stand (m)", "length (m)",
    "depth (m)", "height (m)", "things there (of 10)", "largest free length (m)", "drawers out (of their travel)",
    "spilled (of 100 squares)", "spill length (m)", "spill depth (m)", "farthest spill (m deep)",
    "things in the spill (of 5)",
)  # fmt: skip
DRAWER = ("known to be open (of its travel)", "seen", "others open", "height (m)", "things in it (of 5)", "robot there")
ROBOT = (
    "holding anything", "held: confidence", "held: upright", "share of surfaces looked at", "fixed arm",
    "drawers not seen", "drawers seen shut",
)  # fmt: skip
NAMES: tuple[str, ...] = (
    *(f"target: {name}" for name in KIND), *(f"target: {name}" for name in SEEN), "holding the target",
    "where: holds", "where: stacks", *(f"where: {name}" for name in SEEN),
    *(f"place: {name}" for name in PLACE), *(f"drawer: {name}" for name in DRAWER),
    *(f"robot: {name}" for name in ROBOT), *(f"held: {name}" for name in KIND), *(f"here: {name}" for name in PLACE),
)  # fmt: skip
"""One name a column, with its unit, after those of the families."""


class BadObservation(ValueError):
    """An observation with numbers that are none."""


def check_observation(now: Observation) -> None:
    """Raises `BadObservation`, naming what is not a finite number."""
    told = {
        "the time": (now.time,),
        "the robot's position": now.robot.position,
        "the robot's yaw": (now.robot.yaw,),
        **{f"the opening of the {d.name}": (d.opening,) for d in now.drawers if d.opening is not None},
    }
    things = [*now.objects, *((now.carried,) if now.carried else ())]
    numbers = [x for values in told.values() for x in values]
    numbers += [x for o in things for x in (*o.position, o.yaw, o.confidence, o.last_seen)]
    if math.isfinite(sum(numbers)):
        return
    for o in things:
        told |= {f"the position of the {o.type}": o.position}
        told |= {f"the yaw of the {o.type}": (o.yaw,), f"the confidence of the {o.type}": (o.confidence,)}
        told |= {f"when the {o.type} was last seen": (o.last_seen,)}
    for what, values in told.items():
        if not all(map(math.isfinite, values)):
            shown = ", ".join(map(str, values))
            raise BadObservation(
                f"Expected finite numbers in an observation, got {shown} as {what}. Look again before valuing skills."
            )


class Ground:
    """What skills are about, looked up once: which rows of the tables each of them is made of."""

    def __init__(self, skills: Sequence[Skill], scene: Scene, families: Sequence[str]):
        self.skills, self.scene, self.families = tuple(skills), scene, tuple(families)
        self.preconditions = Conditions([skill.preconditions for skill in skills])
        self.types = tuple(dict.fromkeys([*scene.types, *CATALOGUE]))
        self._type = {name: i for i, name in enumerate(self.types)}
        self._place = {place.name: i for i, place in enumerate(scene.places)}
        self._drawer = {drawer.name: i for i, drawer in enumerate(scene.drawers)}
        self._cabinet = np.array([self._place[d.cabinet] for d in scene.drawers], dtype=np.intp)
        place_of = {**self._place, **{d.name: self._place[d.cabinet] for d in scene.drawers}}
        none = -1  # the last row of every table: nothing
        self._target = np.array([self._type.get(s.target or "", none) for s in skills], dtype=np.intp)
        where = [s.where or "" for s in skills]
        self._where = np.array([self._type.get(w, none) for w in where], dtype=np.intp)
        named = [place_of.get(w, place_of.get(s.target or "", none)) for s, w in zip(skills, where, strict=True)]
        user = self._place.get("user", none)
        self._at = np.array(
            [user if s.family == "bring" else at for s, at in zip(skills, named, strict=True)], dtype=np.intp
        )
        drawers = [
            self._drawer.get(w, self._drawer.get(s.target or "", none)) for s, w in zip(skills, where, strict=True)
        ]
        self._in = np.array(drawers, dtype=np.intp)
        one_hot = [[float(s.family == family) for family in self.families] for s in skills]
        self._family = np.array(one_hot, dtype=np.float32).reshape(len(skills), len(self.families))
        self._kinds = np.array([*map(_kind, self.types), [0.0] * len(KIND)], dtype=np.float32)
        holders = [[float(CATALOGUE[t].holds), float(CATALOGUE[t].stacks)] for t in self.types]
        self._holders = np.array([*holders, [0.0, 0.0]], dtype=np.float32)
        self._map = np.array([_mapped(place) for place in scene.places]).reshape(len(scene.places), -1)
        self._place_kinds = np.array([[float(p.kind == k) for k in _KINDS] for p in scene.places], dtype=np.float32)
        self._surfaces = [self._place[p.name] for p in scene.surfaces()]
        self._stands = np.array([p.stand()[:2] for p in scene.places])
        self._columns = len(self.families) + len(NAMES)

    @property
    def columns(self) -> tuple[str, ...]:
        """One name a column."""
        return (*(f"family: {name}" for name in self.families), *NAMES)

    def features(self, now: Observation, chosen: NDArray[np.intp] | None = None) -> NDArray[np.float32]:
        """(n, columns) float32, a row for each skill, or each of the `chosen` ones. Raises `BadObservation`."""
        check_observation(now)
        rows = np.arange(len(self.skills)) if chosen is None else chosen
        seen = _Seen(self, now)
        target, held = self._target[rows], self._type.get(now.robot.holding or "", -1)
        at = self._at[rows]
        at = np.where(at >= 0, at, np.append(seen.thing_place, -1)[target])  # of a thing: where it was seen
        here = self._place.get(now.robot.place or "", -1)
        out = np.empty((len(rows), self._columns), dtype=np.float32)
        column = 0
        for block in (
            self._family[rows], self._kinds[target], seen.things[target],
            ((target == held) & (held >= 0))[:, None], self._holders[self._where[rows]],
            seen.things[self._where[rows]], seen.places[at], seen.drawers[self._in[rows]], seen.robot[None],
            self._kinds[held][None], seen.places[here][None],
        ):  # fmt: skip
            out[:, column : column + block.shape[1]] = block
            column += block.shape[1]
        return out


def features(now: Observation, skills: Sequence[Skill], scene: Scene, families: Sequence[str]) -> NDArray[np.float32]:
    """(n, columns) of some skills, once; for many turns keep a `Ground`. Raises `BadObservation`."""
    return Ground(skills, scene, families).features(now)


def _kind(name: str) -> list[float]:
    kind = CATALOGUE[name]
    return [*(float(kind.shape == shape) for shape in _SHAPES), *kind.size, kind.mass, kind.friction]


def _mapped(place) -> tuple[float, ...]:
    """A place for `_local`: cosine and sine of its facing, centre, size, height, facing."""
    return math.cos(place.facing), math.sin(place.facing), *place.centre, *place.size, place.height, place.facing


class _Seen:
    """The tables of one observation; the last row of each is all 0, for nothing."""

    def __init__(self, ground: Ground, now: Observation):
        self._ground, self._now = ground, now
        objects = now.objects
        count = len(objects)
        self._xyz = np.array([o.position for o in objects], dtype=np.float64).reshape(count, 3)
        place_of, drawer_of = ground._place, ground._drawer
        cabinets = ground._cabinet
        self._drawer_of = np.array([drawer_of.get(o.place or "", -1) for o in objects], dtype=np.intp)
        self._place_of = np.array([place_of.get(o.place or "", -1) for o in objects], dtype=np.intp)
        if count and len(cabinets):
            self._place_of = np.where(self._drawer_of >= 0, cabinets[self._drawer_of], self._place_of)
        heights = [CATALOGUE[o.type].size[2] if o.type in CATALOGUE else 0.0 for o in objects]
        self._heights = np.array(heights)
        local = np.zeros((count, 2))
        known = self._place_of >= 0
        if known.any():
            local[known] = _local(ground._map[self._place_of[known]], self._xyz[known, :2])
        self._local = local
        opening = [0.0 if d is None or d.opening is None else d.opening for d in self._drawer_states()]
        self._openings = np.array(opening)
        self.things, self.thing_place = self._things()
        self.places = self._places()
        self.drawers = self._drawers()
        self.robot = self._robot()

    def _drawer_states(self):
        states = {d.name: d for d in self._now.drawers}
        return [states.get(d.name) for d in self._ground.scene.drawers]

    def _things(self) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """(types + 1, SEEN), and the place of each type's nearest object, -1 for none."""
        ground, now, count = self._ground, self._now, len(self._xyz)
        table = np.zeros((len(ground.types) + 1, len(SEEN)), dtype=np.float32)
        places = np.full(len(ground.types), -1, dtype=np.intp)
        if not count:
            return table, places
        away = np.hypot(*(self._xyz[:, :2] - np.asarray(now.robot.position)).T)
        nearest: dict[str, int] = {}
        types: dict[str, int] = {}
        for i, o in enumerate(now.objects):
            types[o.type] = types.get(o.type, 0) + 1
            best = nearest.get(o.type)
            if best is None or (o.remembered, away[i]) < (now.objects[best].remembered, away[best]):
                nearest[o.type] = i
        picked = [(ground._type[name], i) for name, i in nearest.items() if name in ground._type]
        if not picked:
            return table, places
        index = np.array([i for _, i in picked])
        apart = self._xyz[index, None, :2] - self._xyz[None, :, :2]  # (m, n, 2)
        gaps = np.hypot(apart[..., 0], apart[..., 1])
        same = (self._place_of[index, None] == self._place_of[None]) & (
            self._drawer_of[index, None] == self._drawer_of[None]
        )
        gaps = np.where(same, gaps, np.inf)
        gaps[np.arange(len(index)), index] = np.inf
        order = np.argsort(gaps, axis=1)
        pad = np.full((len(index), 2), np.inf)
        closest = np.concatenate([np.take_along_axis(gaps, order[:, :2], 1), pad], axis=1)[:, :2]
        near = self._heights[np.concatenate([order, order], axis=1)[:, :2]]
        near = np.where(closest < _GAP, near, 0.0)
        closest = np.minimum(closest, _GAP)
        within = gaps < _NEAR
        front = within & (self._local[None, :, 1] < self._local[index, None, 1] - 0.02)
        upon: dict[str, int] = {}
        for o in now.objects:
            if o.place in nearest:
                upon[o.place or ""] = upon.get(o.place or "", 0) + 1
        for k, (row, i) in enumerate(picked):
            o, at = now.objects[i], self._place_of[i]
            length, depth = ground._map[at][4:6] if at >= 0 else (0.0, 0.0)
            along, deep = self._local[i]
            facing = ground._map[at][7] if at >= 0 else 0.0
            places[row] = at
            table[row] = (
                1.0, o.remembered, o.visible, o.place is not None and o.place == now.robot.place and not o.remembered,
                o.upright, o.confidence, max(-60.0, min((now.time - o.last_seen) / 60, 60.0)),
                o.hidden == "occluded", o.hidden == "shut in", o.state == "on the floor", min(away[i], _FAR), along,
                max(0.0, length / 2 - abs(along)) if at >= 0 else 0.0, deep, max(0.0, depth - deep) if at >= 0 else 0.0,
                abs(math.cos(o.yaw - facing)) if at >= 0 else 0.0, closest[k, 0], near[k, 0], closest[k, 1], near[k, 1],
                min(within[k].sum(), 5), min(front[k].sum(), 5), min(upon.get(o.type, 0), 5), o.position[2],
                min(types[o.type], 5) / 5,
            )  # fmt: skip
        return table, places

    def _places(self) -> NDArray[np.float32]:
        """(places + 1, PLACE)."""
        ground, now = self._ground, self._now
        count = len(ground._map)
        table = np.zeros((count + 1, len(PLACE)), dtype=np.float32)
        kinds = len(_KINDS)
        table[:count, :kinds] = ground._place_kinds
        for name in now.looked_at:
            if name in ground._place:
                table[ground._place[name], kinds] = 1.0
        here = ground._place.get(now.robot.place or "", -1)
        if here >= 0:
            table[here, kinds + 1] = 1.0
        away = np.hypot(*(ground._stands - np.asarray(now.robot.position)).T)
        table[:count, kinds + 2] = np.minimum(away, _FAR)
        table[:count, kinds + 3 : kinds + 6] = ground._map[:, 4:7]
        surface = self._place_of.copy()
        surface[self._drawer_of >= 0] = -1
        table[:count, kinds + 6] = np.minimum(np.bincount(surface[surface >= 0], minlength=count), 10) / 10
        for at in range(count):
            length = ground._map[at, 4]
            ends = np.sort(self._local[surface == at, 0])
            edges = np.concatenate([[-length / 2], ends, [length / 2]])
            table[at, kinds + 7] = max(0.0, float(np.max(np.diff(edges))))
        for drawer, out in zip(ground._cabinet, self._openings, strict=True):
            table[drawer, kinds + 8] = max(table[drawer, kinds + 8], out)
        for spill in now.spills:
            at = ground._place.get(spill.place, -1)
            if at < 0 or not spill.cells:
                continue
            cells = _local(np.broadcast_to(ground._map[at], (len(spill.cells), 8)), np.array(spill.cells))
            low, high = cells.min(0), cells.max(0)
            mine = self._local[surface == at]
            among = ((mine > low - 0.05) & (mine < high + 0.05)).all(1).sum()
            table[at, kinds + 9 :] = min(len(cells), 100) / 100, *(high - low), high[1], min(among, 5) / 5
        return table

    def _drawers(self) -> NDArray[np.float32]:
        """(drawers + 1, DRAWER)."""
        ground = self._ground
        drawers, states = ground.scene.drawers, self._drawer_states()
        table = np.zeros((len(drawers) + 1, len(DRAWER)), dtype=np.float32)
        here = ground._place.get(self._now.robot.place or "", -2)
        for i, (drawer, state) in enumerate(zip(drawers, states, strict=True)):
            others = [o for j, o in enumerate(self._openings) if j != i]
            seen = state is not None and state.opening is not None
            inside = int((self._drawer_of == i).sum())
            there = here == ground._cabinet[i]
            table[i] = self._openings[i], seen, max(others, default=0.0), drawer.height, min(inside, 5) / 5, there
        return table

    def _robot(self) -> NDArray[np.float32]:
        """(ROBOT,)."""
        ground, now = self._ground, self._now
        looked = sum(ground.scene.places[i].name in now.looked_at for i in ground._surfaces)
        states = self._drawer_states()
        unseen = sum(s is None or s.opening is None for s in states)
        shut = sum(s is not None and s.opening is not None and s.opening <= 0.1 for s in states)
        carried = now.carried
        return np.array(
            (
                now.robot.holding is not None, carried.confidence if carried else 0.0,
                carried is not None and carried.upright, looked / max(1, len(ground._surfaces)),
                ground.scene.robot.base is not None, unseen, shut,
            ),
            dtype=np.float32,
        )  # fmt: skip


def _local(mapped: NDArray[np.float64], xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, 2) (along, deep) of world points (n, 2) in the frames of their places (n, 8), as `Place.to_local`."""
    c, s = mapped[:, 0], mapped[:, 1]
    dx, dy = xy[:, 0] - mapped[:, 2], xy[:, 1] - mapped[:, 3]
    return np.stack([-s * dx + c * dy, c * dx + s * dy + mapped[:, 5] / 2], axis=1)
