"""Everything that can be set, in one dataclass.

Each field can be given by flag (`--max-steps 30`), by environment (`DOABLE_MAX_STEPS=30`) and in a TOML file
(`max_steps = 30`; `--config FILE`, DOABLE_CONFIG, or config.toml in the user's configuration folder), in this order.
The text under a field is its documentation everywhere.
"""

from __future__ import annotations

import ast
import difflib
import inspect
import math
import os
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import platformdirs

_PREFIX = "DOABLE_"
_DAY = ("day_steps", "day_seconds", "day_tokens", "day_cost")


class ConfigError(ValueError):
    """A setting that breaks a rule; the message names the setting, the rule, the value and what to do."""


@dataclass(frozen=True)
class Config:
    """The settings of an agent."""

    scene: str = "kitchen"
    """The room: a scene's name, or a scene file (YAML)."""
    world: Literal["physics", "symbolic"] = "physics"
    """'physics' moves bodies; 'symbolic' lets the skills' declared effects happen, fast."""
    disturb: str | None = None
    """What goes wrong besides, drawn by the seed: 'slips', 'failures', 'labels', 'people', 'all', or a JSON file."""
    seed: int = 0
    """Draws where objects stand, and everything else that is random."""
    clutter: Literal["light", "medium", "heavy"] | None = None
    """How many more things stand about than the scene's own: 'light', 'medium' or 'heavy'."""
    model: str | None = None
    """The language model (default: SmolLM2-135M-Instruct with its adapter): a folder or hub id of any that transformers
    reads, either with '+FILE.safetensors' for an adapter of `doable train language`, 'http://HOST:8000/v1#MODEL' for a
    completions server, 'langchain:PROVIDER:MODEL' for a chat model, or 'scripted:PHRASE;PHRASE;…'. docs/models.md tells
    more."""
    precision: Literal["auto", "float32", "bfloat16", "int8"] = "auto"
    """The numbers a causal model computes in: 'auto' takes the fastest that this processor has instructions for and
    that was measured to rank skills as float32 does."""
    skills: str | None = None
    """Files with skills of your own, separated by commas. They are Python, and are run."""
    values: str = "learned"
    """The value functions: 'learned', a file of trained weights, or for comparison 'heuristic' (as SayCan published
    them), 'declared' (preconditions only) and 'none' (the language model alone)."""
    detector: str = "oracle"
    """What finds objects in pictures: 'oracle' (the renderer's labels), 'learned', a file, or an OWL model's folder."""
    detector_threshold: float = 0.1
    """An OWL model's detections count from this score on."""
    memory: str | None = None
    """The folder of the memory, or a Chroma server's URL (default: in the user's data folder)."""
    memory_budget: int = 1_000_000
    """Records that memory keeps; beyond, what matters least is forgotten, never what a person told."""
    embedder: Literal["minilm", "hash"] = "minilm"
    """How memory compares texts: 'minilm' by meaning, 'hash' by words, without a model."""
    runs: str | None = None
    """The folder for runs: journals, checkpoints, snapshots (default: in the user's data folder)."""
    max_steps: int = 20
    """Turns after which a run stops."""
    max_seconds: float | None = None
    """Simulated seconds after which a run stops."""
    max_wall_seconds: float | None = None
    """Seconds on the clock, loading not counted, after which a run stops."""
    max_tokens: int | None = None
    """Tokens that language models may read and write for a goal."""
    max_cost: float | None = None
    """Money that a goal may cost, by `price_in` and `price_out`."""
    day_steps: int | None = None
    """Turns of all runs of a day (UTC)."""
    day_seconds: float | None = None
    """Simulated seconds of all runs of a day."""
    day_tokens: int | None = None
    """Tokens of all runs of a day."""
    day_cost: float | None = None
    """Money of all runs of a day."""
    price_in: float = 0.0
    """What a million tokens cost that a language model reads, in any currency."""
    price_out: float = 0.0
    """What a million tokens cost that it writes."""
    prompt_left: bool = False
    """Tell the language model what may still be spent (the model that ships was not trained to read that)."""
    spare: str = "smollm2-135m-instruct"
    """The language model that goes on when one that is elsewhere does not answer, or answers nonsense; 'none': the run
    stops there, and can be resumed."""
    recall_k: int = 6
    """Records recalled from memory each turn."""
    prompt_steps: int = 20
    """Earlier turns of a subgoal that the language model reads at most, the newest ones."""
    prompt: Literal["auto", "transcript", "dialogue", "cloze"] = "auto"
    """The prompt's form: 'transcript' tells sights, skills and results turn by turn, 'dialogue' is a person's request
    and the robot's numbered list, 'cloze' a sentence with a slot, for masked models ('auto': 'transcript' for a model
    with adapter, 'cloze' for a masked one, 'dialogue' for others)."""
    prompt_scene: Literal["auto", "none", "seen"] = "auto"
    """Does the prompt tell what the robot sees? ('auto': in a transcript, which the adapter was trained to read)"""
    prompt_memory: bool = False
    """Tell the language model the recalled records, and not only where things were seen."""
    prompt_tokens: int = 2048
    """Tokens of a prompt with its answer at most, or as many as the model reads, if that is less."""
    examples: int | None = None
    """Few-shot examples, the most like the goal, of memory and of the project's own (default: none for a model with
    adapter, 8 for others), as far as they fit a quarter of prompt_tokens."""
    wordings: int = 1
    """Wordings of the prompt that are asked; the mean of their log-likelihoods counts."""
    errands: str | None = None
    """The language model, named as for `model`, that makes a vague goal into errands and revises them after each, or
    'same' for the model that scores. Take one that follows instructions (default: none, goals are cut by rules)."""
    ask_twice: bool = False
    """Ask the language model a second time, in other words and with what is seen told in the other order: if it then
    chooses otherwise, it is in doubt, and somebody who can be asked is."""
    thought_tokens: int = 0
    """Tokens of a line of reasoning that the language model writes before it scores the skills; 0: none."""
    normalise: Literal["sum", "length", "pmi", "letters"] = "sum"
    """What makes long and short phrases comparable: 'sum' nothing (SayCan's rule), 'length' the mean over tokens, 'pmi'
    the gain over a neutral prompt, 'letters' a multiple choice."""
    search: Literal["full", "best-first"] = "full"
    """Score every skill, or only as many as it takes to be sure of the best one: the same choice, sooner, but the
    journal then lists only the skills that were scored."""
    floor: float = 0.3
    """Refuse when the next words of a model with adapter are a skill that works with less probability than this."""
    decompose: bool = True
    """Cut a goal that lists errands into these, and say odd words again in plain ones."""
    restate: bool = True
    """Let a model that was taught to say a goal again in plain words, where its own are not; beside the planner that
    ships."""
    guards: bool = True
    """Hold choices against what the goal plainly asks for: other things are not taken, 'done' needs to be seen, and a
    refusal needs to have looked."""
    checks: Literal["all", "after", "critique", "none"] = "all"
    """How far what happens is looked at. For comparison: 'after' tries the steps of a plan made at the start until each
    is seen to be done, 'critique' until the language model says so itself, 'none' carries the plan out blindly."""
    authority: Literal["auto", "ask-each", "plan"] = "auto"
    """'ask-each' has a person say yes to every skill, 'plan' tells what would be done and does nothing."""
    yes: int = 0
    """With authority 'ask-each': so many skills are done before the first question."""
    answers: str | None = None
    """A JSON file of answers to questions, for runs that nobody watches; '*' answers all others."""
    look_ahead: int = 3
    """So many of the best skills are rolled forward in the world as it is believed to be, where the best one works with
    less probability than `unsure`; 0: none."""
    unsure: float = 0.5
    """See `look_ahead`."""
    ask_least: float = 0.22
    """Somebody who can be asked is asked which of several objects is meant, if more than one has at least this share of
    say × can; `doable bench asking` tells how it was chosen."""
    sure: float = 0.6
    """The probability from which on it is sure what odd words mean. Below it somebody who can be asked is asked, and
    where nobody is, or answers, the likeliest is done, but the goal is not said to be reached."""
    forbidden: str | None = None
    """Where no part of the robot may go: rectangles 'west,south,east,north', metres in the world frame, joined by ';'.
    A motion that would enter one is refused, whoever asks for it."""
    workspace: str | None = None
    """The rectangle 'west,south,east,north' that the robot may not leave (default: the room)."""
    top_speed: float = 1.0
    """Share of the robot's own speeds, base and arm, that no motion exceeds."""
    top_force: float = 1.0
    """Share of its fingers' force that no grasp exceeds."""
    gui: bool = False
    """Show the physics in a window."""

    def __post_init__(self) -> None:
        for name in ("max_steps", "prompt_steps"):
            _at_least(name, getattr(self, name), 1)
        for name in ("seed", "recall_k", "thought_tokens", "examples", "yes", "look_ahead"):
            _at_least(name, getattr(self, name) or 0, 0)
        _at_least("wordings", self.wordings, 1)
        _at_least("prompt_tokens", self.prompt_tokens, 128)
        if 2 * self.thought_tokens > self.prompt_tokens:
            raise ConfigError(
                f"Expected thought_tokens of at most half of prompt_tokens ({self.prompt_tokens}), "
                f"got {self.thought_tokens}."
            )
        if self.search == "best-first" and (self.normalise != "sum" or self.wordings != 1):
            raise ConfigError(
                "Expected normalise 'sum' and one wording with search 'best-first', which bounds probabilities; "
                f"got {self.normalise!r} and {self.wordings}. Leave search at 'full' with these."
            )
        for name in ("price_in", "price_out"):
            if not (math.isfinite(price := getattr(self, name)) and price >= 0):
                raise ConfigError(f"Expected {name} to be a price of at least 0, got {price}.")
        for name in ("top_speed", "top_force"):
            if not 0 < (share := getattr(self, name)) <= 1:
                raise ConfigError(f"Expected {name} to be a share in (0, 1], got {share}.")
        for name in ("floor", "detector_threshold", "ask_least", "sure", "unsure"):
            if not 0 <= (share := getattr(self, name)) < 1:
                raise ConfigError(f"Expected {name} to be a probability in [0, 1), got {share}.")
        for name in ("max_seconds", "max_wall_seconds", "max_tokens", "max_cost", *_DAY):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ConfigError(f"Expected {name} to be more than 0, got {value}. Leave it out for no limit.")

    @classmethod
    def load(
        cls,
        flags: Mapping[str, Any] | None = None,
        *,
        file: str | Path | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Config:
        """The settings by flag, environment and file. A flag that is None was not given. Raises `ConfigError`."""
        environ = os.environ if environ is None else environ
        settings: dict[str, Any] = {}
        for name, value in _from_file(file or environ.get(f"{_PREFIX}CONFIG")).items():
            settings[name] = _parse(name, value, f"{name} in the configuration file")
        for name in field_docs():
            key = f"{_PREFIX}{name.upper()}"
            if key in environ:
                settings[name] = _parse(name, environ[key], key)
        for name, value in (flags or {}).items():
            if value is not None:
                settings[name] = _parse(name, value, f"--{name.replace('_', '-')}")
        return cls(**settings)


@cache
def field_docs() -> dict[str, str]:
    """Each setting with the text under it, in order."""
    module = ast.parse(inspect.getsource(sys.modules[__name__]))
    body = next(node.body for node in module.body if isinstance(node, ast.ClassDef) and node.name == "Config")
    docs: dict[str, str] = {}
    for node, after in pairwise(body):
        if isinstance(node, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            docs[ast.unparse(node.target)] = str(after.value.value)
    return docs


def defaults() -> dict[str, Any]:
    """Each setting with its default."""
    return {field.name: field.default for field in fields(Config)}


def _from_file(path: str | Path | None) -> dict[str, Any]:
    if path is None:
        path = Path(platformdirs.user_config_dir("doable")) / "config.toml"
        if not path.is_file():
            return {}
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"Expected a configuration file, got {str(path)!r}: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"Expected {path} to be TOML with lines like max_steps = 30: {error}.") from error
    for name in data:
        if name not in field_docs():
            near = difflib.get_close_matches(name, field_docs(), n=1, cutoff=0.0)[0]
            raise ConfigError(f"Expected a setting in {path}, got {name!r}. Did you mean {near!r}?")
    return data


def _parse(name: str, value: Any, source: str) -> Any:
    """A setting's value from text or TOML. `source` is what a person would call it."""
    kind = get_type_hints(Config)[name]
    optional = NoneType in get_args(kind) and get_origin(kind) is not Literal
    if optional:
        kind = next(arg for arg in get_args(kind) if arg is not NoneType)
    if get_origin(kind) is Literal:
        choices = get_args(kind)
        if value not in choices:
            near = difflib.get_close_matches(str(value), choices, n=1, cutoff=0.0)[0]
            raise ConfigError(f"Expected {source} to be {' or '.join(choices)}, got {value!r}. Did you mean {near!r}?")
        return value
    if kind is bool:
        if isinstance(value, bool) or str(value).lower() in ("true", "false", "1", "0", "yes", "no"):
            return str(value).lower() in ("true", "1", "yes")
        raise ConfigError(f"Expected {source} to be true or false, got {value!r}.")
    if kind is str:
        if not isinstance(value, str) or not value:
            raise ConfigError(f"Expected {source} to be a text, got {value!r}.")
        return value
    try:
        if isinstance(value, bool):
            raise ValueError
        if kind is int and isinstance(value, float):
            raise ValueError
        return kind(value)
    except (TypeError, ValueError):
        what = "a whole number" if kind is int else "a number"
        raise ConfigError(f"Expected {source} to be {what}, got {value!r}.") from None


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ConfigError(f"Expected {name} to be at least {least}, got {value}.")
