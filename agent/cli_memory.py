"""`doable memory`: look into what the agent remembers, tell it something, correct it, take it elsewhere."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from .config import Config

if TYPE_CHECKING:
    from ..memory.record import Record
    from ..memory.store import Memory

memory = typer.Typer(no_args_is_help=True, help="What the agent remembers.")

Where = Annotated[
    str | None,
    typer.Option("--memory", help="The folder, or a Chroma server's URL [default: as `doable run`].", metavar="PATH"),
]  # fmt: skip
Embedder = Annotated[
    str | None, typer.Option("--embedder", help="'minilm' or 'hash' [default: minilm].", metavar="NAME")
]
Kind = Annotated[str | None, typer.Option(help="Only episode, sighting, fact or lesson.")]
Place = Annotated[str | None, typer.Option(help="Only of this place.")]
Thing = Annotated[str | None, typer.Option("--object", help="Only about this object.")]
Outcome = Annotated[str | None, typer.Option(help="Only success or failure.")]
Since = Annotated[str | None, typer.Option(help="Only from then on: 30m, 2h, 3d ago, or a time like 2026-11-25T08:00.")]
Id = Annotated[str, typer.Argument(help="A record's id, or its beginning.")]
_SPANS = {"m": 60.0, "h": 3600.0, "d": 86400.0}
_SHOWN = 10
"""Characters of an id that are shown."""


@memory.command("list")
def list_records(
    kind: Kind = None, place: Place = None, thing: Thing = None, outcome: Outcome = None, since: Since = None,
    limit: Annotated[int, typer.Option(min=1, help="Records at most, the newest.")] = 20,
    where: Where = None, embedder: Embedder = None,
) -> None:  # fmt: skip
    """List records, the newest first.

    Example: doable memory list --kind lesson
    """
    from ..memory.shelf import Filter

    with opened(where, embedder) as store:
        only = Filter(kind, place, outcome, [thing] if thing else None, _since(since))
        _show(store.select(only, limit=limit))


@memory.command()
def search(
    text: Annotated[str, typer.Argument(help="What to look for, in words.")],
    kind: Kind = None, place: Place = None, thing: Thing = None, outcome: Outcome = None, since: Since = None,
    limit: Annotated[int, typer.Option(min=1, help="Records at most.")] = 8,
    where: Where = None, embedder: Embedder = None,
) -> None:  # fmt: skip
    """Search by meaning and word, the best first.

    Example: doable memory search "red bull" --limit 3
    """
    from ..memory.shelf import Filter

    with opened(where, embedder) as store:
        only = Filter(kind, place, outcome, [thing] if thing else None, _since(since))
        _show(store.search(text, k=limit, only=only))


@memory.command()
def add(
    text: Annotated[str, typer.Argument(help="What it should know, like 'the cups belong on the table'.")],
    kind: Annotated[str, typer.Option(help="fact or lesson.")] = "fact",
    place: Annotated[str | None, typer.Option(help="The place it is about.")] = None,
    thing: Annotated[
        list[str] | None, typer.Option("--object", help="An object it is about; several if given again.")
    ] = None,
    where: Where = None, embedder: Embedder = None,
) -> None:  # fmt: skip
    """Tell it something. It is never forgotten to save room, and ends what it contradicts.

    Example: doable memory add "the sponge belongs on the far counter"
    """
    from ..memory.consolidation import learn
    from ..memory.record import Record

    with opened(where, embedder) as store:
        record = Record(
            text=text, kind=kind, time=time.time(), place=place, objects=tuple(thing or ()),  # type: ignore[arg-type]
            outcome=None, importance=0.9, episode="told", told=True,
        )  # fmt: skip
        _show(learn(store, record))


@memory.command()
def edit(
    record_id: Id,
    text: Annotated[str, typer.Argument(help="What it should say instead.")],
    where: Where = None, embedder: Embedder = None,
) -> None:  # fmt: skip
    """Correct a record's text. Its id changes with it: ids are hashes of what a record says.

    Example: doable memory edit 3f2a9c "the sponge belongs on the table"
    """
    from dataclasses import replace

    with opened(where, embedder) as store:
        old = _find(store, record_id)
        new = replace(old, text=text, id="")
        store.remember([new])
        if new.id != old.id:
            store.forget([old.id])
        _show([new])


@memory.command()
def forget(
    record_id: Annotated[list[str], typer.Argument(help="Ids of records, or their beginnings.")],
    where: Where = None, embedder: Embedder = None,
) -> None:  # fmt: skip
    """Remove records for good.

    Example: doable memory forget 3f2a9c 77b01e
    """
    with opened(where, embedder) as store:
        gone = store.forget([_find(store, each).id for each in record_id])
        typer.echo(f"Forgot {len(gone)} record{'s' if len(gone) != 1 else ''}.")


@memory.command("export")
def export_records(
    file: Annotated[Path, typer.Argument(help="The file to write (JSONL).")],
    where: Where = None, embedder: Embedder = None,
) -> None:  # fmt: skip
    """Write all records, one JSON object a line.

    Example: doable memory export records.jsonl
    """
    from ..memory.transfer import lines
    from .bench_files import write_whole

    with opened(where, embedder) as store:
        write_whole(file, "".join(lines(store.all())))
        typer.echo(f"Wrote {store.count()} records to {file}.")


@memory.command("import")
def import_records(
    file: Annotated[Path, typer.Argument(help="A file that export wrote (JSONL).")],
    where: Where = None, embedder: Embedder = None,
) -> None:  # fmt: skip
    """Add the records of a file; those that are there already stay as they are. All or none.

    Example: doable memory import records.jsonl
    """
    from ..memory.transfer import parse

    with opened(where, embedder) as store:
        with file.open("rb") as lines:
            records = parse(lines)
        typer.echo(f"Added {len(store.remember(records))} of {len(records)} records.")


@memory.command()
def ask(
    question: Annotated[str, typer.Argument(help="Like 'where is the coke?' or 'what did I do today?'")],
    model: Annotated[
        str | None, typer.Option(help="Who reads the records where no rule fits: a language model [default: nobody].")
    ] = None,
    where: Where = None, embedder: Embedder = None,
) -> None:  # fmt: skip
    """Ask about the past; the answer comes with the records that show it.

    Example: doable memory ask "where was the sponge yesterday?"
    """
    from ..memory.answering import ask as answer_to
    from ..sim.catalogue import CATALOGUE

    aliases = {synonym.lower(): kind.name for kind in CATALOGUE.values() for synonym in kind.synonyms}
    with opened(where, embedder) as store:
        answer = answer_to(store, question, time.time(), aliases)
        if not answer.by_rule and answer.evidence:
            _free_form(question, [r for i in answer.evidence if (r := store.get(i))], model)
            return
        typer.echo(answer.text)
        if answer.evidence:
            typer.echo(f"Evidence: {', '.join(i[:_SHOWN] for i in answer.evidence[:10])}")


def _free_form(question: str, records: "list[Record]", model: str | None) -> None:
    """No rule knows: what a language model reads in the records that fit best, and these records."""
    from .parts import make_model
    from .reading import read

    if model is not None and model != "none":
        reader = make_model(Config.load({"model": model}))
        said = read(reader, question, records)
        typer.echo(f"{said or 'Nothing'}  (no rule fits: {reader.name} read this in the records below; not checked)")
    _show(records)


@memory.command()
def stats(where: Where = None, embedder: Embedder = None) -> None:
    """Count what there is, by kind and outcome, and what it takes on disk.

    Example: doable memory stats
    """
    from ..memory.record import KINDS
    from ..memory.shelf import Filter

    with opened(where, embedder) as store:
        typer.echo(f"records: {store.count()}")
        for kind in KINDS:
            failed = store.count(Filter(kind, outcome="failure"))
            typer.echo(f"  {kind}: {store.count(Filter(kind))}" + (f" ({failed} failures)" if failed else ""))
        typer.echo(f"told by a person: {store.count(Filter(told=True))}")
        typer.echo(f"no longer so: {store.count(Filter(past=True))}")
        newest, oldest = store.select(Filter(), limit=1), store.select(Filter(), limit=1, oldest_first=True)
        if newest:
            typer.echo(f"from {_clock(oldest[0].time)} to {_clock(newest[0].time)}")
        size = sum(path.stat().st_size for path in store.path.rglob("*") if path.is_file())
        typer.echo(f"on disk: {size / 1e6:.1f} MB in {store.path}")


@contextmanager
def opened(where: str | None, embedder: str | None) -> Iterator["Memory"]:
    """The memory that a person means; what they got wrong is told in a line, with exit code 2."""
    from .parts import make_memory

    try:
        store = make_memory(Config.load({"memory": where, "embedder": embedder}))
        try:
            yield store
        finally:
            store.close()
    except (ValueError, OSError) as error:
        _fail(str(error))


def _fail(message: str) -> NoReturn:
    typer.echo(f"Error: {message}", err=True)
    raise typer.Exit(2)


def _show(records: "list[Record]") -> None:
    now = time.time()
    for record in records:
        about = ", ".join(w for w in (record.kind, record.place, *record.objects, "told" if record.told else None) if w)
        typer.echo(f"{record.id[:_SHOWN]}  {record.sentence(now)}  [{about}]")
    if not records:
        typer.echo("Nothing.")


def _find(store: "Memory", beginning: str) -> "Record":
    found = store.starting_with(beginning)
    if len(found) != 1:
        raise ValueError(
            f"Expected the id of one record, got {beginning!r}, which begins {len(found)}. See: doable memory list."
        )
    return found[0]


def _since(text: str | None) -> float | None:
    """Unix seconds of '2h' (ago) or of a time like 2026-11-25T08:00, this machine's."""
    if text is None:
        return None
    if span := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([mhd])", text.strip()):
        return time.time() - float(span[1]) * _SPANS[span[2]]
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise ValueError(f"Expected a time like 30m, 2h, 3d or 2026-11-25T08:00, got {text!r}.") from None


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).isoformat(" ", timespec="minutes")
