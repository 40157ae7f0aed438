"""`doable chat` at a terminal: a line editor with history and completion; plain lines where there is no TTY."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from .cli_common import bad_input
from .config import Config

if TYPE_CHECKING:
    from .chat import Ask, Chat


def chat(*, config: Config) -> None:
    """Talk with the agent: goals and questions in plain words, /help for commands.

    Example: doable chat --seed 3
    """
    from rich.console import Console

    from .agent import Agent
    from .chat import Chat
    from .terminal_pictures import protocol

    console = Console(highlight=False)
    with bad_input():
        agent = Agent(config=config)
        talk = Chat(agent, console, _plain_line)
        _ = agent.world, agent.model, agent.values, agent.memory
    if sys.stdin.isatty() and sys.stdout.isatty():
        talk.asker, talk.typed, talk.pictures = _editor(talk), _typed, protocol
    talk.say(f"{config.world} {config.scene}, seed {config.seed}; {agent.model.name}. /help lists commands.")
    while True:
        try:
            line = talk.ask("> ")
        except EOFError:
            break
        except KeyboardInterrupt:
            continue
        if not talk.hear(line):
            break
    talk.close()


def _editor(talk: Chat) -> Ask:
    from prompt_toolkit import PromptSession  # pyright: ignore[reportMissingImports]
    from prompt_toolkit.history import FileHistory  # pyright: ignore[reportMissingImports]
    from prompt_toolkit.output import ColorDepth  # pyright: ignore[reportMissingImports]

    depth = ColorDepth.DEPTH_1_BIT if os.environ.get("NO_COLOR") else None
    session = PromptSession(
        history=FileHistory(str(_history())), completer=_completer(talk), complete_while_typing=False, color_depth=depth
    )
    return session.prompt


def _typed() -> str | None:
    """The last whole line that was typed while nobody asked for one; None: there is none."""
    if sys.platform == "win32" or not select.select([sys.stdin], [], [], 0)[0]:
        return None
    return os.read(sys.stdin.fileno(), 4096).decode(errors="replace").strip().rpartition("\n")[2] or None


def _plain_line(prompt: str) -> str:
    """The next line of what is piped in, without a prompt."""
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def _history() -> Path:
    """The file of what was typed, for its owner alone."""
    path = Path(platformdirs.user_data_dir("doable")) / "chat-history"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    return path


def _completer(talk: Chat):
    from prompt_toolkit.completion import Completer, Completion  # pyright: ignore[reportMissingImports]

    class Words(Completer):
        """Commands, what can follow them, and the names of things."""

        def get_completions(self, document, complete_event):
            text = document.text_before_cursor
            for whole, shown in completions(talk, text):
                yield Completion(whole, start_position=-len(text), display=shown)

    return Words()


def completions(talk: Chat, text: str) -> Iterable[tuple[str, str]]:
    """Whole lines that `text` can become, each with what to show of it."""
    from ..sim.views import camera_names
    from .chat_commands import COMMANDS, known_runs

    name, space, words = text.partition(" ")
    scene = talk.agent.world.scene
    if text.startswith("/") and not space:
        for command, function in COMMANDS.items():
            if f"/{command}".startswith(name):
                yield f"/{command}", f"/{command} {(function.__doc__ or '').strip()}"
        return
    after = {
        "/resume": lambda: [run for run, _, _ in known_runs(talk)],
        "/scene": lambda: camera_names(scene),
        "/auto": lambda: ("on", "off"),
        "/budget": lambda: ("steps ", "seconds ", "wall "),
    }
    if name in after:
        yield from ((f"{name} {word}", word) for word in after[name]() if word.startswith(words))
        return
    head, _, last = text.rpartition(" ")
    known = (*scene.place_names, *scene.drawer_names, *scene.carrier_names)
    if last:
        yield from ((f"{head} {word}".lstrip(), word) for word in known if word.startswith(last.lower()))
