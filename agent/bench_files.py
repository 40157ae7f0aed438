"""What benchmarks share: a folder of results, files that are whole or not there, a bar that shows progress."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


def progress(console: Console | None) -> Progress:
    """All that a benchmark prints: one bar on the error stream, so that standard output stays the caller's."""
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
    console = console or Console(stderr=True)
    return Progress(TextColumn("{task.description:<24}"), *columns, console=console)


def results_folder(path: str | Path) -> Path:
    """The folder, made if need be. Raises ValueError if a file stands there."""
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise ValueError(f"Expected a folder for the results, got {str(path)!r}, which is a file. Name another one.")
    path.mkdir(parents=True, exist_ok=True)
    return path


def appending(path: Path) -> TextIO:
    """The file, open for more lines; a line that a crash cut short is ended first."""
    torn = path.is_file() and not path.read_bytes().endswith(b"\n") and path.stat().st_size > 0
    file = path.open("a", encoding="utf-8")
    if torn:
        file.write("\n")
    return file


def as_json(data: Mapping[str, Any]) -> str:
    """Readable JSON, without NaN."""
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_whole(path: Path, text: str) -> None:
    """Whole or not at all."""
    half = path.with_name(f".{path.name}.half")
    half.write_text(text, encoding="utf-8")
    os.replace(half, path)
