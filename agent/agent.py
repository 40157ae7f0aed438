"""The agent: a goal in words goes in, skills happen, a result comes out."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Protocol, cast

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph

from ..memory.store import Memory
from ..sim.world import World
from ..skills.library import SkillLibrary
from ..skills.own import load_makers
from . import imagining
from .answering import answer
from .asynchronous import steps
from .config import Config
from .journal import Header, Journal
from .language_model import LanguageModel
from .loop import PHASES, Loop
from .memory_views import AsOf
from .parts import make_memory, make_model, make_restating, make_values, make_world
from .person import Person, WrittenAnswers
from .planned import BlindLoop, CritiqueLoop, PlannedLoop
from .runs import RunFolder, runs_folder
from .spending import Metered, Purse
from .turn import Turn, Values
from .types import Decision, Result, Step

if TYPE_CHECKING:
    from .restating import Restating

_VERSIONS = ("doable", "langgraph", "torch", "transformers", "pybullet", "chromadb")
_LOOPS: dict[str, type[Loop]] = {"after": PlannedLoop, "critique": CritiqueLoop, "none": BlindLoop}
"""By `checks`; any other is the loop that chooses anew at every turn."""
_NO_LIMIT = 1_000_000_000
"""LangGraph counts phases; how long a run may take is the config's to say."""


class Watcher(Protocol):
    """Somebody who looks on while the agent works."""

    def loading(self, what: str) -> None:
        """Something slow begins."""
        ...

    def phase(self, name: str, turn: Turn) -> None:
        """A phase of the turn is over; `turn` holds all that is known of it."""
        ...


class Agent:
    """Pursues goals in a world. Parts that are not given are made as `config` says, when first needed.

    A world that is given is used as it stands, and never reset; one that is made is reset once, by the config's seed.
    `clock` gives the unix seconds at which a run begins.

    One run at a time: an agent, its world and its memory belong to one thread at a time, and to the process that made
    them. After a fork, make new ones in the child; several at once are several agents, each with world and memory. A
    model may be shared by agents that take turns, not by agents in threads at the same time.
    """

    def __init__(
        self,
        world: World | None = None,
        model: LanguageModel | None = None,
        memory: Memory | None = None,
        values: Values | None = None,
        library: SkillLibrary | None = None,
        config: Config | None = None,
        watcher: Watcher | None = None,
        clock: Callable[[], float] = time.time,
        person: Person | None = None,
    ):
        self.config = config or Config()
        self.person = person or (WrittenAnswers.read(self.config.answers) if self.config.answers else None)
        """Who is asked when it is not clear what is meant; None: nobody, and the best choice is made."""
        self._clock = clock
        self.watcher = watcher
        self._world, self._model, self._memory, self._values, self._library = world, model, memory, values, library
        self._journal: Journal | None = None
        self._imagined: Result | None = None
        self._planner: LanguageModel | None = None
        self.run_id: str | None = None
        """The id of the newest run, as soon as it has one."""

    def run(self, goal: str) -> Result:
        """Pursue `goal` until it is reached, refused or a limit stops it. Raises ValueError for an empty goal."""
        for _ in self.stream(goal):
            pass
        return self.result

    @steps
    def stream(self, goal: str) -> Generator[Step]:
        """As `run`, step by step; the result is in `result` afterwards. What was begun can be resumed by `run_id`."""
        if not goal.strip():
            raise ValueError("Expected a goal in words, got nothing. Say what you want, like 'bring me an apple'.")
        self._imagined = None
        if self.config.authority == "plan":
            self._imagined = self.plan(goal)
            yield from self._imagined.steps
            return
        folder = RunFolder.create(runs_folder(self.config.runs))
        self.run_id = folder.run_id
        header = Header(
            run_id=folder.run_id,
            goal=goal,
            scene=self.world.scene.name,
            model=self.model.name,
            config=self.config,
            started=self._clock(),
            began=self.world.observe().time,
            snapshot=folder.save("00000-0-start", self.world.snapshot()),
            versions=tuple(_versions()),
        )
        yield from self._go_on(folder, Journal.start(folder.journal, header), resumed=False)

    def plan(self, goal: str) -> Result:
        """How `goal` would be pursued from what is seen and remembered, if every skill did what it declares.

        Nothing moves, and nothing is written but what it spent. What is not known is assumed to be where nobody has
        looked.
        """
        purse = Purse(self.config, runs_folder(self.config.runs), f"plan {self._clock()}")
        return imagining.plan(
            goal, self.world.observe(), scene=self.world.scene, model=Metered(self.model, purse), memory=self.memory,
            values=self.values, library=self.library, config=self.config, watcher=self.watcher,
        )  # fmt: skip

    def resume(self, run_id: str, *, choose: str | None = None) -> Result:
        """Go on with a run that was cut short, in the world as it was then; its result, if it had ended.

        `choose`: do this skill (a phrase of the library) instead of the one that was chosen and is not done yet.
        Raises ValueError if there is no such choice or skill, `UnknownRun` for an id that names no run, `CorruptRun`
        for one that can't be read (and was set aside).
        """
        for _ in self.stream_resumed(run_id, choose=choose):
            pass
        return self.result

    @steps
    def stream_resumed(self, run_id: str, *, choose: str | None = None) -> Generator[Step]:
        """As `resume`, step by step: the steps that are new."""
        folder = RunFolder.find(runs_folder(self.config.runs), run_id)
        self.run_id = run_id
        yield from self._go_on(folder, folder.read(), resumed=True, choose=choose)

    def fork(self, run_id: str, turn: int) -> str:
        """A new run that begins as an old one did, up to the beginning of a turn (from 1); its id, for `resume`.

        World and memory are as they were then; the old run stays as it is. Raises ValueError for a turn that it did not
        get to, and what `resume` raises.
        """
        old = RunFolder.find(runs_folder(self.config.runs), run_id)
        journal = old.read()
        if not 1 <= turn <= len(journal.steps):
            raise ValueError(f"Expected a turn of {run_id} from 1 to {len(journal.steps)}, got {turn}.")
        header, kept = journal.header, journal.steps[: turn - 1]
        world = old.beginning(turn - 1)
        new = RunFolder.create(runs_folder(self.config.runs))
        then = header.started + journal.steps[turn - 1].observation.time
        header = replace(
            header, run_id=new.run_id, snapshot=new.save("00000-0-start", world), fork_of=run_id, taken=len(kept),
            remembers=then if header.remembers is None else min(then, header.remembers),
        )  # fmt: skip
        forked = Journal.start(new.journal, header)
        for step in kept:
            forked.append(step)
        return new.run_id

    def ask(self, question: str) -> str:
        """What the robot has seen and remembers of it; of the last run's choices too. Nothing is done."""
        steps = self._journal.steps if self._journal else ()
        return answer(question, self.world.observe(), self.memory, steps)

    @property
    def result(self) -> Result:
        """The result of the newest run. Raises RuntimeError while there is none."""
        if self._imagined is not None:
            return self._imagined
        if self._journal is None or (result := self._journal.result()) is None:
            raise RuntimeError("Expected a run that has ended; this one can go on. Take the next of its steps.")
        return result

    # Parts, made when first needed.

    @property
    def world(self) -> World:
        """What it acts in."""
        if self._world is None:
            self._tell("the world")
            self._world = make_world(self.config)
        return self._world

    @property
    def model(self) -> LanguageModel:
        """What *says*."""
        if self._model is None:
            self._tell("the language model")
            self._model = make_model(self.config)
        return self._model

    @property
    def values(self) -> Values:
        """What *can*."""
        if self._values is None:
            self._tell("the value functions")
            self._values = make_values(self.config)
        return self._values

    @property
    def memory(self) -> Memory:
        """What happened before."""
        if self._memory is None:
            self._tell("the memory")
            self._memory = make_memory(self.config)
        return self._memory

    @property
    def library(self) -> SkillLibrary:
        """What can be chosen."""
        if self._library is None:
            self._library = SkillLibrary.of(self.world.scene, load_makers(self.config.skills))
        return self._library

    def _make_planner(self) -> LanguageModel | None:
        """The model that makes a vague goal into errands."""
        name = self.config.errands
        if name is None or name == "same":
            return self.model if name else None
        if self._planner is None:
            self._tell("the model for errands")
            self._planner = make_model(replace(self.config, model=name))
        return self._planner

    def _make_restating(self) -> Restating | None:
        """What says odd words again in plain ones."""
        return make_restating(self.config, self.model)

    def _make_spare(self) -> LanguageModel:
        self._tell("the spare language model")
        return make_model(replace(self.config, model=self.config.spare))

    def _tell(self, what: str) -> None:
        if self.watcher:
            self.watcher.loading(what)

    # The run.

    def _go_on(
        self, folder: RunFolder, journal: Journal, *, resumed: bool, choose: str | None = None
    ) -> Iterator[Step]:
        """Take the run from where it stands to its end."""
        self._journal = journal
        if journal.footer is not None:
            if choose is not None:
                raise ValueError(f"Expected a run that can go on, {folder.run_id} is over. Start another one.")
            return
        remembers = journal.header.remembers
        loop = _LOOPS.get(self.config.checks, Loop)(
            world=self.world,
            model=self.model,
            memory=cast(Memory, AsOf(self.memory, remembers)) if remembers is not None else self.memory,
            values=self.values,
            library=self.library,
            config=self.config,
            folder=folder,
            journal=journal,
            person=self.person,
            planner=self._make_planner(),
            restating=self._make_restating(),
            spare=None if self.config.spare == "none" else self._make_spare,
        )
        thread: RunnableConfig = {"configurable": {"thread_id": folder.run_id}, "recursion_limit": _NO_LIMIT}
        with folder.checkpoints() as checkpoints:
            graph = loop.graph().compile(checkpointer=checkpoints)
            turn: dict[str, Any] = self._restore(folder, journal, graph, thread) if resumed else {}
            start = None if turn else cast(Turn, _start(journal))
            turn = turn or {"index": len(journal.steps)}
            if choose is not None:
                turn["decision"] = self._decided(turn, choose)
                graph.update_state(thread, {"decision": turn["decision"]}, as_node="choose")
            elif self.watcher and resumed and graph.get_state(thread).next in (("ask",), ("act",)):
                # What was chosen and is still to be asked or done is told again: who looks on may want to stop it.
                self.watcher.phase("choose", cast(Turn, turn))
            # "sync": a phase is on disk before the next one begins.
            for update in graph.stream(start, thread, stream_mode="updates", durability="sync"):
                for phase, change in update.items():
                    turn.update(change)
                    if self.watcher:
                        self.watcher.phase(phase, cast(Turn, turn))
                    if phase == PHASES[-1]:
                        yield journal.steps[-1]

    def _decided(self, turn: dict[str, Any], phrase: str) -> Decision:
        """A person's decision for the turn. Raises ValueError unless a choice stands and is not done yet."""
        if turn.get("decision") is None or turn.get("outcome") is not None or not turn.get("candidates"):
            raise ValueError("Expected a run that stands before a skill that was chosen; this one doesn't. Resume it.")
        family = self.library[phrase].family
        if family in ("done", "refuse"):
            return Decision("finish" if family == "done" else "refuse", None, "a person chose it")
        return Decision("act", phrase, "a person chose it")

    def _restore(
        self, folder: RunFolder, journal: Journal, graph: CompiledStateGraph, thread: RunnableConfig
    ) -> dict[str, Any]:
        """World and journal as the newest checkpoint knows them; its state, empty if there is no checkpoint yet."""
        if self.world.scene.name != journal.header.scene:
            raise ValueError(
                f"Expected a world of {journal.header.scene!r} to resume in, got {self.world.scene.name!r}."
            )
        try:
            turn = dict(graph.get_state(thread).values)
            self.world.restore(folder.load(turn.get("snapshot", journal.header.snapshot)))
        except Exception as error:  # whatever a file can hold in place of what was written
            raise folder.set_aside(error) from error
        journal.keep(turn.get("index", journal.header.taken))
        return turn


def _start(journal: Journal) -> dict[str, Any]:
    """The state that a run begins with, behind the steps that it took over, if any."""
    last = journal.steps[-1] if journal.steps else None
    current = last.subgoal.index + (last.decision.kind == "finish") if last else 0
    return {"index": len(journal.steps), "current": current, "snapshot": journal.header.snapshot}


def _versions() -> Iterator[str]:
    for package in _VERSIONS:
        with suppress(PackageNotFoundError):
            yield f"{package} {version(package)}"
