"""`doable bench language`: does the agent do what instructions in words it was not trained with ask for?

*Frames*: instructions of the development part (`instructions.py`: sentence frames, descriptions and needs that
training never saw), each with a start state. The agent, loop and all, pursues them in the symbolic world, with what the
model *says* alone (no guards), × declared *preconditions*, × the value functions (what *can* be done).

- *plan success*: it says done, and every errand is (by the world's facts), and nothing else was moved; or it says that
  it is not possible where the teacher, who knows what is meant, says so too.
- *false done*: of the plans that say done, the share whose errands are not.
- *never done*: the share that is still at it when the budget ends (twice the teacher's skills, and six).

With `--spoken` they are whole sentences of different people (`spoken_frames.py`), of frames that training never saw.

*Names*: the same kind of instructions, by name, where all things go by other names that training never saw ("fig",
"tonic water"). There is no world of figs, so the model is led along the teacher's skills: *next skill* is how often
it would say the same, *whole* how many instructions have no other skill in them; beside them the same in the
catalogue's names.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rich.console import Console

from ..sim.catalogue import KITCHEN
from ..sim.facts import Facts
from ..sim.scene import Scene, load_scene
from ..sim.symbolic import SymbolicWorld
from ..skills.execute import execute
from ..skills.library import SkillLibrary
from .bench_agent import ConfiguredAgents
from .bench_files import appending, as_json, progress, results_folder, write_whole
from .config import Config
from .episodes import TrainingEpisode, episodes, renamed, renaming
from .instructions import Grammar, TabletopGrammar
from .origin import origin
from .parts import make_model
from .prompts import continuation
from .slots import Instruction
from .spoken_frames import SpokenGrammar
from .statistics import Share, wilson
from .teacher import DONE, REFUSE, Errand, Teacher

MODES: Mapping[str, Mapping[str, Any]] = {
    "say": {"values": "none", "guards": False},
    "preconditions": {"values": "declared"},
    "can": {},
}
"""What is weighed with what the model says: the settings of each way."""
_TABLETOP = 0.05
_HORIZONS = ((1, 2), (3, 4), (5, 8), (9, 99))
"""Skills that the teacher needs, from and to."""


@dataclass(frozen=True)
class Asked:
    """An instruction, and how the teacher ends it: its skills, `done` or the refusal last."""

    number: int
    instruction: Instruction
    scene: str
    phrases: tuple[str, ...]

    @property
    def horizon(self) -> int:
        """Skills before the ending."""
        return len(self.phrases) - 1


def asked(part: str, seed: int, count: int, spoken: bool = False) -> Iterator[Asked]:
    """Instructions that the teacher gets to an end with; the same arguments give the same.

    `spoken`: in whole sentences of different people (`spoken_frames.py`), all of the kitchen.
    """
    rng = np.random.default_rng((seed, 7))
    kitchen, table = load_scene("kitchen"), load_scene("tabletop")
    grammars = {False: (SpokenGrammar if spoken else Grammar)(kitchen, part), True: TabletopGrammar(table, part)}
    number = 0
    while number < count:
        blocks = not spoken and bool(rng.random() < _TABLETOP)
        made, scene = grammars[blocks].draw(rng), table if blocks else kitchen
        if phrases := _taught(made, scene):
            yield Asked(number, made, scene.name, phrases)
            number += 1


def _taught(made: Instruction, scene: Scene, most: int = 24) -> tuple[str, ...]:
    world, library, teacher = SymbolicWorld(scene), SkillLibrary.of(scene), Teacher(made.errands, scene=scene)
    now, phrases, before = world.reset(made.setup), [], world.facts()
    while len(phrases) < most:
        phrases.append(teacher.next_phrase(now))
        if phrases[-1] in (DONE, REFUSE):
            reached = phrases[-1] == REFUSE or fulfilled(made.errands, before, world.facts())
            return tuple(phrases) if reached else ()
        outcome = execute(library[phrases[-1]], world)
        now = world.observe()
        teacher.report(phrases[-1], now, failed=outcome.status != "done")
    return ()


def fulfilled(errands: Sequence[Errand], before: Facts, after: Facts) -> bool:
    """Is every errand done, and was nothing moved that none of them is about (but for what was in the hand)?"""
    about = {kind for errand in errands for kind in errand.what} | {before.holding}
    moved = _things(after) - _things(before)
    shut = {errand.target for errand in errands if errand.kind == "close"}
    lasting = [errand for errand in errands if not (errand.kind == "open" and errand.target in shut)]
    return all(_done(errand, before, after) for errand in lasting) and {kind for kind, _ in moved} <= about


def _things(facts: Facts) -> Counter[tuple[str, str | None]]:
    return Counter((o.type, o.place) for o in facts.objects)


def _done(errand: Errand, before: Facts, after: Facts) -> bool:
    there = [o for o in after.objects if o.type in errand.what and o.place == errand.to]
    match errand.kind:
        case "go":
            return errand.target in after.visited
        case "open":
            return errand.target in after.open_drawers
        case "close":
            return errand.target in after.closed_drawers
        case "wipe":
            return errand.target not in after.dirty
        case "hold":
            return after.holding in errand.what
        case "find":
            return after.holding in errand.what or any(
                o.type in errand.what and o.place == after.robot_at for o in after.objects
            )
        case "deliver" if errand.count == 0:
            meant = [o for o in before.objects if o.type in errand.what and o.place == errand.source]
            left = any(o.type in errand.what and o.place == errand.source for o in after.objects)
            return not left and len(there) >= len(meant)
        case "deliver":
            came = not errand.source or bool(_from(errand, before) - _from(errand, after))
            return len(there) >= errand.count and came
        case _:
            return False


def _from(errand: Errand, facts: Facts) -> Counter[str]:
    return Counter(o.type for o in facts.objects if o.type in errand.what and o.place == errand.source)


def run_language_benchmark(
    config: Config,
    out: str | Path,
    *,
    count: int = 200,
    names: int = 100,
    part: str = "dev",
    seed: int = 0,
    spoken: bool = False,
    modes: Sequence[str] = tuple(MODES),
    console: Console | None = None,
) -> dict[str, Any]:
    """Run both halves, write `rows.jsonl`, `summary.json`, `table.md`, `origin.json`; gives the figures.

    Goes on where it stopped, if settings, seed and code are the same.
    """
    if unknown := set(modes) - set(MODES):
        raise ValueError(f"Expected modes among {', '.join(MODES)}, got {', '.join(sorted(unknown))}.")
    out = results_folder(out)
    agents = {mode: ConfiguredAgents(replace(config, world="symbolic", **MODES[mode])) for mode in modes}
    told = origin(parts={mode: a.describe() for mode, a in agents.items()}, part=part, seed=seed, spoken=spoken)
    settings = json.dumps([told["parts"], told["commit"], part, seed, spoken], sort_keys=True)
    key = hashlib.sha256(settings.encode()).hexdigest()[:16]
    known = {(row["key"], row["what"], row["number"]): row for row in _read(out / "rows.jsonl")}
    rows: list[dict[str, Any]] = []
    jobs: list[tuple[str, int, Callable[[], dict[str, Any]]]] = []
    for one in asked(part, seed, count, spoken):
        jobs += [(mode, one.number, lambda a=agents[mode], o=one: _pursue(a, o, seed)) for mode in modes]
    led = _Led(config) if names else None
    for number, (what, episode, rename) in enumerate(_named(part, seed, names)):
        assert led is not None
        jobs.append((what, number, lambda e=episode, r=rename, led=led: led.follow(e, r)))
    with progress(console) as bar, appending(out / "rows.jsonl") as file:
        job = bar.add_task("", total=len(jobs))
        for what, number, run in jobs:
            bar.update(job, description=what)
            row = known.get((key, what, number))
            if row is None:
                row = {"key": key, "what": what, "number": number, **run()}
                file.write(json.dumps(row) + "\n")
                file.flush()
            rows.append(row)
            bar.update(job, advance=1)
    figures = _figures(rows)
    write_whole(out / "summary.json", as_json(figures))
    write_whole(out / "table.md", table(rows))
    write_whole(out / "origin.json", as_json(told))
    return figures


def _pursue(agents: ConfiguredAgents, one: Asked, seed: int) -> dict[str, Any]:
    world = SymbolicWorld(load_scene(one.scene))
    world.reset(one.instruction.setup)
    before = world.facts()
    with TemporaryDirectory(prefix="doable-bench-", ignore_cleanup_errors=True) as folder:
        agent = agents(world, Path(folder), max_steps=2 * one.horizon + 6, seed=seed)
        result = agent.run(one.instruction.text)
    done = fulfilled(one.instruction.errands, before, world.facts())
    meant = "refused" if one.phrases[-1] == REFUSE else "reached"
    return {
        "kind": one.instruction.errands[0].kind,
        "horizon": one.horizon,
        "text": one.instruction.text,
        "phrases": [step.decision.phrase for step in result.steps if step.decision.phrase],
        "teacher": one.phrases,
        "status": result.status,
        "right": result.status == meant and (meant == "refused" or done),
        "false_done": result.status == "reached" and not (meant == "reached" and done),
        "said_done": result.status == "reached",
        "never_done": result.status not in ("reached", "refused"),
    }


def _named(part: str, seed: int, count: int) -> Iterator[tuple[str, TrainingEpisode, Callable[[str], str]]]:
    """Episodes by name, each in the catalogue's names and in other ones."""
    scene, rng = load_scene("kitchen"), np.random.default_rng((seed, 11))
    others, given = Grammar(scene, "dev").other_names, 0
    for episode in episodes(scene, part, seed):
        if given == count:
            return
        if not all(errand.what and set(errand.what) <= set(KITCHEN) for errand in episode.instruction.errands):
            continue
        called, rename = renaming(others, rng)
        if other := renamed(episode, called, rename):
            yield "own names", episode, str
            yield "other names", other, rename
            given += 1


class _Led:
    """The model, led along an episode."""

    def __init__(self, config: Config):
        self._model = make_model(config)
        self._phrases = [skill.phrase for skill in SkillLibrary.of(load_scene("kitchen"))]

    def follow(self, episode: TrainingEpisode, rename: Callable[[str], str]) -> dict[str, Any]:
        """How many of the teacher's skills the model would say itself."""
        answers = [continuation(rename(phrase)) for phrase in self._phrases]
        text, hits = "", []
        for segment in episode.segments:
            if segment.learn:
                said = self._model.loglikelihood(text, answers)
                hits.append(answers[int(np.argmax(said))] == segment.text)
            text += segment.text
        return {"hits": sum(hits), "turns": len(hits)}


def _shares(rows: Sequence[Mapping[str, Any]], what: str) -> dict[str, Share]:
    """The figures of one way."""
    mine = [row for row in rows if row["what"] == what]
    if what not in MODES:
        turns, hits = sum(row["turns"] for row in mine), sum(row["hits"] for row in mine)
        whole = sum(row["hits"] == row["turns"] for row in mine)
        return {"next skill": wilson(hits, turns), "whole": wilson(whole, len(mine))}
    said = [row for row in mine if row["said_done"]]
    shares = {
        "plan success": wilson(sum(row["right"] for row in mine), len(mine)),
        "false done": wilson(sum(row["false_done"] for row in said), len(said)),
        "never done": wilson(sum(row["never_done"] for row in mine), len(mine)),
    }
    for low, high in _HORIZONS:
        some = [row for row in mine if low <= row["horizon"] <= high]
        shares[f"{low} to {high} skills" if high < 99 else f"{low} and more"] = wilson(
            sum(row["right"] for row in some), len(some)
        )
    for kind in sorted({row["kind"] for row in mine}):
        some = [row for row in mine if row["kind"] == kind]
        shares[kind] = wilson(sum(row["right"] for row in some), len(some))
    return shares


def _figures(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for what in dict.fromkeys(row["what"] for row in rows):
        for name, share in _shares(rows, what).items():
            flat = f"{name}.{what}".replace(" ", "_")
            figures |= {flat: share.value, f"{flat}.low": share.low, f"{flat}.high": share.high, f"{flat}.n": share.n}
    return {name: value for name, value in figures.items() if value == value}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """A line a figure, a column a way; behind it how the names do."""
    ways = [mode for mode in MODES if any(row["what"] == mode for row in rows)]
    shares = {way: _shares(rows, way) for way in ways}
    lines = [f"| | n | {' | '.join(ways)} |", f"| --- | ---: | {' | '.join(['---:'] * len(ways))} |"]
    for name in shares[ways[0]] if ways else ():
        told = [str(shares[way][name]) for way in ways]
        lines.append(f"| {name} | {shares[ways[0]][name].n} | {' | '.join(told)} |")
    led = [what for what in ("own names", "other names") if any(row["what"] == what for row in rows)]
    lines += ["", "| led along the teacher's skills | next skill | whole |", "| --- | ---: | ---: |"] if led else []
    for what in led:
        found = _shares(rows, what)
        lines.append(f"| {what} | {found['next skill']} | {found['whole']} |")
    return "\n".join(lines) + "\n"


def _read(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue  # torn by a crash
