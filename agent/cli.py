"""The command line: `doable run`, `resume`, `bench`, `train`. Exit codes: 0 reached, 1 not reached, 2 bad input.

Heavy parts are imported inside the commands, so that `doable --help` is quick.
"""

from importlib.metadata import version
from typing import Annotated

import typer

from .cli_bench import bench
from .cli_chat import chat
from .cli_common import configured
from .cli_doctor import doctor
from .cli_export import export
from .cli_memory import memory
from .cli_report import report_run
from .cli_run import resume, run
from .cli_runs import runs
from .cli_serve import serve
from .cli_train import train

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, help=(
    "An agent that does only what is doable: a language model says what would help, value functions say what can work."
))  # fmt: skip


@app.callback(invoke_without_command=True)
def doable(show_version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False) -> None:
    if show_version:
        typer.echo(f"doable {version('doable')}")
        raise typer.Exit


app.command()(run)
app.command()(resume)
app.command()(configured(chat))
app.command("report")(report_run)
app.command()(configured(serve))
app.command()(configured(doctor))
app.add_typer(runs, name="runs")
app.add_typer(memory, name="memory")
app.add_typer(bench, name="bench")
app.add_typer(train, name="train")
app.add_typer(export, name="export")


def main() -> None:
    """The entry point of the package."""
    app(prog_name="doable")
