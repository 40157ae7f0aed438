"""`doable runs`: what was done so far, and how to go on from there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from .cli_common import bad_input
from .cli_run import resume

runs = typer.Typer(no_args_is_help=True, help="Runs so far: list, show, resume, fork.")
runs.command("resume")(resume)

_Runs = Annotated[Path | None, typer.Option("--runs", help="The folder of runs [default: in the user's data folder].")]
_Id = Annotated[str, typer.Argument(help="The id of a run; `doable runs list` tells them.")]


@runs.command("list")
def list_runs(
    limit: Annotated[int, typer.Option(min=1, help="How many, the newest.")] = 20, folder: _Runs = None
) -> None:
    """The newest runs, what was wanted, and how they ended.

    Example: doable runs list --limit 5
    """
    from rich.console import Console
    from rich.table import Table

    from .runs import newest, runs_folder
    from .terminal import plain

    table = Table(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    for name in ("run", "ended", "turns", "goal"):
        table.add_column(name, no_wrap=name != "goal")
    for run_id, journal in newest(runs_folder(folder), limit):
        ended = journal.footer.status if journal.footer else "can go on"
        table.add_row(run_id, ended, str(len(journal.steps)), plain(journal.header.goal))
    Console(highlight=False).print(table, markup=False)


@runs.command("show")
def show_run(
    run_id: _Id,
    turn: Annotated[int | None, typer.Option(min=1, help="This turn alone, with what was weighed and checked.")] = None,
    folder: _Runs = None,
) -> None:
    """A run, turn by turn.

    Example: doable runs show 20260101-120000-abcd --turn 2
    """
    from .runs import RunFolder, runs_folder
    from .terminal import Terminal, plain

    with bad_input():
        journal = RunFolder.find(runs_folder(folder), run_id).read()
        if turn is not None and turn > len(journal.steps):
            raise ValueError(f"Expected a turn of {run_id} from 1 to {len(journal.steps)}, got {turn}.")
    terminal = Terminal()
    header = journal.header
    fork = f", from turn {header.taken + 1} of {header.fork_of}" if header.fork_of else ""
    terminal.goal(header.goal, f"{header.scene}, seed {header.config.seed}{fork}")
    for step in journal.steps if turn is None else journal.steps[turn - 1 : turn]:
        if turn is not None:
            terminal.show_candidates(step.candidates)
            typer.echo(plain(step.decision.reason))
        came = f": {step.verdict.explanation}" if step.verdict else ""
        typer.echo(f"{step.index + 1:>4}  {plain((step.decision.phrase or step.decision.kind) + came)}")
        for fact in step.verdict.facts if step.verdict and turn is not None else ():
            typer.echo(f"      {'yes' if fact.holds else 'no '}  {fact.name}")
    if result := journal.result():
        terminal.result(result)
    else:
        typer.echo(f"It can go on: doable resume {run_id}")


@runs.command("fork")
def fork_run(
    run_id: _Id,
    turn: Annotated[int, typer.Option(min=1, help="The turn that is done anew, from 1.")],
    folder: _Runs = None,
) -> None:
    """Begin anew at a turn of a run, in the world and with the memory of then; the run itself stays as it is.

    Example: doable runs fork 20260101-120000-abcd --turn 3
    """
    from .agent import Agent
    from .config import Config

    with bad_input():
        config = replace(Config(), runs=str(folder)) if folder else Config()
        new = Agent(config=config).fork(run_id, turn)
    typer.echo(f"{new} begins at turn {turn} of {run_id}. Go on with: doable resume {new}")
