"""The loop, as the design draws it: one node a phase, checkpointed after each.

     observe ─► recall ─► decompose ─► score ─► choose ─► (ask) ─► act ─► check ─► remember ─► end
        ▲                                          └── nothing to do ───────►│        │
        └──────────────────────────────── next turn ────────────────────────┴────────┘

A resumed phase runs again from its start. So every phase that touches the world leaves a snapshot of it on disk and the
snapshot's id in its state, and `act` does nothing else: the world that a checkpoint names never had the next action.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from langgraph.graph import END, START, StateGraph

from ..memory.consolidation import consolidate
from ..memory.store import Memory
from ..sim.observation import Observation
from ..sim.world import World
from ..skills.execute import execute
from ..skills.library import SkillLibrary
from ..skills.skill import Outcome, Skill
from . import (
    asking,
    caution,
    checking,
    errands,
    prompts,
    recalling,
)
from .accounts import OverBudget
from .agenda import Agenda
from .checking import Limits
from .choosing import Choosing
from .config import Config
from .journal import Footer, Journal
from .language_model import LanguageModel
from .person import Person, Timed
from .runs import RunFolder
from .spending import Metered, Purse
from .turn import Change, Turn, Values, pursued
from .types import OVER, Decision, Step, Subgoal, Verdict
from .weighing import Weighing

if TYPE_CHECKING:
    from .restating import Restating

PHASES = ("observe", "recall", "decompose", "score", "choose", "act", "check", "remember")
"""Those of every turn in which something is done; `ask` comes between choose and act where a person is asked."""


class Loop:
    """The phases over injected parts; `graph()` joins them."""

    def __init__(
        self,
        *,
        world: World,
        model: LanguageModel,
        memory: Memory,
        values: Values,
        library: SkillLibrary,
        config: Config,
        folder: RunFolder,
        journal: Journal,
        person: Person | None = None,
        spare: Callable[[], LanguageModel] | None = None,
        planner: LanguageModel | None = None,
        restating: Restating | None = None,
    ):
        """`spare` makes the language model that goes on when one that is elsewhere does not answer; `planner` is the
        one that makes a vague goal into errands; `restating` says one that is not plain again in plain words."""
        self.world, self.memory, self.values, self.library = world, memory, values, library
        self.config, self.folder, self.journal = config, folder, journal
        self.person: Timed | None = Timed(person) if person else None
        self._header = journal.header
        self._goal = recalling.shortened(journal.header.goal)
        self._limits = Limits(config.max_steps, config.max_seconds, config.max_wall_seconds)
        self._skills = {skill.phrase: skill for skill in library}
        self._purse = Purse(config, folder.folder.parent, folder.run_id)
        self.model: LanguageModel = Metered(model, self._purse)
        vague = planner is not None and errands.vague(journal.header.goal, world.scene)
        planner = Metered(planner, self._purse) if planner and vague else None
        self._vague = planner is not None
        self._agenda = Agenda(journal.header.goal, world.scene, config, planner, restating)
        self._choosing = Choosing(self._agenda, library, world.scene, values, journal, config)
        self._weighing = Weighing(
            self.model,
            list(self._skills),
            config,
            memory.embedder,
            (lambda: Metered(spare(), self._purse)) if spare and hasattr(model, "account") else None,
        )
        self._began = time.monotonic()

    def graph(self) -> StateGraph:
        """The phases joined as drawn above, not yet compiled."""
        graph = StateGraph(Turn)
        for phase in (*PHASES, "ask"):
            graph.add_node(phase, getattr(self, phase))
        graph.add_edge(START, "observe")
        graph.add_edge("observe", "recall")
        graph.add_edge("recall", "decompose")
        graph.add_edge("decompose", "score")
        graph.add_edge("score", "choose")
        graph.add_conditional_edges("choose", self._after_choice, ["ask", "act", "check"])
        graph.add_conditional_edges("ask", lambda turn: "act" if turn["decision"].kind == "act" else "check")
        graph.add_edge("act", "check")
        graph.add_edge("check", "remember")
        graph.add_conditional_edges("remember", lambda turn: END if turn.get("ending") else "observe")
        return graph

    # The phases, in order.

    def observe(self, turn: Turn) -> Change:
        """What is seen now."""
        observation = self.world.observe()
        return {
            "observation": observation,
            "snapshot": self._save(turn, "1-observe"),
            "candidates": (),
            "outcome": None,
            "after": None,
            "verdict": None,
        }

    def recall(self, turn: Turn) -> Change:
        """What earlier episodes know of it; their sightings join the observation as hints."""
        goal, subgoal = self._goal, self._subgoal(turn)
        query = goal if subgoal is None or subgoal.text == goal else f"{subgoal.text} ({goal})"
        observation = turn["observation"]
        found = recalling.recall(
            self.memory,
            query,
            count=self.config.recall_k,
            now=self._header.started + observation.time,
            episode=self._header.run_id,
        )
        seen = recalling.last_seen(self.memory, self.world.scene.types, self._header.run_id)
        hints = recalling.hints((*found, *seen), self.world.scene, self._header.started)
        return {"recalled": found, "observation": observation.with_remembered(hints)}

    def decompose(self, turn: Turn) -> Change:
        """What to pursue by itself, and in what order."""
        current, known = turn.get("current", 0), turn.get("subgoals")
        subgoals = known or self._beginning(turn["observation"])
        made = self._agenda.revised(subgoals, turn["observation"], self.journal.steps.newest)
        if made and made.errands:
            rest = (Subgoal(text, current + i) for i, text in enumerate(made.errands))
            subgoals = (*subgoals[:current], *rest)
        return {"subgoals": subgoals, "current": min(current, len(subgoals) - 1), "errands": made}

    def score(self, turn: Turn) -> Change:
        """What would help, weighed by what can work, for every skill."""
        subgoal, observation, episode = pursued(turn), turn["observation"], self._header.run_id
        now = self._header.started + observation.time
        left = self._purse.left(turn["index"], observation.time - self._header.began)
        told = [record.sentence(now) for record in turn["recalled"]] if self.config.prompt_memory else []
        can = self._choosing.can(turn)
        try:
            self._purse.before_turn()
            weighed = self._weighing(
                self._agenda.words(subgoal),
                prompts.turns(self._steps(subgoal)),
                observation,
                can=can * caution.factors(self.memory, self.library, observation, now=now, episode=episode),
                tabu=self._choosing.tabu(turn),
                plain=self._choosing.meaning(turn) is not None,
                examples=lambda: recalling.examples(self.memory, episode),
                memory=[*told, f"there may be {left.sentence()} more"] if self.config.prompt_left else told,
            )
        except OverBudget as error:
            return {"candidates": (), "thought": None, "left": left, "doubt": (), "stop": str(error)}
        notes = "; ".join(filter(None, (weighed.instead, weighed.thought and f"thought: {weighed.thought}")))
        return {"candidates": weighed.candidates, "thought": notes, "left": left, "doubt": weighed.doubt, "stop": ""}

    def choose(self, turn: Turn) -> Change:
        """The best one, or what to ask a person."""
        if stop := turn.get("stop"):
            return {"decision": Decision("stop", None, stop)}
        return {"decision": self._choosing(turn, self._weighing.floor, asks=self.person is not None)}

    def ask(self, turn: Turn) -> Change:
        """A person's word: which one is meant, or whether to do it. Nothing has moved yet."""
        decision = turn["decision"]
        if decision.kind == "act":
            return {"decision": asking.leave(decision, turn["candidates"], self.person)}
        assert self.person is not None, "where there is nobody, nothing is asked"
        chosen = asking.chosen(decision, self._told(decision.reason, decision.options))
        if chosen.options and chosen.phrase:
            self._keep(decision.reason, chosen.phrase, turn["observation"])
        return {"decision": chosen}

    def act(self, turn: Turn) -> Change:
        """Move the robot; the only phase that does. What is not seen to be possible is not tried."""
        skill, known = self._skill(turn["decision"]), turn["observation"]
        missing = self._unmet(skill, known)
        if skill.family == "find" and skill.target:
            known = recalling.with_habits(self.memory, skill.target, known, self.world.scene, self._header.run_id)
        outcome = Outcome("failed", missing) if missing else execute(skill, self.world, known)
        return {"outcome": outcome, "snapshot": self._save(turn, "2-act")}

    def check(self, turn: Turn) -> Change:
        """What came of it, by what is seen."""
        decision, outcome, subgoal = turn["decision"], turn.get("outcome"), pursued(turn)
        if outcome is None:
            return {"verdict": checking.conclude(decision, subgoal, len(turn["subgoals"]))}
        after = self.world.observe()
        verdict = self._verdict(turn, self._skill(decision), outcome, after)
        return {"after": after, "verdict": verdict, "snapshot": self._save(turn, "3-check")}

    def remember(self, turn: Turn) -> Change:
        """Write the turn down: in memory, then in the journal. Doing it twice changes nothing."""
        step, steps = self._step(turn), self.journal.steps.newest
        known = (steps[-1].after or steps[-1].observation) if steps else None
        started, episode = self._header.started, self._header.run_id
        phrase = step.decision.phrase
        skill = self._skills[phrase] if phrase else None
        before = () if steps else recalling.last_seen(self.memory, self.world.scene.types, episode)
        remembered = recalling.hints(before, self.world.scene, started)
        records = recalling.records(step, skill, known, started=started, episode=episode, remembered=remembered)
        now = (step.after or step.observation).time
        over = step.decision.kind in OVER
        subgoals, turns = turn["subgoals"], len(self.journal.steps) + 1
        if over:
            subgoals = (*subgoals, *self._agenda.left(subgoals, (*steps, step), self._limits.steps - turns))
        ending = checking.ending(
            [*steps, step],
            turns=turns,
            given_up=self._agenda.given_up(subgoals, self.journal.steps, step),
            revised=self._vague,
            subgoals=len(subgoals),
            limits=self._limits,
            seconds=now - self._header.began,
            wall_seconds=time.monotonic() - self._began - (self.person.seconds if self.person else 0.0),
        )
        if ending:
            records.append(recalling.summary(self._goal, ending, started + now, episode, [*steps, step]))
        self.memory.remember(records)
        if ending:
            consolidate(self.memory, episode, budget=self.config.memory_budget)
        self.journal.append(step)
        self._purse.after_turn(now - step.observation.time)
        if ending:
            self.journal.close(Footer(ending.status, ending.reason, now - self._header.began))
        return {"index": turn["index"] + 1, "subgoals": subgoals, "current": turn["current"] + over, "ending": ending}

    # What the phases share.

    def _beginning(self, observation: Observation) -> tuple[Subgoal, ...]:
        """The goal's errands, after a person was asked what is meant, if that is not clear and somebody is there."""
        held = observation.robot.holding
        begun = self._agenda.beginning(held)
        if not begun.question or self.person is None:
            return begun.subgoals
        said = self._told(begun.question, begun.options)
        meant = self._agenda.answered(said, begun.options, held)
        if said and begun.options and not meant:  # none of them
            said = self._told(self._agenda.open_question, ()) or said
            meant = self._agenda.answered(said, (), held)
        if said and not meant:
            return self._agenda.unclear
        if meant:
            self._keep(begun.question, "; ".join(subgoal.text for subgoal in meant), observation)
        return meant or begun.subgoals

    def _told(self, question: str, options: Sequence[str]) -> str | None:
        """What a person says to a question, or said to it earlier; None: nothing."""
        assert self.person is not None, "where there is nobody, nothing is asked"
        return recalling.answered(self.memory, question) or self.person(question, options)

    def _keep(self, question: str, answer: str, observation: Observation) -> None:
        """Remember what was told, so that it is not asked again."""
        now = self._header.started + observation.time
        self.memory.remember([recalling.told(question, answer, now, self._header.run_id)])

    def _unmet(self, skill: Skill, seen: Observation) -> str:
        """Why a skill is not to be tried; "": it is."""
        return checking.unmet(skill, seen)

    def _verdict(self, turn: Turn, skill: Skill, outcome: Outcome, after: Observation) -> Verdict:
        """What a look afterwards says of a skill."""
        earlier = self._steps(pursued(turn))
        return checking.check(skill, outcome, turn["observation"], after, earlier=earlier)

    def _after_choice(self, turn: Turn) -> str:
        """The phase that comes next."""
        kind = turn["decision"].kind
        if kind == "act" and self.config.authority == "ask-each" and turn["index"] >= self.config.yes:
            return "ask"
        return kind if kind in ("act", "ask") else "check"

    def _save(self, turn: Turn, name: str) -> str:
        return self.folder.save(f"{turn['index']:05d}-{name}", self.world.snapshot())

    def _subgoal(self, turn: Turn) -> Subgoal | None:
        subgoals = turn.get("subgoals", ())
        return subgoals[turn.get("current", 0)] if subgoals else None

    def _steps(self, subgoal: Subgoal) -> tuple[Step, ...]:
        return self.journal.steps.of(subgoal)

    def _skill(self, decision: Decision) -> Skill:
        return self._skills[decision.phrase or ""]

    def _step(self, turn: Turn) -> Step:
        return Step(
            index=turn["index"],
            goal=self._goal,
            subgoal=pursued(turn),
            observation=turn["observation"],
            recalled=turn["recalled"],
            candidates=turn["candidates"],
            decision=turn["decision"],
            outcome=turn.get("outcome"),
            verdict=turn.get("verdict"),
            after=turn.get("after"),
            left=turn.get("left"),
            errands=turn.get("errands"),
        )
