"""Skills of a user's own: a file with a function `skills(scene)`, by path or by entry point.

Loading such a file runs it. It is code of the user's choice, like a plugin of any program: nothing keeps it in a cage.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, cast

from ..sim.scene import Scene
from .skill import Skill

GROUP = "doable.skills"
"""The group of entry points: `[project.entry-points."doable.skills"]`, `name = "package.module:skills"`."""

Maker = Callable[[Scene], Iterable[Skill]]
"""The skills that make sense in a scene."""


def load_makers(paths: str | None = None) -> tuple[Maker, ...]:
    """The makers of installed packages, then those of files, `paths` separated by commas.

    Raises ValueError for a file that does not exist, breaks, or has no function `skills`.
    """
    makers = [entry.load() for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name)]
    return (*makers, *(_from_file(Path(path.strip())) for path in (paths or "").split(",") if path.strip()))


def _from_file(path: Path) -> Maker:
    spec = importlib.util.spec_from_file_location(f"doable_own_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise ValueError(f"Expected a Python file with skills, got {str(path)!r}, which does not exist.")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise ValueError(f"Expected {path.name} to be a file with skills, but it broke: {error!r}.") from error
    made: Any = getattr(module, "skills", None)
    if not callable(made):
        raise ValueError(f"Expected a function skills(scene) in {path.name}, found none. See docs/skills.md.")
    return cast(Maker, made)


def own_skills(scene: Scene, makers: Sequence[Maker]) -> list[Skill]:
    """All skills of the makers for the scene, each declaration checked. Raises ValueError for one that does not fit."""
    from .check_skill import check_declaration

    skills = [skill for make in makers for skill in make(scene)]
    for skill in skills:
        if not isinstance(skill, Skill):
            raise ValueError(f"Expected a Skill from skills(scene), got {skill!r}.")
        check_declaration(skill, scene)
    return skills
