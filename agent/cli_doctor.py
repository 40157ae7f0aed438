"""`doable doctor`: is everything here, and what to do where it isn't."""

from __future__ import annotations

import typer

from .config import Config

_MARK = {"good": ("✓", "green"), "careful": ("!", "yellow"), "bad": ("✗", "red")}


def doctor(*, config: Config) -> None:
    """Look whether everything that the agent needs is here. Nothing is loaded, downloaded or written.

    Example: doable doctor; exit code 1 if something is missing
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from .doctor import examine

    table = Table(box=None, padding=(0, 1), pad_edge=False, show_header=False)
    found = examine(config)
    for finding in found:
        mark, style = _MARK[finding.state]
        told = finding.text + (f"\n→ {finding.todo}" if finding.todo else "")
        table.add_row(Text(mark, style=style), finding.about, Text(told, overflow="fold"))
    Console(highlight=False).print(table)
    raise typer.Exit(1 if any(finding.state == "bad" for finding in found) else 0)
