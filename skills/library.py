"""The skill templates, grounded over a scene: every object type, place and drawer the map allows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..sim.catalogue import CATALOGUE, UnknownName
from ..sim.facts import ALWAYS, All, AnyOf, At, Clean, Closed, Here, Holding, Not, Open, Present, RobotAt
from ..sim.scene import Scene
from .drawer import close_drawer, open_drawer
from .navigate import bring, find, go_to
from .own import Maker, load_makers, own_skills
from .pick import pick
from .place import put_down
from .skill import Skill
from .stow import fits, put_in
from .tabletop import pick_and_place, preposition
from .wipe import WIPER, wipe

_EMPTY_HAND = Holding(None)


class SkillLibrary(Sequence[Skill]):
    """The closed set of skills an agent chooses from; nothing outside it is ever executed."""

    def __init__(self, skills: Sequence[Skill]):
        self._skills = tuple(skills)
        self._by_phrase = {skill.phrase: skill for skill in self._skills}
        if len(self._by_phrase) != len(self._skills):
            phrases = [skill.phrase for skill in self._skills]
            twice = sorted({p for p in phrases if phrases.count(p) > 1})
            raise ValueError(
                f"Expected every skill to have a phrase of its own, got {', '.join(twice)} more than once."
            )

    @classmethod
    def of(cls, scene: Scene, makers: Sequence[Maker] | None = None) -> SkillLibrary:
        """All skills that make sense in `scene`, and those of the user's own `makers` (None: of installed packages).

        Raises ValueError for one of these that does not keep the contract.
        """
        skills = _kitchen(scene) if scene.robot.base is None else _tabletop(scene)
        own = own_skills(scene, load_makers() if makers is None else makers)
        return cls((*skills, *own, Skill("done", None, "done"), Skill("refuse", None, "say that it is not possible")))

    def __len__(self) -> int:
        return len(self._skills)

    def __iter__(self) -> Iterator[Skill]:
        return iter(self._skills)

    def __getitem__(self, key):  # type: ignore[override]
        """A skill by position or by phrase. Raises `UnknownName` for a phrase that is not in the library."""
        if not isinstance(key, str):
            return self._skills[key]
        if key not in self._by_phrase:
            raise UnknownName("a skill", key, self._by_phrase)
        return self._by_phrase[key]


def _kitchen(scene: Scene) -> Iterator[Skill]:
    """For a robot that drives: places to go to, things to find and to take along, drawers."""
    bins = tuple(RobotAt(p.name) for p in scene.places if p.kind == "bin")
    inside = tuple((d.name, d.cabinet) for d in scene.drawers)
    # A drawer that stands open keeps the robot away from what is on top.
    blocked = AnyOf(tuple(All((RobotAt(d.cabinet), Open(d.name))) for d in scene.drawers))
    somewhere = All((AnyOf(tuple(RobotAt(p.name) for p in scene.places)), Not(blocked)))
    for place in scene.places:
        yield Skill("go to", place.name, f"go to the {place.name}", ALWAYS, RobotAt(place.name), go_to(place.name))
    for name in scene.types:
        here = Here(name, inside)
        found = AnyOf((here, Holding(name)))
        yield Skill("find", name, f"find the {name}", ALWAYS, found, find(name))
        stored = tuple(All((RobotAt(d.cabinet), Open(d.name), At(name, d.name))) for d in scene.drawers)
        in_reach = AnyOf((All((here, Not(blocked))), *stored))
        yield Skill("pick up", name, f"pick up the {name}", All((_EMPTY_HAND, in_reach)), Holding(name), pick(name))
        # What falls into a bin can't be seen from outside; everywhere else it must be seen standing there.
        put = All((_EMPTY_HAND, AnyOf((Here(name), *bins))))
        yield Skill("put down", name, f"put down the {name}", All((Holding(name), somewhere)), put, put_down(name))
    if any(p.name == "user" for p in scene.places):
        yield Skill(
            "bring", None, "bring it to you", Not(_EMPTY_HAND), All((RobotAt("user"), Not(_EMPTY_HAND))), bring()
        )
    for drawer in scene.drawers:
        name = drawer.name
        # What stands open above is in the hand's way.
        above = [d for d in scene.drawers if d.cabinet == drawer.cabinet and d.height > drawer.height]
        free = tuple(Not(Open(d.name)) for d in above)
        shut, ajar = All((_EMPTY_HAND, Not(Open(name)), *free)), All((_EMPTY_HAND, Not(Closed(name)), *free))
        yield Skill("open", name, f"open the {name}", shut, Open(name), open_drawer(name))
        yield Skill("close", name, f"close the {name}", ajar, Closed(name), close_drawer(name))
        open_to = (RobotAt(drawer.cabinet), Open(name), *free)
        for what in (kind for kind in scene.types if fits(kind, drawer, scene)):
            yield Skill(
                "put in",
                what,
                f"put the {what} in the {name}",
                All((Holding(what), *open_to)),
                All((At(what, name), _EMPTY_HAND)),
                put_in(what, name),
                where=name,
            )
    if WIPER in scene.types:
        for surface in (p.name for p in scene.surfaces()):
            ready = All((Holding(WIPER), RobotAt(surface), Not(Clean(surface)), Not(blocked)))
            yield Skill("wipe", surface, f"wipe the {surface}", ready, Clean(surface), wipe(surface))


def _tabletop(scene: Scene) -> Iterator[Skill]:
    """For an arm that is bolted down: every block to every bowl, other block and named position."""
    carriers = dict.fromkeys(scene.carrier_names.values())
    spots = [p.name for p in scene.places if p.kind == "spot"]
    things = [name for name in scene.types if not CATALOGUE[name].holds]
    for name in things:
        free = Not(AnyOf(tuple(At(other, name) for other in things if other != name)))
        for where in (*carriers, *spots):
            if where == name:
                continue
            taken = AnyOf(tuple(At(other, where) for other in things if other != name))
            there = ALWAYS
            if where in CATALOGUE:
                there = All((Present(where), Not(taken))) if CATALOGUE[where].stacks else Present(where)
            able = AnyOf((_EMPTY_HAND, Holding(name)))
            yield Skill(
                "pick and place",
                name,
                f"put the {name} {preposition(where)} the {where}",
                All((able, Present(name), free, there, Not(At(name, where)))),
                All((_EMPTY_HAND, At(name, where))),
                pick_and_place(name, where),
                where=where,
            )
