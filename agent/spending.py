"""What a goal and a day may cost: turns, simulated seconds, tokens and money, each held *before* it is spent.

What is spent is kept in one SQLite file beside the runs, so that several processes count together and a resumed run
goes on counting. A spend that would go beyond a limit is not made: `OverBudget` is raised, and the run stops.

Tokens are those of every text that a language model is sent or writes. A server tells how many there were; until it
does, and for models on this machine, they are counted (or taken to be 3 characters each, which no tokeniser in use
exceeds). Money is tokens times `price_in` and `price_out`.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .accounts import OverBudget, estimate
from .around_lm import AroundLM
from .best_first import Found
from .config import Config
from .language_model import LanguageModel
from .types import Left

_MILLION = 1e6
_KEPT = ("max_tokens", "max_cost", "day_steps", "day_seconds", "day_tokens", "day_cost")
"""The limits that reach beyond what a run itself knows."""


@dataclass(frozen=True)
class Spent:
    """Turns, simulated seconds, tokens, and money in the currency of the prices."""

    steps: float = 0
    seconds: float = 0.0
    tokens: float = 0
    cost: float = 0.0


NOTHING = Spent()


LEDGER = "spending.sqlite"
"""Its file, beside the runs."""


class Ledger:
    """What each run spent on each day (UTC)."""

    def __init__(self, runs: Path, clock: Callable[[], float] = time.time):
        runs.mkdir(parents=True, exist_ok=True)
        self._path, self._clock = runs / LEDGER, clock
        with closing(self._open()) as file, file:
            file.execute("PRAGMA journal_mode=WAL")
            file.execute(
                "CREATE TABLE IF NOT EXISTS spent (day TEXT, run TEXT, steps REAL, seconds REAL, tokens REAL, "
                "cost REAL, PRIMARY KEY (day, run))"
            )

    def add(self, run: str, spent: Spent) -> None:
        """One more spend; on disk when this returns."""
        with closing(self._open()) as file, file:
            file.execute(
                "INSERT INTO spent VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (day, run) DO UPDATE SET steps = steps + "
                "excluded.steps, seconds = seconds + excluded.seconds, tokens = tokens + excluded.tokens, "
                "cost = cost + excluded.cost",
                (self._today(), run, spent.steps, spent.seconds, spent.tokens, spent.cost),
            )

    def of_run(self, run: str) -> Spent:
        """What a run spent, on all days."""
        return self._sum("run = ?", run)

    def of_today(self) -> Spent:
        """What all runs spent today."""
        return self._sum("day = ?", self._today())

    def _today(self) -> str:
        return f"{datetime.fromtimestamp(self._clock(), UTC):%Y-%m-%d}"

    def _sum(self, where: str, value: str) -> Spent:
        with closing(self._open()) as file:
            row = file.execute(
                f"SELECT SUM(steps), SUM(seconds), SUM(tokens), SUM(cost) FROM spent WHERE {where}", (value,)
            ).fetchone()
        return Spent(*(amount or 0 for amount in row))

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=30.0)


class Purse:
    """What one run may still spend."""

    def __init__(self, config: Config, runs: Path, run: str, clock: Callable[[], float] = time.time):
        self._config, self._run = config, run
        self._ledger = Ledger(runs, clock)
        self._limited = any(getattr(config, name) is not None for name in _KEPT)

    def left(self, turns: int, seconds: float) -> Left:
        """What is left after so many turns and simulated seconds of this run; None: no limit."""
        config = self._config
        of_run, today = self._so_far()
        return Left(
            steps=int(_least((config.max_steps, turns), (config.day_steps, today.steps)) or 0),
            seconds=_least((config.max_seconds, seconds), (config.day_seconds, today.seconds)),
            tokens=_whole(_least((config.max_tokens, of_run.tokens), (config.day_tokens, today.tokens))),
            cost=_least((config.max_cost, of_run.cost), (config.day_cost, today.cost)),
        )

    def before_turn(self) -> None:
        """Raises `OverBudget` if the day's turns or simulated seconds are used up."""
        config, (_, today) = self._config, self._so_far()
        _hold(today.steps + 1, config.day_steps, "turns a day")
        if config.day_seconds is not None and today.seconds >= config.day_seconds:
            raise OverBudget(f"the limit of {config.day_seconds:g} simulated seconds a day is reached")

    def before_words(self, sent: int, written: int = 0) -> None:
        """Raises `OverBudget` if a request of so many tokens, and as many in its answer, is more than is left."""
        config, tokens, cost = self._config, sent + written, self._price(sent, written)
        of_run, today = self._so_far()
        _hold(of_run.tokens + tokens, config.max_tokens, "tokens a goal")
        _hold(today.tokens + tokens, config.day_tokens, "tokens a day")
        _hold(of_run.cost + cost, config.max_cost, "money a goal")
        _hold(today.cost + cost, config.day_cost, "money a day")

    def after_words(self, sent: int, written: int = 0) -> None:
        """So many tokens were sent and written."""
        self._ledger.add(self._run, Spent(tokens=sent + written, cost=self._price(sent, written)))

    def after_turn(self, seconds: float) -> None:
        """A turn is over that took so many simulated seconds."""
        self._ledger.add(self._run, Spent(steps=1, seconds=seconds))

    def _so_far(self) -> tuple[Spent, Spent]:
        """What this run spent, and what all runs spent today; not looked up where nothing is limited."""
        return (self._ledger.of_run(self._run), self._ledger.of_today()) if self._limited else (NOTHING, NOTHING)

    def _price(self, sent: int, written: int) -> float:
        return (sent * self._config.price_in + written * self._config.price_out) / _MILLION


def _hold(total: float, limit: float | None, what: str) -> None:
    if limit is not None and total > limit:
        raise OverBudget(f"the limit of {limit:g} {what} would be exceeded: {total:g}")


def _least(*limits: tuple[float | None, float]) -> float | None:
    """The smallest of what is left of limits, each with what was spent of it, at least 0; None: there is no limit."""
    left = [max(0.0, limit - spent) for limit, spent in limits if limit is not None]
    return min(left, default=None)


def _whole(amount: float | None) -> int | None:
    return None if amount is None else int(amount)


class Metered(AroundLM):
    """A language model whose words are paid for from a purse.

    A model that is elsewhere has an `account` (`accounts.Account`) and tells itself what it sends; of others the prompt
    and all options are counted.
    """

    def __init__(self, model: LanguageModel, purse: Purse):
        super().__init__(model)
        self._purse = purse
        self._tells = hasattr(model, "account")
        self._count: Callable[[str], int] = getattr(model, "count_tokens", estimate)
        self._options: dict[str, int] = {}
        """Tokens of each option: the same ones turn after turn."""

    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """The model's."""
        return self._paid(prompt, continuations, 0, lambda: self._model.loglikelihood(prompt, continuations))

    def generate(self, messages: Any, *, max_new_tokens: int = 64, stop: str = "\n") -> str:
        """The model's."""
        return self._paid(
            str(messages),
            (),
            max_new_tokens,
            lambda: self._model.generate(messages, max_new_tokens=max_new_tokens, stop=stop),
        )

    def _best_first(
        self, search: Any, prompt: str, continuations: Sequence[str], can: NDArray[np.float64], **how: Any
    ) -> Found:
        """The model's; what can't be done is not asked."""
        able = [text for text, value in zip(continuations, can, strict=True) if value > 0]
        return self._paid(prompt, able, 0, lambda: search(prompt, continuations, can, **how))

    def _paid(self, prompt: str, options: Sequence[str], written: int, ask: Callable[[], Any]) -> Any:
        if self._tells:
            self._model.account = self._purse  # type: ignore[attr-defined]
            return ask()
        if not self._options.keys() >= set(options):
            self._options = {text: self._count(text) for text in options}
        sent = self._count(prompt) + sum(self._options[text] for text in options)
        self._purse.before_words(sent, written)
        answer = ask()
        self._purse.after_words(sent, self._count(answer) if isinstance(answer, str) else 0)
        return answer
