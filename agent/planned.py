"""The loop with a plan that is made once, to lay ours beside: SayCan's released code plans so, and looks at nothing."""

from __future__ import annotations

from ..sim.observation import Observation
from ..skills.skill import Outcome, Skill
from . import imagining, prompts
from .loop import Loop
from .scoring import PATIENCE, Situation, failures
from .turn import Change, Turn, pursued
from .types import Decision, Subgoal, Verdict


class PlannedLoop(Loop):
    """Carries out a plan made at the start; with `checks` 'after' a step is tried until it is seen to be done."""

    def decompose(self, turn: Turn) -> Change:
        """The whole goal, and the skills that would reach it if each did what it declares."""
        if turn.get("subgoals"):
            return super().decompose(turn)
        planned = imagining.plan(
            self._header.goal, turn["observation"], scene=self.world.scene, model=self.model, memory=self.memory,
            values=self.values, library=self.library, config=self.config,
        )  # fmt: skip
        phrases = tuple(step.decision.phrase for step in planned.steps if step.decision.phrase)
        return {"subgoals": (Subgoal(self._header.goal),), "current": turn.get("current", 0), "plan": phrases}

    def score(self, turn: Turn) -> Change:
        """Nothing is weighed any more."""
        return {"candidates": (), "thought": None}

    def choose(self, turn: Turn) -> Change:
        """The first step that was not done yet, as far as anybody looked."""
        plan, steps = turn["plan"], self.journal.steps
        done = sum(step.verdict is not None and step.verdict.then == "continue" for step in steps)
        if steps and steps[-1].verdict and steps[-1].verdict.then == "replan":
            return {"decision": Decision("stop", None, f"{plan[done]!r} failed {PATIENCE} times")}
        if done < len(plan):
            return {"decision": Decision("act", plan[done], f"step {done + 1} of {len(plan)} of the plan")}
        return {"decision": Decision("finish", None, "the plan is at its end")}


class CritiqueLoop(PlannedLoop):
    """Asks the language model itself whether a step worked, instead of looking: for comparison only."""

    def _unmet(self, skill: Skill, seen: Observation) -> str:
        return ""

    def _verdict(self, turn: Turn, skill: Skill, outcome: Outcome, after: Observation) -> Verdict:
        subgoal, before = pursued(turn), turn["observation"]
        told = prompts.planning_prompt(subgoal, self._steps(subgoal), before) + prompts.continuation(skill.phrase)
        yes, no = self.model.loglikelihood(f"{told}Did that work? Answer yes or no:", (" yes\n", " no\n"))
        if yes >= no:
            return Verdict((), "asked whether it worked, the model said yes", "continue")
        again = failures(self._steps(subgoal), skill.phrase, Situation.of(before)) + 1 < PATIENCE
        return Verdict((), "asked whether it worked, the model said no", "retry" if again else "replan")


class BlindLoop(PlannedLoop):
    """Looks neither before a skill nor after it."""

    def _unmet(self, skill: Skill, seen: Observation) -> str:
        return ""

    def _verdict(self, turn: Turn, skill: Skill, outcome: Outcome, after: Observation) -> Verdict:
        return Verdict((), "not looked at", "continue")
