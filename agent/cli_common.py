"""What the commands share: a flag for every setting, bad input told in a line, exit codes."""

import functools
import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer

from .config import Config, defaults, field_docs

REACHED, NOT_REACHED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
OFTEN = ("scene", "world", "seed", "model", "memory", "runs", "max_steps")
"""Settings that --help lists; --help-all lists all of them."""


def configured(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command(…, config)` a flag for every field of `Config`, and `--config FILE`."""

    @functools.wraps(command)
    def with_config(**given: Any) -> None:
        given.pop("help_all")
        flags = {name: given.pop(name) for name in field_docs()}
        with bad_input():
            config = Config.load(flags, file=given.pop("config"))
        command(**given, config=config)

    own = [p for p in inspect.signature(command, eval_str=True).parameters.values() if p.name != "config"]
    flags = [_flag("config", str | None, "A TOML file of these settings.", "FILE")]
    for name, text in field_docs().items():
        default = defaults()[name]
        shown = f" [default: {default}]" if default is not None and not isinstance(default, bool) else ""
        flags.append(_flag(name, bool | None if isinstance(default, bool) else str | None, text + shown, "VALUE"))
    help_all = typer.Option("--help-all", is_eager=True, callback=_help_all, help="Show every setting and exit.")
    everything = Annotated[bool, help_all]
    flags.append(inspect.Parameter("help_all", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=everything))
    # What typer reads a function's parameters from; to a type checker functions have none.
    with_config.__signature__ = inspect.Signature([*own, *flags])  # type: ignore[attr-defined]
    with_config.__annotations__ = {p.name: p.annotation for p in (*own, *flags)}
    return with_config


def _flag(name: str, kind: Any, text: str, metavar: str) -> inspect.Parameter:
    hidden = name not in (*OFTEN, "config")
    option = typer.Option(help=_brief(text), metavar=None if kind == bool | None else metavar, hidden=hidden)
    annotation = Annotated[kind, option]
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)


def _brief(text: str) -> str:
    """A setting's text without what follows its first colon or sentence, but with its default."""
    told, _, default = text.partition(" [default: ")
    brief = re.split(r"(?<=\)): |(?<=[.]) ", told)[0]
    return f"{brief} [default: {default}" if default else brief


def _help_all(context: typer.Context, wanted: bool) -> None:
    """The help with every setting, and all that is said of it."""
    if not wanted:
        return
    # Options have help and can be hidden; click's own base of them says neither.
    for parameter in context.command.params:
        if (text := field_docs().get(parameter.name or "")) is not None:
            default = defaults()[parameter.name or ""]
            shown = default is not None and not isinstance(default, bool)
            parameter.help = text + (f" [default: {default}]" if shown else "")  # type: ignore[attr-defined]
        parameter.hidden = False  # type: ignore[attr-defined]
    typer.echo(context.get_help())
    raise typer.Exit


@contextmanager
def bad_input() -> Iterator[None]:
    """What a person got wrong is said in a line on stderr, with exit code 2; a bug of ours is not caught here."""
    try:
        yield
    except (ValueError, OSError) as error:
        fail(str(error))


@contextmanager
def going_on(what: str) -> Iterator[None]:
    """As `bad_input`; after Ctrl-C, how to go on is told: `what` is there already, and where."""
    try:
        with bad_input():
            yield
    except KeyboardInterrupt:
        typer.echo(f"Stopped. The same command goes on: {what}.", err=True)
        raise typer.Exit(INTERRUPTED) from None


def fail(message: str) -> NoReturn:
    """Say what is wrong and exit with code 2."""
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(BAD_INPUT)
