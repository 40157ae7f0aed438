"""The examples run as they stand, and stay short."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "examples"
SHORT = {
    "own_model.py": "reached ['find the apple', 'pick up the apple', 'bring it to you', 'put down the apple', None]",
    "step_by_step.py": "The coke is at the user; I see it.",
    "watch_phases.py": "phases seen: observe, recall, decompose, score, choose, act, check, remember",
}


@pytest.mark.parametrize("name", SHORT)
def test_an_example_runs(name, tmp_path):
    env = {**os.environ, "DOABLE_EMBEDDER": "hash", "DOABLE_RUNS": str(tmp_path / "r"),
           "DOABLE_MEMORY": str(tmp_path / "m")}  # fmt: skip
    done = subprocess.run([sys.executable, FOLDER / name], capture_output=True, text=True, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert SHORT[name] in done.stdout
    assert len((FOLDER / name).read_text(encoding="utf-8").splitlines()) <= 40
