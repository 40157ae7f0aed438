"""One process at a time on a folder. The lock is the system's own, through SQLite: a killed process leaves none."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import suppress
from pathlib import Path

_WAIT = 2.0
"""Seconds that a second process waits for the first one to finish."""
_held: dict[str, tuple[sqlite3.Connection, int]] = {}
_guard = threading.Lock()


class FolderInUse(OSError):
    """Another process works on the folder; the message says which, and what to do."""


def acquire(folder: Path) -> str:
    """Take the folder for this process, which may take it several times. Gives the key to `release`."""
    key = str(folder.resolve())
    with _guard:
        if key in _held:
            connection, count = _held[key]
            _held[key] = connection, count + 1
            return key
        connection = sqlite3.connect(
            folder / "lock.sqlite3", timeout=_WAIT, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            connection.close()
            owner = ""
            with suppress(OSError):
                owner = f" (process {(folder / 'owner').read_text().strip()})"
            raise FolderInUse(
                f"Expected to be alone in the memory folder {str(folder)!r}, but another process{owner} is using it. "
                "Wait until it ends, give each its own folder (--memory PATH), or share a Chroma server (--memory URL)."
            ) from error
        (folder / "owner").write_text(f"{os.getpid()}\n")
        _held[key] = connection, 1
    return key


def release(key: str) -> None:
    """Give it back; the last one who does lets other processes in."""
    with _guard:
        connection, count = _held[key]
        if count > 1:
            _held[key] = connection, count - 1
            return
        del _held[key]
        connection.close()
