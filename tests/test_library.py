"""The closed set of skills: complete, distinct, and each one's declaration consistent with itself."""

import pytest

from doable.sim.catalogue import KITCHEN, UnknownName
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.library import SkillLibrary
from doable.skills.skill import FAMILIES, Skill

SCENE = load_scene()
LIBRARY = SkillLibrary.of(SCENE)


def test_every_family_and_object_is_there():
    assert {skill.family for skill in LIBRARY} == set(FAMILIES) - {"pick and place"}
    for name in KITCHEN:
        assert {f"find the {name}", f"pick up the {name}", f"put down the {name}"} <= {s.phrase for s in LIBRARY}


def test_an_unknown_skill_names_the_nearest():
    with pytest.raises(UnknownName, match="pick up the coke"):
        LIBRARY["pick up teh coke"]


def test_a_phrase_belongs_to_one_skill():
    with pytest.raises(ValueError, match="phrase of its own"):
        SkillLibrary([Skill("done", None, "done"), Skill("refuse", None, "done")])


@pytest.mark.parametrize("skill", [s for s in LIBRARY if not s.ends], ids=lambda s: s.phrase)
def test_declared_effects_come_true_where_preconditions_hold(skill):
    """The contract of a declaration, held in the symbolic world."""
    held = skill.target if skill.family in ("put down", "put in") else None
    held = {"bring": "apple", "wipe": "sponge"}.get(skill.family, held)
    objects = tuple((name, "table") for name in KITCHEN if name != held)
    drawer = {"close": skill.target, "put in": skill.where}.get(skill.family)
    place = {"put in": "cabinet", "wipe": skill.target}.get(skill.family) or "table"
    spills = (skill.target,) if skill.family == "wipe" and skill.target else ()
    world = SymbolicWorld(SCENE)
    world.reset(Setup(objects, place, held, (drawer,) if drawer else (), spills=spills))
    assert skill.preconditions.holds(world.facts())
    assert world.make_true(skill.effects) is None
    assert skill.effects.holds(world.facts())
    assert skill.effects.holds(world.observe().believed())


def test_endings_have_no_policy_and_all_others_do():
    for skill in LIBRARY:
        assert (skill.policy is None) == skill.ends
