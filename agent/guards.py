"""Holding choices against what the goal plainly asks for, by what has been seen.

A language model says `done` too early, or names a thing that is not meant. Where the words are plain
(`agent/understanding.py`) that can be known: what is not asked for is not taken, `done` needs to be seen, and a refusal
needs to have looked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from ..sim.observation import Observation
from ..sim.scene import Scene
from ..skills.skill import Skill
from .meaning import Meaning
from .scoring import PATIENCE, failed
from .types import Step

UNASKED = "not what is asked for"
UNSEEN = "not seen to be reached"
UNSOUGHT = "no evidence yet that it is impossible"


def reached(meaning: Meaning, observation: Observation, steps: Sequence[Step], scene: Scene) -> bool:
    """Is the errand seen to be done? What fell into a bin is out of sight: that it was put there counts."""
    if meaning.kind == "wipe" or meaning.count == 0:  # What has not been looked at is not known to be clean, or bare.
        places = {meaning.to} if meaning.kind == "wipe" else meaning.sources
        seen = places <= _looked_into(observation, steps, scene) and meaning.reached(observation.believed())
        return seen and (meaning.kind == "wipe" or not _astray(meaning, observation, steps))
    if meaning.kind != "deliver":
        return meaning.reached(observation.believed())
    mine = _delivered(meaning, steps)
    if (meaning.source or meaning.more) and not mine:
        return False  # One that was there before is not the one that was to come from elsewhere.
    there = not meaning.more and meaning.reached(observation.believed())
    return there or len(mine) >= meaning.count


def _astray(meaning: Meaning, observation: Observation, steps: Sequence[Step]) -> set[str]:
    """Of all that are meant: what is in the hand, was taken and got lost, or came from there and is seen elsewhere."""
    right = {*meaning.sources, meaning.to}
    seen = {o.type for o in observation.objects if o.place in right and not o.remembered}
    elsewhere = {o.type for o in observation.objects if o.place not in right and not o.remembered}
    was = {o.type for s in steps for o in s.observation.objects if o.place in meaning.sources and not o.remembered}
    taken = {s.after.robot.holding for s in steps if s.after}
    held = {steps[-1].after.robot.holding} if steps and steps[-1].after else set()
    brought = {str(step.decision.phrase).removeprefix("put down the ") for step in _delivered(meaning, steps)}
    away = (taken - held) | (was & elsewhere)
    return {t for t in (away - brought - seen) | {observation.robot.holding} if t in meaning.things}


def masks(
    meaning: Meaning, skills: Iterable[Skill], observation: Observation, steps: Sequence[Step], scene: Scene
) -> dict[str, str]:
    """Phrases that are not to be chosen now, each with the reason. `steps` are those of the same subgoal."""
    done = reached(meaning, observation, steps, scene)
    impossible = _sought(meaning, observation, steps, scene)
    found: dict[str, str] = {}
    for skill in skills:
        if skill.family == "done" and not done:
            found[skill.phrase] = UNSEEN
        elif skill.family == "refuse" and not impossible:
            found[skill.phrase] = UNSOUGHT
        elif _unasked(meaning, skill, observation, steps, scene) or _shuts_source(meaning, skill, observation, scene):
            found[skill.phrase] = UNASKED
    return found


def _unasked(meaning: Meaning, skill: Skill, observation: Observation, steps: Sequence[Step], scene: Scene) -> bool:
    """Would it take, move or open something else, or carry the thing elsewhere?"""
    held, here = observation.robot.holding, observation.robot.place
    waits = meaning.kind == "find" and meaning.beside  # nothing else helps, until that was in vain
    if waits and not any(step.decision.kind == "act" and failed(step) for step in steps):
        return skill.family != "find" or skill.target not in meaning.things
    wanted = held in meaning.things
    fetching = meaning.kind == "deliver" and held is None and skill.family in ("find", "pick up", "go to")
    astray = _astray(meaning, observation, steps) if meaning.count == 0 else set()
    if fetching and skill.target not in astray and _led_astray(meaning, skill, observation, astray, scene):
        return True
    match meaning.kind, skill.family:
        case "go", family:
            return family in ("find", "pick up", "open", "close") or (family == "go to" and skill.target != meaning.to)
        case (("open" | "close"), ("open" | "close")):
            return (skill.family, skill.target) != (meaning.kind, meaning.to)
        case (("deliver" | "hold" | "find" | "wipe"), ("find" | "pick up")):
            if skill.target in astray:
                return False
            return skill.target not in meaning.things or _elsewhere(meaning, skill, observation, steps, scene)
        case "release", family:
            return family not in ("done", "refuse") and not (wanted and family == "put down")
        case "wipe", "put down":
            return wanted
        case "wipe", "wipe":
            return skill.target != meaning.to
        case "hold", "put down":
            return skill.target in meaning.things
        case "deliver", "bring":
            return not wanted or meaning.to != "user"
        case "deliver", ("put down" | "go to") if wanted and _in_the_way(meaning.to, observation, scene):
            return False  # The drawer has to be closed first, with an empty hand.
        case "deliver", "put down":
            return wanted == (here != meaning.to) and meaning.to in scene.place_names
        case "deliver", ("put in" | "pick and place"):
            return skill.target not in meaning.things or skill.where != meaning.to
        case "deliver", "go to":
            return wanted and skill.target != meaning.to and meaning.to in scene.place_names
        case _:
            return False


def _shuts_source(meaning: Meaning, skill: Skill, observation: Observation, scene: Scene) -> bool:
    """Would it close the drawer that the things are to come out of, and lie in, though that is in nothing's way?"""
    if meaning.kind not in ("deliver", "hold") or skill.family != "close" or skill.target != meaning.source:
        return False
    there = {o.type for o in observation.objects if o.place == skill.target and not o.remembered}
    in_the_way = any(meaning.to in (drawer.name, drawer.cabinet) for drawer in scene.drawers)
    return bool(there & meaning.things) and not in_the_way


def _in_the_way(place: str | None, observation: Observation, scene: Scene) -> bool:
    """Does an open drawer stand before a place?"""
    open_ones = observation.believed().open_drawers
    return any(drawer.cabinet == place and drawer.name in open_ones for drawer in scene.drawers)


def _led_astray(
    meaning: Meaning, skill: Skill, observation: Observation, astray: Collection[str], scene: Scene
) -> bool:
    """Would an empty hand go for what is to stay where it is, or to where nothing that is meant can be?"""
    here, kept = observation.robot.place, meaning.settled
    seen = {(o.type, o.place) for o in observation.objects if o.type in meaning.things and not o.remembered}
    enough = {kind for kind, place in seen if meaning.different and place == meaning.to}
    left = {place for kind, place in seen if place not in kept and kind not in enough}
    there = {place for kind, place in seen if kind == skill.target}
    looked = _looked_into(observation, (), scene)
    match skill.family:
        case "pick up":
            inside = {drawer.name for drawer in scene.drawers if drawer.cabinet == here} - kept
            return (here in kept and not there & inside) or skill.target in enough
        case "find":
            return bool(there & kept) or (meaning.count == 0 and not there and meaning.sources <= looked)
        case _ if meaning.count == 0:
            if any(o.type in astray and o.place == skill.target for o in observation.objects):
                return False
            asked = {skill.target, *(d.name for d in scene.drawers if d.cabinet == skill.target)} & meaning.sources
            return asked <= looked - left
        case _:
            shut_in = any(drawer.cabinet == skill.target for drawer in scene.drawers)
            return skill.target in looked - left and not meaning.source and not shut_in


def _looked_into(observation: Observation, steps: Sequence[Step], scene: Scene) -> set[str]:
    """The places that have been looked at, and the drawers that were open when the robot stood there, now or after one
    of the steps."""
    at = {drawer.name: drawer.cabinet for drawer in scene.drawers}
    seen = [observation, *(step.after for step in steps if step.after)]
    opened = {name for each in seen for name in each.believed().open_drawers if each.robot.place == at.get(name)}
    return {*observation.looked_at, *opened}


def _elsewhere(meaning: Meaning, skill: Skill, observation: Observation, steps: Sequence[Step], scene: Scene) -> bool:
    """Would it take one from another place than the one that is named, before that has been looked at or is bare?"""
    source = meaning.source
    if source is None or source == observation.robot.place:
        return False
    there = {o.type for o in observation.objects if o.place == source and not o.remembered}
    open_drawers = observation.believed().open_drawers
    if meaning.count == 0:
        return skill.target not in there or (skill.family == "pick up" and source not in open_drawers)
    looked = source in _looked_into(observation, steps, scene)
    if skill.target in there:  # from a drawer it is taken at its cabinet, as the skill itself knows
        return skill.family == "pick up" and source not in open_drawers
    return not looked


def _sought(meaning: Meaning, observation: Observation, steps: Sequence[Step], scene: Scene) -> bool:
    """Is nothing left to try: what would do was looked for, failed as often as patience allows, or is nowhere seen?"""
    bad = Counter(step.decision.phrase or "" for step in steps if failed(step))
    out = [phrase for phrase, count in bad.items() if count >= PATIENCE or phrase.startswith("find ")]
    kept = meaning.settled if meaning.kind == "deliver" else frozenset()
    where = meaning.sources if meaning.count == 0 else None
    seen = (
        o.type
        for o in observation.objects
        if not o.remembered and o.place not in kept and (where is None or o.place in where)
    )
    there = {observation.robot.holding, *seen}
    if (there & meaning.things) - {phrase.partition(" the ")[2] for phrase in out}:
        return False
    if out:
        return True
    if meaning.kind not in ("deliver", "hold", "find", "wipe"):
        return False
    return all(p.name in observation.looked_at for p in scene.surfaces())


def _delivered(meaning: Meaning, steps: Sequence[Step]) -> list[Step]:
    """The steps that put one of the things down where it shall be."""
    return [
        step
        for step in steps
        if step.verdict and step.verdict.then == "continue" and step.after and step.after.robot.place == meaning.to
        if step.decision.phrase in {f"put down the {thing}" for thing in meaning.things}
    ]
