"""A skill: something the robot can be told to do in a few words, that ends by itself and says how it went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from ..sim.facts import ALWAYS, Condition
from ..sim.observation import Observation
from ..sim.robot import Robot

FAMILIES: tuple[str, ...] = (
    "go to", "find", "pick up", "put down", "put in", "bring", "open", "close", "wipe", "pick and place",
    "done", "refuse",
)  # fmt: skip
"""The families that ship; a user's own skill has one of its own."""
ENDINGS: frozenset[str] = frozenset({"done", "refuse"})
"""The families that end a subgoal instead of moving the robot."""


@dataclass(frozen=True)
class Outcome:
    """How a skill ended, as the skill itself tells it; `seconds` is simulated time."""

    status: Literal["done", "failed", "timed out"]
    reason: str
    seconds: float = 0.0


Policy = Callable[[Robot, Observation], Outcome]
"""Moves the robot until the skill is done, has failed or has run out of time. Never raises for what the world does."""


@dataclass(frozen=True)
class Skill:
    """One skill, grounded: its words, when it makes sense, what it changes, how it is done.

    `preconditions` and `effects` are conditions over believed facts (`Observation.believed()`): the first say when the
    policy may be tried, the second what a look at the world must show afterwards.
    """

    family: str
    """Skills of one family share a kind of policy, and what their values are learned from."""
    target: str | None
    """The object type, place or drawer it acts on."""
    phrase: str
    """The words that the language model scores."""
    preconditions: Condition = ALWAYS
    effects: Condition = ALWAYS
    policy: Policy | None = field(default=None, compare=False, repr=False)
    """None for the endings (`done`, `refuse`), which move nothing."""
    where: str | None = None
    """Where the target goes, if the skill says so: a drawer, a receptacle or a named spot."""

    @property
    def ends(self) -> bool:
        """True for the skills that end a subgoal."""
        return self.family in ENDINGS
