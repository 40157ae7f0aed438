"""What is done at a turn: the best skill of those that nothing rules out, or what to ask a person first."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..sim.scene import Scene
from ..skills.library import SkillLibrary
from . import asking, checking, guards, looking_ahead, prompts, recovering, scoring
from .agenda import Agenda
from .config import Config
from .done_value import GoalValues
from .journal import Journal
from .meaning import Meaning
from .turn import Turn, Values, pursued
from .types import Decision, Step


class Choosing:
    """Chooses for one run."""

    def __init__(
        self, agenda: Agenda, library: SkillLibrary, scene: Scene, values: Values, journal: Journal, config: Config
    ):
        self._agenda, self._library, self._scene, self._values = agenda, library, scene, values
        self._journal, self._config = journal, config
        self._skills = {skill.phrase: skill for skill in library}

    def __call__(self, turn: Turn, floor: float, *, asks: bool) -> Decision:
        """The best one, or what to ask a person; `floor`: the least say × can of all; `asks`: is there somebody?"""
        text, reading = pursued(turn).text, pursued(turn).reading
        if reading == "unclear":
            return Decision("stop", None, f"it is not clear what is meant by {text!r}: say it in other words")
        if reading == "impossible":
            return Decision("refuse", None, f"what is meant by {text!r} is nothing that this robot can do")
        meaning = self.meaning(turn)
        if meaning and guards.reached(meaning, turn["observation"], self._steps(turn), self._scene):
            return self._tidy(turn) or Decision("finish", None, f"it is seen that {meaning}")
        # There is no floor for an errand that is plainly one for these skills.
        decision = scoring.choose(turn["candidates"], self._skills, self.tabu(turn), 0.0 if meaning else floor)
        if notes := turn.get("thought"):
            decision = replace(decision, reason=f"{decision.reason}; {notes}")
        if decision.kind != "act":
            return decision
        return (self._question(turn) if asks else None) or self._looked_ahead(turn, decision)

    def meaning(self, turn: Turn) -> Meaning | None:
        """What the subgoal plainly asks for; None: not plain, or not to be used."""
        meaning = self._agenda.meaning(turn["subgoals"], pursued(turn))
        return meaning and meaning.placed(turn["observation"].believed())

    def can(self, turn: Turn) -> np.ndarray:
        """The values of all skills; of `done`, if they can tell, towards this subgoal."""
        if isinstance(self._values, GoalValues):
            done = prompts.turns(self._steps(turn))
            return self._values.towards(self._agenda.words(pursued(turn)), turn["observation"], done, self._library)
        return self._values(turn["observation"], self._library)

    def tabu(self, turn: Turn) -> dict[str, str]:
        """Phrases that are not to be chosen, each with the reason."""
        steps, observation = self._steps(turn), turn["observation"]
        tabu = scoring.tabu(steps, observation) | recovering.not_meant(steps, self._skills)
        if meaning := self.meaning(turn):
            tabu |= guards.masks(meaning, self._library, observation, steps, self._scene)
        return tabu

    def _question(self, turn: Turn) -> Decision | None:
        """What to ask before anything is done; once a subgoal."""
        if any(step.decision.options for step in self._steps(turn)):
            return None
        text, least = pursued(turn).text, self._config.ask_least
        return asking.in_doubt(text, turn.get("doubt", ())) or asking.which_one(
            text, self.meaning(turn), turn["candidates"], self._skills, least
        )

    def _looked_ahead(self, turn: Turn, decision: Decision) -> Decision:
        """The decision, or one that leads further where the values are unsure of it."""
        best, meaning, count = turn["candidates"][0], self.meaning(turn), self._config.look_ahead
        if not count or meaning is None or best.can >= self._config.unsure or turn["candidates"][1:2] == ():
            return decision
        phrase, distance = looking_ahead.promising(
            turn["candidates"], count, meaning=meaning, observation=turn["observation"], steps=self._steps(turn),
            scene=self._scene, skills=self._skills,
        )  # fmt: skip
        told = f"{distance:g} skills to the goal" if distance < math.inf else "the goal is not in sight"
        return replace(decision, phrase=phrase, reason=f"{decision.reason}; looked ahead: {told}")

    def _tidy(self, turn: Turn) -> Decision | None:
        """Before the run ends: close a drawer that was opened on the way, and that nobody asked to have open."""
        if pursued(turn).index + 1 < len(turn["subgoals"]):
            return None
        meant = self._agenda.meanings(turn["subgoals"]).values()
        drawer = recovering.left_open(self._journal.steps.newest, turn["observation"], [*meant])
        skill = self._skills.get(f"close the {drawer}")
        if skill is None or skill.phrase in self.tabu(turn) or checking.unmet(skill, turn["observation"]):
            return None
        return Decision("act", skill.phrase, f"the {drawer} was opened on the way")

    def _steps(self, turn: Turn) -> tuple[Step, ...]:
        return self._journal.steps.of(pursued(turn))
