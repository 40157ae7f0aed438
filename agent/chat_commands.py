"""The commands of `doable chat`: functions of the session and the words after it; a docstring is the help."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.table import Table

from .runs import newest, runs_folder
from .terminal import plain, seen

if TYPE_CHECKING:
    from .chat import Chat

_SHOWN = 15


def plan(chat: Chat, words: str) -> None:
    """GOAL – what it would do first, without doing it; /run then does it"""
    chat.pursue(_needed(words, "a goal, like /plan bring me an apple"), plan_only=True)


def run(chat: Chat, words: str) -> None:
    """[GOAL] – go on with the last run, or pursue a goal"""
    if words:
        chat.pursue(words)
    elif chat.agent.run_id:
        chat.go_on(chat.agent.run_id)
    else:
        raise ValueError("Expected a run to go on with, there is none yet. Say what you want, in plain words.")


def y(chat: Chat, words: str) -> None:
    """N – at the last choice, do candidate N instead, and go on"""
    if not chat.agent.run_id or not chat.turn:
        raise ValueError("Expected a choice to say yes to, there is none. /plan GOAL makes one.")
    candidates = chat.turn["candidates"]
    number = int(words) if words.isdecimal() else 1 if not words else 0
    if not 1 <= number <= len(candidates):
        raise ValueError(f"Expected a candidate from 1 to {len(candidates)}, got {words!r}. /why lists them.")
    chat.go_on(chat.agent.run_id, candidates[number - 1].phrase)


def auto(chat: Chat, words: str) -> None:
    """[on|off] – whether skills are done without asking you"""
    if words not in ("", "on", "off"):
        raise ValueError(f"Expected on or off, got {words!r}.")
    chat.auto = words == "on" if words else not chat.auto
    chat.say("Skills are done without asking." if chat.auto else "You are asked before each skill.")


def why(chat: Chat, words: str) -> None:
    """[TURN] – the last choice, or that of a turn: what was weighed, recalled and checked"""
    if words and not words.isdecimal():
        raise ValueError(f"Expected the number of a turn, got {words!r}.")
    turn = chat.turns.get(int(words) - 1) if words else chat.turn
    if not turn or "decision" not in turn:
        raise ValueError(f"Expected a choice to explain, there is none {'of turn ' + words if words else 'yet'}.")
    chat.show_candidates(turn["candidates"], 8)
    decision = turn["decision"]
    chat.say(f"{decision.phrase or decision.kind}: {decision.reason}")
    for record in turn["recalled"]:
        chat.say(f"recalled: {record.sentence(time.time())}")
    if verdict := turn.get("verdict"):
        for fact in verdict.facts:
            chat.say(f"{'✓' if fact.holds else '✗'} {fact.name}")
        chat.say(f"check: {verdict.explanation}; then {verdict.then}")


def scene(chat: Chat, words: str) -> None:
    """[CAMERA] – what the robot sees, in words and as a picture"""
    from ..sim.physics_world import PhysicsWorld

    world = chat.agent.world
    observation = world.observe()
    chat.say(seen(observation))
    for thing in observation.objects:
        chat.say(
            f"{thing.type}: {thing.place or 'floor'}, {thing.state}" + (f", {thing.hidden}" if thing.hidden else "")
        )
    if isinstance(world, PhysicsWorld):
        from ..sim.views import ROBOT_CAMERAS, shown

        chat.show_picture(shown(world, words or ROBOT_CAMERAS[world.scene.robot.model][0], 320, 240))


def memory(chat: Chat, words: str) -> None:
    """[WORDS] – what is remembered, of these words or newest first"""
    store = chat.agent.memory
    found = store.search(words, k=_SHOWN) if words else store.all()[::-1][:_SHOWN]
    for record in found:
        chat.say(f"{record.id[:6]}  {record.sentence(time.time())}")
    chat.say(f"{len(found)} of {store.count()} records")


def forget(chat: Chat, words: str) -> None:
    """ID … | all – forget records, by the ids that /memory shows"""
    store = chat.agent.memory
    wanted = _needed(words, "ids of records, or all").split()
    ids = [r.id for r in store.all() if wanted == ["all"] or any(r.id.startswith(w) and len(w) >= 4 for w in wanted)]
    if not ids:
        raise ValueError(f"Expected ids that /memory shows, got {words!r}.")
    if len(ids) > 1:
        word = chat.ask(f"forget {len(ids)} records for ever? [y]es or [n]o > ")
        if word.strip().lower() not in ("y", "yes"):
            return
    store.forget(ids)
    chat.say(f"forgot {len(ids)}")


def undo(chat: Chat, words: str) -> None:
    """– put the world back to before the last skill"""
    rewind(chat, "1")


def rewind(chat: Chat, words: str) -> None:
    """K – put the world back to before the last K skills"""
    if not words.isdecimal():
        raise ValueError(f"Expected a number of turns, got {words!r}.")
    chat.say(f"The world is as it was before: {chat.rewind(int(words))}")


def runs(chat: Chat, words: str) -> None:
    """– the newest runs, and how they ended"""
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_header=False)
    for name, goal, ended in known_runs(chat):
        table.add_row(name, ended, goal)
    chat.console.print(table)


def resume(chat: Chat, words: str) -> None:
    """ID – go on with a run, in its world as it was"""
    chat.go_on(_needed(words, "the id of a run; /runs lists them"))


def budget(chat: Chat, words: str) -> None:
    """[steps N | seconds N | wall N] – the limits of a run: turns, simulated seconds, seconds on the clock"""
    match words.split():
        case ["steps", number] if number.isdecimal():
            chat.limits(max_steps=int(number))
        case ["seconds", number] if number.isdecimal():
            chat.limits(max_seconds=float(number))
        case ["wall", number] if number.isdecimal():
            chat.limits(max_wall_seconds=float(number))
        case []:
            pass
        case _:
            raise ValueError(f"Expected 'steps N', 'seconds N' or 'wall N', got {words!r}.")
    config = chat.agent.config
    simulated, wall = (f"{n:g}" if n else "any number of" for n in (config.max_seconds, config.max_wall_seconds))
    chat.say(f"{config.max_steps} turns, {simulated} simulated seconds, {wall} seconds on the clock")


def model(chat: Chat, words: str) -> None:
    """[NAME] – the language model, or another one from now on"""
    if words:
        old = chat.agent
        chat.settle(replace(old.config, model=words))
        try:
            _ = chat.agent.model
        except Exception:  # whatever a model's own code raises: the old one stays, and the person is told
            chat.agent = old
            raise
    chat.say(chat.agent.model.name)


def record(chat: Chat, words: str) -> None:
    """[FILE.mp4] – film from now on; without a name, end the film"""
    chat.say(chat.record(words or None))


def help_(chat: Chat, words: str) -> None:
    """– this list"""
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_header=False)
    for name, function in COMMANDS.items():
        arguments, _, does = (function.__doc__ or "").partition("–")
        table.add_row(f"/{name} {arguments.strip()}", does.strip())
    chat.console.print(table, markup=False)
    chat.say("Anything else is a goal, or a question (where is the sponge?). Ctrl-C stops a run, Ctrl-D leaves.")


COMMANDS: dict[str, Callable[[Chat, str], None]] = {
    "plan": plan, "run": run, "y": y, "auto": auto, "why": why, "scene": scene, "memory": memory, "forget": forget,
    "undo": undo, "rewind": rewind, "runs": runs, "resume": resume, "budget": budget, "model": model, "record": record,
    "help": help_,
}  # fmt: skip
LEAVE = ("quit", "exit")


def command(chat: Chat, line: str) -> bool:
    """Do a command; False if it leaves. Raises ValueError for one that is not known."""
    name, _, words = line.removeprefix("/").partition(" ")
    if name in LEAVE:
        return False
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1) or ["help"]
        raise ValueError(f"Expected a command, got '/{name}'. Did you mean '/{near[0]}'?")
    COMMANDS[name](chat, words.strip())
    return True


def known_runs(chat: Chat) -> list[tuple[str, str, str]]:
    """Id, goal and end of the newest runs, newest first."""
    return [
        (name, plain(journal.header.goal), journal.footer.status if journal.footer else "can go on")
        for name, journal in newest(runs_folder(chat.agent.config.runs), _SHOWN)
    ]


def _needed(words: str, what: str) -> str:
    if not words:
        raise ValueError(f"Expected {what}.")
    return words
