"""The benchmark of plans: what would a language model do next, and where would its own plan lead?

*Next skill*: the prompt tells the instruction and the published plan so far, played in the symbolic world; right is a
skill that the published next step may mean. Beside it stands how often the skill has the *same effect* from there ("go
to the table" where "find the coke" would lead to the table). The whole instruction is the goal, not cut into subgoals.

*Plan*: the agent itself, loop and all, pursues the instruction in the symbolic world. Right is a plan that ends in
`done`, has reached what the instruction wants (`published_plans.goal_of`: any fruit is a fruit) and has moved no more
things than the published one. Beside it stand how many have the *same change*: the same things at other places than at
the start, the thing in the hand, open drawers, and where nothing of this changes, the places visited; and how many are
the same *word by word*.

Each is told three times: with what the model *says* alone, times declared *preconditions*, times the value functions
(what *can* be done). Whole plans of the first kind are made without guards, the model alone; `--no-guards` leaves them
out everywhere. The start states are made up (`published_plans`); the instructions stay out of the results.

Results land in one folder: `rows.jsonl` (a line a row and kind, written at once, so that a run that was cut short goes
on), `summary.json`, `table.md` and `origin.json`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console

from ..sim.facts import Facts
from ..sim.scene import load_scene
from ..sim.symbolic import SymbolicWorld
from ..skills.baselines import DeclaredValues, NoValues
from ..skills.execute import execute
from ..skills.library import SkillLibrary
from ..skills.skill import Skill
from . import scoring
from .agent import Agent
from .bench_files import appending, as_json, progress, results_folder, write_whole
from .config import Config
from .language_model import LanguageModel
from .normalising import NORMALISATIONS
from .origin import commit, origin
from .parts import make_embedder, make_memory, make_model, make_values
from .prompts import Turn
from .published_plans import PublishedPlan, change, classes_of, goal_of, read_plans, start_of
from .saying import Saying
from .statistics import Share, wilson
from .turn import Values

MODES = ("say", "preconditions", "can")
"""Say alone, × declared preconditions, × the value functions."""
_OWN = ("scene", "world", "seed", "memory", "runs", "max_steps", "gui", "model", "values", "normalise")
"""Settings that the benchmark sets itself, or tells apart by the part that was really loaded."""
_SPARE_STEPS = 6
"""Turns that a plan may take beyond the published one's."""


@dataclass(frozen=True)
class PlansSummary:
    """The figures, by normalisation; the first is the one that was asked for."""

    shares: Mapping[str, Mapping[str, Share]]
    """Normalisation to figure name ('next_skill.say', …) to share."""
    counts: Mapping[str, int]

    def figures(self) -> dict[str, float]:
        """One flat object. The whole rule's figures (`can`) also go without the mode's name."""
        flat: dict[str, float] = dict(self.counts)
        for i, (normalisation, shares) in enumerate(self.shares.items()):
            prefix = "" if i == 0 else f"{normalisation}."
            for name, share in shares.items():
                names = [name, name.removesuffix(".can")] if name.endswith(".can") else [name]
                for figure in names:
                    flat |= {f"{prefix}{figure}": share.value}
                    flat |= {f"{prefix}{figure}.low": share.low, f"{prefix}{figure}.high": share.high}
        return flat

    def table(self) -> str:
        """A line a normalisation and mode."""
        kinds = [k for k in _FIGURES if any(f"{k}.{m}" in s for s in self.shares.values() for m in MODES)]
        rows = [
            ["normalisation", "chosen by", *(_FIGURES[kind] for kind in kinds)],
            ["---", "---", *["---:"] * len(kinds)],
        ]
        for normalisation, shares in self.shares.items():
            for mode in MODES:
                told = [str(shares.get(f"{kind}.{mode}", "-")) for kind in kinds]
                rows.append([normalisation, _MODE_NAMES[mode], *told])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


_FIGURES = {
    "next_skill": "next skill",
    "same_effect": "same effect",
    "plan_success": "plan success",
    "same_change": "same change",
    "same_words": "word by word",
}
_MODE_NAMES = {"say": "say", "preconditions": "say × preconditions", "can": "say × can"}


def run_plans_benchmark(
    path: str | Path,
    config: Config,
    out: str | Path,
    *,
    limit: int | None = None,
    every: int = 1,
    whole_plans: bool = True,
    compare_normalisations: bool = False,
    console: Console | None = None,
) -> PlansSummary:
    """Benchmark the model and values that `config` describes on a file of published plans; see the top of the page.

    `every` takes every n-th row, `limit` that many of those at most. Raises `PlansError` for a file of another kind.
    """
    scene = load_scene(config.scene)
    library = SkillLibrary.of(scene)
    published = read_plans(path, scene, library)
    chosen = [plan for plan in published[::every] if not plan.unknown][:limit]
    if not chosen:
        raise ValueError(f"Expected rows that the library has skills for, found none of {len(published)}.")
    normalisations = [config.normalise]
    if compare_normalisations:
        normalisations += [n for n in NORMALISATIONS if n != config.normalise]
    out = results_folder(out)
    bench = _Bench(config, library)
    settings = {name: str(value) for name, value in asdict(config).items() if name not in _OWN}
    parts = {"model": bench.model.name, "values": bench.values_name, **settings}
    digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    code = commit()

    def key(*what: Any) -> str:
        return hashlib.sha256(json.dumps([sorted(parts.items()), code, digest, *what]).encode()).hexdigest()[:16]

    jobs: list[tuple[str, PublishedPlan, str, Callable[[], dict[str, Any]]]] = []
    for plan in chosen:
        for group in _together(normalisations):
            jobs.append((key("next", plan.row, group), plan, "next", lambda p=plan, g=group: bench.next_skills(p, g)))
        for n in normalisations if whole_plans else ():
            for mode in MODES:
                run = lambda p=plan, n=n, m=mode: bench.plan(p, n, m)  # noqa: E731
                jobs.append((key("plan", plan.row, n, mode), plan, "plan", run))
    known = {row["key"]: row for row in _read(out / "rows.jsonl")}
    rows = []
    with progress(console) as bar, appending(out / "rows.jsonl") as file:
        job = bar.add_task("", total=len(jobs))
        for name, plan, kind, run in jobs:
            bar.update(job, description=f"row {plan.row}, {kind}")
            if name not in known:
                known[name] = {"key": name, "row": plan.row, "kind": kind, **run()}
                file.write(json.dumps(known[name], ensure_ascii=False) + "\n")
                file.flush()
            rows.append(known[name])
            bar.update(job, advance=1)

    forced = sum(row.get("forced", 0) for row in rows if row["kind"] == "next") // len(_together(normalisations))
    counts = {"n": len(chosen), "n_steps": sum(len(plan.steps) for plan in chosen), "n_forced": forced}
    counts |= {"n_left_out": len([p for p in published[::every] if p.unknown][: limit or None])}
    summary = PlansSummary({n: _shares(rows, n) for n in normalisations}, counts)
    write_whole(out / "table.md", summary.table())
    write_whole(out / "summary.json", as_json(summary.figures()))
    unknown = sorted({words for plan in published for words in plan.unknown})
    told = origin(parts=parts, normalisations=normalisations, data={"file": Path(path).name, "sha256": digest})
    write_whole(out / "origin.json", as_json({**told, "steps_without_a_skill": unknown}))
    return summary


class _Bench:
    """Model and values, loaded once."""

    def __init__(self, config: Config, library: SkillLibrary):
        self._config, self._library = config, library
        self._phrases = [skill.phrase for skill in library]
        self._world = SymbolicWorld(load_scene(config.scene))
        self.model: LanguageModel = make_model(config)
        learned = make_values(config)
        self.values_name = f"{config.values} ({type(learned).__name__})"
        self._values: dict[str, Values] = {"say": NoValues(), "preconditions": DeclaredValues(), "can": learned}
        self._embedder = make_embedder(config)
        self._saying: dict[str, Saying] = {}

    def next_skills(self, plan: PublishedPlan, normalisations: Sequence[str]) -> dict[str, Any]:
        """For every step of the plan, what would be said and done instead.

        `normalisations` are such as start from the same log-likelihoods.
        """
        sayings = {n: self._say(n) for n in normalisations}
        first = sayings[normalisations[0]]
        world, turns, steps, forced = self._world, [], [], 0
        world.reset(start_of(plan, world.scene))
        for phrase, may in _steps(plan):
            observation = world.observe()
            x = first.values(plan.instruction, turns, observation)
            raw, _ = first.loglikelihood(x)
            can = {mode: values(observation, self._library) for mode, values in self._values.items()}
            said = {}
            for n, saying in sayings.items():
                log_say = saying.normalised(raw, x)
                said[n] = {m: self._phrases[int(np.argmax(scoring.score(log_say, able)))] for m, able in can.items()}
            effect = {p: self._effect(p) for p in {phrase, *(p for row in said.values() for p in row.values())}}
            steps.append({
                n: {mode: _judged(p, phrase, may, effect) for mode, p in row.items()} for n, row in said.items()
            })  # fmt: skip
            forced += _play(world, self._library[phrase])
            turns.append(Turn(observation, phrase, "Done."))
        return {"steps": steps, "forced": forced}

    def plan(self, plan: PublishedPlan, normalisation: str, mode: str) -> dict[str, Any]:
        """The agent's own plan, and whether it changes what the published one changes."""
        world, setup = self._world, start_of(plan, self._world.scene)
        world.reset(setup)
        before = world.facts()
        for phrase in plan.phrases:
            _play(world, self._library[phrase])
        wanted = change(before, world.facts(), classes_of(plan))
        world.reset(setup)
        # The vector store may still hold its files when the folder goes.
        with TemporaryDirectory(prefix="doable-bench-", ignore_cleanup_errors=True) as folder:
            config = replace(
                self._config,
                normalise=normalisation,  # type: ignore[arg-type]
                search=self._config.search if normalisation == "sum" else "full",
                max_steps=len(plan.steps) + _SPARE_STEPS,
                guards=self._config.guards and mode != "say",
                memory=str(Path(folder) / "memory"),
                runs=str(Path(folder) / "runs"),
            )
            agent = Agent(world, self.model, make_memory(config), self._values[mode], self._library, config)
            result = agent.run(plan.instruction)
        after = world.facts()
        did = change(before, after, classes_of(plan))
        goal = goal_of(plan.instruction, world.scene)
        modest = sum(count for _, count in did.moved) <= sum(count for _, count in wanted.moved)
        phrases = [step.decision.phrase for step in result.steps if step.decision.phrase]
        reached = result.status == "reached"
        return {
            "normalise": normalisation,
            "mode": mode,
            "phrases": phrases,
            "status": result.status,
            "right": reached and (goal.holds(after) and modest if goal else did.same(wanted)),
            "same_change": reached and did.same(wanted),
            "same_words": reached and (*phrases, "done") == plan.phrases,
        }

    def _say(self, normalisation: str) -> Saying:
        if normalisation not in self._saying:
            # Every mode needs every skill's value.
            config = replace(self._config, normalise=normalisation, search="full")  # type: ignore[arg-type]
            self._saying[normalisation] = Saying(self.model, self._phrases, config, self._embedder)
        return self._saying[normalisation]

    def _effect(self, phrase: str) -> object:
        """What a skill would make of the world as it is."""
        skill = self._library[phrase]
        if skill.ends:
            return phrase
        here = self._world.snapshot()
        execute(skill, self._world)
        then = self._world.facts()
        self._world.restore(here)
        return _situation(then)


def _situation(facts: Facts) -> object:
    things = tuple(sorted((o.type, str(o.place)) for o in facts.objects))
    return things, facts.robot_at, facts.holding, facts.open_drawers


def _steps(plan: PublishedPlan) -> Iterator[tuple[str, frozenset[str]]]:
    """(the skill that is played, the skills that are right).

    Of words that may mean several things any is right, until one of them has been chosen.
    """
    chosen: set[str] = set()
    for step in plan.steps:
        phrase = step.phrases[0]
        thing = phrase.partition(" the ")[2]
        yield phrase, frozenset([phrase] if thing in chosen else step.phrases)
        chosen.add(thing)


def _play(world: SymbolicWorld, skill: Skill) -> int:
    """Let a published step happen; 1 if it had to be forced, as its declared preconditions do not hold here."""
    if execute(skill, world).status == "done":
        return 0
    world.make_true(skill.effects)
    return 1


def _judged(said: str, published: str, may: frozenset[str], effect: Mapping[str, object]) -> dict[str, Any]:
    right = said in may
    return {"said": said, "right": right, "same": right or effect[said] == effect[published]}


def _together(normalisations: Iterable[str]) -> list[list[str]]:
    """Groups that start from the same log-likelihoods: letters ask another prompt than the rest."""
    groups = [[n for n in normalisations if n != "letters"], [n for n in normalisations if n == "letters"]]
    return [group for group in groups if group]


def _shares(rows: Sequence[Mapping[str, Any]], normalisation: str) -> dict[str, Share]:
    shares: dict[str, Share] = {}
    for mode in MODES:
        steps = [
            step[normalisation][mode]
            for row in rows
            if row["kind"] == "next"
            for step in row["steps"]
            if normalisation in step
        ]
        plans = [r for r in rows if r["kind"] == "plan" and (r["normalise"], r["mode"]) == (normalisation, mode)]
        for name, hits in (
            ("next_skill", [step["right"] for step in steps]),
            ("same_effect", [step["same"] for step in steps]),
            ("plan_success", [row["right"] for row in plans]),
            ("same_change", [row["same_change"] for row in plans]),
            ("same_words", [row["same_words"] for row in plans]),
        ):
            if hits:
                shares[f"{name}.{mode}"] = wilson(sum(hits), len(hits))
    return shares


def _read(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a file; one that a crash cut short is left out. No file: none."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and "key" in row:
            yield row
