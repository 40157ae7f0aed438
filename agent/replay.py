"""Runs seen again: the journal's skills done once more from the run's first snapshot, for films and data sets.

A world with physics is deterministic, so what was done from the same state happens again on the same machine and
version. Every turn what is seen is laid beside what the journal says was seen; where they part, replay stops and says
so: a recording shows what happened, or nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ..sim.observation import Observation
from ..sim.physics_world import PhysicsWorld
from ..skills.execute import execute
from ..skills.library import SkillLibrary
from .parts import make_world
from .runs import RunFolder, runs_folder
from .turn import Turn
from .types import Step

if TYPE_CHECKING:
    from .agent import Watcher
    from .journal import Journal

_NEAR = 0.02
"""Metres that a thing may lie elsewhere than it did: a grasp after a restored snapshot is not the same to the bit."""


class ReplayError(ValueError):
    """A run that can't be seen again; the message says from which turn on, and why."""


class Replay:
    """One run, ready to be seen again in `world`. `close` lets go of the world."""

    def __init__(self, run: str, runs: str | Path | None = None):
        """`run` is an id in the folder `runs`, or a run's own folder. Raises what reading a run raises."""
        path = Path(run)
        self.folder = RunFolder(path) if (path / "journal.jsonl").is_file() else RunFolder.find(runs_folder(runs), run)
        self.journal: Journal = self.folder.read()
        header = self.journal.header
        if header.config.world != "physics":
            raise ReplayError(f"Expected a run with physics, got {self.folder.run_id}: there is nothing to see in it.")
        self.world = cast(PhysicsWorld, make_world(header.config))
        first = self.journal.steps[0].observation if self.journal.steps else None
        if first is None or _parted(self.world.observe(), first) is None:
            return
        # It began in a world that was set up by hand, as a benchmark's are.
        try:
            self.world.restore(self.folder.load(header.snapshot))
        except ValueError as error:
            self.close()
            raise ReplayError(f"Expected the first snapshot of {self.folder.run_id}: {error}.") from error

    def run(self, watcher: Watcher, each: Callable[[str], None] = lambda phrase: None) -> None:
        """Do every turn again; `each` is told a skill's phrase before it is done. Raises `ReplayError`."""
        library = SkillLibrary.of(self.world.scene)
        for step in self.journal.steps:
            _same(self.world.observe(), step.observation, step.index)
            turn = _turn(step)
            watcher.phase("choose", turn)
            if step.outcome is not None:
                phrase = step.decision.phrase or ""
                each(phrase)
                outcome = execute(library[phrase], self.world, step.observation)
                if outcome.status != step.outcome.status:
                    raise _error(step.index, f"{phrase!r} ends as {outcome.status}, not as {step.outcome.status}")
                turn["outcome"] = step.outcome
                watcher.phase("act", turn)
                seen = self.world.observe()
                if step.after is not None:
                    _same(seen, step.after, step.index)
            turn["outcome"], turn["verdict"], turn["after"] = step.outcome, step.verdict, step.after
            watcher.phase("check", turn)

    def close(self) -> None:
        """Let go of the world."""
        self.world.close()


def _turn(step: Step) -> Turn:
    """The step as the loop's state when the choice was made."""
    return cast(
        "Turn",
        {
            "index": step.index, "subgoals": (step.subgoal,), "current": 0, "observation": step.observation,
            "recalled": step.recalled, "candidates": step.candidates, "decision": step.decision,
        },
    )  # fmt: skip


def _same(now: Observation, then: Observation, index: int) -> None:
    what = _parted(now, then)
    if what:
        raise _error(index, what)


def _error(index: int, what: str) -> ReplayError:
    return ReplayError(
        f"Expected the run to go as its journal says, but in turn {index + 1} {what}. "
        "Replay it with the version and on the kind of machine that it was made with."
    )


def _parted(now: Observation, then: Observation) -> str | None:
    """What is seen otherwise than it was; None: nothing."""
    known = [o for o in then.objects if not o.remembered]
    if math.dist(now.robot.position, then.robot.position) > _NEAR:
        return f"the robot is at {_point(now.robot.position)} and not at {_point(then.robot.position)}"
    if now.robot.holding != then.robot.holding:
        return f"the hand holds {now.robot.holding or 'nothing'}, not {then.robot.holding or 'nothing'}"
    if [o.type for o in now.objects] != [o.type for o in known]:
        return "other objects are seen"
    moved = [o.type for a, o in zip(now.objects, known, strict=True) if math.dist(a.position, o.position) > _NEAR]
    return f"the {moved[0]} lies elsewhere" if moved else None


def _point(position: tuple[float, ...]) -> str:
    return "(" + ", ".join(f"{v:.3f}" for v in position) + ")"
