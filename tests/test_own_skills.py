"""A user's own skill, and the checker of the contract: the page's own code, and every way to break a promise."""

import re
from pathlib import Path

import pytest

from doable.agent.agent import Agent
from doable.agent.config import Config
from doable.agent.parts import following
from doable.memory import HashEmbedder, Memory
from doable.sim.facts import ALWAYS, RobotAt
from doable.sim.physics_world import PhysicsWorld
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.check_skill import check_declaration, check_skill
from doable.skills.library import SkillLibrary
from doable.skills.own import load_makers
from doable.skills.skill import Outcome, Skill
from doable.skills.value import ValueFunction

SCENE = load_scene()
BLOCKS = re.findall(r"```python\n(.*?)```", (Path(__file__).parent.parent / "docs" / "skills.md").read_text(), re.S)
AT_TABLE = Setup((("apple", "table"),), "table")


@pytest.fixture(scope="module")
def world():
    world = PhysicsWorld(SCENE)
    yield world
    world.close()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "look_along.py"
    path.write_text(BLOCKS[0])
    return path


def test_the_page_s_skill_is_short_and_keeps_the_contract(world):
    assert BLOCKS[0].count("\n") <= 40
    scope = {}
    exec("\n".join(BLOCKS), scope)
    scope["world"].close()


def test_it_is_planned_with_and_valued(file, tmp_path):
    world = SymbolicWorld(SCENE)
    world.reset(AT_TABLE)
    model = following(["look along the table", "done"])
    config = Config(skills=str(file), runs=str(tmp_path / "runs"), guards=False, world="symbolic")
    values = ValueFunction.load()
    agent = Agent(world, model, Memory(tmp_path / "memory", HashEmbedder()), values, config=config)
    result = agent.run("look along the table")
    assert (result.status, result.steps[0].decision.phrase) == ("reached", "look along the table")
    skill = SkillLibrary.of(SCENE, load_makers(str(file)))["look along the table"]
    assert values.provenance(skill) == "declared"
    assert values(world.observe(), [skill])[0] == 1.0


def test_files_that_are_none_are_told(tmp_path):
    path = tmp_path / "mine.py"
    with pytest.raises(ValueError, match="does not exist"):
        load_makers(str(path))
    path.write_text("x = 1")
    with pytest.raises(ValueError, match=r"function skills\(scene\)"):
        load_makers(str(path))
    path.write_text("import nothing_like_this")
    with pytest.raises(ValueError, match="it broke"):
        load_makers(str(path))


def done(robot, observation):
    return Outcome("done", "it is", 0.0)


@pytest.mark.parametrize(
    ("skill", "told"),
    [
        (Skill("mine", None, "two\nlines", policy=done), "one line"),
        (Skill("", None, "mine", policy=done), "a family"),
        (Skill("mine", None, "mine"), "a policy"),
        (Skill("mine", None, "mine", effects=None, policy=done), "a condition as the effects"),
    ],
)
def test_declarations_are_read(skill, told):
    with pytest.raises(ValueError, match=told):
        check_declaration(skill, SCENE)


def raises(robot, observation):
    raise KeyError("mine")


def peeks(robot, observation):
    return Outcome("done", str(robot.physics), 0.0)


def never_ends(robot, observation):
    while True:
        robot.ready()
        robot.tuck()


def lies(robot, observation):
    robot.ready()
    return Outcome("done", "at once", 0.0)


def hangs_down(robot, observation):
    start = robot.time
    robot.ready()
    pose = robot.hand_pose()
    pose[2, 3] -= 0.2
    robot.move_hand(pose)
    return Outcome("done", "down there", robot.time - start)


@pytest.mark.parametrize(
    ("policy", "told"),
    [(raises, "raised"), (peeks, "'physics'"), (lies, "that it took"), (hangs_down, "out of the way")],
)
def test_policies_are_held_to_the_contract(world, policy, told):
    world.reset(AT_TABLE)
    with pytest.raises(ValueError, match=told):
        check_skill(Skill("mine", None, "mine", policy=policy), world)


def test_a_policy_has_to_end(world, monkeypatch):
    monkeypatch.setattr("doable.skills.check_skill.LONGEST", 6.0)
    world.reset(AT_TABLE)
    with pytest.raises(ValueError, match="to end within 6"):
        check_skill(Skill("mine", None, "mine", policy=never_ends), world)
    with pytest.raises(ValueError, match="preconditions"):
        check_skill(Skill("mine", None, "mine", RobotAt("user"), ALWAYS, never_ends), world)


SITUATIONS = {
    "go to the table": Setup((), "user"),
    "find the apple": AT_TABLE,
    "pick up the apple": AT_TABLE,
    "put down the apple": Setup((), "table", "apple"),
    "put the coke in the top drawer": Setup((), "cabinet", "coke", ("top drawer",)),
    "bring it to you": Setup((), "table", "coke"),
    "open the top drawer": Setup((), "cabinet"),
    "close the top drawer": Setup((), "cabinet", open_drawers=("top drawer",)),
    "wipe the table": Setup((), "table", "sponge", spills=("table",)),
}


@pytest.mark.parametrize("phrase", SITUATIONS)
def test_every_family_keeps_the_contract(world, phrase):
    world.reset(SITUATIONS[phrase], seed=1)
    assert check_skill(SkillLibrary.of(SCENE)[phrase], world).status == "done"


def test_the_tabletop_s_too():
    table = PhysicsWorld("tabletop")
    table.reset(seed=1)
    library = SkillLibrary.of(table.scene)
    believed = table.observe().believed()
    skill = next(s for s in library if not s.ends and s.preconditions.holds(believed))
    check_skill(skill, table)
    table.close()
