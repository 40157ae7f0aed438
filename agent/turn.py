"""What goes from phase to phase of the loop: the turn in hand, and what values its skills have."""

from __future__ import annotations

from typing import Any, Protocol, TypedDict

import numpy as np

from ..memory.record import Record
from ..sim.observation import Observation
from ..skills.skill import Outcome
from .checking import Ending
from .types import Candidate, Decision, Errands, Left, Subgoal, Verdict


class Values(Protocol):
    """P(success) of each skill from here: (n,) float64 in [0, 1]."""

    def __call__(self, observation: Observation, skills: Any) -> np.ndarray: ...


class Turn(TypedDict):
    """The state of the graph: the turn in hand. Earlier turns are in the journal."""

    index: int
    snapshot: str
    """The world as this state knows it."""
    plan: tuple[str, ...]
    """The skills that were planned at the start, if they are to be followed."""
    subgoals: tuple[Subgoal, ...]
    current: int
    """Index of the subgoal that is pursued."""
    observation: Observation
    recalled: tuple[Record, ...]
    candidates: tuple[Candidate, ...]
    thought: str | None
    """What the language model wrote before it scored, and why another one was asked."""
    doubt: tuple[str, ...]
    """What it said when it was asked twice, if that differs."""
    left: Left | None
    """What may still be spent."""
    errands: Errands | None
    """What a vague goal was made into at this turn."""
    stop: str
    """The limit that the turn would have gone beyond."""
    decision: Decision
    outcome: Outcome | None
    after: Observation | None
    verdict: Verdict | None
    ending: Ending | None


def pursued(turn: Turn) -> Subgoal:
    """The subgoal that is pursued."""
    return turn["subgoals"][turn["current"]]


Change = dict[str, Any]
"""What a phase found out: some of the fields of a `Turn`."""
