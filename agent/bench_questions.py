"""What a robot is asked about its days, scored against what the simulator knows it saw.

A simulated day: errand after errand in the symbolic kitchen, some skills failing, and between them a person who carries
things about unseen. The robot writes the records that the agent writes (`recalling.records`). The truth is kept beside
it, from the world's own facts: what stood at the place the robot was looking at, what it held, what it tried and how
that went. An answer is right if it is exactly that,
"when" to two minutes. Where a thing is means: where the robot last had it in view. What the person will want next is
right if they do ask for it within the hour, also on days when they don't keep to their habits. A free-form answer is
a language model's reading of the records that fit best; it is right if it names the true thing and no other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from langchain_core.embeddings import Embeddings

from ..memory.answering import Answer, ask
from ..memory.store import Memory
from ..sim.observation import Observation
from ..sim.scene import load_scene
from ..sim.symbolic import SymbolicWorld
from ..sim.task import Setup
from ..skills.execute import execute
from ..skills.library import SkillLibrary
from . import checking, recalling
from .bench_files import as_json, results_folder, write_whole
from .language_model import LanguageModel
from .origin import origin
from .reading import read
from .statistics import Share, wilson
from .types import Decision, Step, Subgoal

DAY = datetime(2026, 3, 2)
"""The first simulated day."""
_FAILS = 0.12
_ERRANDS = 70
"""A day."""
_SECONDS = 120.0
"""How far off 'when did I last see it' may be: a sighting is written down when a thing comes into view, not when it
leaves it."""
_WISHES = {9: "tea bottle", 12: "apple", 15: "coke"}
"""What the person asks for at that hour, every day but when something else comes up."""
_APART = ("next wish", "free-form")
"""Guesses and a model's words, that do not count among what rules read off."""
_PUT = re.compile(r"put the (.+) on the (.+)")
_HABIT_DAYS = 2
"""Days before the question what they want next: what came once, among all else that came once, is no habit."""


@dataclass
class Truth:
    """What the robot saw and did, as the simulator knows it. Times in unix seconds."""

    views: list[tuple[float, str, frozenset[str]]] = field(default_factory=list)
    """(when, place in view, what stood there)."""
    held: list[tuple[float, str]] = field(default_factory=list)
    """(since when, what is in the hand)."""
    picks: list[tuple[float, str, bool]] = field(default_factory=list)
    errands: list[tuple[float, str, bool]] = field(default_factory=list)

    def places(self, until: float) -> dict[str, tuple[str | None, float]]:
        """Thing -> (place, 'hand' or None for gone from there, when it was last in view), by `until`."""
        known: dict[str, tuple[str | None, float]] = {}
        events = [(when, place, things) for when, place, things in self.views if when <= until]
        events += [(when, "hand", frozenset([thing])) for when, thing in self.held if when <= until]
        for when, place, things in sorted(events, key=lambda e: (e[0], e[1] == "hand")):
            for thing in things:
                known[thing] = place, when
            for thing, (at, seen) in known.items():
                if at == place != "hand" and thing not in things:
                    known[thing] = None, seen
        return known


@dataclass(frozen=True)
class Asked:
    """A question with its true answer."""

    kind: str
    text: str
    truth: object
    now: float


def run_questions_benchmark(
    out: str | Path, embedder: Embeddings, *, days: int = 5, seed: int = 0, reader: LanguageModel | None = None
) -> str:
    """Live some days, ask at the end of each, and write figures, rows and their origin; the table. `reader`: who
    answers the free-form questions; None leaves them out."""
    out = results_folder(out)
    rows = []
    with TemporaryDirectory(prefix="doable-bench-", ignore_cleanup_errors=True) as folder:
        memory = Memory(folder, embedder)
        truth = Truth()
        life = _Life(memory, truth, seed)
        for day in range(days):
            end = life.day(day)
            for asked in questions(truth, life.scene.types, end, day, np.random.default_rng((seed, day))):
                rows.append(_row(asked, ask(memory, asked.text, asked.now)))
            if reader is not None:
                for asked in free_form(truth, end):
                    near = ask(memory, asked.text, asked.now)
                    said = read(reader, asked.text, [r for i in near.evidence if (r := memory.get(i))])
                    named = [t for t in life.scene.types if re.search(rf"\b{re.escape(t)}\b", said.lower())]
                    rows.append(_row(asked, replace(near, text=said, value=tuple(named))))
        events = memory.count()
        memory.close()
    shares = {kind: _share(rows, kind) for kind in dict.fromkeys(row["kind"] for row in rows)}
    whole = _share([row for row in rows if row["kind"] not in _APART], None)
    figures: dict[str, float] = {"n": whole.n, "n_days": days, "n_events": events, "right": whole.value}
    figures |= {"right.low": whole.low, "right.high": whole.high}
    figures |= {f"{kind}.right": share.value for kind, share in shares.items()}
    figures |= {f"{kind}.n": share.n for kind, share in shares.items()}
    table = ["| question | n | right |", "| --- | ---: | ---: |"]
    table += [f"| {kind} | {share.n} | {share} |" for kind, share in shares.items()]
    table += [f"| **all but {' and '.join(_APART)}** | {whole.n} | {whole} |"]
    text = "\n".join(table) + "\n"
    write_whole(out / "rows.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    write_whole(out / "table.md", text)
    write_whole(out / "summary.json", as_json(figures))
    made_by = {"embedder": type(embedder).__name__, "reader": reader.name if reader else None}
    write_whole(out / "origin.json", as_json(origin(seed=seed, **made_by)))
    return text


def questions(truth: Truth, types: Sequence[str], now: float, day: int, rng: np.random.Generator) -> Iterator[Asked]:
    """What is asked at the end of a day."""
    morning = datetime.fromtimestamp(now).replace(hour=8, minute=0, second=0)
    known = truth.places(now)
    seen = [thing for thing in types if thing in known]
    for thing in seen:
        place, when = known[thing]
        yield Asked("where is", f"where is the {thing}?", place, now)
        yield Asked("last seen", f"when did I last see the {thing}?", when, now)
    for thing in rng.choice(seen, size=min(len(seen), 12), replace=False):
        then = morning + timedelta(minutes=int(rng.integers(30, 600)))
        place, _ = truth.places(then.timestamp()).get(thing, (None, 0.0))
        yield Asked("where was", f"where was the {thing} at {then:%H:%M}?", place, now)
    midnight = morning.replace(hour=0).timestamp()
    for thing in seen:
        for words, since in (("", 0.0), (" today", midnight)):
            tries = [worked for when, what, worked in truth.picks if what == thing and when >= since]
            value = tries.count(False), len(tries)
            yield Asked("how often", f"how often did picking up the {thing} fail{words}?", value, now)
    for place in ("table", "close counter", "far counter"):
        for hour in (10, 13):
            since = morning.replace(hour=hour).timestamp()
            before, after = truth.places(since), known
            there = [{t for t, (at, _) in state.items() if at == place} for state in (before, after)]
            value = frozenset(there[1] - there[0]), frozenset(there[0] - there[1])
            yield Asked("what changed", f"what changed on the {place} since {hour}:00?", value, now)
    done = tuple((goal, worked) for when, goal, worked in truth.errands if when >= midnight)
    yield Asked("what did I do", "what did I do today?", done, now)
    if day >= _HABIT_DAYS:
        for hour in _WISHES:
            then = morning.replace(hour=hour, minute=0).timestamp() - 600
            wanted = frozenset(goal for when, goal, _ in truth.errands if then <= when <= then + 3600)
            yield Asked("next wish", "what will the person want next?", wanted, then)


def free_form(truth: Truth, now: float) -> Iterator[Asked]:
    """What no rule answers; the truth is the name that an answer must hold, and no other thing's."""
    last: dict[str, str] = {}
    for _, goal, _ in truth.errands:
        if put := _PUT.fullmatch(goal):
            last[put[2]] = put[1]
    for place, thing in sorted(last.items()):
        yield Asked("free-form", f"which thing was the last you were asked to put on the {place}?", (thing,), now)


class WatchedWorld(SymbolicWorld):
    """Notes the truth of every look, also of those on the way."""

    def _look(self) -> None:
        super()._look()
        here = self.room.robot_at
        if here not in self.room.hidden:
            there = frozenset(kind for kind, place in self.room.objects if place == here)
            self.looks.append((self.time, here, there))

    def reset(self, setup: Setup | None = None, *, seed: int = 0) -> Observation:
        """Start an episode, and its notes."""
        self.looks: list[tuple[float, str, frozenset[str]]] = []
        return super().reset(setup, seed=seed)


class _Life:
    """Days of errands in one kitchen."""

    def __init__(self, memory: Memory, truth: Truth, seed: int):
        self.scene = load_scene("kitchen")
        self._memory, self._truth = memory, truth
        self._rng = np.random.default_rng(seed)
        self._world = WatchedWorld(self.scene)
        self._world.reset(Setup.of(self.scene), seed=seed)
        self._library = SkillLibrary.of(self.scene)
        self._surfaces = [p.name for p in self.scene.surfaces() if p.name != "user"]
        self._number = 0

    def day(self, number: int) -> float:
        """Live a day; when it ends, unix seconds."""
        begin = DAY + timedelta(days=number, hours=8)
        wishes = dict(_WISHES) if number == 0 or self._rng.random() < 0.8 else {}
        for i in range(_ERRANDS):
            started = (begin + timedelta(minutes=i * 600 / _ERRANDS)).timestamp()
            self._people()
            hour = next((h for h in wishes if h <= datetime.fromtimestamp(started).hour), None)
            thing = wishes.pop(hour) if hour is not None else str(self._rng.choice(self.scene.types))
            to = None if hour is not None or self._rng.random() < 0.3 else str(self._rng.choice(self._surfaces))
            self._errand(thing, to, started)
        return (begin + timedelta(hours=10, minutes=30)).timestamp()

    def _people(self) -> None:
        """A person carries some things elsewhere; what was brought to them, always."""
        for thing in self._world.room.things():
            if thing.place == "user" or self._rng.random() < 0.06:
                self._world.room.put(thing, str(self._rng.choice(self._surfaces)), self._rng)

    def _errand(self, thing: str, to: str | None, started: float) -> None:
        goal = f"bring me the {thing}" if to is None else f"put the {thing} on the {to}"
        self._number += 1
        episode = f"day-{self._number:04d}"
        # A fresh look each errand, as a new run has.
        world, facts = self._world, self._world.facts()
        objects = tuple((o.type, o.place) for o in facts.objects if o.place is not None)
        world.reset(Setup(objects, facts.robot_at or "user"), seed=self._number)
        world.failure_rate = _FAILS
        plan = [f"find the {thing}", f"pick up the {thing}"]
        plan += ["bring it to you"] if to is None else [f"go to the {to}"]
        plan += [f"put down the {thing}"]
        hints = recalling.hints(recalling.last_seen(self._memory, self.scene.types, episode), self.scene, started)
        subgoal, steps, known = Subgoal(goal), [], None
        while plan and len(steps) < 12:
            step = self._step(len(steps), goal, subgoal, plan[0], hints, started)
            skill = self._library[plan[0]]
            remembered = () if steps else hints
            found = recalling.records(step, skill, known, started=started, episode=episode, remembered=remembered)
            self._memory.remember(found)
            known = step.after
            steps.append(step)
            if step.verdict is not None and step.verdict.then == "continue":
                plan.pop(0)
            elif skill.family == "find":
                break
        if world.facts().holding:
            self._step(len(steps), goal, subgoal, f"put down the {thing}", hints, started)
        done = not plan
        ending = checking.Ending("reached" if done else "stopped", "the goal is reached" if done else "no way found")
        self._memory.remember([recalling.summary(goal, ending, started + world.time, episode)])
        self._truth.errands.append((started, goal, done))

    def _step(self, index: int, goal: str, subgoal: Subgoal, phrase: str, hints: tuple, started: float) -> Step:
        world, skill = self._world, self._library[phrase]
        before = world.observe().with_remembered(hints)
        self._view(started)
        outcome = execute(skill, world, before)
        after = world.observe()
        self._view(started)
        verdict = checking.check(skill, outcome, before, after)
        if skill.family == "pick up":
            self._truth.picks.append((started + world.time, skill.target or "", outcome.status == "done"))
        return Step(
            index=index, goal=goal, subgoal=subgoal, observation=before, recalled=(), candidates=(),
            decision=Decision("act", phrase, ""), outcome=outcome, verdict=verdict, after=after,
        )  # fmt: skip

    def _view(self, started: float) -> None:
        """Note what the robot has had in view since the last time, by the truth."""
        self._truth.views += [(started + time, place, things) for time, place, things in self._world.looks]
        self._world.looks.clear()
        if held := self._world.facts().holding:
            self._truth.held.append((started + self._world.time, held))


def _row(asked: Asked, answer: Answer) -> dict[str, Any]:
    """What is written of a question, with its score."""
    right = answer.value == asked.truth
    if asked.kind == "last seen" and isinstance(answer.value, float) and isinstance(asked.truth, float):
        right = abs(answer.value - asked.truth) <= _SECONDS
    if asked.kind == "next wish" and isinstance(asked.truth, frozenset):
        right = answer.value in asked.truth
    return {
        "kind": asked.kind, "question": asked.text, "right": right, "answer": answer.text,
        "truth": _plain(asked.truth), "evidence": len(answer.evidence),
    }  # fmt: skip


def _share(rows: Sequence[Mapping], kind: str | None) -> Share:
    mine = [row["right"] for row in rows if kind in (None, row["kind"])]
    return wilson(sum(mine), len(mine))


def _plain(value: object) -> object:
    """As JSON can hold it."""
    if isinstance(value, frozenset):
        return sorted(value)
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
