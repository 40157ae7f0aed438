"""Values: probabilities from what is seen, masks that hold, and training that finds what there is to find."""

import json
import math

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from doable.sim.observation import Observation, RobotState, SeenObject
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills import features, rollouts, training
from doable.skills.library import SkillLibrary
from doable.skills.value import BadWeights, DeclaredValues, ValueFunction

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


@pytest.mark.parametrize("of", [ValueFunction.load(), DeclaredValues()], ids=["learned", "declared"])
def test_what_can_not_be_done_has_no_value(of):
    def value(phrase, **now):
        return of(at_table(**now), [LIBRARY[phrase]])[0]

    assert value("pick up the coke") > 0.5
    assert value("pick up the apple") == 0  # not here
    assert value("pick up the coke", holding="apple") == 0  # hand full
    assert value("put down the coke") == 0
    assert value("bring it to you") == 0
    assert value("open the top drawer", holding="apple") == 0
    assert value("done") == 1


def test_a_search_that_was_made_is_not_worth_making_again(values):
    """Everything was looked at and the banana was nowhere: the rollouts teach that looking again finds nothing."""
    world = SymbolicWorld(SCENE)
    world.reset(Setup((("coke", "table"),), "table"))
    world.make_true(LIBRARY["find the banana"].effects)
    world.make_true(LIBRARY["go to the far counter"].effects)  # where a search through the kitchen ends
    searched, fresh = world.observe(), at_table()
    find = [LIBRARY["find the banana"]]
    assert values(searched, find)[0] < values(fresh, find)[0] / 2


def test_same_observation_same_values(values):
    assert (values(at_table(), LIBRARY) == values(at_table(), LIBRARY)).all()


def test_not_a_number_is_named():
    bad = Observation(0.0, RobotState((0.0, 0.0), 0.0, "table", None), (SeenObject("coke", (math.nan, 0, 0), "table"),))
    with pytest.raises(features.BadObservation, match=r"'base distance \(m\)' of 'pick up the coke'"):
        features.features(bad, [LIBRARY["pick up the coke"]], SCENE)


def test_every_value_says_where_it_comes_from(values):
    assert {s.family for s in LIBRARY if values.provenance(s) == "learned"} == set(features.LEARNED)
    assert {values.provenance(s) for s in LIBRARY if s.ends} == {"declared"}


def test_weights_of_other_features_are_refused(tmp_path):
    from doable.skills.value import WEIGHTS

    save_file(load_file(WEIGHTS), tmp_path / "old.safetensors", {"features": "0", "members": "3", "temperature": "{}"})
    with pytest.raises(BadWeights, match="version"):
        ValueFunction.load(tmp_path / "old.safetensors")
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


def made_up(path, count=600):
    """Rollouts whose success depends on one column: what there is to learn is known."""
    rng = np.random.default_rng(0)
    column = features.NAMES.index("deep (m)")
    with path.open("w") as file:
        for state in range(count):
            row = np.zeros(len(features.NAMES))
            row[features.NAMES.index("family: pick up")] = 1
            row[column] = rng.uniform(0, 0.5)
            chance = 0.95 if row[column] < 0.25 else 0.1
            rollout = rollouts.Rollout(
                state, "pick up", "pick up the coke", tuple(row), bool(rng.random() < chance), "done", "", 1.0
            )
            file.write(json.dumps(vars(rollout)) + "\n")


def test_training_finds_what_decides(tmp_path):
    made_up(tmp_path / "rollouts.jsonl")
    figures = training.fit(tmp_path, tmp_path / "v.safetensors", command="a test")
    assert figures["all"].auroc > 0.85
    assert figures["all"].ece < 0.25
    assert "a test" in (tmp_path / "v.md").read_text()
    first = load_file(tmp_path / "v.safetensors")
    training.fit(tmp_path, tmp_path / "w.safetensors")
    assert all(torch.equal(first[key], value) for key, value in load_file(tmp_path / "w.safetensors").items())


def test_too_little_data_is_refused(tmp_path):
    made_up(tmp_path / "rollouts.jsonl", 10)
    with pytest.raises(ValueError, match="at least 50"):
        training.fit(tmp_path, tmp_path / "v.safetensors")


def test_collecting_goes_on_where_it_stopped_and_depends_on_the_seed_alone(tmp_path):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    rollouts.collect(whole, states=3, seed=1, tries=1)
    rollouts.collect(halves, states=2, seed=1, tries=1)
    with (halves / "rollouts.jsonl").open("a") as file:
        file.write('{"state": 10000')  # killed while writing
    rows = rollouts.read(halves / "rollouts.jsonl")
    assert rows == rollouts.read(whole / "rollouts.jsonl")[: len(rows)]
