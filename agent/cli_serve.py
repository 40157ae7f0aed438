"""`doable serve`: the HTTP task API."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from .cli_common import bad_input
from .config import Config

TOKEN = "DOABLE_TOKEN"
_KEEP = 150
"""Seconds that a silent connection is kept: longer than proxies in front keep theirs (Caddy: 120), so that none of them
sends a request on one that is just being closed."""


def serve(
    host: Annotated[
        str, typer.Option(help="The address to listen on; beyond loopback a token is a must.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0: any that is free.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes: episodes at once.")] = 2,
    queue: Annotated[int, typer.Option(min=1, help="Tasks that may wait.")] = 100,
    rate: Annotated[float, typer.Option(min=0, help="Requests a second and client; 0: no limit.")] = 50.0,
    patience: Annotated[
        float, typer.Option(min=0, help="Seconds that a worker waits for a person before it takes another task.")
    ] = 20.0,
    data: Annotated[
        Path | None, typer.Option(help="The folder for tasks, runs and memory [default: in the user's data folder].")
    ] = None,
    *,
    config: Config,
) -> None:
    """Take tasks over HTTP, and show them live at http://127.0.0.1:8000/.

    Example: doable serve --workers 2; then
    curl -d '{"goal": "bring me the sponge"}' -H 'Content-Type: application/json' http://127.0.0.1:8000/v1/tasks
    """
    with bad_input():
        token = checked_token(host, os.environ.get(TOKEN))
        if config.authority != "auto":
            raise ValueError(
                f"Expected --authority auto with serve, got {config.authority!r}: each task says if it waits, "
                '"mode": "ask".'
            )
        folder = data or Path(platformdirs.user_data_dir("doable")) / "serve"
        folder.mkdir(parents=True, exist_ok=True)
        from .task_api import serving

        app = serving(config, folder, workers=workers, most_queued=queue, token=token, rate=rate, patience=patience)
    import uvicorn

    uvicorn.run(
        app, host=host, port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=2,
        date_header=False, access_log=False, proxy_headers=False, timeout_keep_alive=_KEEP,
    )  # fmt: skip


def checked_token(host: str, token: str | None) -> str | None:
    """The token that requests must carry; None on loopback without one. Raises ValueError."""
    from .api_guard import LOOPBACK

    if token is not None and (len(token) < 16 or not token.isascii() or not token.isprintable()):
        raise ValueError(f"Expected {TOKEN} to be at least 16 printable characters, got {len(token)}. {_MAKE}")
    if token is None and host not in LOOPBACK:
        raise ValueError(
            f"Expected a token in {TOKEN} to listen on {host!r}, for others can reach it there. {_MAKE} And put TLS in "
            "front: let doable listen on 127.0.0.1 and a proxy (Caddy: 'reverse_proxy 127.0.0.1:8000') on the network."
        )
    return token


_MAKE = 'Make one with: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'


def load_server(
    clients: Annotated[int, typer.Option(min=1, help="Clients that post and stream at once.")] = 20,
    seconds: Annotated[float, typer.Option(min=1, help="For how long they post.")] = 10.0,
    workers: Annotated[int, typer.Option(min=1, help="The server's worker processes.")] = 2,
    out: Annotated[Path, typer.Option(help="The folder for the figures and their origin.")] = Path("bench-serve"),
) -> None:
    """Post and stream from many clients to a server in the symbolic world: is anything lost, how long do reads take?

    Example: doable bench serve --clients 200 --seconds 120
    """
    from .bench_serve import bench_serve

    with bad_input():
        load = bench_serve(out, clients=clients, seconds=seconds, workers=workers)
    typer.echo(load.table())
    raise typer.Exit(1 if load.wrong else 0)
