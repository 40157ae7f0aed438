"""Training episodes: a teacher follows a made instruction through the symbolic world, and every turn is written down.

An episode is one text in the planning prompt's own form, in segments that are read (`learn` False) or to be said
(`learn` True). Some skills fail and some wrong ones are slipped in, not to be learned, so that the model sees how to
go on from there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..sim.catalogue import KITCHEN
from ..sim.facts import RobotAt
from ..sim.observation import SeenObject
from ..sim.scene import Scene, training_scene
from ..sim.symbolic import SymbolicWorld
from ..skills.execute import execute
from ..skills.library import SkillLibrary
from .instructions import Grammar, TabletopGrammar
from .prompts import Turn, continuation, describe, failure, transcript
from .slots import Instruction
from .spoken_frames import SpokenGrammar
from .teacher import Teacher

_SLIP = 0.08
"""Share of skills that fail for no reason of the plan's."""
_STRAY = 0.06
"""Share of turns in which some other possible skill is done first, not to be learned."""
_LOOKED_AROUND = 0.4
"""Share of episodes that begin with some places seen already, as later subgoals of a longer goal do."""
RENAMED = 0.6
"""Share of the episodes about things called by name in which all things go by other names (see `renamed`)."""
_TABLETOP = 0.05
"""Share of episodes that an arm at a table plays, with blocks and bowls."""
_MISHAPS = (
    "the fingers closed on nothing", "it slipped out of the hand", "the path is blocked", "no way found for the arm",
    "touched something on the way", "timed out after 30 s", "the view was blocked",
)  # fmt: skip


@dataclass(frozen=True)
class Segment:
    """A piece of an episode's text; `learn`: it is the robot's, to be said by the model."""

    text: str
    learn: bool


@dataclass(frozen=True)
class TrainingEpisode:
    """One instruction followed to its end."""

    instruction: Instruction
    segments: tuple[Segment, ...]
    phrases: tuple[str, ...]


def episodes(
    scene: Scene, part: str, seed: int, *, spoken: float = 0.0, max_turns: int = 20
) -> Iterator[TrainingEpisode]:
    """An endless stream of episodes; the same arguments give the same stream.

    `spoken`: share of those in whole sentences of different people (`spoken_frames.py`), half as long again at most.
    """
    grammar, people = Grammar(scene, part), SpokenGrammar(scene, part)
    rng, speaks = np.random.default_rng(seed), np.random.default_rng((seed, 1))
    kitchen = SymbolicWorld(scene, failure_rate=_SLIP), SkillLibrary.of(scene)
    table = training_scene("tabletop")
    blocks = TabletopGrammar(table, part)
    tabletop = SymbolicWorld(table, failure_rate=_SLIP), SkillLibrary.of(table)
    while True:
        here = rng.random() < _TABLETOP
        long = not here and bool(speaks.random() < spoken)
        instruction = (blocks if here else people if long else grammar).draw(rng)
        made = _episode(instruction, *(tabletop if here else kitchen), rng, max_turns * 3 // 2 if long else max_turns)
        if made is not None and not here:
            other = renamed(made, *renaming(grammar.other_names, rng)) if rng.random() < RENAMED else None
            made = other or made
        if made is not None:
            yield made


def renaming(names: Sequence[str], rng: np.random.Generator) -> tuple[Mapping[str, str], Callable[[str], str]]:
    """(type to its other name, what puts a text into these other names).

    `names` are at least as many as the catalogue's, each as `describe` gives them: 'mango (fruit, sweet)'.
    """
    drawn = [names[int(i)] for i in rng.permutation(len(names))[: len(KITCHEN)]]
    called = {kind: name.partition(" (")[0] for kind, name in zip(KITCHEN, drawn, strict=True)}
    words = {describe(kind): name for kind, name in zip(KITCHEN, drawn, strict=True)}
    words |= {word: called[kind] for kind in KITCHEN for word in (kind, *KITCHEN[kind].synonyms)}
    longest_first = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    pattern = re.compile(rf"(?<!\w)({longest_first})(?!\w)", re.I)
    return called, lambda text: pattern.sub(lambda found: words[found.group().lower()], text)


def renamed(
    episode: TrainingEpisode, called: Mapping[str, str], rename: Callable[[str], str]
) -> TrainingEpisode | None:
    """The episode with all things called by other names, so that names are repeated and not learned by heart.

    None where what is asked for is not called by its name. The start state keeps the true names.
    """
    errands = episode.instruction.errands
    if any(len(errand.what) > 1 for errand in errands):
        return None
    text = rename(episode.instruction.text)
    if not all(called[kind] in text for errand in errands for kind in errand.what):
        return None  # a typo in the name, or words that only point at it
    instruction = replace(
        episode.instruction,
        text=text,
        errands=tuple(replace(errand, what=tuple(called[kind] for kind in errand.what)) for errand in errands),
    )
    return TrainingEpisode(
        instruction,
        tuple(replace(segment, text=rename(segment.text)) for segment in episode.segments),
        tuple(rename(phrase) for phrase in episode.phrases),
    )


def _episode(
    instruction: Instruction, world: SymbolicWorld, library: SkillLibrary, rng: np.random.Generator, max_turns: int
) -> TrainingEpisode | None:
    """Play one instruction; None if the teacher does not get to an end in time."""
    observation = world.reset(instruction.setup, seed=int(rng.integers(2**31)))
    hints = _hints(instruction, world.scene, rng)
    surfaces = [p.name for p in world.scene.surfaces()]
    if rng.random() < _LOOKED_AROUND:
        world.failure_rate = 0.0
        for place in [
            *rng.permutation(surfaces)[: int(rng.integers(1, len(surfaces) + 1))],
            instruction.setup.robot_at,
        ]:
            world.make_true(RobotAt(str(place)))
        world.failure_rate = _SLIP
        observation = world.observe()
    teacher = Teacher(instruction.errands, scene=world.scene)
    turns: list[Turn] = []
    segments: list[Segment] = []
    written = 0
    phrases: list[str] = []
    for _ in range(max_turns):
        now = observation.with_remembered(hints)
        phrase = teacher.next_phrase(now)
        learn = True
        if rng.random() < _STRAY and not library[phrase].ends:
            possible = [s for s in library if not s.ends and s.preconditions.holds(now.believed())]
            phrase, learn = possible[int(rng.integers(len(possible)))].phrase, False
        prompt = transcript(instruction.text, turns, now)
        segments += [Segment(prompt[written:], False), Segment(continuation(phrase), learn)]
        written = len(prompt) + len(continuation(phrase))
        phrases.append(phrase)
        skill = library[phrase]
        if skill.ends:
            return TrainingEpisode(instruction, tuple(segments), tuple(phrases))
        outcome = execute(skill, world)
        observation = world.observe()
        failed = outcome.status != "done"
        reason = str(rng.choice(_MISHAPS)) if outcome.reason == "it slipped" else outcome.reason
        teacher.report(phrase, observation, failed=failed)
        turns.append(Turn(now, phrase, failure(reason) if failed else "Done."))
    return None


def _hints(instruction: Instruction, scene: Scene, rng: np.random.Generator) -> tuple[SeenObject, ...]:
    """Sometimes, sightings of an earlier day, mostly still true."""
    if rng.random() > 0.25:
        return ()
    surfaces = [p.name for p in scene.surfaces()]
    hints = []
    for kind, place in instruction.setup.objects:
        if rng.random() < 0.6 and place in surfaces:
            at = place if rng.random() < 0.85 else surfaces[int(rng.integers(len(surfaces)))]
            x, y = scene.place(at).centre
            hints.append(
                SeenObject(kind, (x, y, scene.place(at).height), at, confidence=0.5, visible=False, remembered=True)
            )
    return tuple(replace(hint, last_seen=-60.0) for hint in hints)
