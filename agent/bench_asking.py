"""`doable bench asking`: when to ask which one is meant, calibrated and measured.

A thing is meant by somebody who says so clearly, by its name, or not, by a category that two to four of the things here
are of ("the soda"); which one was meant is drawn then. The robot stands before all of them. On one half of the requests
`least` is calibrated (`agent/asking.py`); on the other half five ways to ask are laid side by side:

| way | asks |
| --- | --- |
| conformal | which of the prediction set, if there is more than one in it |
| always | which of all that are here |
| never | nothing: the likeliest is taken |
| entropy | which of all, where the shares' entropy is beyond what reached the target on the first half, asking least |
| twice | which of two, where the model says another skill when it is asked again in other words (`ask_twice`) |

A request succeeds if what is taken, or can be chosen in the answer, is what was meant. Coverage: what was meant is in
the set.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ..sim.catalogue import CATALOGUE
from ..sim.scene import Scene, load_scene
from ..sim.symbolic import SymbolicWorld
from ..sim.task import Setup
from ..skills.library import SkillLibrary
from .agent import Agent
from .asking import IN_DOUBT, entropy, prediction_set, quantile, shares
from .bench_files import as_json, results_folder, write_whole
from .config import Config
from .origin import origin
from .parts import make_memory, make_model, make_values
from .statistics import Share, wilson

TARGET = 0.85
_FRAMES = (
    "bring me the {}", "could you hand me the {}", "I would like to have the {}", "take the {} over to the {place}",
    "put the {} on the {place}", "I need the {} here", "please pick up the {}", "carry the {} to the {place}",
)  # fmt: skip
_UNCLEAR = 0.5
"""Share of requests that name a category."""


@dataclass(frozen=True)
class Request:
    """What was said before which things, and which one was meant."""

    text: str
    things: tuple[str, ...]
    meant: str
    clear: bool


@dataclass(frozen=True)
class Asked:
    """A request, and what the robot made of it: each thing's share, the largest first."""

    text: str
    meant: str
    clear: bool
    shares: dict[str, float]
    entropy: float
    doubt: tuple[str, ...] = ()
    """What it said when it was asked twice, if that differed."""


def requests(scene: Scene, count: int, seed: int) -> Iterator[Request]:
    """Drawn by seed; every second one clear, on average."""
    rng = np.random.default_rng(seed)
    places = [p.name for p in scene.surfaces()]
    while count:
        things = tuple(str(kind) for kind in rng.permutation(list(scene.types))[: int(rng.integers(3, 7))])
        frame = str(rng.choice(_FRAMES))
        meant, clear = things[0], rng.random() > _UNCLEAR
        name = meant
        if not clear:
            shared = {
                category: [kind for kind in things if category in CATALOGUE[kind].categories]
                for category in CATALOGUE[meant].categories
            }
            several = [category for category, kinds in shared.items() if 2 <= len(kinds) <= 4]
            if not several:
                continue
            name = str(rng.choice(several))
            meant = str(rng.choice(shared[name]))
        count -= 1
        yield Request(frame.format(name, place=str(rng.choice(places[1:]))), things, meant, clear)


def run_asking_benchmark(
    config: Config, out: str | Path, *, n: int, seed: int = 0, progress: Callable[[int, int], None] = lambda i, n: None
) -> str:
    """Weigh `2 n` requests, half of them to calibrate on; writes rows.jsonl and what it says of them. The table."""
    out = results_folder(out)
    rows = list(_weighed(config, n, seed, progress))
    figures, table = summarise(rows[:n], rows[n:])
    write_whole(out / "rows.jsonl", "".join(json.dumps(asdict(row)) + "\n" for row in rows))
    write_whole(out / "summary.json", as_json(figures))
    write_whole(out / "table.md", table)
    write_whole(out / "origin.json", as_json(origin(seed=seed, n=n, target=TARGET)))
    return table


def _weighed(config: Config, n: int, seed: int, progress: Callable[[int, int], None]) -> Iterator[Asked]:
    """What the loop weighs in its first turn, with guards and values as ever."""
    scene = load_scene(config.scene)
    model, values, library = make_model(config), make_values(config), SkillLibrary.of(scene)
    skills = {skill.phrase: skill for skill in library}
    world, here = SymbolicWorld(scene), scene.surfaces()[0].name
    for number, request in enumerate(requests(scene, 2 * n, seed), 1):
        world.reset(Setup(tuple((kind, here) for kind in request.things), here), seed=seed)
        with TemporaryDirectory(prefix="doable-bench-", ignore_cleanup_errors=True) as folder:
            mine = replace(
                config, memory=f"{folder}/memory", runs=f"{folder}/runs", embedder="hash", max_steps=1, ask_twice=True
            )
            memory, nobody = make_memory(mine), _Nobody()
            step = next(iter(Agent(world, model, memory, values, library, mine, person=nobody).stream(request.text)))
            memory.close()
        found = shares(step.candidates, skills)
        told = {name: share for name, share in found.items() if share > 1e-6}
        doubt = tuple(skills[phrase].target or "" for phrase in nobody.in_doubt)
        yield Asked(request.text, request.meant, request.clear, told, entropy(found), doubt)
        progress(number, 2 * n)


class _Nobody:
    """Hears what it is asked in doubt, and does not answer."""

    in_doubt: tuple[str, ...] = ()

    def __call__(self, question: str, options: Sequence[str]) -> None:
        if question.startswith(IN_DOUBT):
            self.in_doubt = tuple(options)


def summarise(calibration: Sequence[Asked], test: Sequence[Asked]) -> tuple[dict[str, float], str]:
    """The figures by name, and a table with a row a way to ask."""
    q = quantile([1 - row.shares.get(row.meant, 0.0) for row in calibration], TARGET)
    sets = [prediction_set(row.shares, 1 - q) for row in test]
    bound = _entropy_bound(calibration)
    taken = [next(iter(row.shares), None) == row.meant for row in test]
    ways = {
        "conformal": ([row.meant in s for row, s in zip(test, sets, strict=True)], [len(s) > 1 for s in sets]),
        "always": ([row.meant in row.shares for row in test], [True] * len(test)),
        "never": (taken, [False] * len(test)),
        "entropy": (
            [row.meant in row.shares if row.entropy > bound else top for row, top in zip(test, taken, strict=True)],
            [row.entropy > bound for row in test],
        ),
        "twice": (
            [row.meant in row.doubt if row.doubt else top for row, top in zip(test, taken, strict=True)],
            [bool(row.doubt) for row in test],
        ),
    }
    lines = [
        "| asks | n | success | question rate | of clear requests | of unclear ones |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    figures: dict[str, float] = {"least": 1 - q, "n": len(test), "entropy_bound": bound}
    for way, (success, asks) in ways.items():
        good, rate = _share(success), _share(asks)
        of = [_share([a for a, row in zip(asks, test, strict=True) if row.clear is clear]) for clear in (True, False)]
        lines.append(f"| {way} | {good.n} | {good} | {rate} | {of[0]} | {of[1]} |")
        prefix = "" if way == "conformal" else f"{way}."
        figures |= {
            f"{prefix}success": good.value,
            f"{prefix}success.low": good.low,
            f"{prefix}success.high": good.high,
        }
        figures |= {f"{prefix}question_rate": rate.value}
    covered = _share([row.meant in s for row, s in zip(test, sets, strict=True)])
    size = float(np.mean([len(s) for s in sets]))
    figures |= {"coverage": covered.value, "coverage.low": covered.low, "coverage.high": covered.high, "set_size": size}
    lines += ["", f"Prediction sets (share at least {1 - q:.3g}): coverage {covered}, {size:.2f} objects on average."]
    return figures, "\n".join(lines) + "\n"


def _entropy_bound(rows: Sequence[Asked]) -> float:
    """The highest bound that reaches the target on these; 0, ask always, if none does."""
    for bound in sorted({row.entropy for row in rows}, reverse=True):
        good = [
            row.meant in row.shares if row.entropy > bound else next(iter(row.shares), None) == row.meant
            for row in rows
        ]
        if np.mean(good) >= TARGET:
            return bound
    return 0.0


def _share(outcomes: Sequence[bool]) -> Share:
    return wilson(sum(outcomes), len(outcomes))
