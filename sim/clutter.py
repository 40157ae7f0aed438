"""Clutter: more things standing about than a task asks for, drawn by seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .scene import Scene
from .task import Setup

_SEED = 0xC1077E2
"""Keeps these draws apart from those of the episode's own placement."""
_ROOM = 0.18
"""Length of a surface that one object takes up, metres."""


def begin(scene: Scene, setup: Setup | None, seed: int) -> Setup:
    """Where an episode begins: the scene's own objects if nothing else is said, and the clutter that `setup` asks for.

    Types that are not there yet come first, so that what a task names stays the only one of its kind while it can.
    """
    setup = setup or Setup.of(scene)
    if setup.clutter is None:
        return setup
    rng = np.random.default_rng((_SEED, seed))
    objects = list(setup.objects)
    there = {kind for kind, _ in objects} | {setup.holding}
    new = [kind for kind in scene.types if kind not in there]
    order = [*rng.permutation(new), *rng.permutation(list(scene.types))]
    for kind in (str(k) for k in order[: scene.extra(setup.clutter)]):
        # The emptier a surface, the likelier.
        free = [max(p.size[0] - _ROOM * sum(at == p.name for _, at in objects), 0.01) for p in scene.surfaces()]
        place = scene.surfaces()[int(rng.choice(len(free), p=np.array(free) / sum(free)))]
        objects.append((kind, place.name))
    return replace(setup, objects=tuple(objects), clutter=None)
