"""`doable bench memory | questions | life`: what is found again, and whether it pays."""

from pathlib import Path
from typing import Annotated

import typer

from .cli_common import bad_input, configured
from .config import Config


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
