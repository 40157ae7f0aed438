"""`doable run` and `doable resume`: one goal, end to end."""

import json
import shlex
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

from .cli_common import INTERRUPTED, NOT_REACHED, REACHED, bad_input, configured, fail
from .config import Config

if TYPE_CHECKING:
    from ..sim.facts import Condition
    from ..sim.physics_world import PhysicsWorld
    from ..sim.scene import Scene
    from .agent import Agent
    from .person import AtTerminal
    from .terminal import Terminal
    from .types import Step


@configured
def run(
    goal: Annotated[str, typer.Argument(help="What you want, in words.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the journal's lines to stdout, and nothing else.")
    ] = False,
    video: Annotated[Path | None, typer.Option(help="Record a film of the run (mp4).")] = None,
    camera: Annotated[
        list[str] | None, typer.Option(help="What the film shows; several stand side by side [default: overview].")
    ] = None,
    rerun: Annotated[
        Path | None, typer.Option(help="Write a Rerun recording of the run (rrd): poses, cameras, scores.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write the run as one HTML page: film, timeline, scores, checks.")
    ] = None,
    expect: Annotated[
        str | None,
        typer.Option(
            help='A goal as in task files, like {"at": ["sponge", "user"]}: judged by the true state at the end.'
        ),
    ] = None,
    *,
    config: Config,
) -> None:
    """Pursue one goal, from a fresh start.

    Example: doable run "bring me something salty" --seed 3 --video salty.mp4
    """
    from ..sim.scene import load_scene
    from .agent import Agent

    with bad_input():
        scene = load_scene(config.scene)
        if not goal.strip():
            raise ValueError("Expected a goal in words, got nothing. Say what you want, like 'bring me an apple'.")
        wanted = _condition(expect, scene) if expect else None
        if video and config.world != "physics":
            raise ValueError("Expected --world physics with --video: there is nothing to see in a symbolic world.")
        if video:
            from ..sim.recorder import film_path
            from ..sim.views import check_camera

            video = film_path(video)
            for name in camera or ():
                check_camera(scene, name)
        elif camera:
            raise ValueError("Expected --video FILE.mp4 with --camera: without it nothing is filmed.")
        if rerun:
            from ..sim.rerun_log import log_path
            from ..sim.rerun_log import rerun as rerun_sdk

            if config.world != "physics":
                raise ValueError("Expected --world physics with --rerun: there is nothing to see in a symbolic world.")
            rerun_sdk()
            rerun = log_path(rerun)
        if report:
            from .report import report_path

            report = report_path(report)
        terminal = _terminal(goal, config, as_json)
        agent = Agent(config=config, watcher=terminal)
        agent.person = agent.person or _at_terminal(as_json)
        _load(agent)
        filming = _filming(agent, video, camera)
        logging = _logging(agent, rerun)
        reporting = _reporting(agent, report)
    with filming, logging, reporting:
        _follow(agent, agent.stream(goal), terminal, as_json, wanted)


@configured
def resume(
    run_id: Annotated[str, typer.Argument(help="The id that the interrupted run told.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the journal's new lines to stdout, and nothing else.")
    ] = False,
    *,
    config: Config,
) -> None:
    """Go on with a run that was cut short. Its own settings hold; of those given here, only --runs counts.

    Example: doable resume 20260101-120000-abcd
    """
    from dataclasses import replace

    from .agent import Agent
    from .runs import RunFolder, runs_folder

    with bad_input():
        header = RunFolder.find(runs_folder(config.runs), run_id).read().header
        terminal = _terminal(header.goal, header.config, as_json)
        agent = Agent(config=replace(header.config, runs=config.runs), watcher=terminal)
        agent.person = agent.person or _at_terminal(as_json)
        _load(agent)
    _follow(agent, agent.stream_resumed(run_id), terminal, as_json, None)


def _condition(text: str, scene: "Scene") -> "Condition":
    from ..sim.facts import parse_condition

    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f'Expected --expect to be JSON like {{"at": ["sponge", "user"]}}: {error}.') from error
    if not isinstance(data, dict):
        raise ValueError(f'Expected --expect to be a JSON object like {{"at": ["sponge", "user"]}}, got {text!r}.')
    return parse_condition(data, scene.place_names, scene.drawer_names, scene.carrier_names)


def _at_terminal(as_json: bool) -> "AtTerminal | None":
    """Whoever sits at the terminal; None: nobody does, and nothing waits for an answer."""
    import sys

    from .person import AtTerminal

    return AtTerminal() if sys.stdin.isatty() and sys.stdout.isatty() and not as_json else None


def _terminal(goal: str, config: Config, as_json: bool) -> "Terminal | None":
    """The live trace; None if stdout belongs to the JSON lines."""
    if as_json:
        return None
    from .terminal import Terminal

    terminal = Terminal()
    terminal.goal(goal, f"{config.world} {config.scene}, seed {config.seed}")
    return terminal


def _load(agent: "Agent") -> None:
    """Make the parts now, where what is missing can still be told as bad input."""
    try:
        _ = agent.world, agent.model, agent.values, agent.memory
    except KeyboardInterrupt:
        typer.echo("\nStopped before the run began.", err=True)
        raise typer.Exit(INTERRUPTED) from None


def _follow(
    agent: "Agent",
    steps: "Iterator[Step]",
    terminal: "Terminal | None",
    as_json: bool,
    expected: "Condition | None",
) -> NoReturn:
    """Take the run to its end, and the exit code from how it ended."""
    from .journal import line
    from .runs import CorruptRun
    from .server import ServerError

    try:
        for step in steps:
            if as_json:
                print(line("step", step), end="", flush=True)
        result = agent.result
    except CorruptRun as error:
        fail(str(error))
    except ServerError as error:  # the language model's: nothing of the run is lost
        fail(f"{error}{_how_to_go_on(agent)}")
    except KeyboardInterrupt:
        typer.echo(f"\nStopped.{_how_to_go_on(agent)}", err=True)
        raise typer.Exit(INTERRUPTED) from None
    reached = result.status == "reached"
    if terminal:
        terminal.result(result)
    if expected is not None:
        reached = expected.holds(agent.world.facts())
        typer.echo(f"Ground truth: {'reached' if reached else 'not reached'}", err=as_json)
    raise typer.Exit(REACHED if reached else NOT_REACHED)


def _how_to_go_on(agent: "Agent") -> str:
    runs = f" --runs {shlex.quote(agent.config.runs)}" if agent.config.runs else ""
    return f" Go on with: doable resume {agent.run_id}{runs}" if agent.run_id else ""


def _filming(agent: "Agent", video: Path | None, cameras: list[str] | None) -> AbstractContextManager[object]:
    """Film the world while the run lasts."""
    if video is None:
        return nullcontext()
    from ..sim.recorder import record
    from .filming import Captions

    @contextmanager
    def filming() -> Iterator[None]:
        recorder = None
        try:
            with record(cast("PhysicsWorld", agent.world), video, cameras or ("overview",)) as recorder:
                agent.watcher = Captions(recorder, agent.watcher, agent.config.max_steps)
                yield
        finally:
            if recorder and recorder.failed:
                typer.echo(f"The film is not whole: {recorder.failed}", err=True)

    return filming()


def _logging(agent: "Agent", path: Path | None) -> AbstractContextManager[object]:
    """Write a Rerun recording while the run lasts."""
    if path is None:
        return nullcontext()
    from ..sim.rerun_log import log
    from .filming import RerunWatcher

    @contextmanager
    def logging() -> Iterator[None]:
        made = None
        try:
            with log(cast("PhysicsWorld", agent.world), path) as made:
                agent.watcher = RerunWatcher(made, agent.watcher, agent.config.max_steps)
                yield
        finally:
            if made and made.failed:
                typer.echo(f"The recording is not whole: {made.failed}", err=True)

    return logging()


def _reporting(agent: "Agent", path: Path | None) -> AbstractContextManager[object]:
    """Keep film, pictures and times while the run lasts, and write its page in the end, however it ends."""
    if path is None:
        return nullcontext()
    from .album import album
    from .bench_files import write_whole
    from .report import page, spent_by
    from .runs import RunFolder, runs_folder

    @contextmanager
    def reporting() -> Iterator[None]:
        made = None
        try:
            with album(agent.world, agent.watcher, max_steps=agent.config.max_steps) as (made, agent.watcher):
                yield
        finally:
            if made and agent.run_id:
                run = RunFolder.find(runs_folder(agent.config.runs), agent.run_id)
                write_whole(path, page(run.read(), made, spent=spent_by(run)))

    return reporting()
