"""Values: probabilities from what is seen, masks that hold, and training that finds what there is to find."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from doable.sim.codec import to_json
from doable.sim.facts import All, AnyOf, Here, Holding, Not
from doable.sim.observation import Observation, RobotState, SeenObject
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills import features, measures, rollouts, training
from doable.skills.baselines import DeclaredValues, HeuristicValues
from doable.skills.conditions import Conditions
from doable.skills.library import SkillLibrary
from doable.skills.skill import Skill
from doable.skills.value import WEIGHTS, BadWeights, NoValue, ValueFunction, blend

SCENE = load_scene()
LIBRARY = SkillLibrary.of(SCENE)


def at_table(holding=None):
    world = SymbolicWorld(SCENE)
    return world.reset(Setup((("coke", "table"), ("apple", "far counter")), "table", holding))


@pytest.fixture(scope="module")
def values():
    return ValueFunction.load()


def test_values_are_probabilities_in_the_librarys_order(values):
    got = values(at_table(), LIBRARY)
    assert got.shape == (len(LIBRARY),)
    assert ((got >= 0) & (got <= 1)).all()
    some = [LIBRARY["pick up the coke"], LIBRARY["done"]]
    assert np.allclose(values(at_table(), some), [got[LIBRARY.index(skill)] for skill in some], atol=1e-6)


@pytest.mark.parametrize(
    "of", [ValueFunction.load(), DeclaredValues(), HeuristicValues()], ids=["learned", "declared", "heuristic"]
)
def test_what_can_not_be_done_has_no_value(of):
    def value(phrase, **now):
        return of(at_table(**now), [LIBRARY[phrase]])[0]

    assert value("pick up the coke") > 0.5
    assert value("pick up the apple") == 0  # not here
    assert value("pick up the coke", holding="apple") == 0  # hand full
    assert value("put down the coke") == 0
    assert value("bring it to you") == 0
    assert value("open the top drawer", holding="apple") == 0
    assert value("done") > 0


def test_a_search_that_was_made_is_not_worth_making_again(values):
    """Everything was looked at and the banana was nowhere: the rollouts teach that looking again finds nothing."""
    world = SymbolicWorld(SCENE)
    world.reset(Setup((("coke", "table"),), "table"))
    world.make_true(LIBRARY["find the banana"].effects)
    world.make_true(LIBRARY["go to the far counter"].effects)  # where a search through the kitchen ends
    searched, fresh = world.observe(), at_table()
    find = [LIBRARY["find the banana"]]
    assert values(searched, find)[0] < 0.6 * values(fresh, find)[0]


def test_same_observation_same_values(values):
    assert (values(at_table(), LIBRARY) == values(at_table(), LIBRARY)).all()


def test_many_conditions_at_once_hold_as_each_does():
    parts = [Here("coke"), Holding(None), Holding("apple"), All(()), AnyOf(())]
    several = [*parts, All(tuple(parts[:2])), AnyOf((All((parts[0], Not(parts[1]))), parts[2])), Not(AnyOf(()))]
    several += [skill.preconditions for skill in LIBRARY] + [skill.effects for skill in LIBRARY]
    together = Conditions(several)
    for holding in (None, "apple"):
        facts = at_table(holding).believed()
        assert together.holds(facts).tolist() == [condition.holds(facts) for condition in several]


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"objects": (SeenObject("coke", (math.nan, 0, 0), "table"),)}, "nan, 0, 0 as the position of the coke"),
        ({"robot": RobotState((0.0, math.inf), 0.0, "table", None)}, "0.0, inf as the robot's position"),
        ({"time": math.nan}, "nan as the time"),
    ],
)
def test_not_a_number_is_named(values, bad, named):
    now = replace(Observation(0.0, RobotState((0.0, 0.0), 0.0, "table", None)), **bad)
    with pytest.raises(features.BadObservation, match=named):
        values(now, LIBRARY)


def test_features_are_the_same_for_some_as_for_all():
    ground = features.Ground(LIBRARY, SCENE, ("find", "pick up"))
    every = ground.features(at_table())
    assert every.shape == (len(LIBRARY), len(ground.columns))
    assert (ground.features(at_table(), np.array([5, 2])) == every[[5, 2]]).all()
    row = dict(zip(ground.columns, every[LIBRARY.index(LIBRARY["pick up the coke"])], strict=True))
    assert (row["family: pick up"], row["family: find"], row["target: here"]) == (1, 0, 1)
    assert row["target: mass (kg)"] == pytest.approx(0.35)


def test_every_value_says_where_it_comes_from(values):
    assert {s.family for s in LIBRARY if values.provenance(s) == "learned"} == set(values.learned.families) - {
        "pick and place"
    }
    assert {values.provenance(s) for s in LIBRARY if s.ends} == {"declared"}


def test_a_family_of_ones_own_is_declared_and_can_not_be_demanded(values):
    dance = Skill("dance", None, "dance", preconditions=Holding(None))
    assert values(at_table(), [dance]) == [1.0]
    assert values(at_table("apple"), [dance]) == [0.0]
    assert values.provenance(dance) == "declared"
    with pytest.raises(NoValue, match=r"'dance' of 'dance'. Roll it out"):
        values.demand(at_table(), [LIBRARY["pick up the coke"], dance])
    assert values.demand(at_table(), [LIBRARY["pick up the coke"]]).shape == (1,)


def test_disagreement_takes_the_value_to_the_prior():
    def value(spread, mean=3.0):
        return float(blend(np.array([mean]), np.array([spread]), 1.0, 0.5, 2.0)[0])

    flat = 1 / (1 + math.exp(-0.5))
    assert value(0.0) == pytest.approx(1 / (1 + math.exp(-3)))
    assert value(0.0) > value(1.0) > value(5.0) > value(1e6)
    assert value(1e6) == pytest.approx(flat, abs=1e-6)
    assert value(2.0, mean=-3.0) < flat


def test_weights_of_other_features_are_refused(tmp_path):
    save_file(load_file(WEIGHTS), tmp_path / "old.safetensors", {"features": "0"})
    with pytest.raises(BadWeights, match="version"):
        ValueFunction.load(tmp_path / "old.safetensors")
    save_file(load_file(WEIGHTS), tmp_path / "half.safetensors", {"features": features.VERSION})
    with pytest.raises(BadWeights, match="whole"):
        ValueFunction.load(tmp_path / "half.safetensors")
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    with pytest.raises(BadWeights, match="safetensors"):
        ValueFunction.load(tmp_path / "junk.safetensors")
    with pytest.raises(BadWeights, match="does not exist"):
        ValueFunction.load(tmp_path / "none.safetensors")


def test_figures_of_known_cases():
    outcome = np.array([True, True, False, False])
    perfect = training.measure(np.array([0.999, 0.999, 0.001, 0.001]), outcome)
    assert perfect.auroc == 1
    assert perfect.ece < 0.01
    constant = training.measure(np.full(4, 0.5), outcome)
    assert (constant.auroc, constant.brier, constant.ece) == (0.5, 0.25, 0.0)
    assert constant.nll == pytest.approx(math.log(2))
    half = training.measure(np.array([0.9, 0.4, 0.4, 0.1]), np.array([True, True, False, False]))
    assert half.auroc == pytest.approx(3.5 / 4)
    spans = measures.intervals(np.array([0.9, 0.4, 0.4, 0.1]), outcome, np.arange(4), draws=50)
    assert spans["brier"][0] <= half.brier <= spans["brier"][1]


def made_up(path, count=500):
    """Rollouts whose success depends on how far back the coke stands: what there is to learn is known."""
    rng = np.random.default_rng(0)
    table = SCENE.place("table")
    seen = at_table()
    with path.open("w") as file:
        for number in range(count):
            deep = float(rng.uniform(0.0, 0.5))
            coke = replace(seen.objects[0], position=(*table.to_world(0.1, deep), 0.8))
            chance = 0.95 if deep < 0.25 else 0.1
            trial = rollouts.Trial("pick up the coke", "pick up", True, 1, int(rng.random() < chance), "done", "", 1.0)
            now = replace(seen, objects=(coke, *seen.objects[1:]))
            state = rollouts.State(number, "train", "kitchen", "random", None, now, (trial,))
            file.write(json.dumps(to_json(state)) + "\n")


def test_training_finds_what_decides(tmp_path):
    made_up(tmp_path / "train.jsonl")
    figures = training.fit(tmp_path, tmp_path / "v.safetensors", command="a test")
    assert figures["all"].auroc > 0.85
    assert figures["all"].ece < 0.25
    assert "a test" in (tmp_path / "v.md").read_text()
    first = load_file(tmp_path / "v.safetensors")
    training.fit(tmp_path, tmp_path / "w.safetensors")
    assert all(torch.equal(first[key], value) for key, value in load_file(tmp_path / "w.safetensors").items())
    values = ValueFunction.load(tmp_path / "v.safetensors")
    assert values.provenance(LIBRARY["find the coke"]) == "declared"
    assert 0 < values(at_table(), [LIBRARY["pick up the coke"]])[0] < 1


def test_too_little_data_is_refused(tmp_path):
    made_up(tmp_path / "train.jsonl", 10)
    with pytest.raises(ValueError, match="at least 50"):
        training.fit(tmp_path, tmp_path / "v.safetensors")
    with pytest.raises(ValueError, match="does not exist"):
        training.fit(tmp_path / "none", tmp_path / "v.safetensors")
