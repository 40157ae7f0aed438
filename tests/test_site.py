"""The site, without the tool that builds it: its pages are there, its tutorial runs, its tables are true."""

import importlib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from doable.agent import Config
from doable.agent.cli import app
from doable.agent.config import defaults, field_docs

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
SITE = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
TUTORIAL = (DOCS / "tutorial.md").read_text(encoding="utf-8")
PLAN = "scripted:find the apple;pick up the apple;bring it to you;put down the apple;done"


def _load_hooks():
    spec = importlib.util.spec_from_file_location("site_hooks", DOCS / "hooks.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOKS = _load_hooks()


def _leaves(nav):
    """The files that a navigation names."""
    for entry in nav if isinstance(nav, list) else nav.values():
        yield from [entry] if isinstance(entry, str) else _leaves(entry)


def test_the_navigation_has_every_page_once():
    named = list(_leaves(SITE["nav"]))
    assert len(named) == len(set(named))
    pages = {p.relative_to(DOCS).as_posix() for p in DOCS.glob("**/*.md") if "results" not in p.relative_to(DOCS).parts}
    assert {name for name in named if not name.startswith("project/")} == pages
    for name in named:
        if name.startswith("project/"):
            assert (ROOT / name.removeprefix("project/")).is_file(), name


@pytest.mark.parametrize("page", sorted(DOCS.glob("**/*.md")), ids=lambda p: p.name)
def test_links_out_of_the_folder_lead_to_pages_of_the_site(page):
    made = {HOOKS.address(path) for path in HOOKS.outside([page])}
    home = os.path.dirname(HOOKS.address(page))
    for link in re.findall(r"\]\(([^)#:\s]+)[)#]", HOOKS.rewritten(page.read_text(encoding="utf-8"), page)):
        there = os.path.normpath(os.path.join(home, link))
        assert there in made or (DOCS / there).is_file(), link


def test_a_link_keeps_its_heading_and_one_that_leads_nowhere_is_left_alone():
    page = DOCS / "decisions" / "001-paths.md"
    assert HOOKS.rewritten("[a](../../README.md#results)", page) == "[a](../project/README.md#results)"
    assert HOOKS.rewritten("[a](../results/world)", page) == "[a](../results/world/table.md)"
    assert HOOKS.rewritten("[a](../../sim/looks.py)", page) == "[a](../project/sim/looks.py.md)"
    assert HOOKS.rewritten("[a](nowhere.md)", page) == "[a](nowhere.md)"


def test_what_the_reference_documents_exists():
    text = (DOCS / "reference.md").read_text(encoding="utf-8")
    documented = re.findall(r"^::: (\S+)\.(\w+)$", text, re.M)
    imported = re.findall(r"`from (\S+) import (\w+)`", text)
    assert {name for _, name in documented} == {name for _, name in imported}
    for module, name in documented + imported:
        assert getattr(importlib.import_module(module), name).__doc__, f"{module}.{name}"


@pytest.fixture
def quick(tmp_path, monkeypatch):
    """What a page runs in: the symbolic world, a scripted plan, folders of its own."""
    (tmp_path / "mine.toml").write_text(re.findall(r"```toml\n(.*?)```", TUTORIAL, re.S)[0], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name, value in {"MODEL": PLAN, "EMBEDDER": "hash", "MEMORY": tmp_path / "m", "RUNS": tmp_path / "r"}.items():
        monkeypatch.setenv(f"DOABLE_{name}", str(value))
    return monkeypatch


def test_the_commands_of_the_tutorial_run_in_order(quick):
    """As they stand, but in the symbolic world, where a scripted plan speaks for the language model."""
    quick.setenv("DOABLE_WORLD", "symbolic")
    lines = [line for block in re.findall(r"```sh\n(.*?)```", TUTORIAL, re.S) for line in block.splitlines() if line]
    assert len(lines) >= 8
    for line in lines:
        words = shlex.split(line.replace(" --video apple.mp4", ""))  # a film needs physics
        assert words[0] == "doable"
        done = CliRunner().invoke(app, words[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}"
        if "ask" in words:
            assert "The apple is" in done.output
        if "search" in words:
            assert "the sponges belong on the close counter" in done.output.splitlines()[0]


@pytest.mark.parametrize("tool", ["chroma run", "ray start"])
def test_the_other_tools_on_the_page_on_clusters_take_these_flags(tool):
    program, *rest = tool.split()
    found = shutil.which(program, path=str(Path(sys.executable).parent)) or shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    shown = subprocess.run([found, *rest, "--help"], capture_output=True, text=True, check=True).stdout
    lines = re.findall(rf"^{tool} (.*)$", (DOCS / "cluster.md").read_text(encoding="utf-8"), re.M)
    assert lines
    for flag in re.findall(r"--\w+", " ".join(lines)):
        assert flag in shown, flag


def test_the_python_of_the_tutorial_runs(quick, capsys):
    blocks = re.findall(r"```python\n(.*?)```", TUTORIAL, re.S)
    assert len(blocks) == 2
    for block in blocks:
        scope: dict[str, object] = {}
        exec(block, scope)
        assert scope["agent"].result.status == "reached"  # type: ignore[attr-defined]


def test_the_settings_page_lists_every_setting_with_its_default():
    page = (DOCS / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*)$", page, re.M))
    assert list(rows) == [field.name for field in fields(Config)]
    for name, text in field_docs().items():
        value = defaults()[name]
        shown = "" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"
        assert rows[name] == f"{shown} | {' '.join(text.split())} |", name


@pytest.mark.parametrize("page", ["settings.md", "tutorial.md"])
def test_the_settings_files_load(page, tmp_path):
    for block in re.findall(r"```toml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.S):
        (tmp_path / "mine.toml").write_text(block, encoding="utf-8")
        assert Config.load(file=tmp_path / "mine.toml", environ={}).max_steps == 30
