"""The benchmark of instructions: what counts as done, files and going on, and what a tuned model forgot."""

import json
import math

import pytest
from typer.testing import CliRunner

from doable.agent.bench_forgetting import perplexity, run_forgetting_benchmark
from doable.agent.bench_language import asked, fulfilled, run_language_benchmark
from doable.agent.cli import app
from doable.agent.config import Config
from doable.agent.language_model import ScriptedModel
from doable.agent.teacher import DONE
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.skills.execute import execute
from doable.skills.library import SkillLibrary

NOTHING = "scripted:done"


def config(model=NOTHING, **more):
    return Config(model=model, embedder="hash", **more)


def played(one, phrases):
    """The facts before and after."""
    scene = load_scene(one.scene)
    world, library = SymbolicWorld(scene), SkillLibrary.of(scene)
    world.reset(one.instruction.setup)
    before = world.facts()
    for phrase in phrases:
        execute(library[phrase], world)
    return before, world.facts()


def test_what_the_teacher_does_fulfils_what_was_asked():
    ends = 0
    for one in asked("dev", 0, 150):
        if one.phrases[-1] == DONE:
            ends += 1
            assert fulfilled(one.instruction.errands, *played(one, one.phrases)), one
    assert ends > 100


def test_half_of_it_does_not():
    """Where the last thing that is carried is not put down where it belongs, the errand is not done."""
    for one in asked("dev", 1, 100):
        if one.phrases[-1] == DONE and len(one.phrases) > 2 and one.phrases[-2].startswith("put "):
            assert not fulfilled(one.instruction.errands, *played(one, one.phrases[:-2])), one


def test_the_same_seed_asks_the_same():
    assert list(asked("dev", 3, 20)) == list(asked("dev", 3, 20))
    assert list(asked("dev", 3, 20)) != list(asked("dev", 4, 20))


def test_figures_files_and_going_on(tmp_path):
    out = tmp_path / "out"
    figures = run_language_benchmark(config(), out, count=6, names=2, modes=("say", "can"))
    assert figures["plan_success.say"] <= figures["plan_success.can"], "guards do not take done for an answer"
    assert figures["plan_success.can.n"] == 6
    assert 0 <= figures["next_skill.other_names"] <= 1
    assert json.loads((out / "summary.json").read_text()) == figures
    rows = (out / "rows.jsonl").read_text()
    (out / "rows.jsonl").write_text(rows[:-40])
    assert run_language_benchmark(config(), out, count=6, names=2, modes=("say", "can")) == figures
    assert "| plan success | 6 |" in (out / "table.md").read_text()


def test_bad_input_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    with pytest.raises(ValueError, match="modes among say"):
        run_language_benchmark(config(), tmp_path, modes=("luck",))
    settings = ["--model", NOTHING, "--embedder", "hash", "--out", str(tmp_path / "out")]
    bad = CliRunner().invoke(app, ["bench", "language", "--part", "held", *settings])
    assert bad.exit_code == 2
    assert "dev or train" in bad.output


def test_perplexity_is_that_of_a_token():
    # Half a nat a word, whatever the word.
    model = ScriptedModel(lambda prompt, text: -0.5 * len(text.split()))
    assert perplexity(model, [("A", " b c d"), ("E", " f")]) == pytest.approx(math.exp(0.5))


def test_what_was_forgotten_is_told_beside_the_model_it_was_made_from(tmp_path, monkeypatch):
    from doable.agent import bench_forgetting

    def model(config):
        return ScriptedModel(
            lambda prompt, text: -(0.5 if config.model.endswith(":plain") else 1.0) * len(text.split())
        )

    monkeypatch.setattr(bench_forgetting, "make_model", model)
    figures = run_forgetting_benchmark(config("any"), tmp_path)
    assert figures["perplexity_ratio"] == pytest.approx(math.exp(0.5))
    assert "What did you do?" in (tmp_path / "table.md").read_text()
