"""The borders between the parts, and the promises the packaging makes."""

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAY_IMPORT = {"sim": set(), "memory": set(), "skills": {"sim"}, "agent": {"sim", "skills", "memory"}}
MODULES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).glob("*.py"))


def imported_packages(path: Path) -> set[str]:
    """The sibling packages that a module imports, by relative import of level 2."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [n for n in froms if (n.module or "").split(".")[0] == "doable"], f"{path.name}: import relatively"
    return {(n.module or n.names[0].name).split(".")[0] for n in froms if n.level == 2}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_imports_go_one_way(path):
    assert imported_packages(path) <= MAY_IMPORT[path.parent.name]


@pytest.mark.parametrize("path", MODULES, ids=lambda p: f"{p.parent.name}/{p.name}")
def test_every_module_says_what_room_it_is(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_sim_and_skills_know_no_language_model():
    for path in MODULES:
        if path.parent.name != "agent" and path.name not in ("embedding.py", "zero_shot.py"):
            assert "transformers" not in path.read_text(encoding="utf-8"), path


def test_the_truth_is_for_tasks_and_benchmarks_alone():
    """Worlds, benchmarks, checkers, labels and --expect call `facts()`; the loop, policies and values never do."""
    free = {"bench.py", "bench_agent.py", "bench_plans.py", "rollouts.py", "situations.py", "cli_run.py", "episodes.py"}
    free |= {"language_training.py", "execute.py", "trials.py", "check_skill.py", "bench_questions.py", "bench_life.py"}
    free |= {"bench_faults.py", "bench_language.py"}
    for path in MODULES:
        if path.parent.name in ("agent", "skills") and path.name not in free:
            assert ".facts()" not in path.read_text(encoding="utf-8"), path


def test_no_pickle_from_outside():
    for path in MODULES:
        assert "import pickle" not in path.read_text(encoding="utf-8"), path


def test_packages_are_typed_and_complete():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert set(project["tool"]["setuptools"]["packages"]) == {f"doable.{name}" for name in MAY_IMPORT}
    assert {"ray", "rerun", "dev"} <= set(project["project"]["optional-dependencies"])
    for package in MAY_IMPORT:
        assert (ROOT / package / "py.typed").exists()


def test_constraints_pin_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines}
    for requirement in project["project"]["dependencies"]:
        assert requirement.split(">=")[0].lower() in pinned
