"""Finished and unfinished episodes, and the value of `done` fitted to them.

A made instruction (`instructions.py`) is followed through the symbolic world by a teacher who knows what it means. Half
of the time the one who acts is another, who has understood something else (other things, another place, half of
it); some go on after the end. At every turn the first teacher is asked whether he would call it finished: that is the
label; what the robot had seen, and done, are the features. Frames of the development part are for measuring only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ..sim.scene import Scene, training_scene
from ..sim.symbolic import SymbolicWorld
from ..skills.execute import execute
from ..skills.library import SkillLibrary
from ..skills.measures import Figures, intervals, measure
from ..skills.training import Rows, fit_rows
from .done_value import FAMILY, NAMES, VERSION, features
from .instructions import Grammar
from .prompts import Turn, failure
from .slots import Instruction
from .teacher import DONE, Errand, Teacher

_SLIP, _STRAY, _MISTAKEN = 0.08, 0.08, 0.5
_TURNS = 14
_EPOCHS = 8
"""More of them learn the training frames by heart."""
_ON = 2
"""Turns at most that somebody goes on for after the end."""


@dataclass(frozen=True)
class Moment:
    """A turn of an episode: is the goal reached?"""

    episode: int
    row: NDArray[np.float32]
    finished: bool


def moments(scene: Scene, part: str, seed: int, count: int) -> Iterator[Moment]:
    """The turns of `count` episodes; the same scene, part and seed give the same."""
    grammar, rng = Grammar(scene, part), np.random.default_rng((seed, part == "dev"))
    world, library = SymbolicWorld(scene), SkillLibrary.of(scene)
    for episode in range(count):
        yield from _episode(episode, grammar.draw(rng), world, library, rng)


def _episode(
    number: int, made: Instruction, world: SymbolicWorld, library: SkillLibrary, rng: np.random.Generator
) -> Iterator[Moment]:
    if made.errands[0].kind == "refuse":
        return
    world.failure_rate = _SLIP
    now = world.reset(made.setup, seed=int(rng.integers(2**31)))
    judge = Teacher(made.errands, scene=world.scene)
    mistaken = rng.random() < _MISTAKEN
    errands = _misunderstood(made, world.scene, rng) if mistaken else made.errands
    actor = Teacher(errands, scene=world.scene)
    turns: list[Turn] = []
    more = int(rng.integers(_ON + 1))
    for _ in range(_TURNS):
        finished = judge.next_phrase(now) == DONE
        yield Moment(number, features(made.text, now, turns, world.scene), finished)
        phrase = actor.next_phrase(now)
        if library[phrase].ends or rng.random() < _STRAY:
            if library[phrase].ends and more == 0:
                return
            more -= library[phrase].ends
            able = [s for s in library if not s.ends and s.preconditions.holds(now.believed())]
            phrase = able[int(rng.integers(len(able)))].phrase
        outcome = execute(library[phrase], world)
        before, now = now, world.observe()
        failed = outcome.status != "done"
        for teacher in (judge, actor):
            teacher.report(phrase, now, failed=failed)
        turns.append(Turn(before, phrase, failure(outcome.reason) if failed else "Done."))


def _misunderstood(made: Instruction, scene: Scene, rng: np.random.Generator) -> tuple[Errand, ...]:
    """The errands with one of them forgotten, or with another thing that is there, or another place."""
    errands = made.errands
    which = int(rng.integers(len(errands)))
    errand, wrong = errands[which], rng.random()
    if len(errands) > 1 and wrong < 0.3:
        return (*errands[:which], *errands[which + 1 :])
    if errand.what and errand.kind != "wipe" and wrong < 0.65:
        others = [kind for kind, _ in made.setup.objects if kind not in errand.what]
        if others:
            errand = replace(errand, what=(str(rng.choice(others)),), source=None, count=1)
    elif errand.to:
        errand = replace(errand, to=str(rng.choice([p.name for p in scene.places if p.kind != "cabinet"])))
    elif errand.target and errand.kind == "go":
        errand = replace(errand, target=str(rng.choice([p.name for p in scene.places])))
    elif errand.kind == "wipe":
        errand = replace(errand, target=str(rng.choice([p.name for p in scene.surfaces()])))
    elif errand.target:
        errand = replace(errand, kind="close" if errand.kind == "open" else "open")
    return (*errands[:which], errand, *errands[which + 1 :])


def rows(scene: Scene, part: str, seed: int, count: int) -> Rows:
    """The moments of such episodes as arrays, an episode being a state."""
    found = list(moments(scene, part, seed, count))
    size = len(found)
    return Rows(
        x=np.stack([m.row for m in found]),
        y=np.array([float(m.finished) for m in found]),
        family=np.zeros(size, dtype=np.intp),
        state=np.array([m.episode for m in found]),
        scene=np.full(size, scene.name),
        about=np.full(size, ""),
        families=(FAMILY,),
    )


def fit_done(
    out: Path,
    *,
    episodes: int = 4000,
    seed: int = 0,
    command: str = "",
    scene: Scene | None = None,
    log: Callable[[str], None] = lambda line: None,
) -> tuple[Figures, dict[str, tuple[float, float]]]:
    """Learn the value of `done`, write OUT (safetensors) and its data card beside it.

    Gives the figures on sentence frames that were not learned from, with their 95% intervals.
    """
    scene = scene or training_scene()
    learned_from = rows(scene, "train", seed, episodes)
    log(f"{len(learned_from.y)} moments of {episodes} episodes, {learned_from.y.mean():.0%} of them finished")
    learned = fit_rows(learned_from, epochs=_EPOCHS, seed=seed, log=log)
    learned.save(out, {"command": command, "seed": str(seed)}, version=VERSION, columns=NAMES)
    held_out = rows(scene, "dev", seed + 1, max(200, episodes // 8))
    predicted = learned.probabilities(torch.from_numpy(held_out.x), held_out.family)
    figures = measure(predicted, held_out.y > 0.5)
    spans = intervals(predicted, held_out.y > 0.5, held_out.state)
    out.with_suffix(".md").write_text(
        "# Data card: the value of `done`\n\n"
        f"{len(learned_from.y)} turns of {episodes} made instructions in the symbolic `{scene.name}`, half of them "
        "followed by somebody who had misunderstood; the label is whether a teacher who knows what the instruction "
        "means calls it finished, by what the robot has seen.\n\n"
        f"Made by: `{command}` (seed {seed}).\n\n"
        f"On {figures.n} turns of instructions in sentence frames that were not learned from ({figures.base:.0%} "
        f"finished), with 95% intervals: AUROC {figures.auroc:.3f} [{spans['auroc'][0]:.3f}, {spans['auroc'][1]:.3f}], "
        f"ECE(15) {figures.ece:.3f} [{spans['ece'][0]:.3f}, {spans['ece'][1]:.3f}], Brier {figures.brier:.3f}, "
        f"NLL {figures.nll:.3f}.\n\n"
        "Limits: what words mean beyond the catalogue's names, categories and properties is not among the features; "
        "for such goals the value goes by what was done.\n",
        encoding="utf-8",
    )
    return figures, spans
