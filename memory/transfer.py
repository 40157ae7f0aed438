"""Records as JSONL, one a line, and back: what is exported, imported elsewhere and exported again is the same bytes."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, fields
from typing import Any

from .record import Record

_KEYS = {field.name for field in fields(Record)}
_HAVE_DEFAULTS = {"id", "told", "confidence", "until"}


class TransferError(ValueError):
    """A line that is no record; the message names the line, the rule and the value."""


def lines(records: Iterable[Record]) -> Iterator[str]:
    """One line of JSON a record, by time and then by id."""
    for record in sorted(records, key=lambda r: (r.time, r.id)):
        yield json.dumps(asdict(record), ensure_ascii=False, allow_nan=False) + "\n"


def parse(file: Iterable[bytes]) -> list[Record]:
    """The records of a file's lines. Raises `TransferError`; then none should be kept."""
    return [_parse(number, line) for number, line in enumerate(file, 1) if line.strip()]


def _parse(number: int, line: bytes) -> Record:
    try:
        data = json.loads(line.decode("utf-8"))
        if not isinstance(data, dict):
            raise ValueError(f"Expected a JSON object, got {data!r:.80}.")
        for key in data:
            if key not in _KEYS:
                near = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.0)[0]
                raise ValueError(f"Expected a record's keys, got {key!r}. Did you mean {near!r}?")
        if missing := sorted(_KEYS - _HAVE_DEFAULTS - set(data)):
            raise ValueError(f"Expected the keys {', '.join(sorted(_KEYS))}; missing: {', '.join(missing)}.")
        record = _record(data)
        if data.get("id") and record.id != data["id"]:
            raise ValueError(f"Expected id {record.id!r}, the hash of the rest, got {data['id']!r}. Leave it out.")
    except UnicodeDecodeError as error:
        raise TransferError(f"Line {number}: Expected UTF-8, got byte {error.object[error.start]:#04x}.") from error
    except json.JSONDecodeError as error:
        raise TransferError(f"Line {number}: Expected JSON: {error}.") from error
    except ValueError as error:
        raise TransferError(f"Line {number}: {error}") from error
    return record


def _record(data: dict[str, Any]) -> Record:
    objects = data["objects"]
    if not isinstance(objects, list) or not all(isinstance(o, str) for o in objects):
        raise ValueError(f"Expected objects as a list of names, got {objects!r:.80}.")
    given = {**data, "objects": tuple(objects), "id": ""}
    kinds = {"text": str, "episode": str, "told": bool}
    for name, kind in kinds.items():
        if name in given and not isinstance(given[name], kind):
            raise ValueError(f"Expected {name!r} to be {kind.__name__}, got {given[name]!r:.80}.")
    for name in ("time", "importance", "confidence", "until"):
        value = given.get(name, 0.0)
        if isinstance(value, bool) or not isinstance(value, int | float | (type(None) if name == "until" else float)):
            raise ValueError(f"Expected {name!r} to be a number, got {value!r:.80}.")
        if name in given and value is not None:
            given[name] = float(value)
    if not isinstance(given["place"], str | None):
        raise ValueError(f"Expected a place's name or null, got {given['place']!r:.80}.")
    return Record(**given)
