"""The benchmark: its tasks can be done, its figures come from the truth, and a run that was cut short goes on."""

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from doable.agent import bench
from doable.agent.bench import TASKS, bench_tasks, plan_reaches_goal, read_episodes
from doable.agent.config import Config
from doable.agent.types import Decision, Result, Step, Subgoal
from doable.sim.catalogue import KITCHEN
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup, parse_task, read_tasks
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

PLANS: dict[str, list[str]] = json.loads(Path(__file__).with_name("oracle_plans.json").read_text(encoding="utf-8"))
"""A plan that does each task, endings included."""
OWN = read_tasks(TASKS)
REWORDED = read_tasks(TASKS.with_name("demo_rewordings.jsonl"))
ENDINGS = {"done": "reached", "say that it is not possible": "refused"}


class PlanRunner:
    """Carries out a plan in a symbolic world, whatever the goal's words; stops when the plan or the steps run out."""

    def __init__(self, world, plan, max_steps):
        self.world, self.plan, self.max_steps = world, plan, max_steps

    def run(self, goal):
        library, steps, status = SkillLibrary.of(self.world.scene), [], "stopped"
        for i, phrase in enumerate(self.plan[: self.max_steps]):
            before = self.world.observe()
            status = ENDINGS.get(phrase, "stopped")
            kind = {"reached": "finish", "refused": "refuse", "stopped": "act"}[status]
            outcome = execute(library[phrase], self.world)
            decision = Decision(kind, phrase if kind == "act" else None, "as planned")
            steps.append(Step(i, goal, Subgoal(goal), before, (), (), decision, outcome, None))
            if status != "stopped":
                break
        return Result("run", goal, status, "as planned", tuple(steps), self.world.observe().time)


class PlanMaker:
    """Agents that follow the plan of their instruction; notes every episode it was asked for."""

    def __init__(self, plans, name="oracle", break_after=None):
        self.plans, self.name, self.break_after, self.asked = plans, name, break_after, []

    def describe(self):
        return {"model": self.name, "values": "declared"}

    def __call__(self, world, folder, *, max_steps, seed):
        assert folder.is_dir()
        assert not list(folder.iterdir())
        (folder / "runs").mkdir()
        (folder / "runs" / "journal.jsonl").write_text(f"{seed}\n")
        if self.break_after is not None and len(self.asked) == self.break_after:
            raise KeyboardInterrupt
        maker = self

        class ByInstruction:
            def run(self, goal):
                maker.asked.append((goal, seed))
                return PlanRunner(world, maker.plans[goal], max_steps).run(goal)

        return ByInstruction()


def oracle(tasks=OWN, **kwargs):
    return PlanMaker({task.instruction: PLANS[task.id] for task in tasks}, **kwargs)


def run(tasks, out, make_agent, *, seeds=(0,), plan_only=True, make_world=None):
    console = Console(file=io.StringIO())
    return bench_tasks(
        tasks,
        seeds=seeds,
        plan_only=plan_only,
        out=out,
        make_agent=make_agent,
        make_world=make_world,
        console=console,
    )


def task(**change):
    data = {
        "id": "t", "family": "nouns", "instruction": "bring me the coke", "goal": {"at": ["coke", "user"]},
        "objects": [{"type": "coke", "at": "table"}, {"type": "pepsi", "at": "far counter"}],
    }  # fmt: skip
    return parse_task({**data, **change}, SymbolicWorld().scene)


COKE = ["find the coke", "pick up the coke", "bring it to you", "put down the coke", "done"]


def always(*plan):
    return PlanMaker({"bring me the coke": list(plan)})


# The tasks.


def test_there_are_five_tasks_of_every_family_and_some_impossible_ones():
    families = [t.family for t in OWN]
    counts = {family: families.count(family) for family in families}
    assert counts.pop("impossible") >= 2
    assert set(counts) == {"primitives", "nouns", "verbs", "structured", "embodiment", "crowd", "long"}
    assert all(count >= 5 for count in counts.values())
    assert len(REWORDED) == 10


@pytest.mark.parametrize("own", [*OWN, *REWORDED], ids=lambda t: t.id)
def test_every_task_has_distractors_at_several_places_and_steps_to_spare(own):
    assert 4 <= len(own.setup.objects) <= 8
    assert {"table", "close counter", "far counter"} <= {place for _, place in own.setup.objects}
    assert own.max_steps >= max(8, 2 * len(PLANS.get(own.id, PLANS["demo"])))


def test_no_instruction_stands_twice():
    words = [" ".join(re.findall(r"\w+", t.instruction.lower())) for t in [*OWN, *REWORDED]]
    assert len(words) == len(set(words))


@pytest.mark.parametrize("own", OWN, ids=lambda t: t.id)
def test_a_goal_does_not_hold_before_anything_is_done(own):
    world = SymbolicWorld(own.scene)
    world.reset(own.setup)
    if own.family not in ("embodiment", "impossible"):
        assert not own.goal.holds(world.facts())


@pytest.mark.parametrize("own", OWN, ids=lambda t: t.id)
def test_every_task_can_be_done_and_no_step_of_its_plan_is_idle(own):
    *plan, ending = PLANS[own.id]
    assert ENDINGS[ending] == ("refused" if own.family == "impossible" else "reached")
    assert plan_reaches_goal(own, plan)
    if own.family != "impossible":
        # Finding may be left out where picking up needs no search; every other step changes something that counts.
        for i in range(len(plan)):
            assert plan[i].startswith("find") or not plan_reaches_goal(own, plan[:i] + plan[i + 1 :]), plan[i]


def destinations(own):
    """Where the plan of a task puts things down, in order."""
    place, found = own.setup.robot_at, []
    for phrase in PLANS[own.id]:
        if phrase.startswith("go to the "):
            place = phrase.removeprefix("go to the ")
        elif phrase == "bring it to you":
            place = "user"
        elif phrase.startswith("put down"):
            found.append(place)
    return found


@pytest.mark.parametrize("own", [t for t in OWN if t.id != "demo" and len(destinations(t)) > 0], ids=lambda t: t.id)
def test_delivering_what_nobody_asked_for_breaks_the_goal(own):
    *plan, _ = PLANS[own.id]
    to = destinations(own)[-1]
    named = {phrase.split(" the ", 1)[1] for phrase in plan if " the " in phrase}
    for kind in {kind for kind, place in own.setup.objects if kind not in named and place != to}:
        extra = [f"find the {kind}", f"pick up the {kind}", f"go to the {to}", f"put down the {kind}"]
        assert not plan_reaches_goal(own, [*plan, *extra]), f"{kind} at the {to}"


def test_the_demo_and_its_rewordings_share_their_start_and_goal():
    demo = next(t for t in OWN if t.id == "demo")
    assert demo.instruction == "I spilled my coke, can you bring me something to clean it up?"
    assert {"coke", "sponge"} <= {kind for kind, _ in demo.setup.objects}
    assert all((t.setup, t.goal, t.max_steps) == (demo.setup, demo.goal, demo.max_steps) for t in REWORDED)
    assert not any("sponge" in t.instruction for t in REWORDED)


def test_impossible_tasks_ask_for_what_is_not_there():
    for own in (t for t in OWN if t.family == "impossible"):
        searched = PLANS[own.id][0].removeprefix("find the ")
        assert searched in KITCHEN
        assert searched not in {kind for kind, _ in own.setup.objects}


# The figures.


def test_the_oracle_plans_do_every_task(tmp_path):
    figures = run(OWN, tmp_path, oracle()).figures()
    assert figures["n"] == len(OWN)
    assert figures["plan_success"] == 1
    assert figures["false_done_rate"] == 0
    assert "execution_success" not in figures
    assert {name.split(".")[0] for name in figures if name.endswith("plan_success")} == {"plan_success"} | {
        t.family for t in OWN
    }


def test_saying_done_too_early_is_no_success_but_a_false_done(tmp_path):
    figures = run([task()], tmp_path, always("find the coke", "done")).figures()
    assert (figures["plan_success"], figures["false_done_rate"], figures["mean_steps"]) == (0, 1, 2)


def test_an_agent_that_never_says_done_succeeds_by_the_truth_alone(tmp_path):
    figures = run([task()], tmp_path, always(*COKE[:-1])).figures()
    assert (figures["plan_success"], figures["false_done_rate.n"]) == (1, 0)


def test_a_possible_task_that_is_refused_is_no_success_even_if_its_goal_holds(tmp_path):
    there = task(objects=[{"type": "coke", "at": "user"}])
    assert run([there], tmp_path / "a", always("say that it is not possible")).figures()["plan_success"] == 0
    assert run([there], tmp_path / "b", always("done")).figures()["plan_success"] == 1


@pytest.mark.parametrize(
    ("plan", "success"),
    [
        (("find the coke", "say that it is not possible"), 1),
        (("find the coke", "done"), 0),
        (("find the coke",), 0),
        ((*(phrase.replace("coke", "pepsi") for phrase in COKE[:-1]), "say that it is not possible"), 0),
    ],
    ids=["refuses", "says done", "says nothing", "delivers something else"],
)
def test_an_impossible_task_is_a_success_only_if_nothing_was_delivered_and_the_agent_refused(tmp_path, plan, success):
    without = task(family="impossible", goal={"empty": "user"}, objects=[{"type": "pepsi", "at": "table"}])
    figures = run([without], tmp_path, always(*plan)).figures()
    assert figures["plan_success"] == success
    assert figures.get("false_done_rate", 0) == (plan[-1] == "done")


def test_steps_are_limited_by_the_task(tmp_path):
    run([task(max_steps=3)], tmp_path, always(*COKE))
    (episode,) = read_episodes(tmp_path / "episodes.jsonl")
    assert (episode.steps, episode.status, episode.plan_success) == (3, "stopped", False)


def test_execution_and_plan_success_come_from_one_run(tmp_path):
    """In a world where everything slips, a right plan is a plan success and no execution success."""
    slippery = run([task()], tmp_path / "a", always(*COKE), plan_only=False, make_world=slips(1.0)).figures()
    assert (slippery["plan_success"], slippery["execution_success"], slippery["false_done_rate"]) == (1, 0, 1)
    sure = run([task()], tmp_path / "b", always(*COKE), plan_only=False, make_world=slips(0.0)).figures()
    assert (sure["plan_success"], sure["execution_success"], sure["false_done_rate"]) == (1, 1, 0)


def slips(rate):
    return lambda scene: SymbolicWorld(scene, failure_rate=rate)


def test_the_same_seeds_give_the_same_episodes(tmp_path):
    for out in ("a", "b"):
        run([task()], tmp_path / out, always(*COKE), seeds=range(6), plan_only=False, make_world=slips(0.15))
    first, second = (
        [(e.seed, e.phrases, e.seconds, e.execution_success) for e in read_episodes(tmp_path / out / "episodes.jsonl")]
        for out in ("a", "b")
    )
    assert first == second
    assert len({success for *_, success in first}) == 2, "seeds differ"


def test_planned_only_nothing_is_left_to_chance_so_one_seed_is_all(tmp_path):
    assert run([task()], tmp_path, always(*COKE), seeds=(3, 4, 5)).overall.n == 1
    assert json.loads((tmp_path / "origin.json").read_text())["seeds"] == [3]


def test_one_world_serves_all_episodes_of_a_scene(tmp_path):
    built = []

    def make_world(scene):
        built.append(SymbolicWorld(scene))
        return built[-1]

    run([task(), task(id="u")], tmp_path, always(*COKE), seeds=(0, 1), plan_only=False, make_world=make_world)
    assert len(built) == 1


# Going on, and what is written.


def test_a_run_that_was_cut_short_goes_on_where_it_stopped(tmp_path):
    tasks = OWN[:6]
    with pytest.raises(KeyboardInterrupt):
        run(tasks, tmp_path / "cut", oracle(break_after=4))
    assert not (tmp_path / "cut" / "summary.json").exists()
    # What a kill in the middle of a line leaves behind.
    with (tmp_path / "cut" / "episodes.jsonl").open("a") as file:
        file.write('{"key": "half a li')
    rest = oracle()
    summary = run(tasks, tmp_path / "cut", rest)
    assert [goal for goal, _ in rest.asked] == [t.instruction for t in tasks[4:]]
    assert summary == run(tasks, tmp_path / "whole", oracle())
    again = oracle()
    assert run(tasks, tmp_path / "cut", again) == summary
    assert again.asked == []


def test_another_agent_or_another_task_is_run_afresh_and_old_figures_stay_out(tmp_path):
    run([task()], tmp_path, always(*COKE))
    other = PlanMaker({"bring me the coke": ["done"]}, name="another model")
    assert run([task()], tmp_path, other).figures()["plan_success"] == 0
    changed = always(*COKE)
    run([task(max_steps=9)], tmp_path, changed)
    assert len(changed.asked) == 1
    assert len(read_episodes(tmp_path / "episodes.jsonl")) == 3


def test_the_folder_tells_the_figures_and_where_they_come_from(tmp_path):
    summary = run([task()], tmp_path, always(*COKE))
    assert json.loads((tmp_path / "summary.json").read_text()) == summary.figures()
    assert (tmp_path / "table.md").read_text() == summary.table()
    told = json.loads((tmp_path / "origin.json").read_text())
    assert told["parts"] == {"model": "oracle", "values": "declared", "world": "symbolic"}
    assert told["detector"] == "oracle labels"
    assert {"command", "date", "commit", "machine", "versions", "seeds"} <= told.keys()
    assert told["versions"]["doable"]
    assert told["machine"]["cores"] >= 1
    (episode,) = read_episodes(tmp_path / "episodes.jsonl")
    assert (tmp_path / "journals" / f"{episode.key}.jsonl").read_text() == "0\n"
    files = {"episodes.jsonl", "journals", "summary.json", "table.md", "origin.json"}
    assert {p.name for p in tmp_path.iterdir()} == files


def test_progress_goes_to_the_console_and_nothing_else_is_printed(tmp_path, capsys):
    console = Console(file=io.StringIO(), force_terminal=True, width=100)
    bench_tasks([task()], seeds=(0,), plan_only=True, out=tmp_path, make_agent=always(*COKE), console=console)
    assert "1/1" in console.file.getvalue()
    assert capsys.readouterr() == ("", "")


def test_disturbances_happen_count_in_the_key_and_are_told(tmp_path):
    away = [{"kind": "takes", "object": "coke", "after": "find", "unseen": False}]
    plain, robbed = task(), task(disturbances=away)
    seeds = (0, 1)
    assert run([plain], tmp_path, always(*COKE), seeds=seeds).figures()["n"] == 1
    summary = run([robbed], tmp_path, always(*COKE), seeds=seeds)
    assert (summary.figures()["n"], summary.figures()["plan_success"]) == (2, 0.0)
    episodes = read_episodes(tmp_path / "episodes.jsonl")
    assert [e.events for e in episodes] == [(), *[("10.0 s: somebody took the coke from the table",)] * 2]
    assert len({e.key for e in episodes}) == 3
    assert plan_reaches_goal(robbed, COKE)


def test_disturbances_by_flag_come_besides_a_tasks_own(tmp_path):
    own = task(disturbances=[{"kind": "slip"}])
    [both] = bench.disturbed([own], "failures")
    assert [given.kind for given in both.setup.disturbances] == ["slip", "skill_failure"]
    with pytest.raises(ValueError, match="Did you mean 'failures'"):
        bench.disturbed([own], "failure")


def test_what_can_not_be_run_is_refused_with_the_reason(tmp_path):
    with pytest.raises(ValueError, match="at least one task and one seed, got 0 tasks and 1 seeds"):
        run([], tmp_path, oracle())
    with pytest.raises(ValueError, match="at least one task and one seed, got 1 tasks and 0 seeds"):
        run([task()], tmp_path, oracle(), seeds=())
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"Expected a folder for the results, got .*file', which is a file"):
        run([task()], tmp_path / "file", oracle())


def test_a_bug_in_an_agent_is_not_hidden_as_a_failure(tmp_path):
    with pytest.raises(KeyError):
        run([task()], tmp_path, PlanMaker({}))


def test_plans_replay_as_declared_and_what_can_not_start_changes_nothing():
    coke = task()
    assert plan_reaches_goal(coke, COKE[:-1])
    assert plan_reaches_goal(coke, ["open the top drawer", "pick up the coke", *COKE[:-1]])
    assert not plan_reaches_goal(coke, COKE[:3])
    assert coke.setup == Setup((("coke", "table"), ("pepsi", "far counter")), "user")


def test_the_benchmark_of_a_file_reads_the_shipped_tasks(monkeypatch, tmp_path):
    seen = {}
    monkeypatch.setattr(bench, "bench_tasks", lambda tasks, **kwargs: seen.update(kwargs, tasks=tasks))
    bench.run_tasks_benchmark(None, 3, True, tmp_path)
    assert seen["seeds"] == (0, 1, 2)
    assert seen["tasks"] == OWN
    assert seen["plan_only"] is True


def test_the_configured_agent_is_benchmarked_with_a_fresh_memory_each_time(tmp_path):
    """The real agent, with a scripted model, in the symbolic world."""
    config = Config(world="symbolic", model="scripted:" + ";".join(COKE), values="declared", embedder="hash")
    path = tmp_path / "tasks.jsonl"
    data = {
        "instruction": "bring me the coke", "goal": {"at": ["coke", "user"]},
        "objects": [{"type": "coke", "at": "table"}, {"type": "pepsi", "at": "far counter"}],
    }  # fmt: skip
    path.write_text("\n".join(json.dumps({**data, "id": i, "family": "verbs"}) for i in ("a", "b")))
    figures = bench.run_tasks_benchmark(path, 1, True, tmp_path / "out", config).figures()
    assert (figures["n"], figures["plan_success"], figures["false_done_rate"]) == (2, 1, 0)
    first, second = read_episodes(tmp_path / "out" / "episodes.jsonl")
    assert first.phrases == second.phrases == tuple(COKE[:-1])
    assert json.loads((tmp_path / "out" / "origin.json").read_text())["parts"]["values"].startswith("declared")
    assert len(list((tmp_path / "out" / "journals").iterdir())) == 2


@pytest.mark.parametrize("name", ["spoken.jsonl", "spoken_dev.jsonl", "spoken_later.jsonl", "spoken_latest.jsonl"])
def test_no_spoken_task_is_done_before_anybody_moved(name):
    for task in read_tasks(TASKS.with_name(name)):
        world = SymbolicWorld(task.scene)
        world.reset(task.setup)
        assert not task.goal.holds(world.facts()), task.id
