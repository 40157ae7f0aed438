"""What README and docs say is true: commands exist, code runs, links lead somewhere, figures are the committed ones."""

import json
import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doable.agent import Result
from doable.agent.cli import app

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("**/*.md"))]
PAGES += sorted(ROOT.glob("*/weights/*.md"))
COMMANDS = [
    (page.name, line.split("#")[0].strip())
    for page in PAGES
    for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.S)
    for line in block.splitlines()
    if line.startswith("doable")
]


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_commands_and_their_flags_exist(page, command):
    words = shlex.split(command)[1:]
    names = [word for word in words if not word.startswith("-")]
    deep = names[:1] == ["train"] and names[1] in ("values", "detector") and not words[2].startswith("--")
    depth = 3 if deep else 2 if names[:1] and names[0] in ("bench", "train", "export", "memory", "runs") else 1
    shown = CliRunner().invoke(app, [*names[:depth], "--help"], env={"COLUMNS": "200"})
    assert shown.exit_code == 0, shown.output
    if "--help-all" in shown.output:
        shown = CliRunner().invoke(app, [*names[:depth], "--help-all"], env={"COLUMNS": "200"})
    for flag in (word for word in words if word.startswith("--")):
        assert flag in shown.output, f"{page}: {command}"


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_the_python_in_the_readme_runs(tmp_path, monkeypatch):
    """As it stands, but in the symbolic world and with folders of its own."""
    for name, value in {
        "WORLD": "symbolic",
        "MEMORY": tmp_path / "m",
        "RUNS": tmp_path / "r",
        "EMBEDDER": "hash",
    }.items():
        monkeypatch.setenv(f"DOABLE_{name}", str(value))
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)
    assert blocks
    for block in blocks:
        scope: dict[str, object] = {}
        exec(block.replace("Config(seed=3)", "Config.load({'seed': 3})"), scope)
        result = scope["result"]
        assert isinstance(result, Result)
        assert result.status == "reached"


@pytest.mark.parametrize("page", ["models.md", "memory.md"])
def test_the_python_in_a_page_runs(page):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.S)
    assert blocks
    scope: dict[str, object] = {}
    for block in blocks:
        exec(block, scope)


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_table_in_the_readme_is_the_committed_one():
    results = ROOT / "docs" / "results" / "tasks"
    table = (results / "table.md").read_text(encoding="utf-8").strip()
    assert table in (ROOT / "README.md").read_text(encoding="utf-8")
    assert json.loads((results / "origin.json").read_text(encoding="utf-8"))["command"].startswith("doable bench tasks")
    assert json.loads((results / "summary.json").read_text(encoding="utf-8"))["n"] >= 90
