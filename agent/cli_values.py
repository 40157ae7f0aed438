"""`doable train values` and `doable bench values`: learn what can work, and measure how well that is known."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from .cli_common import going_on

train_values = typer.Typer(help="The value functions: what can work. Without a command: all of it, goes on if stopped.")

STATES, PLANS, DONE_EPISODES = 800, 80, 4000

_Seed = Annotated[int, typer.Option(min=0, help="Draws the states.")]
_Workers = Annotated[int, typer.Option(min=1, help="Processes, or with --ray actors.")]
_Ray = Annotated[
    str | None, typer.Option("--ray", metavar="ADDRESS", help="A Ray cluster to work on; 'local': one on this machine.")
]
_Out = Annotated[Path | None, typer.Option(help="The folder for the weights [default: where those that ship are].")]


@contextmanager
def _bar(total: int, what: str) -> Iterator[Any]:
    from rich.console import Console

    from .bench_files import progress

    with progress(Console(stderr=True)) as bar:
        job = bar.add_task(what, total=total)
        yield lambda count: bar.update(job, completed=count)


@train_values.callback(invoke_without_command=True)
def all_of_it(
    context: typer.Context,
    work: Annotated[Path, typer.Option(help="The folder for plans and rollouts.")] = Path("values-work"),
    out: _Out = None,
    states: Annotated[int, typer.Option(min=20, help="How many start states.")] = STATES,
    plans: Annotated[int, typer.Option(min=0, help="How many errands the planner pursues to get to states.")] = PLANS,
    seed: _Seed = 0,
    workers: _Workers = 2,
    ray: _Ray = None,
) -> None:
    """From nothing to weights: plans, rollouts, the value functions and the value of `done`. Goes on if stopped.

    Example: doable train values --work values-work --workers 2
    """
    if context.invoked_subcommand is not None:
        return
    from ..skills.rollouts import collect, read_plans

    with going_on(f"its rollouts are in {work}"):
        known = read_plans(_plans(work, plans, seed)) if plans else []
        with _bar(states, "states") as bar:
            collect(
                work, states=states, seed=seed, workers=workers, ray=ray, plans=known, progress=bar
            )  # fmt: skip
        told = f"--states {states} --plans {plans} --seed {seed}"
        _fit(work, out, seed, f"doable train values {told} --workers {workers}")


@train_values.command("plans")
def make_plans(
    work: Annotated[Path, typer.Option(help="The folder; the plans are in its file plans.jsonl.")],
    count: Annotated[int, typer.Option(min=1, help="How many errands.")] = PLANS,
    seed: _Seed = 0,
) -> None:
    """Let the planner pursue made errands in the symbolic world: rollouts begin where that leads.

    Example: doable train values plans --work values-work
    """
    with going_on(f"its rollouts are in {work}"):
        typer.echo(f"The plans are in {_plans(work, count, seed)}")


@train_values.command("collect")
def collect_rollouts(
    out: Annotated[Path, typer.Option(help="The folder for the rollouts; a run that was stopped goes on.")],
    states: Annotated[int, typer.Option(min=1, help="How many start states.")] = STATES,
    part: Annotated[str, typer.Option(help="train, or for measuring: seeds, layout, objects, clutter.")] = "train",
    tries: Annotated[int, typer.Option(min=1, help="Skills tried from one state.")] = 8,
    repeats: Annotated[int, typer.Option(min=1, help="How often each is tried, things nudged if more than once.")] = 1,
    plans: Annotated[Path | None, typer.Option(help="A file of plans to begin on the way of.")] = None,
    seed: _Seed = 0,
    workers: _Workers = 1,
    ray: _Ray = None,
) -> None:
    """Try skills from many states and note what came of them. Goes on where it stopped.

    Example: doable train values collect --out rollouts --workers 2
    """
    from ..skills.rollouts import collect, read_plans
    from ..skills.situations import check_parts

    with going_on(f"its rollouts are in {out}"):
        (chosen,) = check_parts([part])
        known = read_plans(plans) if plans else []
        with _bar(states, "states") as bar:
            count = collect(
                out, part=chosen, states=states, seed=seed, workers=workers, tries=tries, repeats=repeats, plans=known,
                ray=ray, progress=bar,
            )  # fmt: skip
    typer.echo(f"{count} states in {out}")


@train_values.command("fit")
def fit_values(
    data: Annotated[Path, typer.Option(help="The folder of rollouts.")],
    out: _Out = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws weights, order and split.")] = 0,
) -> None:
    """Fit and calibrate the value functions on rollouts, and that of `done` on made episodes.

    Example: doable train values fit --data rollouts
    """
    with going_on(f"its rollouts are in {data}"):
        _fit(data, out, seed, f"doable train values fit --data {shlex.quote(data.name)} --seed {seed}")


def bench_values_command(
    out: Annotated[Path, typer.Option(help="The folder for figures and their origin.")] = Path("bench-values"),
    work: Annotated[Path, typer.Option(help="The folder for rollouts; a run that was stopped goes on.")] = Path(
        "bench-values-work"
    ),
    weights: Annotated[Path | None, typer.Option(help="A file of weights [default: those that ship].")] = None,
    states: Annotated[int, typer.Option(min=1, help="States of held-out seeds.")] = 300,
    shifted: Annotated[int, typer.Option(min=1, help="States of each kind of shift.")] = 120,
    monte_carlo: Annotated[int, typer.Option(min=0, help="States whose skills are tried again and again.")] = 200,
    repeats: Annotated[int, typer.Option(min=2, help="How often those are.")] = 20,
    workers: _Workers = 1,
    ray: _Ray = None,
) -> None:
    """Measure the values on seeds, a layout, types and clutter that they were not learned from. Goes on if stopped.

    Example: doable bench values --workers 2
    """
    from rich.console import Console

    from .bench_files import progress
    from .bench_values import bench_values

    with going_on(f"its rollouts are in {work}"), progress(Console(stderr=True)) as bar:
        jobs: dict[str, Any] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in jobs:
                jobs[what] = bar.add_task(what, total=total)
            bar.update(jobs[what], completed=done)

        table = bench_values(
            out, work, weights=weights, states=states, shifted=shifted, monte_carlo=monte_carlo, repeats=repeats,
            workers=workers, ray=ray, progress=show,
        )  # fmt: skip
    typer.echo(table)


def _plans(work: Path, count: int, seed: int) -> Path:
    """The file of plans, made if it is not there."""
    path = work / "plans.jsonl"
    if not path.is_file():
        from ..skills.rollouts import write_plans
        from .models import load_model
        from .visited import planned

        with _bar(count, "plans") as bar:
            write_plans(path, planned(load_model(None), count, seed=seed, progress=bar))
    return path


def _fit(data: Path, out: Path | None, seed: int, command: str) -> None:
    from ..skills.training import fit
    from ..skills.value import WEIGHTS
    from . import done_value
    from .done_training import fit_done

    log = functools.partial(typer.echo, err=True)
    values, done = (WEIGHTS, done_value.WEIGHTS) if out is None else (out / WEIGHTS.name, out / done_value.WEIGHTS.name)
    fit(data, values, seed=seed, command=command, log=log)
    fit_done(done, episodes=DONE_EPISODES, seed=seed, command=command, log=log)
    typer.echo(f"The values are in {values} and {done}, their data cards beside them.")
