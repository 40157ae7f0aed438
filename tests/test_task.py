"""Task files and goals: what each condition means, and what a file that breaks a rule is told."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doable.sim.catalogue import KITCHEN
from doable.sim.facts import (
    ALWAYS,
    All,
    AnyOf,
    At,
    Clean,
    Closed,
    Empty,
    Facts,
    Here,
    Holding,
    Not,
    ObjectFact,
    Open,
    RobotAt,
    Visited,
    parse_condition,
)
from doable.sim.scene import load_scene
from doable.sim.task import Setup, Task, TaskError, parse_task, read_tasks

SCENE = load_scene("kitchen")
PLACES = [p.name for p in SCENE.places]
DRAWERS = [d.name for d in SCENE.drawers]
KINDS = sorted(KITCHEN)


def goal(data):
    return parse_condition(data, SCENE.place_names, SCENE.drawer_names)


def facts(*objects, robot_at="user", holding=None, **more):
    return Facts(tuple(ObjectFact(*o) for o in objects), robot_at, holding, **more)


# What each condition means.

NOW = facts(
    ("coke", "table"), ("pepsi", "table"), ("apple", None), ("apple", "top drawer"), ("coke", "trash can"),
    robot_at="table", holding="sponge", open_drawers=frozenset({"top drawer"}),
    closed_drawers=frozenset({"bottom drawer"}), visited=("user", "far counter", "table"), dirty=frozenset({"table"}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("data", "holds"),
    [
        ({"at": ["coke", "table"]}, True),
        ({"at": ["coke", "user"]}, False),
        ({"at": ["soda", "table"], "count": 2}, True),
        ({"at": ["soda", "table"], "count": 3}, False),
        ({"at": ["caffeinated", "table"]}, True),
        ({"at": ["fruit", "table"]}, False),
        ({"at": ["fruit", "top drawer"]}, True),
        ({"at": ["apple", "cabinet"]}, False),
        ({"at": ["sponge", "table"]}, False),
        ({"holding": "sponge"}, True),
        ({"holding": "absorbent"}, True),
        ({"holding": "apple"}, False),
        ({"holding": None}, False),
        ({"robot_at": "table"}, True),
        ({"robot_at": "user"}, False),
        ({"visited": ["table", "user"]}, True),
        ({"visited": ["table", "close counter"]}, False),
        ({"open": "top drawer"}, True),
        ({"open": "bottom drawer"}, False),
        ({"closed": "bottom drawer"}, True),
        ({"closed": "top drawer"}, False),
        ({"clean": "far counter"}, True),
        ({"clean": "table"}, False),
        ({"empty": "user"}, True),
        ({"empty": "table"}, False),
        ({"empty": "bottom drawer"}, True),
        ({"all": [{"robot_at": "table"}, {"holding": "sponge"}]}, True),
        ({"all": [{"robot_at": "table"}, {"holding": None}]}, False),
        ({"any": [{"robot_at": "user"}, {"holding": "sponge"}]}, True),
        ({"any": [{"robot_at": "user"}, {"holding": None}]}, False),
        ({"not": {"robot_at": "user"}}, True),
        ({"not": {"robot_at": "table"}}, False),
    ],
    ids=str,
)
def test_a_goal_holds_exactly_when_it_should(data, holds):
    assert goal(data).holds(NOW) is holds


def test_an_empty_hand_and_a_robot_in_between():
    nowhere = facts(("coke", "table"), robot_at=None)
    assert goal({"holding": None}).holds(nowhere)
    assert not goal({"holding": "coke"}).holds(nowhere)
    assert not Here("coke").holds(nowhere)
    assert Here("soda").holds(NOW)
    assert not Here("fruit").holds(NOW), "neither on the floor nor in a drawer counts as here"


def test_a_drawer_half_way_is_neither_open_nor_closed():
    ajar = facts()
    assert not Open("top drawer").holds(ajar)
    assert not Closed("top drawer").holds(ajar)


def test_names_synonyms_and_case_are_read():
    written = {"all": [{"at": ["Coke Can", "TRASH"]}, {"open": "upper drawer"}, {"visited": ["me", "counter"]}]}
    assert goal(written) == All((At("coke", "trash can"), Open("top drawer"), Visited(("user", "close counter"))))


def test_parsed_goals_are_the_conditions_one_would_write():
    assert goal({"at": ["drink", "user"], "count": 2}) == At("drink", "user", 2)
    assert goal({"not": {"any": [{"clean": "table"}, {"empty": "table"}]}}) == Not(
        AnyOf((Clean("table"), Empty("table")))
    )


# The algebra of conditions, over any facts.

leaves = st.one_of(
    st.builds(At, st.sampled_from([*KINDS, "drink", "sweet"]), st.sampled_from(PLACES), st.integers(1, 3)),
    st.builds(Holding, st.sampled_from([None, *KINDS, "soda"])),
    st.builds(Here, st.sampled_from(KINDS)),
    st.builds(RobotAt, st.sampled_from(PLACES)),
    st.builds(Open, st.sampled_from(DRAWERS)),
    st.builds(Closed, st.sampled_from(DRAWERS)),
    st.builds(Empty, st.sampled_from(PLACES)),
    st.builds(Visited, st.lists(st.sampled_from(PLACES), max_size=3).map(tuple)),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(All, st.lists(inner, max_size=3).map(tuple)),
        st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Not, inner),
    ),
    max_leaves=6,
)
situations = st.builds(
    Facts,
    objects=st.lists(st.builds(ObjectFact, st.sampled_from(KINDS), st.sampled_from([None, *PLACES])), max_size=5).map(
        tuple
    ),
    robot_at=st.sampled_from([None, *PLACES]),
    holding=st.sampled_from([None, *KINDS]),
    open_drawers=st.frozensets(st.sampled_from(DRAWERS)),
    visited=st.lists(st.sampled_from(PLACES), max_size=4).map(tuple),
)


@given(situations, st.lists(conditions, max_size=4).map(tuple))
def test_all_and_any_are_each_others_mirror(now, parts):
    negated = tuple(Not(part) for part in parts)
    assert All(parts).holds(now) == (not AnyOf(negated).holds(now)) == all(part.holds(now) for part in parts)
    assert AnyOf(parts).holds(now) == (not All(negated).holds(now))


@given(situations, conditions)
def test_not_twice_is_nothing_and_one_part_is_itself(now, part):
    assert Not(Not(part)).holds(now) == All((part,)).holds(now) == AnyOf((part,)).holds(now) == part.holds(now)
    assert ALWAYS.holds(now)
    assert not AnyOf(()).holds(now)


@given(situations, st.lists(conditions, max_size=3), st.lists(conditions, max_size=3), st.randoms())
def test_order_and_grouping_do_not_matter(now, first, second, random):
    shuffled = [*first, *second]
    random.shuffle(shuffled)
    for join in (All, AnyOf):
        whole = join((*first, *second))
        assert join(tuple(shuffled)).holds(now) == whole.holds(now)
        assert join((join(tuple(first)), join(tuple(second)))).holds(now) == whole.holds(now)


@given(situations, st.sampled_from(KINDS), st.sampled_from(PLACES), st.integers(1, 4))
def test_more_is_harder_to_reach_and_an_empty_place_holds_nothing(now, kind, place, count):
    assert not At(kind, place, count + 1).holds(now) or At(kind, place, count).holds(now)
    for category in KITCHEN[kind].categories:
        assert not At(kind, place, count).holds(now) or At(category, place, count).holds(now)
    assert not (Empty(place).holds(now) and At(kind, place).holds(now))


# Goals that break a rule.


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "Expected a goal with exactly one of at, holding"),
        ({"open": "top drawer", "empty": "table"}, "Expected a goal with exactly one of at, holding"),
        ({"holding": "coke", "count": 2}, "Expected a goal with exactly one of at, holding"),
        ({"opn": "top drawer"}, "Expected the name of a goal, got 'opn'. Did you mean 'open'?"),
        ({"at": "coke"}, 'Expected {"at": [what, place]}, got'),
        ({"at": ["coke"]}, 'Expected {"at": [what, place]}, got'),
        ({"at": ["coke", "table"], "count": 0}, 'Expected "count" to be a whole number of at least 1, got 0'),
        ({"at": ["coke", "table"], "count": True}, 'Expected "count" to be a whole number of at least 1, got True'),
        ({"at": ["coke", "table"], "count": 1.5}, 'Expected "count" to be a whole number of at least 1, got 1.5'),
        ({"at": ["cokee", "table"]}, "got 'cokee'. Did you mean 'coke'?"),
        ({"at": ["coke", "tabel"]}, "a place, got 'tabel'. Did you mean 'table'?"),
        ({"at": ["coke", 3]}, "a place, got '3'"),
        ({"holding": "spong"}, "got 'spong'. Did you mean 'sponge'?"),
        ({"robot_at": "top drawer"}, "a place, got 'top drawer'"),
        ({"visited": "table"}, 'Expected {"visited": [place, …]}, got'),
        ({"visited": []}, 'Expected {"visited": [place, …]}, got'),
        ({"visited": ["tabel"]}, "a place, got 'tabel'. Did you mean 'table'?"),
        ({"open": "table"}, "a drawer, got 'table'"),
        ({"closed": "botom drawer"}, "a drawer, got 'botom drawer'. Did you mean 'bottom drawer'?"),
        ({"clean": "tabl"}, "a place, got 'tabl'. Did you mean 'table'?"),
        ({"empty": None}, "a place, got 'None'"),
        ({"all": []}, 'Expected {"all": [goal, …]}, got'),
        ({"any": {"empty": "table"}}, 'Expected {"any": [goal, …]}, got'),
        ({"not": {"opne": "top drawer"}}, "a goal, got 'opne'. Did you mean 'open'?"),
        ({"all": [{"empty": "table"}, {"at": ["coke", "tabel"]}]}, "a place, got 'tabel'"),
    ],
    ids=str,
)
def test_a_goal_that_breaks_a_rule_is_told_which(data, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011  the message is compared below, brackets and all
        goal(data)
    assert message in str(error.value)


# Task files.

GOOD = {
    "id": "t-1",
    "family": "nouns",
    "scene": "kitchen",
    "instruction": "bring me a drink",
    "objects": [{"type": "Coke Can", "at": "Table"}, {"type": "apple", "at": "bottom drawer"}],
    "robot": {"at": "me", "holding": "redbull"},
    "drawers": {"upper drawer": "open", "bottom drawer": "closed"},
    "clutter": "light",
    "max_steps": 7,
    "goal": {"at": ["drink", "user"]},
}


def file(tmp_path, *lines):
    path = tmp_path / "tasks.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return path


def test_a_task_is_read_whole_with_every_name_made_canonical(tmp_path):
    assert read_tasks(file(tmp_path, GOOD)) == [
        Task(
            id="t-1",
            family="nouns",
            scene="kitchen",
            instruction="bring me a drink",
            setup=Setup(
                (("coke", "table"), ("apple", "bottom drawer")), "user", "red bull", ("top drawer",), clutter="light"
            ),
            goal=At("drink", "user"),
            max_steps=7,
        )
    ]


def test_only_four_keys_are_needed():
    task = parse_task({"id": 3, "instruction": "wait", "objects": [], "goal": {"holding": None}}, SCENE)
    assert task == Task("3", "other", "kitchen", "wait", Setup((), SCENE.robot_at), Holding(None), 20)


def test_blank_lines_are_skipped_and_order_is_kept(tmp_path):
    path = file(tmp_path, {**GOOD, "id": "b"}, "", {**GOOD, "id": "a"}, "  ")
    assert [task.id for task in read_tasks(path)] == ["b", "a"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"instuction": "go"}, "got 'instuction'. Did you mean 'instruction'?"),
        ({"instruction": "  "}, "Expected an instruction in words, got '  '"),
        ({"instruction": 5}, "Expected an instruction in words, got 5"),
        ({"max_steps": 0}, 'Expected "max_steps" to be a whole number of at least 1, got 0'),
        ({"max_steps": "9"}, "Expected \"max_steps\" to be a whole number of at least 1, got '9'"),
        ({"max_steps": True}, 'Expected "max_steps" to be a whole number of at least 1, got True'),
        ({"robot": {"place": "user"}}, "Expected a robot key among at, holding; got 'place'."),
        ({"robot": {"at": "usr"}}, "a place, got 'usr'. Did you mean 'user'?"),
        ({"robot": {"holding": "aple"}}, "an object, got 'aple'. Did you mean 'apple'?"),
        ({"robot": {"holding": "fruit"}}, "an object, got 'fruit'"),
        ({"objects": [{"type": "coke", "place": "table"}]}, "Expected an object key among type, at; got 'place'."),
        ({"objects": [{"type": "cok", "at": "table"}]}, "an object, got 'cok'. Did you mean 'coke'?"),
        ({"objects": [{"type": "coke", "at": "the tabel"}]}, "a place, got 'the tabel'. Did you mean 'the table'?"),
        ({"objects": [{"type": "coke"}]}, "'at'"),
        ({"objects": ["coke"]}, "Expected an object key"),
        ({"drawers": {"top drawer": "ajar"}}, "Expected drawer 'top drawer' to be 'open' or 'closed', got 'ajar'"),
        ({"clutter": "lots"}, "a clutter level of kitchen, got 'lots'. Did you mean 'light'?"),
        ({"drawers": {"tp drawer": "open"}}, "a drawer, got 'tp drawer'. Did you mean 'top drawer'?"),
        ({"scene": "kichen"}, "a scene, got 'kichen'. Did you mean 'kitchen'?"),
        ({"goal": {"at": ["coke", "tabel"]}}, "a place, got 'tabel'. Did you mean 'table'?"),
    ],
    ids=str,
)
def test_a_task_that_breaks_a_rule_is_told_the_line_and_the_rule(tmp_path, change, message):
    with pytest.raises(TaskError) as error:
        read_tasks(file(tmp_path, GOOD, "", {**GOOD, "id": "t-2", **change}))
    assert str(error.value).startswith("tasks.jsonl, line 3: ")
    assert message in str(error.value)


@pytest.mark.parametrize("line", ["{", "[1]", "7", '"goal"', "null"])
def test_a_line_that_is_no_json_object_is_named(tmp_path, line):
    with pytest.raises(TaskError, match=r"tasks\.jsonl, line 2: "):
        read_tasks(file(tmp_path, GOOD, line))


@pytest.mark.parametrize(
    "change",
    [
        {"goal": None},
        {"goal": "done"},
        {"goal": []},
        {"robot": None},
        {"objects": None},
        {"drawers": []},
        {"scene": []},
    ],
    ids=str,
)
def test_values_of_the_wrong_kind_never_escape_as_a_bug(tmp_path, change):
    if change == {"drawers": []}:
        change = {"drawers": ["top drawer"]}
    with pytest.raises(TaskError, match=r"tasks\.jsonl, line 1: "):
        read_tasks(file(tmp_path, {**GOOD, **change}))


@pytest.mark.parametrize("key", ["id", "instruction", "objects", "goal"])
def test_missing_keys_are_named(tmp_path, key):
    data = {k: v for k, v in GOOD.items() if k != key}
    with pytest.raises(TaskError, match=rf"line 1: .*missing: {key}\."):
        read_tasks(file(tmp_path, data))


def test_missing_files_empty_files_and_repeated_ids_are_named(tmp_path):
    with pytest.raises(TaskError, match=r"Expected a task file, got .*none\.jsonl', which does not exist"):
        read_tasks(tmp_path / "none.jsonl")
    with pytest.raises(TaskError, match=r"Expected at least one task in tasks\.jsonl, found none"):
        read_tasks(file(tmp_path, ""))
    with pytest.raises(TaskError, match=r"Expected every id in tasks\.jsonl once, found t-1 more than once"):
        read_tasks(file(tmp_path, GOOD, GOOD))


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*GOOD, "at", "not"]), inner, max_size=3)
    ),
    max_leaves=5,
)


def reads_or_says_why(path):
    try:
        tasks = read_tasks(path)
    except TaskError as error:
        message = str(error)
    else:
        assert isinstance(tasks[0], Task)
        return
    assert "line 1" in message


@settings(max_examples=60)
@given(st.sampled_from(sorted(GOOD.keys() - {"goal"})), json_values)
def test_any_value_anywhere_is_a_task_or_a_task_error(tmp_path_factory, key, value):
    reads_or_says_why(file(tmp_path_factory.getbasetemp(), {**GOOD, key: value}))


def test_a_goal_that_is_a_list_is_a_task_error(tmp_path):
    reads_or_says_why(file(tmp_path, {**GOOD, "goal": [1]}))
