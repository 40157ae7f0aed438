"""Token budgets: never exceeded, important things last to go, and a beginning that stays the same for many turns."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doable.agent.budget import Budget, clip, compose, kept_from, roundest
from doable.agent.prompt_forms import Example, Values, form_of
from doable.agent.prompts import Turn
from doable.sim.catalogue import CATALOGUE
from doable.sim.observation import Observation, RobotState, SeenObject

WINDOW = 512
KINDS = list(CATALOGUE)


def seen(i):
    objects = tuple(SeenObject(kind, (0, 0, 0), f"place {(i + k) % 5}") for k, kind in enumerate(KINDS[: i % 17]))
    return Observation(float(i), RobotState((0, 0), 0.0, f"place {i % 6}", KINDS[i % 17] if i % 2 else None), objects)


def turn(i):
    failed = i == 3 or i % 50 == 0
    return Turn(
        seen(i),
        f"find the {KINDS[i % 17]}" if i != 3 else "open the top drawer",
        "Failed: stuck" if failed else "Done.",
    )


def values(steps, goal="bring me everything that is sweet"):
    examples = tuple(Example(f"goal {i} " + "word " * (i % 9), ("find the coke", "done")) for i in range(40))
    return Values(goal, [turn(i) for i in range(steps)], seen(steps), examples, ("saw the coke",) * 30)


class Counter:
    """A token every four characters of a word, and what it cost."""

    def __init__(self):
        self.characters = 0

    def __call__(self, text):
        self.characters += len(text)
        return sum(-(-len(word) // 4) for word in text.split()) + text.count("\n")


def prompt(form, x, count=None, total=WINDOW, most=10**6):
    return compose(form_of(form), x, 0, budget=Budget.of(total), count=count or Counter(), most_turns=most).text


@pytest.mark.parametrize("form", ["transcript", "dialogue", "cloze"])
def test_ten_thousand_steps_fit_a_window_of_512_tokens(form):
    text = prompt(form, values(10_000))
    assert WINDOW // 3 < Counter()(text) <= WINDOW
    assert "bring me everything that is sweet" in text
    assert f"find the {KINDS[9_999 % 17]}" in text
    assert "place 4" in text  # where the robot is now
    assert "open the top drawer (failed: stuck)" in text  # the only one of its kind, tried once and never done
    assert "goal 39" in text  # the nearest example


@pytest.mark.parametrize("form", ["transcript", "dialogue", "cloze"])
def test_a_longer_past_costs_no_more(form):
    long, longer = Counter(), Counter()
    prompt(form, values(1_000), long)
    prompt(form, values(10_000), longer)
    assert longer.characters < 2 * long.characters


@pytest.mark.parametrize("form", ["transcript", "dialogue", "cloze"])
def test_the_beginning_stays_the_same_for_many_turns(form):
    def calm(i):  # as usual, what is seen changes little from turn to turn
        return replace(seen(5), robot=RobotState((0, 0), 0.0, f"place {i % 6}", KINDS[i % 17] if i % 2 else None))

    starts = []
    for n in range(200, 264):
        turns = [replace(turn(i), observation=calm(i)) for i in range(n)]
        text = prompt(form, Values("tidy up", turns, calm(n)), total=1024)
        starts.append(re.search(r"Before: \d+", text).group())
    assert len(set(starts)) <= 12


@pytest.mark.parametrize("form", ["transcript", "dialogue", "cloze"])
@given(steps=st.integers(0, 40), total=st.integers(64, 700), goal=st.text(max_size=3000))
@settings(max_examples=25, deadline=None)
def test_no_goal_and_no_past_exceed_the_budget(form, steps, total, goal):
    assert Counter()(prompt(form, values(steps, goal), total=total)) <= total


def test_the_real_tokeniser_is_obeyed():
    """Its tokens of pieces don't add up to those of the whole."""
    from transformers import AutoTokenizer

    from doable.agent.models import plain_folder

    tokenizer = AutoTokenizer.from_pretrained(plain_folder())

    def count(text):
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    for form in ("transcript", "dialogue", "cloze"):
        for steps in (0, 7, 30, 2_000):
            assert count(prompt(form, values(steps), count)) <= WINDOW


def test_short_of_the_budget_nothing_is_left_out():
    text = prompt("dialogue", values(12), total=100_000)
    assert "Before: " not in text
    assert " 12. " in text
    assert all(f"goal {i}" in text for i in range(40))


def test_at_most_so_many_turns_are_told():
    text = prompt("dialogue", values(30), total=100_000, most=20)
    assert "Before: 16 skills." in text
    assert " 17. " in text


def test_what_was_done_after_all_is_not_unfinished():
    turns = [Turn(seen(0), "find the coke", "Failed: no"), Turn(seen(1), "find the coke", "Done.")] + [turn(1)] * 40
    text = prompt("dialogue", Values("g", turns, seen(2)), total=10_000, most=10)
    assert "Before: " in text
    assert "Not done yet" not in text


def test_kept_from_takes_the_roundest_of_the_older_half():
    def cost(i, first):
        return 10

    assert kept_from(5, cost, 50, 99) == 0
    assert kept_from(100, cost, 100, 99) == 92  # 90 to 95 are the older half of what fits
    assert kept_from(100, cost, 5, 99) == 100
    assert kept_from(0, cost, 5, 99) == 0
    starts = [kept_from(n, cost, 200, 99) for n in range(1000, 1064)]
    assert all(n - 20 <= start < n for n, start in zip(range(1000, 1064), starts, strict=True))
    assert len(set(starts)) <= 9


def test_roundest():
    assert [roundest(range(a, b)) for a, b in ((0, 9), (3, 9), (5, 8), (7, 8))] == [0, 8, 6, 7]


def test_clip_keeps_the_beginning_and_the_line_end():
    assert clip("one two three\n", 9, len) == "one two…\n"
    assert clip("one two three\n", 99, len) == "one two three\n"
    assert clip("one", 0, len) == ""


def test_options_that_do_not_fit_are_told():
    options = {str(i): f"find thing {i}" for i in range(200)}
    with pytest.raises(ValueError, match=r"prompt_tokens of at least .* 200 skills .* got 512"):
        prompt("dialogue", Values("g", (), seen(0), options=options))
