"""A world as an observation tells of it, to plan in: nothing goes wrong there, and what is sought turns up."""

from __future__ import annotations

from collections.abc import Collection

from .catalogue import CATALOGUE
from .facts import Here
from .observation import Observation
from .scene import Scene
from .sightings import Sightings
from .symbolic import SymbolicWorld
from .task import Setup


class BelievedWorld(SymbolicWorld):
    """The symbolic world from what was seen on.

    What was remembered is where it was. A type of the scene that is known nowhere turns up when it is looked for, on a
    surface that was not really looked at (looks in here don't count), if there is one on none of the places `not_at`
    (where it is to be brought, for one); where all have been looked at, it is not there.
    """

    def __init__(self, scene: Scene, seen: Observation, *, not_at: Collection[str] = ()):
        self._assumed: set[str] = set()
        self._not_at = frozenset(not_at)
        super().__init__(scene)
        places = {*(p.name for p in scene.places), *scene.drawer_names, *CATALOGUE}
        known = [o for o in seen.objects if o.place in places]
        at = seen.robot.place or scene.robot_at
        opened = tuple(d.name for d in seen.drawers if d.opening is not None and d.opening >= 0.5)
        objects = tuple((o.type, o.place or "") for o in known)
        spills = tuple(spill.place for spill in seen.spills)
        self.reset(Setup(objects, at, seen.robot.holding, opened, spills=spills))
        self.room.time = seen.time
        self._seen = Sightings.of(seen, known)
        self._seen.visited = self._seen.visited or [at]
        self._unseen = [p.name for p in scene.surfaces() if p.name not in seen.looked_at]
        self._assumed = {*scene.types} - {*(o.type for o in known), seen.robot.holding}

    def _search(self, here: Here) -> str | None:
        if here.what in self._assumed and self._unseen:
            self._assumed.discard(here.what)
            place = next((name for name in self._unseen if name not in self._not_at), self._unseen[0])
            self.room.objects.append([here.what, place])
            self._move(place)
            return None
        return super()._search(here)
