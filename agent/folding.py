"""A trace that folds: what was written since a mark is taken back from the screen, and one line put in its place."""

from __future__ import annotations

from typing import Any, TextIO

from rich.console import Console


class Counted:
    """A text file that counts the lines written to it."""

    def __init__(self, file: TextIO):
        self._file = file
        self.lines = 0

    def write(self, text: str) -> int:
        """As the file does."""
        self.lines += text.count("\n")
        return self._file.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class Fold:
    """What was written to a console since `mark`. Nothing is ever taken back where the console is no terminal."""

    def __init__(self, console: Console):
        self._console = console
        self._file = Counted(console.file)  # type: ignore[arg-type]
        console.file = self._file  # type: ignore[assignment]
        self._width: int | None = None

    def mark(self) -> None:
        """What is written from now on can be folded."""
        able = self._console.is_terminal and not self._console.is_dumb_terminal and not self._console.legacy_windows
        self._width = self._console.width if able else None
        self._file.lines = 0

    def keep(self) -> None:
        """What was written since the mark stays: something else was written between, or it is wanted."""
        self._width = None

    def take_back(self) -> bool:
        """Erase it, if all of it is still on the screen as it was written; False: it stays."""
        lines, width, self._width = self._file.lines, self._width, None
        if width != self._console.width or not 0 < lines < self._console.height:
            return False
        self._file.write(f"\x1b[{lines}A\r\x1b[J")
        return True
