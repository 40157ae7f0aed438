"""What the restater is taught: made instructions, and what they are in plain words."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..sim.scene import Scene
from .canonical import REFUSAL, UNCLEAR, utterance
from .episodes import RENAMED, Segment, TrainingEpisode, renamed, renaming
from .instructions import Grammar
from .restating import accepted, answer, prompt
from .slots import Instruction
from .spoken_frames import SpokenGrammar

_SPOKEN = 0.75
"""Share of instructions in whole sentences of different people."""


def restatements(scene: Scene, part: str, seed: int, *, spoken: float = _SPOKEN) -> Iterator[TrainingEpisode]:
    """An endless stream of instructions and what they plainly are; the same arguments give the same stream.

    In `RENAMED` of those that name all they want, the things go by other names, so that names are copied.
    """
    plainly, people = Grammar(scene, part), SpokenGrammar(scene, part, whole=True)
    rng = np.random.default_rng((seed, 2))
    while True:
        made = (people if rng.random() < spoken else plainly).draw(rng)
        if errands := restated(made, scene):
            told = Segment(prompt(made.text, made.setup.holding), False), Segment(answer(errands), True)
            episode = TrainingEpisode(made, told, ())
            other = None
            if rng.random() < RENAMED:
                other = renamed(episode, *renaming(plainly.other_names, rng))
            yield other or episode


def restated(made: Instruction, scene: Scene) -> tuple[str, ...]:
    """A made instruction in plain words; (): not all of it can be said so, or not so that it would be taken."""
    held = made.setup.holding
    said = [utterance(errand, scene, f"{made.text} {held or ''}") for errand in made.errands]
    errands = tuple(text for text in said if text)
    taken = errands in ((REFUSAL,), (UNCLEAR,)) or accepted(made.text, errands, held, scene)
    return errands if all(said) and taken else ()
