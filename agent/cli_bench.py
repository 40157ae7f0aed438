"""`doable bench …`: every figure that is reported comes from one of these."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_bench_runs import bench_the_kills, bench_the_long_goal
from .cli_common import INTERRUPTED, bad_input, configured, going_on
from .cli_report import report_bench
from .cli_serve import load_server
from .cli_values import bench_values_command
from .config import Config

if TYPE_CHECKING:
    from .statistics import Summary

bench = typer.Typer(no_args_is_help=True, help="Measure the agent.")
bench.command("report")(report_bench)
bench.command("serve")(load_server)
bench.command("values")(bench_values_command)
bench.command("kills")(bench_the_kills)
bench.command("long")(bench_the_long_goal)


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
    """Run tasks, judge them by the true state, and report success with its interval. Goes on where it stopped.

    Example: doable bench tasks --seeds 3 --out results
    """
    from . import ablation
    from .bench import run_tasks_benchmark

    with going_on(f"its episodes are in {out}"):
        if ablate not in (None, "can"):
            raise ValueError(f"Expected --ablate can, got {ablate!r}.")

        def run(folder: Path, settings: Config) -> "Summary":
            return run_tasks_benchmark(file, seeds, plan_only, folder, settings, family=family)

        summary = ablation.ablate(run, config, out) if ablate else run(out, config)
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
    """Time ours and other ways to score the same phrases with the same model; --model, --precision and --seed count.

    Example: doable bench scoring --quick --no-harness
    """
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
    """Lay the model's next skills and plans beside published ones, in the symbolic world. Goes on where it stopped.

    Example: doable bench plans plans.tsv --every 10
    """
    if not file.exists():
        typer.echo(f"Skipped: there is no file {str(file)!r}. Get the plans from say-can.github.io.", err=True)
        return
    from .bench_plans import run_plans_benchmark

    with going_on(f"its rows are in {out}"):
        summary = run_plans_benchmark(
            file,
            config,
            out,
            limit=limit,
            every=every,
            whole_plans=whole_plans,
            compare_normalisations=compare_normalisations,
        )
    typer.echo(summary.table())


@bench.command("language")
@configured
def bench_language(
    n: Annotated[int, typer.Option("--n", min=1, help="Instructions that the agent pursues.")] = 200,
    names: Annotated[int, typer.Option(min=0, help="Instructions by names that training never saw.")] = 100,
    part: Annotated[str, typer.Option(help="'dev': sentence frames that training never saw; or 'train'.")] = "dev",
    modes: Annotated[str, typer.Option(help="What is weighed with say, by comma.")] = "say,preconditions,can",
    out: Annotated[Path, typer.Option(help="The folder for rows, figures and their origin.")] = Path("bench-language"),
    *,
    config: Config,
) -> None:
    """Let the agent follow instructions in words it was not trained with, symbolically. Goes on where it stopped.

    Example: doable bench language --n 50 --modes can --out bench-language
    """
    from .bench_language import run_language_benchmark

    with going_on(f"its rows are in {out}"):
        if part not in ("dev", "train"):
            raise ValueError(f"Expected --part dev or train, got {part!r}.")
        ways = tuple(mode.strip() for mode in modes.split(","))
        run_language_benchmark(config, out, count=n, names=names, part=part, seed=config.seed, modes=ways)
    typer.echo((out / "table.md").read_text(encoding="utf-8"))


@bench.command("forgetting")
@configured
def bench_forgetting(
    out: Annotated[Path, typer.Option(help="The folder for figures and their origin.")] = Path("bench-forgetting"),
    *,
    config: Config,
) -> None:
    """Lay plain English and answers of the tuned model beside those of the model it was made from.

    Example: doable bench forgetting --out bench-forgetting
    """
    from .bench_forgetting import run_forgetting_benchmark

    run_forgetting_benchmark(config, out)
    typer.echo((out / "table.md").read_text(encoding="utf-8"))


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
    """Measure what memory finds of long conversations, and how fast it is with many records.

    Example: doable bench memory conversations.json --scale 1000,10000
    """
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
    days: Annotated[int, typer.Option(min=1, help="Simulated days, of about 1,100 records each.")] = 5,
    embedder: Annotated[str, typer.Option(help="'minilm' or 'hash'; answers by rule do not need it.")] = "hash",
    model: Annotated[
        str | None, typer.Option(help="Who reads records for free-form questions; 'none': nobody [default: SmolLM2].")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Draws the days and the questions.")] = 0,
    out: Annotated[Path, typer.Option(help="The folder for rows, figures and their origin.")] = Path("bench-questions"),
) -> None:
    """Ask about simulated days, and hold the answers against what the simulator knows.

    Example: doable bench questions --days 5
    """
    from .bench_questions import run_questions_benchmark
    from .parts import make_embedder, make_model
    from .reading import READER

    with bad_input():
        made = make_embedder(Config.load({"embedder": embedder}))
        reader = None if model == "none" else make_model(Config.load({"model": model or READER}))
        typer.echo(run_questions_benchmark(out, made, days=days, seed=seed, reader=reader))


@bench.command("life")
@configured
def bench_life(
    count: Annotated[int, typer.Option(min=1, help="Requests, one after the other.")] = 30,
    out: Annotated[Path, typer.Option(help="The folder for rows, figures and their origin.")] = Path("bench-life"),
    *,
    config: Config,
) -> None:
    """Does memory pay? The same requests with it, without it, and with a prompt of 512 tokens; symbolic world.

    Example: doable bench life --count 30
    """
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
    """Measure outlines, names and positions of what a detector sees against the renderer's labels.

    Example: doable bench detector --scenes kitchen,kitchen-island
    """
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
    """Measure how fast the world is, beside bare physics, panda-gym and the clock. Keep the machine quiet meanwhile.

    Example: doable bench world --scene kitchen
    """
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
    """Measure how often each family of skills does what it declares. Goes on where it stopped.

    Example: doable bench skills --n 200 --workers 2
    """
    from ..skills.trials import TRIED
    from .bench_skills import run_skills_benchmark

    with bad_input():
        table = run_skills_benchmark(out, n=n, seed=seed, families=family or TRIED, workers=workers)
    typer.echo(table)


@bench.command("faults")
@configured
def bench_the_faults(
    n: Annotated[int, typer.Option("--n", min=1, help="Episodes of each cell.")] = 100,
    horizon: Annotated[list[int] | None, typer.Option(help="Skills that goals take; several if given again.")] = None,
    fault: Annotated[list[str] | None, typer.Option(help="What goes wrong; several if given again.")] = None,
    arm: Annotated[list[str] | None, typer.Option(help="How far it looks; several if given again.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    out: Annotated[Path, typer.Option(help="The folder for rows, figures and their origin.")] = Path("bench-faults"),
    *,
    config: Config,
) -> None:
    """Measure how success falls with a goal's length when things go wrong. Goes on where it stopped.

    Example: doable bench faults --world symbolic --workers 2
    """
    from rich.console import Console

    from .bench_faults import FAULTS, HORIZONS, USUAL, run_faults_benchmark
    from .bench_files import progress

    with bad_input(), progress(Console(stderr=True)) as bar:
        job = bar.add_task("episodes", total=None)
        table = run_faults_benchmark(
            config, out, n=n, seed=config.seed, horizons=horizon or HORIZONS, faults=fault or FAULTS,
            arms=arm or USUAL, workers=workers,
            progress=lambda done, total: bar.update(job, completed=done, total=total),
        )  # fmt: skip
    typer.echo(table)


@bench.command("asking")
@configured
def bench_the_asking(
    n: Annotated[int, typer.Option("--n", min=10, help="Requests to calibrate on, and as many to measure.")] = 300,
    out: Annotated[Path, typer.Option(help="The folder for rows, figures and their origin.")] = Path("bench-asking"),
    *,
    config: Config,
) -> None:
    """Calibrate when to ask which one is meant, and measure it beside asking always, never, and by entropy.

    Example: doable bench asking --n 300
    """
    from rich.console import Console

    from .bench_asking import run_asking_benchmark
    from .bench_files import progress

    with bad_input(), progress(Console(stderr=True)) as bar:
        job = bar.add_task("requests", total=2 * n)
        table = run_asking_benchmark(
            config,
            out,
            n=n,
            seed=config.seed,
            progress=lambda done, total: bar.update(job, completed=done, total=total),
        )
    typer.echo(table)
