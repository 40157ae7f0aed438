"""The benchmarks of *can*: figures from rollouts that are there already, and the ablation's table."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from doable.agent import ablation, bench_values
from doable.agent.cli import app
from doable.agent.config import Config
from doable.agent.statistics import Episode, summarise
from doable.sim.codec import to_json
from doable.sim.scene import load_scene
from doable.sim.symbolic import SymbolicWorld
from doable.sim.task import Setup
from doable.skills.library import SkillLibrary
from doable.skills.rollouts import State, Trial
from doable.skills.value import ValueFunction


def write(path, part, count, scene="kitchen", tries=1):
    """Rollouts as they might be, of a symbolic world: the benchmark finds nothing left to do."""
    rng = np.random.default_rng(0)
    now = SymbolicWorld(scene).reset(Setup((("coke", "table"), ("energy bar", "table")), "table"))
    kinds = ("find the coke", "pick up the coke", "put down the coke", "pick up the energy bar", "go to the table")
    path.parent.mkdir(parents=True, exist_ok=True)
    library = SkillLibrary.of(load_scene(scene))
    with path.open("w") as file:
        for k in range(count):
            trials = tuple(
                Trial(
                    phrase, library[phrase].family, not phrase.startswith("put"), tries,
                    0 if phrase.startswith("put") else int(rng.binomial(tries, 0.8)), "done", "", 1.0,
                )
                for phrase in kinds
            )  # fmt: skip
            state = State(bench_values.SEED * 1_000_000 + k, part, scene, "random", None, now, trials)
            file.write(json.dumps(to_json(state)) + "\n")


def test_figures_of_rollouts_that_are_there(tmp_path):
    work, out = tmp_path / "work", tmp_path / "out"
    write(work / "seeds.jsonl", "seeds", 20)
    for part in ("layout", "objects", "clutter"):
        write(work / f"{part}.jsonl", part, 8, "kitchen-island" if part == "layout" else "kitchen")
    write(work / "monte-carlo" / "seeds.jsonl", "seeds", 5, tries=20)
    table = bench_values.bench_values(out, work, states=20, shifted=8, monte_carlo=5)
    summary = json.loads((out / "summary.json").read_text())
    wanted = {"auroc", "brier", "ece15", "nll", "auroc_shift", "ece15_shift", "seconds_550_skills", "layout.ece15"}
    assert wanted | {"pick up.auroc", "find.brier", "monte_carlo_rmse"} <= set(summary)
    assert summary["n"] == 80
    assert summary["n_shift"] == 96
    assert summary["auroc.low"] <= summary["auroc"] <= summary["auroc.high"]
    assert summary["base"] == pytest.approx(0.8, abs=0.1)
    for told in ("SayCan's heuristics", "always 1", "preconditions only", "20 tries each", "held-out seeds"):
        assert told in table
    assert Image.open(out / "reliability.png").width > 300
    assert (out / "reliability.png").stat().st_size < 100_000
    assert "/" not in json.loads((out / "origin.json").read_text())["detector"]


def test_550_skills_are_valued_at_once():
    scene = load_scene()
    assert bench_values.seconds_for(ValueFunction.load(), SymbolicWorld(scene).observe(), scene, rounds=1) > 0


def episode(task, family, good):
    return Episode("k", task, family, 0, "reached", good, None, ("done",), 2, 1.0, 1.0, "")


def test_the_ablation_runs_every_setting_and_shows_embodiment_by_itself(tmp_path):
    asked = []

    def run(folder, config):
        asked.append((folder.name, config.values, config.floor))
        good = config.values != "none"
        return summarise([episode("a", "nouns", True), episode("b", "embodiment", good)])

    found = ablation.ablate(run, replace(Config(), floor=0.25), tmp_path)
    assert asked == [(n, n, 0.0 if n == "heuristic" else 0.25) for n in ("learned", "heuristic", "declared", "none")]
    figures = json.loads((tmp_path / "summary.json").read_text())
    assert figures["learned.embodiment.plan_success"] == 1
    assert figures["none.embodiment.plan_success"] == 0
    assert figures["none.plan_success"] == 0.5
    assert found.table() == (tmp_path / "table.md").read_text()
    assert found.table().count("\n") == 6


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["bench", "tasks", "--ablate", "say"], "Expected --ablate can or words or ahead, got 'say'"),
        (["bench", "tasks", "--family", "noun"], "Did you mean 'nouns'?"),
        (["bench", "values", "--weights", "none.safetensors"], "does not exist"),
        (["train", "values", "collect", "--out", "x", "--part", "test"], "Expected a part among train"),
        (["train", "values", "fit", "--data", "nowhere"], "Collect them first"),
    ],
)
def test_bad_input_is_told(arguments, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 2
    assert told in result.output
