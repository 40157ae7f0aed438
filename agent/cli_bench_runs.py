"""`doable bench kills` and `doable bench long`: what a run survives, and how long it may be."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_common import bad_input, configured
from .config import Config


def bench_the_kills(
    n: Annotated[int, typer.Option("--n", min=1, help="Runs to kill.")] = 200,
    seed: Annotated[int, typer.Option(help="Draws where.")] = 0,
    out: Annotated[Path, typer.Option(help="The folder for rows, figures and their origin.")] = Path("bench-kills"),
) -> None:
    """Kill runs at random instants, resume them, and hold them against one left alone. Goes on where it stopped.

    Example: doable bench kills --n 200
    """
    from rich.console import Console

    from .bench_files import progress
    from .bench_kills import run_kills_benchmark

    with bad_input(), progress(Console(stderr=True)) as bar:
        job = bar.add_task("kills", total=n)
        table = run_kills_benchmark(out, n=n, seed=seed, progress=lambda done, _: bar.update(job, completed=done))
    typer.echo(table)


@configured
def bench_the_long_goal(
    subgoals: Annotated[int, typer.Option(min=1, help="Errands of the goal.")] = 1000,
    stand_in: Annotated[
        bool, typer.Option("--stand-in", help="By a model that follows an errand's words: quick.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The folder for points, figures and their origin.")] = Path("bench-long"),
    *,
    config: Config,
) -> None:
    """Pursue a goal of many errands in the symbolic world; measure memory, prompts and speed on the way.

    Example: doable bench long --stand-in --values declared --embedder hash
    """
    from rich.console import Console

    from .bench_files import progress
    from .bench_long import run_long_benchmark

    with bad_input(), progress(Console(stderr=True)) as bar:
        job = bar.add_task("subgoals", total=subgoals)
        table = run_long_benchmark(
            config,
            out,
            subgoals=subgoals,
            stand_in=stand_in,
            seed=config.seed,
            progress=lambda done, _: bar.update(job, completed=done),
        )
    typer.echo(table)
