"""The figures of a benchmark: intervals that keep their promises, and shares over the right denominators."""

import json
import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doable.agent.statistics import Episode, summarise, wilson


def episode(family="nouns", plan=True, executed=True, status="reached", steps=5, seed=0):
    return Episode("k", f"{family}-1", family, seed, status, plan, executed, ("find the coke",), steps, 30.0, 0.1, "")


@given(st.integers(0, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_lies_in_the_unit_range_and_holds_its_value(counts):
    successes, n = counts
    share = wilson(successes, n)
    assert 0 <= share.low <= share.high <= 1
    assert math.isnan(share.value) if n == 0 else share.low <= share.value <= share.high


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_successes_and_failures_are_treated_alike(counts):
    successes, n = counts
    good, bad = wilson(successes, n), wilson(n - successes, n)
    assert good.low == pytest.approx(1 - bad.high)
    assert good.high == pytest.approx(1 - bad.low)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_its_bounds_are_the_proportions_that_a_score_test_just_keeps(counts):
    successes, n = counts
    share, z = wilson(successes, n), NormalDist().inv_cdf(0.975)
    for bound in (share.low, share.high):
        assert abs(share.value - bound) == pytest.approx(z * math.sqrt(bound * (1 - bound) / n), abs=1e-9)


def test_published_values():
    # Newcombe (1998), "Two-sided confidence intervals for the single proportion", Table I, method 3.
    for successes, n, *bounds in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        share = wilson(successes, n)
        assert [share.low, share.high] == pytest.approx(bounds, abs=5e-5)


def test_more_observations_narrow_it_and_more_confidence_widens_it():
    assert wilson(80, 100).high - wilson(80, 100).low < wilson(8, 10).high - wilson(8, 10).low
    assert wilson(8, 10, 0.99).low < wilson(8, 10, 0.95).low < wilson(8, 10, 0.5).low


@pytest.mark.parametrize("counts", [(-1, 3), (4, 3), (1, 0), (0, -1)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match=f"Expected 0 ≤ successes ≤ n, got {counts[0]} successes of {counts[1]}"):
        wilson(*counts)


def test_an_impossible_confidence_is_refused():
    with pytest.raises(ValueError, match=r"between 0 and 1, such as 0.95; got 95"):
        wilson(1, 2, 95)


def test_figures_overall_and_by_family():
    summary = summarise(
        [
            episode("nouns", plan=True, executed=True, steps=4),
            episode("nouns", plan=True, executed=False, steps=6),
            episode("long", plan=True, executed=False, status="stopped", steps=20),
            episode("long", plan=False, executed=False, status="refused", steps=2),
        ]
    )
    figures = summary.figures()
    assert figures["n"] == 4
    assert figures["plan_success"] == 0.75
    assert figures["execution_success"] == 0.25
    assert figures["mean_steps"] == 8
    assert figures["nouns.execution_success"] == 0.5
    assert figures["long.execution_success"] == 0
    assert figures["execution_success.low"] < 0.25 < figures["execution_success.high"]
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_false_done_counts_only_the_episodes_that_said_reached():
    episodes = [episode(executed=True), episode(executed=False), episode(executed=False, status="stopped")]
    figures = summarise(episodes).figures()
    assert (figures["false_done_rate"], figures["false_done_rate.n"]) == (0.5, 2)


def test_a_rate_without_observations_is_left_out():
    figures = summarise([episode(executed=False, status="refused")]).figures()
    assert "false_done_rate" not in figures
    assert figures["false_done_rate.n"] == 0


def test_planned_only_is_judged_by_the_plan_and_claims_no_execution():
    summary = summarise([episode(plan=True, executed=None), episode(plan=False, executed=None)])
    assert "execution_success" not in summary.figures()
    assert summary.figures()["false_done_rate"] == 0.5
    assert "execution" not in summary.table()


def test_the_table_has_a_row_a_family_in_order_and_one_for_all():
    lines = summarise([episode("verbs"), episode("nouns")]).table().splitlines()
    assert [line.split("|")[1].strip() for line in lines] == ["family", "---", "verbs", "nouns", "**all**"]
    assert len({line.count("|") for line in lines}) == 1


def test_nothing_and_mixtures_are_refused():
    with pytest.raises(ValueError, match="at least one episode"):
        summarise([])
    with pytest.raises(ValueError, match="all executed or all planned only"):
        summarise([episode(executed=None), episode(executed=True)])
