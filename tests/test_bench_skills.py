"""The benchmark of the skills: resumable, reproducible, and every failure told."""

import json

from typer.testing import CliRunner

from doable.agent import bench_skills
from doable.agent.cli import app
from doable.skills.trials import TRIED, Trial


def test_it_measures_and_goes_on_where_it_stopped(tmp_path):
    words = ["bench", "skills", "--family", "go to", "--out", str(tmp_path)]
    assert CliRunner().invoke(app, [*words, "--n", "1"]).exit_code == 0
    first = (tmp_path / "trials.jsonl").read_text()
    with (tmp_path / "trials.jsonl").open("a") as file:
        file.write('{"seed": 0, "family": "go')  # a crash
    done = CliRunner().invoke(app, [*words, "--n", "2"])
    assert done.exit_code == 0, done.output
    lines = (tmp_path / "trials.jsonl").read_text().splitlines()
    assert lines[0] == first.strip()
    assert len(lines) == 3
    assert {json.loads(lines[0])["scene"], json.loads(lines[2])["scene"]} == {"kitchen", "kitchen-wall"}
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert (summary["go to.n"], summary["go to.success"]) == (2, 1.0)
    assert json.loads((tmp_path / "origin.json").read_text())["n"] == 2
    assert "| go to | 2 | 100.0%" in done.output


def test_a_family_that_is_none_is_told(tmp_path):
    done = CliRunner().invoke(app, ["bench", "skills", "--family", "wip", "--out", str(tmp_path)])
    assert done.exit_code == 2
    assert "wipe" in done.output


def test_failures_are_told_with_their_reasons():
    trials = [Trial("wipe", "kitchen", 3, "wipe the table", False, "failed", "out of reach", 9.0)]
    assert "- `kitchen` 3: wipe the table: failed: out of reach" in bench_skills.failures(trials)
    assert "| wipe | 1 | 0.0%" in bench_skills.table(trials, ["wipe"])
    assert set(bench_skills.AIMS) == set(TRIED)
