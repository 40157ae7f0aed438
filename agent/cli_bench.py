"""`doable bench …`: every figure that is reported comes from one of these."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_bench_language import bench_forgetting, bench_language, bench_plans, bench_scoring, bench_the_asking
from .cli_bench_memory import bench_life, bench_memory, bench_questions
from .cli_bench_runs import bench_the_kills, bench_the_long_goal
from .cli_common import bad_input, configured, going_on
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
bench.command("scoring")(bench_scoring)
bench.command("plans")(bench_plans)
bench.command("language")(bench_language)
bench.command("forgetting")(bench_forgetting)
bench.command("asking")(bench_the_asking)
bench.command("memory")(bench_memory)
bench.command("questions")(bench_questions)
bench.command("life")(bench_life)
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
        str | None,
        typer.Option(
            metavar="can|words|ahead",
            help="'can': with other values; 'words': with fewer rules for words; 'ahead': without look-ahead.",
        ),
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
        if ablate not in (None, *ablation.PARTS):
            raise ValueError(f"Expected --ablate {' or '.join(ablation.PARTS)}, got {ablate!r}.")

        def run(folder: Path, settings: Config) -> "Summary":
            return run_tasks_benchmark(file, seeds, plan_only, folder, settings, family=family)

        summary = ablation.ablate(run, config, out, ablate) if ablate else run(out, config)
    typer.echo(summary.table())


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
