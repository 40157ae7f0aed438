"""`doable bench scoring | plans | language | forgetting | asking`: what the language model says, and when to ask."""

import functools
from pathlib import Path
from typing import Annotated

import typer

from .cli_common import INTERRUPTED, bad_input, configured, going_on
from .config import Config


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


@configured
def bench_language(
    n: Annotated[int, typer.Option("--n", min=1, help="Instructions that the agent pursues.")] = 200,
    names: Annotated[int, typer.Option(min=0, help="Instructions by names that training never saw.")] = 100,
    part: Annotated[str, typer.Option(help="'dev': sentence frames that training never saw; or 'train'.")] = "dev",
    spoken: Annotated[bool, typer.Option("--spoken", help="Whole sentences of different people.")] = False,
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
        run_language_benchmark(
            config, out, count=n, names=names, part=part, seed=config.seed, spoken=spoken, modes=ways
        )
    typer.echo((out / "table.md").read_text(encoding="utf-8"))


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
