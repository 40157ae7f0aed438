"""What a set of benchmark episodes says: shares with their uncertainty, overall and by family.

- *plan success*: the share of episodes whose skills, played in the symbolic world from the same start, reach the goal.
- *execution success*: the share of episodes that reached the goal in the world with physics, by the world's own facts.
- *false done*: of the episodes in which the agent said that the goal was reached, the share in which it was not.

Intervals are Wilson's and treat episodes as independent draws. Seeds of one task are not quite that, so an interval
over few tasks and many seeds is narrower than it should be for tasks never seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal


@dataclass(frozen=True)
class Share:
    """A proportion: `successes` out of `n`, with the bounds of its Wilson interval, all in [0, 1]. NaN if n is 0."""

    successes: int
    n: int
    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return "-" if self.n == 0 else f"{self.value:.0%} [{self.low:.0%}, {self.high:.0%}]"


def wilson(successes: int, n: int, confidence: float = 0.95) -> Share:
    """A share with its score interval.

    Wilson (1927), "Probable inference, the law of succession, and statistical inference", JASA 22: it stays within
    [0, 1] and keeps its coverage near 0 and 1 and for small n, where the textbook interval fails.
    Without observations nothing is known: value NaN, bounds 0 and 1. Raises ValueError unless 0 ≤ successes ≤ n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"Expected 0 ≤ successes ≤ n, got {successes} successes of {n}.")
    if not 0 < confidence < 1:
        raise ValueError(f"Expected a confidence between 0 and 1, such as 0.95; got {confidence}.")
    if n == 0:
        return Share(0, 0, math.nan, 0.0, 1.0)
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    p = successes / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # Exact at the ends, where rounding would leave the bound a hair off.
    low = 0.0 if successes == 0 else min(p, max(0.0, middle - half))
    high = 1.0 if successes == n else max(p, min(1.0, middle + half))
    return Share(successes, n, p, low, high)


@dataclass(frozen=True)
class Episode:
    """One task, run once from one seed; a line of `episodes.jsonl`."""

    key: str
    """Names everything the result depends on: parts, task, seed, code version."""
    task: str
    family: str
    seed: int
    status: Literal["reached", "refused", "stopped"]
    """What the agent said."""
    plan_success: bool
    execution_success: bool | None
    """None: planned only."""
    phrases: tuple[str, ...]
    """The skills that were carried out, in order."""
    steps: int
    """Turns of the loop, the ending among them."""
    seconds: float
    """Simulated seconds."""
    wall_seconds: float
    reason: str
    """Why it ended, in the agent's words."""
    events: tuple[str, ...] = ()
    """What disturbances did, with the second at which they did it."""

    @property
    def success(self) -> bool:
        """By the truth of the world that the episode ran in."""
        return self.plan_success if self.execution_success is None else self.execution_success


@dataclass(frozen=True)
class Figures:
    """The figures of a group of episodes. `execution` is None if they were planned only."""

    n: int
    plan: Share
    execution: Share | None
    false_done: Share
    mean_steps: float


@dataclass(frozen=True)
class Summary:
    """The figures of a benchmark: all episodes together, and each family in the order of the task file."""

    overall: Figures
    families: dict[str, Figures]

    def figures(self) -> dict[str, float]:
        """One flat object, figure name to number; what has no observations is left out."""
        flat: dict[str, float] = {}
        for prefix, group in (("", self.overall), *((f"{name}.", g) for name, g in self.families.items())):
            flat[f"{prefix}n"] = group.n
            flat[f"{prefix}mean_steps"] = group.mean_steps
            shares = {"plan_success": group.plan, "execution_success": group.execution}
            for name, share in {**shares, "false_done_rate": group.false_done}.items():
                if share is not None and share.n:
                    figure = f"{prefix}{name}"
                    flat |= {figure: share.value, f"{figure}.low": share.low, f"{figure}.high": share.high}
            flat[f"{prefix}false_done_rate.n"] = group.false_done.n
        return flat

    def table(self) -> str:
        """The same as a Markdown table, families first, for a README or a terminal."""
        executed = self.overall.execution is not None
        head = ["family", "n", "plan success", *(["execution success"] if executed else []), "false done", "mean steps"]
        rows = [head, ["---", *["---:"] * (len(head) - 1)]]
        for name, group in (*self.families.items(), ("**all**", self.overall)):
            shares = [group.plan, *([group.execution] if group.execution else []), group.false_done]
            rows.append([name, str(group.n), *map(str, shares), f"{group.mean_steps:.1f}"])
        return "\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n"


def summarise(episodes: Sequence[Episode]) -> Summary:
    """The figures of some episodes. Raises ValueError if there are none, or some with and some without execution."""
    if not episodes:
        raise ValueError("Expected at least one episode to summarise, got none.")
    if len({e.execution_success is None for e in episodes}) > 1:
        raise ValueError(
            "Expected episodes that were all executed or all planned only, got both. Summarise them apart."
        )
    families = dict.fromkeys(e.family for e in episodes)
    return Summary(_figures(episodes), {f: _figures([e for e in episodes if e.family == f]) for f in families})


def _figures(episodes: Sequence[Episode]) -> Figures:
    executed = [e.execution_success for e in episodes if e.execution_success is not None]
    return Figures(
        n=len(episodes),
        plan=_share(e.plan_success for e in episodes),
        execution=_share(executed) if executed else None,
        false_done=_share(not e.success for e in episodes if e.status == "reached"),
        mean_steps=sum(e.steps for e in episodes) / len(episodes),
    )


def _share(outcomes: Iterable[bool]) -> Share:
    outcomes = list(outcomes)
    return wilson(sum(outcomes), len(outcomes))
