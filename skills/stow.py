"""Putting things into an open drawer: over its front from above, let go close to its floor, look."""

from __future__ import annotations

import numpy as np

from ..sim.catalogue import object_type
from ..sim.observation import Observation
from ..sim.robot import Robot
from ..sim.scene import Scene
from ..sim.scene_parts import Drawer, Place
from .motion import CannotDo, must, policy, tuck_safely
from .navigate import STAND, drive, line_up_before_drawers, open_drawers, protrusion
from .pick import footprint
from .place import room_for_hand, set_down
from .skill import Policy

_LEFT_OVER = 0.02
"""Metres of air above a thing, so that the drawer can be closed on it."""
_DROPS = (0.005, 0.03, 0.06, 0.10)
"""How far above the drawer's floor it is let go, metres, the lowest that the arm can reach first."""
_HALF_HAND = 0.10
"""Half the hand's width along the edge, metres."""
_BESIDE_HANDLE = 0.20
"""From the middle of a handle to the middle of a hand that comes down beside it, metres."""


def fits(type_name: str, drawer: Drawer, scene: Scene) -> bool:
    """Is the thing low enough as it stands to shut the drawer on it, and small enough to lie in it?"""
    x, y, z = object_type(type_name).size
    return z + _LEFT_OVER <= drawer.room_above(scene) and max(x, y) <= drawer.travel


def put_in(type_name: str, drawer_name: str) -> Policy:
    """Put what is held into the drawer, which stands open."""

    def run(robot: Robot, observation: Observation) -> str:
        if robot.holding != type_name:
            raise CannotDo(f"the hand does not hold the {type_name}")
        drawer = robot.scene.drawer(drawer_name)
        place = robot.scene.place(drawer.cabinet)
        drive(robot, observation, place)
        observation = robot.observe()
        opened = open_drawers(robot.scene, observation, place)
        if drawer_name not in opened:
            raise CannotDo(f"the {drawer_name} is not seen open")
        above = [d for d in opened if robot.scene.drawer(d).height > drawer.height]
        if above:
            raise CannotDo(f"the {above[0]} stands open above the {drawer_name}")
        _lower(robot, observation, place, drawer, type_name)
        tuck_safely(robot)
        gap = STAND + protrusion(robot.scene, observation, place)
        must(robot.drive_to(*place.stand(0.0, gap), speed=0.5), "going back")
        seen = robot.observe().objects
        if not any(o.type == type_name and o.place == drawer_name for o in seen):
            raise CannotDo(f"the {type_name} is not seen in the {drawer_name} afterwards")
        return f"the {type_name} is in the {drawer_name}"

    return policy(run)


def _lower(robot: Robot, observation: Observation, place: Place, drawer: Drawer, type_name: str) -> None:
    """Let go of it at the freest spot that the hand can reach. Raises `CannotDo`."""
    grip = robot.gripped
    reason = "there is no free spot"
    for along, deep in _spots(robot, observation, place, drawer, type_name)[:3]:
        line_up_before_drawers(robot, observation, place, along)
        for drop in _DROPS:
            if grip is None or robot.holding != type_name:
                raise CannotDo(f"the {type_name} was lost on the way")
            try:
                set_down(robot, *place.to_world(along, deep), drawer.floor + grip.below + drop, place.facing)
                return
            except CannotDo as error:
                reason = str(error)
        tuck_safely(robot)
    raise CannotDo(f"into the {drawer.name}: {reason}")


def _spots(
    robot: Robot, observation: Observation, place: Place, drawer: Drawer, type_name: str
) -> list[tuple[float, float]]:
    """(along, deep) of points above the open part of the drawer's floor, the freest first."""
    opening = next(d.opening for d in observation.drawers if d.name == drawer.name) or 0.0
    out = opening * drawer.travel
    inside = [o for o in observation.objects if o.place == drawer.name and not o.remembered]
    radius, grip = footprint(type_name), robot.gripped
    palm = drawer.floor + (grip.below if grip else 0.0) + robot.hand.palm
    # Below another drawer the hand keeps beside that one's handle.
    lower = any(d.cabinet == drawer.cabinet and d.height > drawer.height for d in robot.scene.drawers)
    nearest = _BESIDE_HANDLE if lower else 0.0
    side = place.size[0] / 2 - 0.05 - max(radius, _HALF_HAND)
    here = place.to_local(*observation.robot.position)[0]
    found = []
    for along in (a for a in np.arange(-side, side + 1e-6, 0.03) if abs(a) >= min(nearest, side - 0.03)):
        for deep in (-out / 2, -out / 2 - 0.03, -out / 2 + 0.03):
            x, y = place.to_world(float(along), float(deep))
            room = min(room_for_hand(x, y, inside, drawer.floor, radius, palm), 0.05)
            cost = -10.0 * room + abs(float(along) - here) + abs(float(deep) + out / 2)
            if room > 0.0:
                found.append((cost, float(along), float(deep)))
    return [(along, deep) for _, along, deep in sorted(found)]
