"""What scoring costs: `doable bench scoring` times every way to score the same phrases with the same model, in one run.

    full, best-first     ours: one prefix tree behind the cached prompt; the exact best alone
    batched              a row for each phrase behind the cached prompt
    one by one           prompt and phrase, anew for each phrase
    lm-eval              the same by lm-evaluation-harness' `loglikelihood` (extra [bench])

Ours are timed in float32, like the others, and in the precision that is set. *First* turns start with nothing cached;
*later* ones go on from the turn before. What keeps no cache costs the same each turn and is timed once.

Results: `summary.json` (figure name to number), `table.md`, `rows.json` (every measurement), `origin.json`.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from . import precision as precisions
from . import scoring_cases
from .causal_lm import CausalLM
from .harness import Evaluate
from .harness import harness as make_harness
from .machine import peak_gflops, peak_memory, products
from .origin import origin
from .precision import Precision
from .prompts import continuation

COUNTS = (10, 50, 370, 551)
"""370 phrases are what the slowest way is compared at; SayCan's library has 551."""
_QUICK = 16
"""Phrases that ways without a tree are timed on with `quick`; the figure is scaled up, and marked."""
_SEARCHES = 8
"""Situations that best-first search is counted over."""


@dataclass(frozen=True)
class Row:
    """One way, at one number of phrases."""

    way: str
    precision: str
    phrases: int
    turn: str
    """first, later, or each: they all cost the same."""
    seconds: float
    """Median over the repeats."""
    tokens: int
    """That went through the model."""
    memory_mb: float | None
    """The process' peak while it ran; None where the system does not tell."""
    timed: int
    """Phrases it was timed on; fewer than `phrases`: scaled up."""
    peak_share: float | None = None
    """Of the machine's matrix-multiply peak in this precision; attention is not counted as work."""


@dataclass(frozen=True)
class ScoringSummary:
    """All measurements and the figures drawn from them."""

    rows: tuple[Row, ...]
    figures: dict[str, float]

    def table(self) -> str:
        """A Markdown table, and the figures under it."""
        lines = [
            "| way | precision | phrases | turn | seconds | tokens | peak memory, MB | of the peak |",
            "| --- | --- | ---: | --- | ---: | ---: | ---: | ---: |",
        ]
        for row in self.rows:
            scaled = f" (from {row.timed})" if row.timed < row.phrases else ""
            memory = "-" if row.memory_mb is None else f"{row.memory_mb:.0f}"
            share = "-" if row.peak_share is None else f"{row.peak_share:.0%}"
            lines.append(
                f"| {row.way} | {row.precision} | {row.phrases} | {row.turn} | {row.seconds:.3f}{scaled} "
                f"| {row.tokens:,} | {memory} | {share} |"
            )
        lines += ["", "| figure | value |", "| --- | ---: |"]
        lines += [f"| {name} | {value:.6g} |" for name, value in self.figures.items()]
        return "\n".join(lines) + "\n"


def bench_scoring(
    model: CausalLM,
    *,
    precision: Precision,
    out: str | Path,
    counts: Sequence[int] = COUNTS,
    prompt_tokens: int = 300,
    repeats: int = 3,
    quick: bool = False,
    harness: bool = True,
    seed: int = 0,
    log: Callable[[str], None] = lambda line: None,
) -> ScoringSummary:
    """Time all ways with `model`, loaded in float32, and write the figures into the folder `out`.

    `precision`: of ours, besides float32. `quick`: ways without a tree on a few phrases only, scaled up.
    """
    evaluate = make_harness(model.model, model.tokenizer) if harness else None  # what is missing is told first
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"Expected a folder for the results, got {str(out)!r}, which is a file. Name another one.")
    bench = _Bench(model, prompt_tokens, repeats, seed, log)
    with lowered(model, "float32"):
        for count in counts:
            bench.ours(count, "float32")
            bench.others(count, _QUICK if quick else count, evaluate)
        bench.searches(max(counts))
    if precision != "float32":
        with lowered(model, precision):
            for count in counts:
                bench.ours(count, precision)
    bench.agreements(2 if quick else 8)
    summary = ScoringSummary(tuple(bench.rows), bench.all_figures(precision, counts))
    folder.mkdir(parents=True, exist_ok=True)
    told = origin(
        model=model.name,
        precision=precision,
        torch_threads=torch.get_num_threads(),
        prompt_tokens=bench.prompt_lengths(),
        peak_gflops=bench.peaks,
        tree_nodes=bench.tree_nodes,
        phrases="the library's templates over invented things: scoring_cases.phrases",
        can="a robot with an empty hand before six things: scoring_cases.can",
        quick=quick,
        seed=seed,
    )
    for name, text in (
        ("rows.json", json.dumps([asdict(row) for row in summary.rows], indent=1)),
        ("summary.json", json.dumps(summary.figures, indent=2, allow_nan=False)),
        ("table.md", summary.table().rstrip("\n")),
        ("origin.json", json.dumps(told, indent=2, ensure_ascii=False)),
    ):
        half = folder / f".{name}.half"
        half.write_text(text + "\n", encoding="utf-8")
        os.replace(half, folder / name)
    return summary


@contextmanager
def lowered(model: CausalLM, precision: Precision) -> Iterator[None]:
    """Compute in `precision` within."""
    undo = model.lower(precision)
    try:
        yield
    finally:
        undo()


def run_scoring_benchmark(
    name: str | None, precision: Precision | Literal["auto"], out: str | Path, **how: Any
) -> ScoringSummary:
    """Benchmark the model of a name; `precision` as in the settings, `how` as `bench_scoring` takes it.

    Raises ValueError for a model that is not causal.
    """
    from .models import load_model

    chosen = load_model(name, precision=precision) if precision == "auto" else None
    model = load_model(name)
    if not isinstance(model, CausalLM):
        raise ValueError(f"Expected a causal model on this machine, got {model.name!r}. Name another one (--model).")
    if isinstance(chosen, CausalLM):
        precision = chosen.precision
    del chosen
    return bench_scoring(model, precision="float32" if precision == "auto" else precision, out=out, **how)


class _Bench:
    """The measurements, one method a group of them."""

    def __init__(self, model: CausalLM, prompt_tokens: int, repeats: int, seed: int, log: Callable[[str], None]):
        self._model, self._repeats, self._seed, self._log = model, repeats, seed, log
        self._length = prompt_tokens
        self.rows: list[Row] = []
        self._figures: dict[str, float] = {}
        self.peaks: dict[str, float] = {}
        self.tree_nodes: dict[int, int] = {}
        """By number of phrases: nodes that a full pass reads."""
        self._worst = 0.0

    def prompt_lengths(self) -> list[int]:
        """Tokens of the prompts: first turns, later turns."""
        return [self._model.count_tokens(text) for text in self._turns(0)[:2]]

    def ours(self, count: int, precision: Precision) -> None:
        """Full and best-first, first and later turn."""
        phrases = _continuations(count)
        can = scoring_cases.can(scoring_cases.phrases(count), self._seed)
        if precision not in self.peaks:
            self.peaks[precision] = round(peak_gflops(precision), 1)

        def full(prompt: str) -> None:
            self._model.loglikelihood(prompt, phrases)

        def best(prompt: str) -> None:
            self._model.best_first(prompt, phrases, can)

        full(self._turns(0)[0])  # warm
        self.tree_nodes[count] = self._model.best_first(self._turns(0)[0], phrases, np.zeros(count)).nodes
        for way, run in (("full", full), ("best-first", best)):
            first: list[float] = []
            later: list[float] = []
            tokens: list[list[int]] = [[], []]
            with peak_memory() as memory:
                for repeat in range(self._repeats):
                    self._model.forget()
                    for turn, prompt in enumerate(self._turns(repeat)):
                        before, started = self._model.tokens_computed, time.perf_counter()
                        run(prompt)
                        (later if turn else first).append(time.perf_counter() - started)
                        tokens[bool(turn)].append(self._model.tokens_computed - before)
            for turn, seconds, read in (("first", first, tokens[0]), ("later", later, tokens[1])):
                number = round(statistics.median(read))
                took = statistics.median(seconds)
                share = products(self._model.model, number) / took / 1e9 / self.peaks[precision]
                self._add(Row(way, precision, count, turn, took, number, memory(), count, round(share, 3)))

    def others(self, count: int, timed: int, evaluate: Evaluate | None) -> None:
        """The ways without a tree, and how far ours is from them."""
        phrases, timed = _continuations(count), min(timed, count)
        picked = [int(i) for i in np.linspace(0, count - 1, timed)]
        some = [phrases[i] for i in picked]
        first, later = self._turns(0)[:2]
        self._model.forget()
        ours = self._model.loglikelihood(first, phrases)
        can = np.ones(count)
        found = self._model.best_first(first, phrases, can)
        searched = dict(zip(found.phrases.tolist(), found.log_say.tolist(), strict=True))

        self._model.forget()
        for turn, prompt in (("first", first), ("later", later)):
            self._time("batched", phrases, count, turn, lambda p=prompt: self._model.loglikelihood_batched(p, phrases))
        sums = [self._model.count_tokens(first) + self._model.count_tokens(text) for text in some]
        values = self._time(
            "one by one", some, count, "each", lambda: self._model.loglikelihood_one_by_one(first, some), sum(sums)
        )
        self._worst = max(self._worst, float(np.abs(values - ours[picked]).max()))
        both = [(value, searched[i]) for value, i in zip(values, picked, strict=True) if i in searched]
        self._worst = max([self._worst, *(abs(a - b) for a, b in both)])
        if evaluate:
            theirs = self._time("lm-eval", some, count, "each", lambda: evaluate(first, some), sum(sums) - len(some))
            off = float(np.abs(theirs - ours[picked]).max())
            self._figures["max_abs_logprob_difference_harness"] = max(
                off, self._figures.get("max_abs_logprob_difference_harness", 0.0)
            )

    def searches(self, count: int) -> None:
        """How much of the tree best-first search reads, with realistic values and with nothing masked."""
        phrases, made = _continuations(count), scoring_cases.phrases(count)
        for name, values in (("", scoring_cases.can), ("_unmasked", scoring_cases.unmasked)):
            shares = []
            for case in range(_SEARCHES):
                found = self._model.best_first(self._turns(case)[0], phrases, values(made, self._seed + case))
                shares.append(found.expanded / found.nodes)
            self._figures[f"best_first_node_share{name}"] = round(statistics.mean(shares), 4)
        self._log(f"best-first reads {self._figures['best_first_node_share']:.1%} of the nodes")

    def agreements(self, episodes: int) -> None:
        """How lower precisions rank skills beside float32."""
        over = precisions.situations(episodes)
        for name, agreement in precisions.measure(self._model, ["bfloat16", "int8"], over).items():
            self._figures[f"{name}_top1"], self._figures[f"{name}_rank"] = agreement.top1, agreement.rank
            self._figures["agreement_decisions"] = agreement.decisions
            self._log(f"{name}: same best skill in {agreement.top1:.1%}, rank correlation {agreement.rank:.4f}")

    def all_figures(self, precision: Precision, counts: Sequence[int]) -> dict[str, float]:
        """The figures by name; ratios are of float32 to float32, at 370 phrases or the number nearest to it."""
        at = min(counts, key=lambda count: abs(count - 370))
        most = max(counts)
        ours = self._seconds("full", "float32", at, "first")
        figures = {f"ratio_vs_batched_{at}": self._seconds("batched", "float32", at, "first") / ours}
        figures[f"ratio_vs_one_by_one_{at}"] = self._seconds("one by one", "float32", at, "each") / ours
        if any(row.way == "lm-eval" for row in self.rows):
            theirs = self._seconds("lm-eval", "float32", at, "each")
            figures[f"ratio_vs_harness_{at}"] = theirs / ours
            figures[f"ratio_vs_harness_{at}_later"] = theirs / self._seconds("full", "float32", at, "later")
            if precision != "float32":
                figures[f"ratio_vs_harness_{at}_{precision}"] = theirs / self._seconds("full", precision, at, "first")
        for name in dict.fromkeys(("float32", precision)):
            mark = "" if name == precision else f"_{name}"
            for way, label in (("full", ""), ("best-first", "_best_first")):
                figures[f"later_turn_seconds_{most}{label}{mark}"] = self._seconds(way, name, most, "later")
            figures[f"peak_share{mark}"] = next(
                row.peak_share or 0.0
                for row in self.rows
                if (row.way, row.precision, row.phrases, row.turn) == ("full", name, most, "later")
            )
        figures["max_abs_logprob_error"] = self._worst
        return {name: float(f"{value:.4g}") for name, value in (figures | self._figures).items()}

    def _seconds(self, way: str, precision: str, count: int, turn: str) -> float:
        wanted = (way, precision, count, turn)
        return next(r.seconds for r in self.rows if (r.way, r.precision, r.phrases, r.turn) == wanted)

    def _turns(self, case: int) -> list[str]:
        return scoring_cases.turns(self._length, self._model.count_tokens, 1000 * self._seed + case)

    def _time(
        self,
        way: str,
        phrases: Sequence[str],
        count: int,
        turn: str,
        run: Callable[[], NDArray[np.float64]],
        tokens: int | None = None,
    ) -> NDArray[np.float64]:
        """Time `run` over `phrases` once, and scale it to `count`."""
        before = self._model.tokens_computed
        with peak_memory() as memory:
            started = time.perf_counter()
            values = run()
            seconds = time.perf_counter() - started
        read = self._model.tokens_computed - before if tokens is None else tokens
        times = count / len(phrases)
        self._add(Row(way, "float32", count, turn, seconds * times, round(read * times), memory(), len(phrases)))
        return values

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        self._log(f"{row.way}, {row.precision}, {row.phrases} phrases, {row.turn} turn: {row.seconds:.3f} s")


def _continuations(count: int) -> list[str]:
    return [continuation(phrase) for phrase in scoring_cases.phrases(count)]
