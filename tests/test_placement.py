"""Where things stand when an episode begins: on their places, touching nothing, and they stay there."""

import math

import numpy as np
import pytest

from doable.sim.catalogue import CATALOGUE
from doable.sim.furniture import add_object, layout
from doable.sim.physics import Physics, pb
from doable.sim.scene import load_scene

TABLETOP = load_scene("tabletop")


@pytest.mark.parametrize("seed", range(20))
def test_the_tabletop_has_its_objects_in_reach_and_apart(seed):
    poses = [at for at, _ in layout(TABLETOP, TABLETOP.objects, np.random.default_rng(seed))]
    assert TABLETOP.robot.base
    for (kind, _), (x, y, z) in zip(TABLETOP.objects, poses, strict=True):
        assert 0.25 <= math.dist((x, y), TABLETOP.robot.base[:2]) <= 0.75
        assert TABLETOP.place("table").contains(x, y, -0.05)
        assert z > TABLETOP.place("table").height, kind
    gaps = [math.dist(a[:2], b[:2]) for i, a in enumerate(poses) for b in poses[:i]]
    assert min(gaps) > 0.10


def test_a_named_spot_holds_what_is_put_there_whatever_stands_on_the_table():
    spots = [p.name for p in TABLETOP.places if p.kind == "spot"]
    blocks = [kind for kind in TABLETOP.types if kind.endswith("block")]
    objects = [*((kind, spot) for kind, spot in zip(blocks, spots, strict=False)), ("red bowl", "table")]
    for seed in range(10):
        poses = layout(TABLETOP, objects, np.random.default_rng(seed))
        places = [TABLETOP.resting_on(*at) for at, _ in poses]
        assert places[:4] == spots[:4]


def test_a_block_lies_in_a_bowl_and_on_a_block():
    physics = Physics()
    p = physics.p
    floor = p.createMultiBody(0, p.createCollisionShape(pb.GEOM_BOX, halfExtents=(1, 1, 0.05)), -1, (0, 0, -0.05))
    assert floor >= 0
    bowl = add_object(physics, CATALOGUE["blue bowl"], (0, 0, 0.027), 0.3)
    inside = add_object(physics, CATALOGUE["red block"], (0, 0, 0.12), 0.5)
    below = add_object(physics, CATALOGUE["green block"], (0.3, 0, 0.02), 0.5)
    above = add_object(physics, CATALOGUE["yellow block"], (0.3, 0.01, 0.062), 0.1)
    physics.step(240)
    at = {body: p.getBasePositionAndOrientation(body)[0] for body in (bowl, inside, below, above)}
    assert math.dist(at[bowl], (0, 0, 0.025)) < 0.005
    assert math.dist(at[inside][:2], (0, 0)) < 0.03
    assert 0.02 < at[inside][2] < 0.05
    assert at[above][2] == pytest.approx(0.06, abs=0.003)
    physics.close()
