"""Going back: the same bits in another process, in place, and after a look ahead that leaves no trace."""

import hashlib
import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from doable.sim.physics_world import PhysicsWorld
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

SETUP = Setup((("coke", "table"), ("apple", "table"), ("sponge", "far counter"), ("banana", "top drawer")), "table")


def bodies(world):
    """Pose and velocity of every body and joint: floats, to be equal to the bit."""
    p = world.physics.p
    found = []
    for i in range(p.getNumBodies()):
        body = p.getBodyUniqueId(i)
        found += [*p.getBasePositionAndOrientation(body), *p.getBaseVelocity(body)]
        found += [p.getJointState(body, joint)[:2] for joint in range(p.getNumJoints(body))]
    return [float(value) for part in found for value in part]


def digest(world):
    """All that an episode consists of: bodies, observation, facts, clock."""
    facts = world.facts()
    drawers = sorted(facts.open_drawers), sorted(facts.closed_drawers)  # sets have no order of their own
    told = bodies(world), world.observe(), facts.objects, facts.holding, drawers, world.time
    return hashlib.sha256(repr(told).encode()).hexdigest()


def do(world, *phrases):
    library = SkillLibrary.of(world.scene)
    return [execute(library[phrase], world) for phrase in phrases]


@pytest.fixture(scope="module")
def world():
    made = PhysicsWorld()
    yield made
    made.close()


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[1])
import test_snapshots as t
world = t.PhysicsWorld()
if sys.argv[2] == "play":
    world.reset(t.SETUP, seed=11)
    print(t.digest(world))
    t.do(world, "pick up the coke")
    print(t.digest(world))
    if len(sys.argv) > 3:
        open(sys.argv[3], "wb").write(world.snapshot())
else:
    world.restore(open(sys.argv[3], "rb").read())
t.do(world, "go to the cabinet", "put down the coke")
print(t.digest(world))
"""


def process(*arguments):
    folder = __file__.rsplit("/", 1)[0]
    done = subprocess.run([sys.executable, "-c", SCRIPT, folder, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_processes_agree_to_the_bit_and_a_snapshot_goes_on_in_a_third(tmp_path):
    played, again = process("play", str(tmp_path / "snapshot")), process("play")
    assert len(played) == 3
    assert again == played
    assert process("go on", str(tmp_path / "snapshot")) == played[2:]


def test_a_checkpoint_is_exact_and_as_good_as_a_snapshot(world):
    world.reset(SETUP, seed=3)
    do(world, "pick up the coke")
    snapshot, before = world.snapshot(), bodies(world)
    with world.checkpoint() as checkpoint:
        ends = []
        for _ in range(2):
            do(world, "put down the coke", "pick up the apple")
            ends.append(digest(world))
            checkpoint.restore()
            assert bodies(world) == before
            assert world.robot.holding == "coke"
    world.restore(snapshot)
    do(world, "put down the coke", "pick up the apple")
    assert [*ends, digest(world)] == [ends[0]] * 3


def test_drift_with_the_arm_in_contact_stays_below_a_hair(world):
    """Meshes are said to drift where primitives don't: with a hand that presses on a can, and pulls at a drawer."""
    world.reset(SETUP, seed=4)
    do(world, "pick up the coke", "go to the cabinet")
    world.robot.release()
    world.physics.step(5)  # the can has just been let go
    with world.checkpoint() as checkpoint:
        ends = []
        for _ in range(4):
            do(world, "open the bottom drawer")
            ends.append(np.array(bodies(world)))
            checkpoint.restore()
    assert max(np.abs(end - ends[0]).max() for end in ends) < 1e-9


def test_what_is_imagined_has_not_happened(world):
    world.reset(SETUP, seed=5)
    steps = []
    world.physics.on_step.append(lambda: steps.append(world.time))
    before = digest(world)
    taken = bodies(world)
    with world.imagine() as start:
        do(world, "pick up the coke")
        assert world.robot.holding == "coke"
        start.restore()
        do(world, "find the sponge")
    world.physics.on_step.clear()
    assert not steps
    assert bodies(world) == taken
    assert digest(world) == before


def test_a_look_ahead_that_breaks_leaves_no_trace_either(world):
    before = digest(world)

    def break_down():
        with world.imagine():
            world.robot.drive_to(0.0, 0.0, 0.0)
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        break_down()
    assert digest(world) == before


def test_a_symbolic_world_can_be_imagined_too():
    world = SymbolicWorld()
    world.reset(SETUP, seed=1)
    before = world.snapshot()
    with world.imagine() as start:
        do(world, "go to the cabinet", "open the top drawer")
        start.restore()
        assert world.snapshot() == before
        do(world, "find the sponge", "pick up the sponge")
        assert world.observe().robot.holding == "sponge"
    assert world.snapshot() == before


def test_a_checkpoint_ends_with_its_episode(world):
    world.reset(SETUP, seed=6)
    checkpoint = world.checkpoint()
    world.reset(SETUP, seed=6)
    with pytest.raises(ValueError, match="episode that is over"):
        checkpoint.restore()
    checkpoint.forget()
    checkpoint = world.checkpoint()
    checkpoint.forget()
    checkpoint.forget()
    with pytest.raises(ValueError, match="forgotten"):
        checkpoint.restore()


def test_a_thousand_restores_and_many_looks_ahead_take_no_memory(world):
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("Only Linux tells how much memory is in use.")
    world.reset(SETUP, seed=7)

    def memory_after(checkpoints, restores):
        for _ in range(checkpoints):
            with world.imagine() as start:
                for _ in range(restores):
                    start.restore()
        return int(statm.read_text().split()[1]) * resource.getpagesize()

    start = memory_after(20, 1)
    assert memory_after(1, 1000) - start < 3_000_000
    # A state that is kept takes some 350 kB: 200 of them would be 70 MB.
    assert memory_after(200, 0) - start < 3_000_000


@pytest.mark.parametrize("snapshot", [b"[]", b'{"bullet": 3}', json.dumps({"bullet": "", "scene": "kitchen"}).encode()])
def test_what_is_no_snapshot_is_refused(world, snapshot):
    with pytest.raises(ValueError, match="Expected a snapshot"):
        world.restore(snapshot)
