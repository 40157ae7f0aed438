"""The benchmark of plans, over stand-ins: figures, files, going on, and what must not be in them."""

import json

import pytest
from typer.testing import CliRunner

from doable.agent.bench_plans import run_plans_benchmark
from doable.agent.cli import app
from doable.agent.config import Config

# Invented rows in the published format.
ROWS = """INPUT\tOUTPUT
I fancy a cola.\t1. find a coke, 2. pick up the coke, 3. bring it to you, 4. put down the coke, 5. done.
Drive to the table!\t1. go to the table, 2. done.
Juggle\t1. whistle, 2. done
"""
COKE = "scripted:find the coke;pick up the coke;bring it to you;put down the coke;done"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "plans.tsv"
    path.write_text(ROWS, encoding="utf-8")
    return path


def config(model=COKE, **more):
    return Config(model=model, embedder="hash", world="symbolic", **more)


def test_figures_of_a_model_that_always_fetches_the_coke(file, tmp_path):
    summary = run_plans_benchmark(file, config(guards=False), tmp_path / "out")
    figures = summary.figures()
    # Five steps of the first row; of the second, the skill at step 1 is wrong and so is what it says at step 2.
    assert (figures["n"], figures["n_steps"], figures["n_left_out"], figures["n_forced"]) == (2, 7, 1, 0)
    for mode in ("say", "preconditions", "can"):
        assert figures[f"next_skill.{mode}"] == 5 / 7
        # The coke stands on the table: to find it is to go there.
        assert figures[f"same_effect.{mode}"] == 6 / 7
        assert figures[f"plan_success.{mode}"] == 1 / 2
        assert figures[f"same_words.{mode}"] == 1 / 2
    assert figures["next_skill"] == figures["next_skill.can"]
    assert figures["plan_success"] == figures["plan_success.can"]
    assert figures["next_skill.low"] < figures["next_skill"] < figures["next_skill.high"]


def test_guards_lead_the_model_to_what_is_asked_for_and_say_alone_has_none(file, tmp_path):
    figures = run_plans_benchmark(file, config(), tmp_path / "out").figures()
    assert figures["plan_success.say"] == 1 / 2
    assert figures["plan_success.preconditions"] == figures["plan_success.can"] == 1
    assert figures["next_skill.can"] == 5 / 7, "next skills are the model's own"


def test_preconditions_forbid_what_can_not_start(file, tmp_path):
    # Nothing is here to be picked up at first, and everything else is as likely as can be.
    model = "scripted:pick up the coke;pick up the coke;bring it to you;put down the coke;done"
    figures = run_plans_benchmark(file, config(model), tmp_path / "out", whole_plans=False).figures()
    assert figures["next_skill.say"] == 4 / 7
    assert "plan_success" not in figures
    rows = [json.loads(line) for line in (tmp_path / "out" / "rows.jsonl").read_text().splitlines()]
    first = rows[0]["steps"][0]["sum"]
    assert first["say"]["said"] == "pick up the coke"
    assert first["preconditions"]["said"] != "pick up the coke"


def test_files_tell_the_figures_but_not_the_instructions(file, tmp_path):
    out = tmp_path / "out"
    summary = run_plans_benchmark(file, config(), out)
    assert json.loads((out / "summary.json").read_text()) == summary.figures()
    assert (out / "table.md").read_text() == summary.table()
    told = json.loads((out / "origin.json").read_text())
    assert told["data"]["file"] == "plans.tsv"
    assert told["steps_without_a_skill"] == ["whistle"]
    written = "".join(path.read_text() for path in out.iterdir())
    assert "fancy" not in written
    assert "Drive to" not in written


def test_it_goes_on_where_it_stopped(file, tmp_path, monkeypatch):
    out = tmp_path / "out"
    run_plans_benchmark(file, config(), out)
    lines = (out / "rows.jsonl").read_text().splitlines(keepends=True)
    (out / "rows.jsonl").write_text("".join(lines[:-1]) + '{"key": "to')
    run_plans_benchmark(file, config(), out)
    again = (out / "rows.jsonl").read_text().splitlines(keepends=True)
    assert again[: len(lines) - 1] == lines[:-1]
    assert again[-1] == lines[-1]
    assert len(again) == len(lines) + 1  # the torn one


def test_normalisations_are_compared_in_one_table(file, tmp_path):
    settings = config(prompt_tokens=4096)
    summary = run_plans_benchmark(file, settings, tmp_path / "out", whole_plans=False, compare_normalisations=True)
    assert list(summary.shares) == ["sum", "length", "pmi", "letters"]
    assert summary.table().count("\n") == 2 + 4 * 3
    assert {"next_skill", "length.next_skill.say", "letters.next_skill"} <= set(summary.figures())


def test_limit_and_every(file, tmp_path):
    figures = run_plans_benchmark(file, config(), tmp_path / "a", limit=1, whole_plans=False).figures()
    assert (figures["n"], figures["n_steps"]) == (1, 5)
    assert run_plans_benchmark(file, config(), tmp_path / "b", every=2, whole_plans=False).figures()["n"] == 1


def test_the_command_prints_the_table_and_skips_without_a_file(file, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    settings = ["--model", COKE, "--embedder", "hash", "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(app, ["bench", "plans", str(file), "--no-whole-plans", *settings])
    assert done.exit_code == 0, done.output
    assert "| sum | say × can |" in done.stdout
    skipped = CliRunner().invoke(app, ["bench", "plans", str(tmp_path / "none.tsv"), *settings])
    assert skipped.exit_code == 0
    assert "Skipped" in skipped.stderr
    bad = tmp_path / "bad.tsv"
    bad.write_text("a\n")
    assert CliRunner().invoke(app, ["bench", "plans", str(bad), *settings]).exit_code == 2
