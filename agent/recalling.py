"""What memory is asked before a turn, and what it is told after one."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from ..memory.record import Record
from ..memory.shelf import Filter
from ..memory.store import Memory
from ..sim.observation import Observation, SeenObject
from ..sim.scene import Scene
from ..skills.skill import Skill
from .checking import Ending
from .prompt_forms import Example
from .types import Step

_CONFIDENCE = 0.5
"""Of a sighting of an earlier episode: things get moved."""
_HABIT = 20
"""Sightings of a thing, the newest, that tell where it is put."""
_PAST: dict[str, str] = {
    "go to": "went to", "find": "found", "pick up": "picked up", "put down": "put down", "bring": "brought",
    "open": "opened", "close": "closed", "put in": "put", "wipe": "wiped",
}  # fmt: skip


_DONE_BY = re.compile(r"""Done ('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*") by: ([^.]*)\.""")
"""What `summary` writes of a subgoal that was finished."""
_LONGEST = 1000
"""Characters of a goal that is told whole."""
_EXAMPLES = 128
"""Earlier runs that few-shot examples are chosen from, the newest."""


def shortened(goal: str) -> str:
    """A goal's beginning, for steps and records, which there may be thousands of."""
    return goal if len(goal) <= _LONGEST else f"{goal[:_LONGEST]} …"


def recall(memory: Memory, query: str, *, count: int, now: float, episode: str) -> tuple[Record, ...]:
    """Up to `count` records of earlier episodes: what was done in this one, it knows."""
    return tuple(memory.recall(query, k=count, now=now, not_episode=episode))


def last_seen(memory: Memory, types: Sequence[str], episode: str) -> tuple[Record, ...]:
    """The newest sighting of each object type in earlier episodes, of those that were seen."""
    newest = (memory.select(Filter("sighting", objects=[kind], not_episode=episode), limit=1) for kind in types)
    return tuple(record for found in newest for record in found)


def hints(records: Sequence[Record], scene: Scene, started: float) -> tuple[SeenObject, ...]:
    """Sightings as remembered objects, the newest of each type, at the middle of the place where each was seen."""
    newest: dict[str, Record] = {}
    for record in sorted(records, key=lambda r: r.time):
        if record.kind == "sighting" and len(record.objects) == 1 and record.place:
            newest[record.objects[0]] = record
    newest = {kind: record for kind, record in newest.items() if record.outcome != "failure"}
    return tuple(
        SeenObject(
            type=kind,
            position=position,
            place=record.place,
            confidence=_CONFIDENCE,
            last_seen=min(record.time - started, 0.0),
            visible=False,
            remembered=True,
        )
        for kind, record in newest.items()
        if (position := _position(scene, record.place or "")) is not None
    )


def with_habits(memory: Memory, thing: str, observation: Observation, scene: Scene, episode: str) -> Observation:
    """`observation` with the places where `thing` was seen in earlier episodes beneath, for a search.

    People put things back: the more of its newest `_HABIT` sightings are of a place, the more it is believed there,
    always less than where it was seen last (`hints`). Places that were looked at are left out. If it is seen now,
    nothing changes.
    """
    if any(o.type == thing and not o.remembered for o in observation.objects):
        return observation
    seen = memory.select(Filter("sighting", objects=[thing], not_episode=episode), limit=_HABIT)
    places = Counter(r.place for r in seen if r.place and r.outcome != "failure")
    known = {*observation.looked_at, *(o.place for o in observation.objects if o.type == thing)}
    extra = tuple(
        SeenObject(
            type=thing, position=position, place=place, confidence=_CONFIDENCE * count / (_HABIT + 1),
            last_seen=0.0, visible=False, remembered=True,
        )
        for place, count in places.most_common()
        if place not in known and (position := _position(scene, place)) is not None
    )  # fmt: skip
    return replace(observation, objects=observation.objects + extra)


def _position(scene: Scene, name: str) -> tuple[float, float, float] | None:
    """The middle of a place's surface or of a drawer; None for a name of another scene."""
    if name in scene.place_names:
        place = scene.place(name)
        return *place.centre, place.height
    if name in scene.drawer_names:
        drawer = scene.drawer(name)
        return *scene.place(drawer.cabinet).centre, drawer.height
    return None


def records(
    step: Step,
    skill: Skill | None,
    known: Observation | None,
    *,
    started: float,
    episode: str,
    remembered: Sequence[SeenObject] = (),
) -> list[Record]:
    """What a step adds to memory: the deed, objects seen anew or elsewhere than in `known` (the last look), and those
    no longer seen where they were known to be (a sighting that is a failure). `remembered`: at an episode's first
    step, what memory knew before it."""
    seen = step.after or step.observation
    found = [_deed(step, skill, started, episode)] if skill and step.outcome else []
    old = {(o.type, o.place) for o in known.objects if not o.remembered} if known else set()
    there = {(o.type, o.place): o.confidence for o in seen.objects if not o.remembered and o.place}
    time = started + seen.time
    # What is gone comes first: of two records of one time the later one is the newer.
    for kind, place in sorted(_missing(step.observation, seen, remembered)):
        found.append(_sighting(kind, place, time, episode, gone=True))
    for kind, place in sorted(set(there) - old):
        found.append(_sighting(kind, place or "", time, episode, confidence=min(1.0, there[kind, place])))
    return found


def _sighting(
    kind: str, place: str, time: float, episode: str, *, gone: bool = False, confidence: float = 1.0
) -> Record:
    return Record(
        text=f"no longer saw the {kind} at the {place}" if gone else f"saw the {kind} at the {place}",
        kind="sighting", time=time, place=place, objects=(kind,), outcome="failure" if gone else None,
        importance=0.4, episode=episode, confidence=confidence,
    )  # fmt: skip


def _missing(before: Observation, after: Observation, remembered: Sequence[SeenObject]) -> set[tuple[str, str]]:
    """(type, place) that was known before, and is not there now that the robot looks there.

    What the robot took itself is not missing, nor is what may lie in a drawer or a bin.
    """
    own = {before.robot.holding, after.robot.holding}
    in_sight = {o.place for o in after.objects if o.visible} | {after.robot.place}
    looked = {place for place in after.looked_at if place in in_sight or place not in before.looked_at}
    there = {(o.type, o.place) for o in after.objects if not o.remembered}
    looked |= set(before.looked_at) if remembered else set()
    known = {(o.type, o.place) for o in (*before.objects, *remembered) if o.place in looked and o.type not in own}
    return {(kind, place) for kind, place in known - there if place}


def summary(goal: str, ending: Ending, time: float, episode: str, steps: Sequence[Step] = ()) -> Record:
    """The whole episode as one record; if it reached the goal, with the skills of `steps` that did it."""
    done = "".join(f" Done {e.goal!r} by: {', '.join(e.phrases)}." for e in _finished(steps))
    return Record(
        text=f"asked to {goal!r}: {ending.status}, {ending.reason}" + (f".{done}" if done else ""),
        kind="episode",
        time=time,
        place=None,
        objects=(),
        outcome="success" if ending.status == "reached" else "failure",
        importance=0.8,
        episode=episode,
    )


def examples(memory: Memory, episode: str) -> tuple[Example, ...]:
    """How goals were reached in earlier episodes, as their summaries tell; oldest first."""
    summaries = Filter("episode", place="", outcome="success", not_episode=episode)
    told = memory.select(summaries, limit=_EXAMPLES)
    return tuple(
        Example(ast.literal_eval(goal), tuple(skills.split(", ")))
        for record in reversed(told)
        for goal, skills in _DONE_BY.findall(record.text)
    )


def _finished(steps: Sequence[Step]) -> list[Example]:
    """The subgoals that ended in `done`, each with its skills that worked; none unless all of them did."""
    examples = []
    for subgoal in dict.fromkeys(step.subgoal for step in steps):
        mine = [step for step in steps if step.subgoal == subgoal]
        if mine[-1].decision.kind != "finish":
            return []
        worked = [s.decision.phrase for s in mine if s.decision.phrase and s.verdict and s.verdict.then == "continue"]
        examples.append(Example(subgoal.text, (*worked, "done")))
    return examples


def done_words(skill: Skill) -> str:
    """What a person would say happened: 'picked up the sponge'."""
    return skill.phrase.replace(skill.family, _PAST.get(skill.family, skill.family), 1)


def _deed(step: Step, skill: Skill, started: float, episode: str) -> Record:
    after = step.after or step.observation
    worked = step.verdict is not None and step.verdict.then == "continue"
    done = done_words(skill)
    place = after.robot.place
    where = f" at the {place}" if place and skill.family in ("find", "pick up", "put down") else ""
    reason = f": {step.verdict.explanation}" if step.verdict and not worked else ""
    held = (step.observation.robot.holding, after.robot.holding)
    objects = (skill.target,) if skill.family in ("find", "pick up", "put down") and skill.target else held
    return Record(
        text=f"{done}{where}" if worked else f"could not {skill.phrase}{where}{reason}",
        kind="episode",
        time=started + after.time,
        place=place,
        objects=tuple(dict.fromkeys(o for o in objects if o)),
        outcome="success" if worked else "failure",
        importance=0.5 if worked else 0.7,
        episode=episode,
    )


def told(question: str, phrase: str, time: float, episode: str) -> Record:
    """What a person answered, to be known when the same is asked again."""
    return Record(
        text=f"asked {question!r}: {phrase}", kind="fact", time=time, place=None, objects=(), outcome=None,
        importance=0.9, episode=episode, told=True,
    )  # fmt: skip


def answered(memory: Memory, question: str) -> str | None:
    """The newest answer to this very question; None: it was never asked."""
    start = f"asked {question!r}: "
    found = [r for r in memory.search(question, k=32, only=Filter("fact")) if r.text.startswith(start) and not r.until]
    newest = max(found, key=lambda record: record.time, default=None)
    return newest.text.removeprefix(start) if newest else None
