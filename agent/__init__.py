"""What to do next: the agent, its settings, and the values that pass from phase to phase.

Names are imported when they are first used, so that importing this package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..sim.task import Task as Task
    from .agent import Agent as Agent
    from .agent import Watcher as Watcher
    from .config import Config as Config
    from .config import ConfigError as ConfigError
    from .language_model import LanguageModel as LanguageModel
    from .language_model import ScriptedModel as ScriptedModel
    from .person import Person as Person
    from .person import WrittenAnswers as WrittenAnswers
    from .runs import CorruptRun as CorruptRun
    from .runs import UnknownRun as UnknownRun
    from .types import Candidate as Candidate
    from .types import Decision as Decision
    from .types import Fact as Fact
    from .types import Result as Result
    from .types import Step as Step
    from .types import Subgoal as Subgoal
    from .types import Verdict as Verdict

_HOMES = {
    ".sim.task": ("Task",),
    "agent": ("Agent", "Watcher"),
    "config": ("Config", "ConfigError"),
    "language_model": ("LanguageModel", "ScriptedModel"),
    "person": ("Person", "WrittenAnswers"),
    "runs": ("CorruptRun", "UnknownRun"),
    "types": ("Candidate", "Decision", "Fact", "Result", "Step", "Subgoal", "Verdict"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'doable.agent' has no attribute {name!r}")
    return getattr(import_module(f".{_HOME[name]}", __name__), name)
