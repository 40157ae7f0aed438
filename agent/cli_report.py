"""`doable report` and `doable bench report`: runs and benchmarks as pages that stand alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .cli_common import bad_input


def report_run(
    run: Annotated[str, typer.Argument(help="The run's id, or its folder.")],
    out: Annotated[Path, typer.Option(help="The page (html).")] = Path("report.html"),
    runs: Annotated[
        Path | None, typer.Option("--runs", help="The folder for runs [default: in the user's data folder].")
    ] = None,
    film: Annotated[bool, typer.Option(help="Do the run again for its film and pictures.")] = True,
) -> None:
    """Write a run as one HTML page: film, timeline, scores, memory, checks. It needs no network.

    Example: doable report 20260101-120000-abcd --out report.html
    """
    from .report import report

    with bad_input():
        told = report(run, runs, out, film=film)
    typer.echo(told)


def report_bench(
    folder: Annotated[Path, typer.Argument(help="The folder that 'doable bench tasks' wrote.")],
    out: Annotated[Path | None, typer.Option(help="The page (html) [default: report.html in the folder].")] = None,
) -> None:
    """Write a task benchmark as one HTML page, its failures linked to their episodes where journals are kept.

    Example: doable bench report bench --out bench.html
    """
    from .bench_report import bench_report

    with bad_input():
        told = bench_report(folder, out or folder / "report.html")
    typer.echo(told)
