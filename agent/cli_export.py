"""`doable export`: runs that are over, seen again and written as a film, a Rerun recording or a LeRobot dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .cli_common import bad_input

export = typer.Typer(no_args_is_help=True, help="Write runs as films, Rerun recordings or LeRobot datasets.")

_Run = Annotated[str, typer.Argument(help="The run's id, or its folder.")]
_Runs = Annotated[Path | None, typer.Option("--runs", help="The folder for runs [default: in the user's data folder].")]
_Camera = Annotated[list[str] | None, typer.Option("--camera", help="A camera; may be given several times.")]


@export.command("film")
def export_film(
    run: _Run,
    out: Annotated[Path, typer.Option(help="The film (mp4).")],
    camera: _Camera = None,
    runs: _Runs = None,
) -> None:
    """Film a run that is over, from any cameras side by side [default: overview].

    Example: doable export film 20260101-120000-abcd --out run.mp4
    """
    from ..sim.recorder import film_path, record
    from .filming import Captions
    from .replay import Replay

    with bad_input():
        path = film_path(out)
        again = Replay(run, runs)
        with record(again.world, path, camera or ("overview",)) as film:
            again.run(Captions(film, None, again.journal.header.config.max_steps))
        if film.failed:
            raise ValueError(f"The film is not whole: {film.failed}")
    typer.echo(f"{film.frames} pictures in {out}")


@export.command("rerun")
def export_rerun(
    run: _Run,
    out: Annotated[Path, typer.Option(help="The recording (rrd).")],
    camera: _Camera = None,
    runs: _Runs = None,
) -> None:
    """Write a run that is over as a Rerun recording: poses, cameras, scores [default: all cameras].

    Example: doable export rerun 20260101-120000-abcd --out run.rrd
    """
    from ..sim.rerun_log import log, log_path, rerun
    from .filming import RerunWatcher
    from .replay import Replay

    with bad_input():
        rerun()
        path = log_path(out)
        again = Replay(run, runs)
        with log(again.world, path, camera) as made:
            again.run(RerunWatcher(made))
        if made.failed:
            raise ValueError(f"The recording is not whole: {made.failed}")
    typer.echo(f"The recording is in {out}. Look at it with: rerun {out}")


@export.command("lerobot")
def export_lerobot(
    runs_given: Annotated[list[str], typer.Argument(metavar="RUN…", help="The runs' ids, or their folders.")],
    out: Annotated[Path, typer.Option(help="A new folder for the dataset.")],
    fps: Annotated[int, typer.Option(help="Frames a simulated second; divides 240.")] = 10,
    camera: _Camera = None,
    runs: _Runs = None,
    only_reached: Annotated[
        bool, typer.Option("--only-reached", help="Leave out runs that did not end with 'reached'.")
    ] = False,
) -> None:
    """Write runs as one LeRobot v3.0 dataset, an episode a run [default: the robot's cameras].

    Example: doable export lerobot 20260101-120000-abcd --out dataset
    """
    from .datasets import write_lerobot

    with bad_input():
        told = write_lerobot(runs_given, out, runs, fps, camera, only_reached=only_reached)
    typer.echo(told)
