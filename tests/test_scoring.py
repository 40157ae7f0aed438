"""The rule of choice: score = log say + log can."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doable.agent.scoring import Situation, choose, failures, rank, score, tabu
from doable.agent.types import Decision, Step, Subgoal, Verdict
from doable.sim.observation import Observation, RobotState
from doable.skills.skill import Outcome, Skill

SAY = st.floats(-50, 0)
CAN = st.floats(1e-6, 1)
PAIRS = st.lists(st.tuples(SAY, CAN), min_size=1, max_size=12)
SKILLS = {
    skill.phrase: skill
    for skill in (
        Skill("go to", "table", "go to the table"),
        Skill("find", "coke", "find the coke"),
        Skill("done", None, "done"),
        Skill("refuse", None, "say that it is not possible"),
    )
}


def names(pairs):
    return [f"skill {i}" for i in range(len(pairs))]


@given(PAIRS)
def test_score_is_the_log_of_the_product(pairs):
    say, can = np.array(pairs).T
    assert np.allclose(score(say, can), np.log(np.exp(say) * can), atol=1e-9)


@given(PAIRS, st.integers(0, 11), st.floats(0.01, 5))
def test_more_say_or_more_can_never_ranks_lower(pairs, which, more):
    say, can = np.array(pairs).T
    which %= len(pairs)
    before = score(say, can)
    say[which], can[which] = min(say[which] + more, 0), min(can[which] + more, 1)
    after = score(say, can)
    assert after[which] >= before[which]
    assert (np.delete(after, which) == np.delete(before, which)).all()


@given(PAIRS, st.floats(-20, 0))
def test_the_best_stays_best_when_all_says_shift(pairs, shift):
    say, can = np.array(pairs).T
    scores = score(say, can)
    # The best by a clear margin: rounding may swap near ties.
    if len(pairs) == 1 or np.sort(scores)[-1] - np.sort(scores)[-2] > 1e-6:
        assert np.argmax(score(say + shift, can)) == np.argmax(scores)


@given(PAIRS, st.integers(0, 11))
def test_can_of_zero_masks(pairs, which):
    say, can = np.array(pairs).T
    can[which % len(pairs)] = 0
    ranked = rank(names(pairs), say, can)
    assert next(c for c in ranked if c.phrase == f"skill {which % len(pairs)}").score == -np.inf


@given(PAIRS)
def test_rank_holds_every_skill_best_first(pairs):
    say, can = np.array(pairs).T
    ranked = rank(names(pairs), say, can)
    assert sorted(c.phrase for c in ranked) == sorted(names(pairs))
    assert [c.score for c in ranked] == sorted((c.score for c in ranked), reverse=True)


def test_ties_keep_the_order_of_the_library():
    ranked = rank(["b", "a", "c"], np.array([-1.0, -1.0, -1.0]), np.ones(3))
    assert [c.phrase for c in ranked] == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("say", "can", "words"),
    [([0.5], [1.0], "at most 0"), ([-1.0], [1.5], r"\[0, 1\]"), ([float("nan")], [1.0], "nan"), ([-1.0], [], "shapes")],
)
def test_bad_numbers_are_told(say, can, words):
    with pytest.raises(ValueError, match=words):
        score(np.array(say), np.array(can))


def test_a_tabu_skill_is_masked_but_keeps_its_factors():
    ranked = rank(["a", "b"], np.array([-0.1, -3.0]), np.array([0.9, 0.5]), tabu={"a": "failed"})
    assert ranked[0].phrase == "b"
    assert ranked[1].can == 0.9
    assert ranked[1].score == -np.inf


@pytest.mark.parametrize(
    ("best", "kind", "phrase"),
    [
        ("find the coke", "act", "find the coke"),
        ("done", "finish", None),
        ("say that it is not possible", "refuse", None),
    ],
)
def test_choose_takes_the_best(best, kind, phrase):
    say = np.array([0.0 if name == best else -5.0 for name in SKILLS])
    decision = choose(rank(list(SKILLS), say, np.ones(4)), SKILLS)
    assert (decision.kind, decision.phrase) == (kind, phrase)


def test_choose_refuses_when_all_is_masked_and_says_why():
    decision = choose(rank(["find the coke"], np.array([-1.0]), np.zeros(1)), SKILLS, {"find the coke": "it failed"})
    assert decision.kind == "refuse"
    assert "no skill is doable" in decision.reason
    assert "it failed" in decision.reason


def seen(place="table", holding=None, visited=()):
    return Observation(0.0, RobotState((0.0, 0.0), 0.0, place, holding), visited=visited)


def step(phrase, then, before=None, after=None, subgoal="g"):
    before = before or seen()
    return Step(
        0, "g", Subgoal(subgoal), before, (), (), Decision("act", phrase, ""), Outcome("done", ""),
        Verdict((), "", then), after or seen(visited=("elsewhere",)),
    )  # fmt: skip


def test_a_skill_that_failed_three_times_here_is_tabu_here_only():
    steps = [step("find the coke", "retry"), step("find the coke", "retry"), step("find the coke", "replan")]
    assert "failed 3 times" in tabu(steps, seen())["find the coke"]
    assert not tabu(steps, seen("far counter"))
    assert not tabu(steps, seen(holding="apple"))
    assert not tabu(steps[:2], seen())
    assert failures(steps, "find the coke", Situation("table", None)) == 3


def test_a_skill_that_changed_nothing_is_tabu_until_something_changes():
    steps = [step("go to the table", "continue", seen(), seen())]
    assert "changed nothing" in tabu(steps, seen())["go to the table"]
    assert not tabu(steps, seen(visited=("far counter",)))


def test_what_led_back_is_not_begun_again_unless_a_failure_did_it():
    here, held, there = seen(), seen(holding="coke"), seen("user")
    round_trip = [step("go to the user", "continue", here, there), step("go to the table", "continue", there, here)]
    assert "led back" in tabu(round_trip, here)["go to the user"]
    slip = [step("pick up the coke", "continue", here, held), step("go to the user", "retry", held, here)]
    assert not tabu(slip, here)
    assert not tabu(slip * 2, here)
    assert "3 times" in tabu(slip * 3, here)["pick up the coke"]


def test_too_little_that_is_doable_is_refused():
    ranked = rank(list(SKILLS), np.full(4, np.log(0.02)), np.ones(4))
    assert choose(ranked, SKILLS, floor=0.05).kind == "act"
    low = choose(ranked, SKILLS, floor=0.1)
    assert low.kind == "refuse"
    assert "0.08" in low.reason


def test_an_ending_that_the_model_says_needs_nothing_to_work():
    """What is called done with certainty is not refused because the value of `done` is low."""
    say = np.log([0.97 if skill.family == "done" else 0.001 for skill in SKILLS.values()])
    ranked = rank(list(SKILLS), say, np.full(len(SKILLS), 0.05))
    assert choose(ranked, SKILLS, floor=0.3).kind == "finish"
    unsure = rank(list(SKILLS), say + np.log(0.2), np.full(len(SKILLS), 0.05))
    assert choose(unsure, SKILLS, floor=0.3).kind == "refuse"
