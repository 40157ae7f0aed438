"""`doable train …`: the parts that learn. Every command goes on where it was stopped."""

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .cli_common import going_on
from .cli_values import train_values

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

train = typer.Typer(no_args_is_help=True, help="Train the parts that learn.")
train.add_typer(train_values, name="values")
train_detector = typer.Typer(no_args_is_help=True, help="The detector: what is in a picture.")
train.add_typer(train_detector, name="detector")


@train_detector.command("collect")
def collect_pictures(
    out: Annotated[Path, typer.Option(help="The folder for the pictures; a run that was stopped goes on.")],
    scenes: Annotated[str, typer.Option(help="Scenes to train on, by comma.")] = "kitchen",
    states: Annotated[int, typer.Option(min=1, help="How many situations a scene.")] = 400,
    seed: Annotated[int, typer.Option(min=0, help="Draws the situations.")] = 0,
) -> None:
    """Take labelled pictures of random situations. Goes on where it stopped.

    Example: doable train detector collect --out pictures --states 400
    """
    from rich.console import Console
    from rich.progress import Progress

    from ..sim.pictures import collect
    from ..sim.scene import load_scene

    with going_on(f"its pictures are in {out}"), Progress(console=Console(stderr=True)) as bar:
        rooms = [load_scene(name.strip()) for name in scenes.split(",")]
        job = bar.add_task("situations", total=states * len(rooms))
        count = collect(out, rooms, states=states, seed=seed, progress=lambda count: bar.update(job, completed=count))
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
    """Train the detector on such pictures. Goes on where it stopped.

    Example: doable train detector fit --data pictures --work fit --out my.safetensors
    """
    from ..sim.detector_training import DetectorRecipe, fit

    command = f"doable train detector fit --data {data} --out {out} --work {work} --epochs {epochs} --seed {seed}"
    with going_on(f"its state is in {work}"):
        recipe = DetectorRecipe(epochs=epochs, seed=seed)
        log = functools.partial(typer.echo, err=True)
        fit(data, out, work, recipe, command=command, threads=threads, log=log)
    typer.echo(f"The detector is in {out}, its data card beside it.")


@train.command("language")
def train_language(
    out: Annotated[Path, typer.Option(help="The file for the adapter (safetensors).")],
    work: Annotated[Path, typer.Option(help="The folder for the state; a run that was stopped goes on.")],
    model: Annotated[str | None, typer.Option(help="A causal model: a folder or hub id [default: what ships].")] = None,
    episodes: Annotated[int, typer.Option(min=1, help="Training episodes.")] = 3000,
    seed: Annotated[int, typer.Option(help="Draws the episodes.")] = 0,
    threads: Annotated[int, typer.Option(min=1, help="Processor cores to use.")] = 1,
    start: Annotated[Path | None, typer.Option(help="An adapter to train further [default: a fresh one].")] = None,
    learning_rate: Annotated[float, typer.Option(min=1e-7, max=1e-1, help="Its peak.")] = 6e-4,
    teach: Annotated[
        str, typer.Option(help="'skills': a robot's next skill; 'errands': goals in plain words.")
    ] = "skills",
    spoken: Annotated[float, typer.Option(min=0, max=1, help="Share of episodes in people's own sentences.")] = 0.5,
) -> None:
    """Fine-tune a language model to say the next skill (LoRA). Goes on where it stopped.

    The result is for --model MODEL+FILE, as in: doable run "bring me a coke" --model ./gemma+my.safetensors

    Example: doable train language --model ./gemma --work language --out my.safetensors
    """
    from ..memory import MiniLM
    from .language_training import Recipe, reported_tasks
    from .language_training import train as train_adapter
    from .models import DEFAULT

    def embed(texts: list[str]) -> "NDArray[np.float64]":
        return np.array(embedder.embed_documents(texts))

    import numpy as np

    with going_on(f"its state is in {work}"):
        embedder = MiniLM()
        if start is not None and not start.is_file():
            raise ValueError(f"Expected an adapter to start from, got {str(start)!r}, which is no file.")
        if teach not in ("skills", "errands"):
            raise ValueError(f"Expected --teach skills or errands, got {teach!r}.")
        recipe = Recipe(episodes=episodes, seed=seed, learning_rate=learning_rate, spoken=spoken, teach=teach)
        log = functools.partial(typer.echo, err=True)
        train_adapter(
            model or DEFAULT, out, work, recipe, reported_tasks(), embed, start=start, threads=threads, log=log
        )
    typer.echo(f"The adapter is in {out}: --model {model or DEFAULT}+{out}")
