"""The command line: `doable run`, `resume`, `bench`, `train`. Exit codes: 0 reached, 1 not reached, 2 bad input.

Heavy parts are imported inside the commands, so that `doable --help` is quick.
"""

import functools
import inspect
import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, cast

import typer

from .cli_chat import chat
from .cli_doctor import doctor
from .cli_export import export
from .cli_memory import memory
from .cli_report import report_bench, report_run
from .cli_serve import load_server, serve
from .cli_values import bench_values_command, train_values
from .config import Config, defaults, field_docs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..sim.facts import Condition
    from ..sim.physics_world import PhysicsWorld
    from ..sim.scene import Scene
    from .agent import Agent
    from .statistics import Summary
    from .terminal import Terminal
    from .types import Step

REACHED, NOT_REACHED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, help=(
    "An agent that does only what is doable: a language model says what would help, value functions say what can work."
))  # fmt: skip
bench = typer.Typer(no_args_is_help=True, help="Measure the agent.")
train = typer.Typer(no_args_is_help=True, help="Train the parts that learn.")
app.add_typer(bench, name="bench")
app.add_typer(export, name="export")
app.add_typer(memory, name="memory")
app.add_typer(train, name="train")
app.command("report")(report_run)
bench.command("report")(report_bench)
bench.command("serve")(load_server)
train.add_typer(train_values, name="values")
bench.command("values")(bench_values_command)
train_detector = typer.Typer(no_args_is_help=True, help="The detector: what is in a picture.")
train.add_typer(train_detector, name="detector")


def configured(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command(…, config)` a flag for every field of `Config`, and `--config FILE`."""

    @functools.wraps(command)
    def with_config(**given: Any) -> None:
        flags = {name: given.pop(name) for name in field_docs()}
        with bad_input():
            config = Config.load(flags, file=given.pop("config"))
        command(**given, config=config)

    own = [p for p in inspect.signature(command).parameters.values() if p.name != "config"]
    flags = [_flag("config", str | None, "A TOML file of these settings.", "FILE")]
    for name, text in field_docs().items():
        default = defaults()[name]
        shown = f" [default: {default}]" if default is not None and not isinstance(default, bool) else ""
        flags.append(_flag(name, bool | None if isinstance(default, bool) else str | None, text + shown, "VALUE"))
    with_config.__signature__ = inspect.Signature([*own, *flags])  # type: ignore[attr-defined]
    with_config.__annotations__ = {p.name: p.annotation for p in (*own, *flags)}
    return with_config


def _flag(name: str, kind: Any, text: str, metavar: str) -> inspect.Parameter:
    option = typer.Option(help=text, metavar=None if kind == bool | None else metavar)
    annotation = Annotated[kind, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


@contextmanager
def bad_input() -> Iterator[None]:
    """What a person got wrong is said in a line on stderr, with exit code 2; a bug of ours is not caught here."""
    try:
        yield
    except (ValueError, OSError) as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """Say what is wrong and exit with code 2."""
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(BAD_INPUT)


@app.callback(invoke_without_command=True)
def doable(show_version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    if show_version:
        typer.echo(f"doable {version('doable')}")
        raise typer.Exit


app.command()(configured(chat))
app.command()(configured(doctor))
app.command()(configured(serve))


@app.command()
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
    """Pursue one goal, from a fresh start."""
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
        _load(agent)
        filming = _filming(agent, video, camera)
        logging = _logging(agent, rerun)
        reporting = _reporting(agent, report)
    with filming, logging, reporting:
        _follow(agent, agent.stream(goal), terminal, as_json, wanted)


@app.command()
@configured
def resume(
    run_id: Annotated[str, typer.Argument(help="The id that the interrupted run told.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the journal's new lines to stdout, and nothing else.")
    ] = False,
    *,
    config: Config,
) -> None:
    """Go on with a run that was cut short. Its own settings hold; of those given here, only --runs counts."""
    from dataclasses import replace

    from .agent import Agent
    from .runs import RunFolder, runs_folder

    with bad_input():
        header = RunFolder.find(runs_folder(config.runs), run_id).read().header
        terminal = _terminal(header.goal, header.config, as_json)
        agent = Agent(config=replace(header.config, runs=config.runs), watcher=terminal)
        _load(agent)
    _follow(agent, agent.stream_resumed(run_id), terminal, as_json, None)


@bench.command("tasks")
@configured
def bench_tasks(
    file: Annotated[Path | None, typer.Argument(help="A file of tasks (JSONL) [default: the project's own].")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 1,
    plan_only: Annotated[
        bool, typer.Option("--plan-only", help="In the symbolic world: do the plans lead to the goal?")
    ] = False,
    ablate: Annotated[
        str | None, typer.Option(metavar="can", help="'can': with learned, heuristic, declared and no values.")
    ] = None,
    family: Annotated[str | None, typer.Option(help="Only the tasks of this family.")] = None,
    out: Annotated[Path, typer.Option(help="The folder for episodes, figures and their origin.")] = Path("bench-tasks"),
    *,
    config: Config,
) -> None:
    """Run tasks, judge them by the true state, and report success with its interval. Goes on where it stopped."""
    from . import ablation
    from .bench import run_tasks_benchmark

    try:
        with bad_input():
            if ablate not in (None, "can"):
                raise ValueError(f"Expected --ablate can, got {ablate!r}.")

            def run(folder: Path, settings: Config) -> "Summary":
                return run_tasks_benchmark(file, seeds, plan_only, folder, settings, family=family)

            summary = ablation.ablate(run, config, out) if ablate else run(out, config)
    except KeyboardInterrupt:
        typer.echo(f"Stopped. The same command goes on: its episodes are in {out}.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(summary.table())


@bench.command("scoring")
@configured
def bench_scoring(
    counts: Annotated[str, typer.Option(help="Numbers of phrases, with commas.")] = "10,50,370,551",
    behind: Annotated[int, typer.Option(min=100, help="Tokens of the first prompt.")] = 300,
    repeats: Annotated[int, typer.Option(min=1, help="How often ours are timed; the median counts.")] = 3,
    quick: Annotated[
        bool, typer.Option("--quick", help="Time the slow ways on 16 phrases and scale up, which is marked.")
    ] = False,
    no_harness: Annotated[
        bool, typer.Option("--no-harness", help="Leave lm-evaluation-harness (extra [bench]) out.")
    ] = False,
    out: Annotated[Path, typer.Option(help="The folder for figures and their origin.")] = Path("bench-scoring"),
    *,
    config: Config,
) -> None:
    """Time ours and other ways to score the same phrases with the same model; --model, --precision and --seed count."""
    from .bench_scoring import run_scoring_benchmark

    try:
        with bad_input():
            try:
                numbers = sorted({int(count) for count in counts.split(",")})
            except ValueError:
                raise ValueError(f"Expected --counts to be whole numbers like 10,50, got {counts!r}.") from None
            if numbers[0] < 4:
                raise ValueError(f"Expected --counts of at least 4 phrases, got {numbers[0]}.")
            summary = run_scoring_benchmark(
                config.model,
                config.precision,
                out,
                counts=numbers,
                prompt_tokens=behind,
                repeats=repeats,
                quick=quick,
                harness=not no_harness,
                seed=config.seed,
                log=functools.partial(typer.echo, err=True),
            )
    except KeyboardInterrupt:
        typer.echo("Stopped; nothing was written.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(summary.table())


@bench.command("plans")
@configured
def bench_plans(
    file: Annotated[Path, typer.Argument(help="Published plans: a line INPUT<tab>OUTPUT, then a row each.")],
    limit: Annotated[int | None, typer.Option(min=1, help="Rows at most [default: all].")] = None,
    every: Annotated[int, typer.Option(min=1, help="Take every n-th row.")] = 1,
    whole_plans: Annotated[bool, typer.Option(help="Also let the agent make whole plans of its own.")] = True,
    compare_normalisations: Annotated[bool, typer.Option("--compare-normalisations", help="All four.")] = False,
    out: Annotated[Path, typer.Option(help="The folder for rows, figures and their origin.")] = Path("bench-plans"),
    *,
    config: Config,
) -> None:
    """Lay the model's next skills and plans beside published ones, in the symbolic world. Goes on where it stopped."""
    if not file.exists():
        typer.echo(f"Skipped: there is no file {str(file)!r}. Get the plans from say-can.github.io.", err=True)
        return
    from .bench_plans import run_plans_benchmark

    try:
        with bad_input():
            summary = run_plans_benchmark(
                file,
                config,
                out,
                limit=limit,
                every=every,
                whole_plans=whole_plans,
                compare_normalisations=compare_normalisations,
            )
    except KeyboardInterrupt:
        typer.echo(f"Stopped. The same command goes on: its rows are in {out}.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(summary.table())


@bench.command("memory")
def bench_memory(
    file: Annotated[
        Path | None, typer.Argument(help="Conversations with questions, in LoCoMo's schema (JSON).")
    ] = None,
    scale: Annotated[
        str, typer.Option(help="Also time memories of so many synthetic records, with commas, like 1000,10000.")
    ] = "",
    embedder: Annotated[str, typer.Option(help="'minilm', or 'hash' for a dry run.")] = "minilm",
    seed: Annotated[int, typer.Option(min=0, help="Draws the synthetic records.")] = 0,
    out: Annotated[Path, typer.Option(help="The folder for figures and their origin.")] = Path("bench-memory"),
) -> None:
    """Measure what memory finds of long conversations, and how fast it is with many records."""
    from .bench_memory import run_memory_benchmark
    from .parts import make_embedder

    if file is not None and not file.exists():
        typer.echo(
            f"Skipped: there is no file {str(file)!r}. Get LoCoMo from github.com/snap-research/locomo.", err=True
        )
        file = None
    if file is None and not scale:
        return
    with bad_input():
        counts = [int(float(count)) for count in scale.split(",") if count.strip()]
        made = make_embedder(Config.load({"embedder": embedder})) if file else None
        typer.echo(run_memory_benchmark(file, out, made, scale=counts, seed=seed))


@bench.command("questions")
def bench_questions(
    days: Annotated[int, typer.Option(min=1, help="Simulated days, of about 700 records each.")] = 3,
    embedder: Annotated[str, typer.Option(help="'minilm' or 'hash'; answers by rule do not need it.")] = "hash",
    seed: Annotated[int, typer.Option(min=0, help="Draws the days and the questions.")] = 0,
    out: Annotated[Path, typer.Option(help="The folder for rows, figures and their origin.")] = Path("bench-questions"),
) -> None:
    """Ask about simulated days, and hold the answers against what the simulator knows."""
    from .bench_questions import run_questions_benchmark
    from .parts import make_embedder

    with bad_input():
        made = make_embedder(Config.load({"embedder": embedder}))
        typer.echo(run_questions_benchmark(out, made, days=days, seed=seed))


@bench.command("life")
@configured
def bench_life(
    count: Annotated[int, typer.Option(min=1, help="Requests, one after the other.")] = 30,
    out: Annotated[Path, typer.Option(help="The folder for rows, figures and their origin.")] = Path("bench-life"),
    *,
    config: Config,
) -> None:
    """Does memory pay? The same requests with it, without it, and with a prompt of 512 tokens; symbolic world."""
    from .bench_life import run_life_benchmark

    with bad_input():
        typer.echo(run_life_benchmark(config, out, count=count, seed=config.seed))


@bench.command("detector")
def bench_detection(
    detector: Annotated[str, typer.Option(help="'learned', 'oracle', a file, or an OWL model's folder.")] = "learned",
    scenes: Annotated[str, typer.Option(help="Scenes to measure in, by comma.")] = "kitchen",
    situations: Annotated[int, typer.Option(min=1, help="How many random situations a scene.")] = 60,
    seed: Annotated[int, typer.Option(min=0, help="Draws them; not one that was trained with.")] = 9000,
    threshold: Annotated[float, typer.Option(help="An OWL model's detections count from this score on.")] = 0.1,
    out: Annotated[Path, typer.Option(help="The folder for figures and their origin.")] = Path("bench-detector"),
) -> None:
    """Measure outlines, names and positions of what a detector sees against the renderer's labels."""
    from rich.console import Console
    from rich.progress import Progress

    from .bench_detector import bench_detector

    names = [name.strip() for name in scenes.split(",")]
    with bad_input(), Progress(console=Console(stderr=True)) as bar:
        job = bar.add_task("situations", total=situations * len(names))
        table = bench_detector(
            detector, names, situations=situations, seed=seed, out=out, threshold=threshold,
            progress=lambda count: bar.update(job, completed=count),
        )  # fmt: skip
    typer.echo(table)


@bench.command("world")
def bench_the_world(
    out: Annotated[Path, typer.Option(help="The folder for the figures and their origin.")] = Path("bench-world"),
    scene: Annotated[list[str] | None, typer.Option(help="A scene to measure; several if given again.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the best one counts.")] = 7,
    steps: Annotated[int, typer.Option(min=20, help="Physics steps of a round.")] = 1000,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds of the episode.")] = 2,
) -> None:
    """Measure how fast the world is, beside bare physics, panda-gym and the clock. Keep the machine quiet meanwhile."""
    from .bench_world import SCENES, bench_world

    with bad_input():
        speed = bench_world(out, scenes=scene or SCENES, rounds=rounds, steps=steps, seeds=range(seeds))
    typer.echo(speed.table())


@bench.command("skills")
def bench_the_skills(
    n: Annotated[int, typer.Option("--n", min=1, help="Trials of each family.")] = 200,
    family: Annotated[list[str] | None, typer.Option(help="A family to try; several if given again.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the situations.")] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    out: Annotated[Path, typer.Option(help="The folder for trials, figures and their origin.")] = Path("bench-skills"),
) -> None:
    """Measure how often each family of skills does what it declares. Goes on where it stopped."""
    from ..skills.trials import TRIED
    from .bench_skills import run_skills_benchmark

    with bad_input():
        table = run_skills_benchmark(out, n=n, seed=seed, families=family or TRIED, workers=workers)
    typer.echo(table)


@train_detector.command("collect")
def collect_pictures(
    out: Annotated[Path, typer.Option(help="The folder for the pictures; a run that was stopped goes on.")],
    scenes: Annotated[str, typer.Option(help="Scenes to train on, by comma.")] = "kitchen",
    states: Annotated[int, typer.Option(min=1, help="How many situations a scene.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Draws the situations.")] = 0,
) -> None:
    """Take labelled pictures of random situations. Goes on where it stopped."""
    from rich.console import Console
    from rich.progress import Progress

    from ..sim.pictures import collect
    from ..sim.scene import load_scene

    try:
        with bad_input(), Progress(console=Console(stderr=True)) as bar:
            rooms = [load_scene(name.strip()) for name in scenes.split(",")]
            job = bar.add_task("situations", total=states * len(rooms))
            count = collect(
                out, rooms, states=states, seed=seed, progress=lambda count: bar.update(job, completed=count)
            )
    except KeyboardInterrupt:
        typer.echo(f"Stopped. The same command goes on: its pictures are in {out}.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"{count} situations in {out}")


@train_detector.command("fit")
def fit_detector(
    data: Annotated[Path, typer.Option(help="The folder of pictures.")],
    out: Annotated[Path, typer.Option(help="The file for the weights (safetensors).")],
    work: Annotated[Path, typer.Option(help="The folder for the state; a run that was stopped goes on.")],
    epochs: Annotated[int, typer.Option(min=1, help="How often every picture is looked at.")] = 12,
    seed: Annotated[int, typer.Option(min=0, help="Draws the order.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
) -> None:
    """Train the detector on such pictures. Goes on where it stopped."""
    from ..sim.detector_training import DetectorRecipe, fit

    command = f"doable train detector fit --data {data} --out {out} --work {work} --epochs {epochs} --seed {seed}"
    try:
        with bad_input():
            recipe = DetectorRecipe(epochs=epochs, seed=seed)
            log = functools.partial(typer.echo, err=True)
            fit(data, out, work, recipe, command=command, threads=threads, log=log)
    except KeyboardInterrupt:
        typer.echo(f"Stopped. The same command goes on: its state is in {work}.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"The detector is in {out}, its data card beside it.")


@train.command("language")
def train_language(
    out: Annotated[Path, typer.Option(help="The file for the adapter (safetensors).")],
    work: Annotated[Path, typer.Option(help="The folder for the state; a run that was stopped goes on.")],
    episodes: Annotated[int, typer.Option(min=1, help="Training episodes.")] = 3000,
    seed: Annotated[int, typer.Option(help="Draws the episodes.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
    start: Annotated[Path | None, typer.Option(help="An adapter to train further [default: a fresh one].")] = None,
    learning_rate: Annotated[float, typer.Option(min=1e-7, max=1e-1, help="Its peak.")] = 6e-4,
) -> None:
    """Fine-tune the language model to say the next skill (LoRA). Goes on where it stopped."""
    from ..memory import MiniLM
    from .language_training import Recipe, reported_tasks
    from .language_training import train as train_adapter
    from .models import plain_folder

    def embed(texts: list[str]) -> "NDArray[np.float64]":
        return np.array(embedder.embed_documents(texts))

    import numpy as np

    try:
        with bad_input():
            embedder = MiniLM()
            if start is not None and not start.is_file():
                raise ValueError(f"Expected an adapter to start from, got {str(start)!r}, which is no file.")
            recipe = Recipe(episodes=episodes, seed=seed, learning_rate=learning_rate)
            log = functools.partial(typer.echo, err=True)
            train_adapter(
                plain_folder(), out, work, recipe, reported_tasks(), embed, start=start, threads=threads, log=log
            )
    except KeyboardInterrupt:
        typer.echo(f"Stopped. The same command goes on: its state is in {work}.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    typer.echo(f"The adapter is in {out}.")


def _condition(text: str, scene: "Scene") -> "Condition":
    from ..sim.facts import parse_condition

    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f'Expected --expect to be JSON like {{"at": ["sponge", "user"]}}: {error}.') from error
    if not isinstance(data, dict):
        raise ValueError(f'Expected --expect to be a JSON object like {{"at": ["sponge", "user"]}}, got {text!r}.')
    return parse_condition(data, scene.place_names, scene.drawer_names, scene.carrier_names)


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
    from .report import page
    from .runs import RunFolder, runs_folder

    @contextmanager
    def reporting() -> Iterator[None]:
        made = None
        try:
            with album(agent.world, agent.watcher, max_steps=agent.config.max_steps) as (made, agent.watcher):
                yield
        finally:
            if made and agent.run_id:
                journal = RunFolder.find(runs_folder(agent.config.runs), agent.run_id).read()
                write_whole(path, page(journal, made))

    return reporting()


def main() -> None:
    """The entry point of the package."""
    app(prog_name="doable")
