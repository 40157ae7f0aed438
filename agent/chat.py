"""`doable chat`: goals and questions in plain words, one world for all of them, and commands that begin with '/'.

Ctrl-C stops the run that is going on, between two steps of physics; what was done stays, and /run goes on with it.
Words that are typed meanwhile are heard at the next choice, before anything is done; a correction in a few words ("no,
the pepsi") is made into a goal by `correcting`. Where the terminal can, turns that are over fold to a line each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import numpy as np
from rich.console import Console

from ..sim.physics_world import PhysicsWorld
from .agent import Agent
from .answering import is_question
from .config import Config
from .correcting import corrected
from .folding import Fold
from .half_blocks import half_blocks
from .person import AtTerminal
from .runs import CorruptRun
from .server import ServerError
from .terminal import Terminal, plain
from .terminal_pictures import Protocol, drawn
from .turn import Turn

Ask = Callable[[str], str]
"""Asks a person with a prompt and gives the line. Raises EOFError at the end, KeyboardInterrupt at Ctrl-C."""

LOOKING = ("/why", "/scene", "/memory", "/runs", "/help", "/auto")
"""Commands that can be given while a skill waits for a yes."""
_COLUMNS = 40
"""Width of a picture in a terminal that can draw it."""
_WORLDS = 50
"""Turns that can be taken back at most."""


class Halt(BaseException):
    """Stop before what was chosen is done. No error, so nothing on the way takes it for one."""


class Steer(Halt):
    """Do something else instead; the argument is its phrase."""


class Correct(Halt):
    """Pursue something else instead; the argument is the goal in words."""


class Chat(Terminal):
    """One session: the terminal's trace, a person who is asked if they want to be, and worlds to go back to."""

    def __init__(self, agent: Agent, console: Console, ask: Ask):
        super().__init__(console)
        self.agent, self.asker = agent, ask
        self.typed: Callable[[], str | None] = lambda: None
        """What was typed while a run goes on; None: nothing."""
        self.pictures: Callable[[], Protocol | None] = lambda: None
        """How the terminal says that it shows pictures; None: it doesn't."""
        self._fold = Fold(console)
        agent.watcher = self
        agent.person = agent.person or AtTerminal(self.ask, self.say)
        self.auto = agent.config.authority != "ask-each"
        """Do what was chosen without asking."""
        self.turn: Turn | None = None
        """The newest turn, as far as it came."""
        self.turns: dict[int, Turn] = {}
        """All turns of the newest run that were followed here, by their index."""
        self._rest: tuple[str, ...] = ()
        """What is left of a goal that is pursued or was stopped, the errand in hand first."""
        self.worlds: list[tuple[str, bytes]] = []
        """What was chosen, and the world before it was done; newest last."""
        self.recording: ExitStack | None = None
        self._plan_only = False
        if not self.auto:  # the session asks by itself, and can be told more than yes and no
            self.settle(replace(agent.config, authority="auto"))

    # What is typed.

    def hear(self, line: str) -> bool:
        """Take a line: a command, a question or a goal. False: it was the last."""
        from .chat_commands import command

        line = line.strip()
        try:
            if line.startswith("/"):
                return command(self, line)
            if is_question(line):
                self.say(self.agent.ask(line))
            elif line:
                self._correct(line)
        except (ValueError, OSError, RuntimeError) as error:
            self.console.print(plain(str(error)), style="red", markup=False)
        except KeyboardInterrupt:
            self.say("Stopped.")
        return True

    def ask(self, prompt: str) -> str:
        """What a person says to this. Raises as `Ask` does."""
        self._fold.keep()
        return self.asker(prompt)

    def _correct(self, words: str) -> None:
        """Pursue what words make of what is left to do; a goal of its own, if nothing is."""
        scene = self.agent.world.scene
        goal = corrected(words, self._rest, (*scene.place_names, *scene.drawer_names))
        if goal != words:
            self._line("goal", plain(goal), "bold")
        self.pursue(goal)

    def pursue(self, goal: str, *, plan_only: bool = False) -> None:
        """Pursue a goal; `plan_only`: up to the first choice, which /run then does."""
        self.turns, self._rest = {}, (goal,)
        self._follow(self.agent.stream(goal), plan_only)

    def go_on(self, run_id: str, choose: str | None = None) -> None:
        """Go on with a run, in its world as it was."""
        if choose:
            self._line("does", f"{choose} (you chose it)", "bold blue")
        self._follow(self.agent.stream_resumed(run_id, choose=choose))

    def _follow(self, steps: Iterator[Any], plan_only: bool = False) -> None:
        self._plan_only = plan_only
        self._fold.keep()
        self._index = -1
        try:
            for _ in steps:
                pass
            self._rest = ()
            self.result(self.agent.result)
        except KeyboardInterrupt:
            self.console.print("\nStopped. /run goes on. Or say what is to be different.", style="yellow", markup=False)
        except Steer as steer:
            self.go_on(self.agent.run_id or "", str(steer.args[0]))
        except Correct as correct:
            self._correct(str(correct.args[0]))
        except Halt:
            self.say("Not done. /run goes on, or say what you want instead." if not plan_only else "/run does it.")
        except (CorruptRun, ServerError) as error:
            self.console.print(plain(str(error)), style="red", markup=False)
        finally:
            self._plan_only = False

    # What happens.

    def phase(self, name: str, turn: Turn) -> None:
        """Show it; after a choice, hear what was typed, and ask where a person wants to be asked."""
        if turn["index"] != self._index and name != "remember":
            before = self.turns.get(turn["index"] - 1)
            if before and self._fold.take_back():
                self.turn_in_a_line(before)
            self._fold.mark()
        super().phase(name, turn)
        self.turns[turn["index"]] = self.turn = turn.copy()
        if name != "choose":
            return
        self._rest = tuple(subgoal.text for subgoal in turn["subgoals"][turn["current"] :])
        decision = turn["decision"]
        if decision.phrase:
            self.worlds = [*self.worlds, (decision.phrase, self.agent.world.snapshot())][-_WORLDS:]
        if self._plan_only:
            raise Halt
        if typed := self.typed():
            self._fold.keep()
            self._heard(typed)
        if not self.auto and decision.kind == "act":
            self._approve([c.phrase for c in turn["candidates"][:5]])

    def _approve(self, phrases: list[str]) -> None:
        """Ask until there is a clear word."""
        while True:
            try:
                said = self.ask(f"do it? [y]es, [n]o, 1–{len(phrases)}, or what else > ").strip()
            except EOFError:
                raise Halt from None
            word = said.lower()
            if word in ("y", "yes", "/y"):
                return
            if word in ("n", "no", "/n"):
                raise Halt
            word = word.removeprefix("/y ").strip()
            if word.isdecimal() and 1 <= int(word) <= len(phrases):
                if int(word) == 1:
                    return
                raise Steer(phrases[int(word) - 1])
            self._heard(said)

    def _heard(self, said: str) -> None:
        """Words in the middle of a run: looked at something, or something else is to be done."""
        if said.split(" ")[0] in LOOKING or is_question(said):
            self.hear(said)
        elif said.lower().strip(" .!") in ("no", "stop", "wait", "halt"):
            raise Halt
        elif " " in said and not said.startswith("/"):
            raise Correct(said)

    # What commands need.

    def show_picture(self, rgb: np.ndarray) -> None:
        """A picture, (height, width, 3) uint8, as the terminal can show it."""
        if by := self.pictures():
            self.console.file.write(drawn(rgb, by, _COLUMNS))
        else:
            self.console.print(half_blocks(rgb, self.console))

    def say(self, text: str) -> None:
        """Words for a person, line by line."""
        for line in text.splitlines():
            self._line("", plain(line))

    def settle(self, config: Config) -> None:
        """Go on with other settings, in the same world and memory."""
        old = self.agent
        model = None if config.model != old.config.model else old.model
        self.agent = Agent(
            old.world, model, old.memory, old.values, old.library, config, watcher=self, person=old.person
        )
        self.agent.run_id = old.run_id

    def rewind(self, count: int) -> str:
        """Put the world back to before the last `count` choices; what was chosen there. Memory keeps what happened."""
        if not 1 <= count <= len(self.worlds):
            raise ValueError(f"Expected a number of turns from 1 to {len(self.worlds)}, got {count}.")
        phrase, world = self.worlds[-count]
        self.agent.world.restore(world)
        self.worlds = self.worlds[:-count]
        self.agent.run_id = None  # its checkpoint speaks of another world
        return phrase

    def record(self, path: str | None) -> str:
        """Film from now on into `path`, or end the film; what to tell."""
        if self.recording is not None:
            self.recording.close()
            self.recording = None
            if path is None:
                return "The film is finished."
        if path is None:
            return "There is no film going on. /record FILE.mp4 begins one."
        world = self.agent.world
        if not isinstance(world, PhysicsWorld):
            raise ValueError("Expected --world physics to film: there is nothing to see in a symbolic world.")
        from ..sim.recorder import record

        stack = ExitStack()
        stack.enter_context(record(world, path))
        self.recording = stack
        return f"Filming to {path}; /record ends it."

    def limits(self, **limits: Any) -> None:
        """Other limits for runs to come."""
        self.settle(replace(self.agent.config, **limits))

    def close(self) -> None:
        """End what is open."""
        if self.recording is not None:
            self.record(None)
