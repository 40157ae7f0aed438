"""Where things stand when an episode begins: on their places, touching nothing, and they stay there."""

import math

import numpy as np
import pytest

from doable.sim.catalogue import CATALOGUE, UnknownName
from doable.sim.clutter import begin
from doable.sim.objects import add_object
from doable.sim.physics import Physics, pb
from doable.sim.physics_world import PhysicsWorld
from doable.sim.placement import layout
from doable.sim.scene import load_scene, scene_names
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup

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


def crowds():
    """Scenes, with each level of clutter they have and without."""
    scenes = [load_scene(name) for name in scene_names()]
    return [(scene, level) for scene in scenes for level in (None, *scene.clutter)]


@pytest.fixture(scope="module")
def worlds():
    made = {name: PhysicsWorld(name) for name in scene_names()}
    yield made
    for world in made.values():
        world.close()


def setups(scene, level, seed):
    """The scene's own start, and one with the robot elsewhere, drawers open and something in a drawer."""
    yield Setup(scene.objects, scene.robot_at, clutter=level)
    if scene.drawers and scene.robot.model == "mobile-panda":
        places = [p.name for p in scene.places]
        there = (*scene.objects[seed % 3 :: 2], ("apple", scene.drawers[0].name), ("coke", scene.drawers[1].name))
        yield Setup(
            there, places[seed % len(places)], None, tuple(d.name for d in scene.drawers[: seed % 3]), clutter=level
        )


@pytest.mark.parametrize(("scene", "level"), crowds(), ids=lambda value: getattr(value, "name", str(value)))
def test_nothing_starts_in_collision_and_everything_stays_where_it_was_put(worlds, scene, level):
    world = worlds[scene.name]
    p = world.physics.p
    for seed in range(3):
        for setup in setups(scene, level, seed):
            world._build(begin(scene, setup, seed), seed)
            p.performCollisionDetection()
            bodies = [p.getBodyUniqueId(i) for i in range(p.getNumBodies())]
            for body in (*world.types, world.robot.body):
                for contact in (c for other in bodies if other != body for c in p.getContactPoints(body, other)):
                    assert contact[8] > -0.0015, (scene.name, level, seed, world.types.get(body), contact[2])
            before = {b: p.getBasePositionAndOrientation(b)[0] for b in world.types}
            assert len(before) == len(setup.objects) + (scene.clutter[level] if level else 0)
            world.physics.step(240)
            for body, at in before.items():
                assert math.dist(at, p.getBasePositionAndOrientation(body)[0]) < 0.02, (seed, world.types[body])


def test_clutter_brings_new_things_first_and_by_seed():
    kitchen = load_scene()
    few = Setup((("coke", "table"), ("apple", "far counter")), "user", "sponge", clutter="heavy")
    full = begin(kitchen, few, 3)
    assert full == begin(kitchen, few, 3) != begin(kitchen, few, 4)
    assert full.objects[:2] == few.objects
    assert full.clutter is None
    kinds = [kind for kind, _ in full.objects]
    assert len(kinds) == len(set(kinds)) == 2 + kitchen.clutter["heavy"]
    assert "sponge" not in kinds
    assert {place for _, place in full.objects} <= {p.name for p in kitchen.surfaces()}
    assert begin(kitchen, None, 3) == Setup(kitchen.objects, "user")


def test_an_unknown_level_is_met_with_the_nearest():
    with pytest.raises(UnknownName, match=r"a clutter level of kitchen, got 'hevy'\. Did you mean 'heavy'\?"):
        begin(load_scene(), Setup((), "user", clutter="hevy"), 0)


def test_the_symbolic_world_is_as_cluttered():
    world = SymbolicWorld()
    world.reset(Setup((("coke", "table"),), "user", clutter="light"), seed=1)
    assert len(world.facts().objects) == 4
