"""Instructions with a plan each, as SayCan published them: read, put into the library's words, and given a start.

The file has a line `INPUT<tab>OUTPUT`, then an instruction and its plan a line ("1. find a coke, 2. …, done."). It says
neither where things stood nor what else there was, so the start state is made up from the plan, in this way:

- What is picked up where the plan went to stands there, and nothing else does. What is picked up before the plan goes
  anywhere stands where the robot starts.
- What the plan looks for ("find") stands where it stands in the scene by default; if the plan picks up or puts down
  things there, on the first surface where it does not. One of a kind for every one that is picked up anew.
- Everything else in the catalogue stands where it does by default, or on such a surface; so a wrong choice can be made.
- The robot starts at the person, or, if the plan picks up before it goes anywhere, at the first surface that the plan
  does not name.

What is picked up after a drawer was opened lies in it, unless it was put down at its cabinet before. None of this is
told to the agent: it sees what its robot sees.

One published plan is not the only right one: "a fruit" may be any. What an instruction wants to become true is written
down in our own terms in `published_goals.jsonl`, under a digest of the instruction.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..sim.catalogue import CATALOGUE, UnknownName, canonical
from ..sim.facts import Condition, Facts, parse_condition
from ..sim.scene import Scene
from ..sim.task import Setup
from ..skills.library import SkillLibrary

_HEADER = ("INPUT", "OUTPUT")
_NUMBER = re.compile(r"(?:^|,?\s+)\d+\.\s+")
_STEP = re.compile(r"(go to|find|pick up|put down|open|close)\s+(?:(?:the|an|a)\s+)?(.+)")


@dataclass(frozen=True)
class PlanStep:
    """A step as published. `phrases`: the library's skills that it may mean ("the bag of chips": four of them)."""

    words: str
    phrases: tuple[str, ...]


@dataclass(frozen=True)
class PublishedPlan:
    """A row of the file, counted from 1 without the header."""

    row: int
    instruction: str
    steps: tuple[PlanStep, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Steps that no skill of the library stands for."""
        return tuple(step.words for step in self.steps if not step.phrases)

    @property
    def phrases(self) -> tuple[str, ...]:
        """The plan in the library's words: of several, the first."""
        return tuple(step.phrases[0] for step in self.steps if step.phrases)


class PlansError(ValueError):
    """A file that is not one of plans; the message names the line, the rule and the value."""


def read_plans(path: str | Path, scene: Scene, library: SkillLibrary) -> list[PublishedPlan]:
    """All rows. Raises `PlansError` for a file of another kind, OSError if there is none."""
    lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    if not lines or tuple(lines[0].split("\t")) != _HEADER:
        got = lines[0][:80] if lines else "nothing"
        raise PlansError(f"Expected the first line to be {'<tab>'.join(_HEADER)}, got {got!r}.")
    plans = []
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        columns = line.split("\t")
        if len(columns) != len(_HEADER) or not all(column.strip() for column in columns):
            raise PlansError(f"Expected an instruction, a tab and a plan in line {number}, got {line[:80]!r}.")
        instruction = " ".join(columns[0].split())
        steps = tuple(
            PlanStep(words, _named(_meanings(words, scene, library), instruction)) for words in _steps(columns[1])
        )
        plans.append(PublishedPlan(len(plans) + 1, instruction, steps))
    return plans


def goal_of(instruction: str, scene: Scene) -> Condition | None:
    """What an instruction wants to become true; None: it is not one of the published ones."""
    digest = hashlib.sha256(instruction.encode()).hexdigest()[:16]
    lines = (Path(__file__).parent / "published_goals.jsonl").read_text(encoding="utf-8").splitlines()
    goals = {row["instruction"]: row["goal"] for row in map(json.loads, lines)}
    if digest not in goals:
        return None
    return parse_condition(goals[digest], scene.place_names, scene.drawer_names, scene.carrier_names)


def start_of(plan: PublishedPlan, scene: Scene) -> Setup:
    """The start state for a plan: see the top of the page."""
    phrases, classes = plan.phrases, classes_of(plan)
    picked = list(_picked(phrases, scene))
    sources = {place for _, place in picked if place not in (None, _SOUGHT)}
    used = sources | {place for _, place in _put(phrases, scene)}
    used |= {name for name, first in classes.items() if first in used}
    surfaces = [place.name for place in scene.surfaces()]
    named = {phrase.removeprefix("go to the ") for phrase in phrases}
    from_start = [kind for kind, place in picked if place is None]
    start = next((p for p in surfaces if p not in named), surfaces[0]) if from_start else scene.robot_at
    homes = dict(scene.objects)

    def home(kind: str, taken: Container[str | None]) -> str:
        order = [homes.get(kind, surfaces[0]), *surfaces]
        return next((p for p in order if p not in taken and p in surfaces), order[0])

    sought = Counter(kind for kind, place in picked if place == _SOUGHT)
    sought |= Counter({phrase.removeprefix("find the "): 1 for phrase in phrases if phrase.startswith("find the ")})
    known = {kind for kind, place in picked if place != _SOUGHT}
    objects = [(kind, place) for kind, place in picked if place not in (None, _SOUGHT)]
    objects += [(kind, start) for kind in from_start]
    objects += [(kind, home(kind, used)) for kind, count in sought.items() for _ in range(count) if kind not in known]
    there = {kind for kind, _ in objects}
    objects += [(kind, home(kind, sources)) for kind in CATALOGUE if kind not in there]
    return Setup(tuple(objects), start)  # type: ignore[arg-type]  # None and _SOUGHT are gone


@dataclass(frozen=True)
class Change:
    """What a plan has changed in the end. Two plans that changed the same reach the same final state."""

    moved: tuple[tuple[tuple[str | None, str | None], int], ...]
    """(type, place) that there are more of than at the start, with how many more."""
    holding: str | None
    open_drawers: frozenset[str | None]
    went: tuple[frozenset[str | None], str | None] | None
    """The places that were visited, and where the robot is; None if anything else has changed."""

    def same(self, published: Change) -> bool:
        """Where only the robot has moved: the same places in any order, and it stands at one of them."""
        if self.went is None or published.went is None:
            return self == published
        return self.went[0] == published.went[0] and self.went[1] in published.went[0]


def change(before: Facts, after: Facts, classes: Mapping[str, str]) -> Change:
    """What is different. `classes`: types, places and drawers that count as one, to their common name."""

    def name(of: str | None) -> str | None:
        return classes.get(of, of) if of else None

    def things(facts: Facts) -> Counter[tuple[str | None, str | None]]:
        return Counter((name(o.type), name(o.place)) for o in facts.objects)

    moved = tuple(sorted((things(after) - things(before)).items(), key=str))
    still = not moved and after.holding == before.holding and after.open_drawers == before.open_drawers
    went = (frozenset(map(name, after.visited)) - {name(before.robot_at)}, name(after.robot_at)) if still else None
    return Change(moved, name(after.holding), frozenset(map(name, after.open_drawers)), went)


def classes_of(plan: PublishedPlan) -> dict[str, str]:
    """The types, places and drawers that the plan does not tell apart, to the first of them."""
    names = [[phrase.partition(" the ")[2] for phrase in step.phrases] for step in plan.steps if len(step.phrases) > 1]
    return {name: group[0] for group in names for name in group}


def _steps(text: str) -> list[str]:
    """'1. find a coke, 2. done.' -> 'find a coke', 'done'. What follows a step after a comma is not part of it."""
    parts = (part.strip(" ,.") for part in _NUMBER.split(text))
    return [part.split(",")[0].strip().lower() for part in parts if part]


def _meanings(words: str, scene: Scene, library: SkillLibrary) -> tuple[str, ...]:
    found = _STEP.fullmatch(words)
    if not found:
        names = [words]
    else:
        verb, thing = found.groups()
        names = [f"{verb} the {name}" for name in _names(verb, thing, scene)]
    known = {skill.phrase for skill in library}
    return tuple(name for name in names if name in known)


def _named(phrases: tuple[str, ...], instruction: str) -> tuple[str, ...]:
    """Those of several meanings that the instruction names ("… to the close counter"); all of them if it names none."""
    said = instruction.lower()
    return tuple(phrase for phrase in phrases if phrase.partition(" the ")[2] in said) or phrases


def _names(verb: str, thing: str, scene: Scene) -> list[str]:
    if verb == "go to":
        named = [scene.place_names[thing]] if thing in scene.place_names else []
        # "the counter" of a kitchen that has two
        return named + [p.name for p in scene.places if p.kind == thing and thing != p.name and p.name not in named]
    if verb in ("open", "close"):
        named = [d.name for d in scene.drawers if thing == d.name]
        return named or [d.name for d in scene.drawers if thing == "drawer" or thing in d.synonyms]
    try:
        word = canonical(thing)
    except UnknownName:
        return []
    return [word] if word in CATALOGUE else [name for name, kind in CATALOGUE.items() if kind.is_a(word)]


_SOUGHT = "wherever it is found"


def _picked(phrases: Sequence[str], scene: Scene) -> Iterator[tuple[str, str | None]]:
    """(type, where) of every thing that the plan picks up for the first time; None: where the robot starts."""
    cabinets = {drawer.name: drawer.cabinet for drawer in scene.drawers}
    dropped: Counter[tuple[str, str | None]] = Counter()
    for verb, thing, place in _walk(phrases, scene):
        if verb == "put down":
            dropped[thing, place] += 1
        elif verb == "pick up":
            before = [where for where in (place, cabinets.get(place or "")) if dropped[thing, where]]
            if before:
                dropped[thing, before[0]] -= 1
            else:
                yield thing, place


def _put(phrases: Sequence[str], scene: Scene) -> Iterator[tuple[str, str | None]]:
    """(type, where) of every thing that the plan puts down."""
    return ((thing, place) for verb, thing, place in _walk(phrases, scene) if verb == "put down")


def _walk(phrases: Sequence[str], scene: Scene) -> Iterator[tuple[str, str, str | None]]:
    """(verb, thing, place where it happens) of the plan's skills."""
    place: str | None = None
    for phrase in phrases:
        verb, _, thing = phrase.partition(" the ")
        match verb:
            case "go to":
                place = thing
            case "find":
                place = _SOUGHT
            case "bring it to you":
                place = "user"
            case "open":
                place = thing
            case "close":
                place = scene.drawer(thing).cabinet
        yield verb, thing, place
