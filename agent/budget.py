"""A prompt that fits: every part has its share of the tokens, and the history gets what the others leave.

What can't all be told is told in this order of importance: the goal, what is seen now, what was tried and never
worked, the newest turns. Old turns go first, and in blocks: a history that lost one turn every turn would begin
differently every time, and the model's key/value cache of the last prompt would be worth nothing. The first turn that
is kept is the roundest number (divisible by the highest power of two) in the older half of those that would fit, which
stays the same for many turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

from .prompt_forms import LABEL_CUE, Form, Part, Values, options_text

Count = Callable[[str], int]
"""The number of tokens of a text."""


@dataclass(frozen=True)
class Budget:
    """Tokens at most. The history gets what the other parts leave of `total`."""

    total: int
    header: int
    goal: int
    examples: int
    memory: int
    unfinished: int
    situation: int

    @classmethod
    def of(cls, total: int) -> Budget:
        """The shares, in sixteenths: together fifteen, so that one is left for the history whatever the others take."""
        share = {"header": 2, "goal": 2, "examples": 4, "memory": 1, "unfinished": 1, "situation": 5}
        return cls(total, **{name: total * sixteenths // 16 for name, sixteenths in share.items()})

    def scaled(self, total: int) -> Budget:
        """The same shares of another total. Raises ValueError if nothing would be left."""
        if total < 1:
            raise ValueError(f"Expected a budget that has room for a prompt, got {self.total} tokens. Allow more.")
        return Budget(*(getattr(self, field.name) * total // self.total for field in fields(self)))


@dataclass(frozen=True)
class Prompt:
    """A prompt in two pieces, with room for a thought between them."""

    lead: str
    rest: str

    @property
    def text(self) -> str:
        """Without a thought."""
        return self.lead + self.rest

    def with_thought(self, thought: str) -> str:
        """With one."""
        return f"{self.lead}{THOUGHT}{thought}\n{self.rest}"


THOUGHT = "Thought: "


def compose(form: Form, x: Values, w: int, *, budget: Budget, count: Count, most_turns: int) -> Prompt:
    """The prompt of wording `w`, never longer than `budget.total` tokens; at most `most_turns` turns are told.

    Raises ValueError if the list of options alone takes more than half of it.
    """
    allowed = budget
    while True:
        prompt = _compose(form, x, w, allowed, count, most_turns)
        excess = count(prompt.text) - budget.total
        if excess <= 0:
            return prompt
        # Tokens of pieces need not add up to those of the whole.
        allowed = allowed.scaled(allowed.total - excess)


def _compose(form: Form, x: Values, w: int, budget: Budget, count: Count, most_turns: int) -> Prompt:
    number = len(x.turns) + 1
    last = x.turns[-1].observation if x.turns else None
    cue = f"\n{LABEL_CUE}" if x.options else form.cue(number, w)
    piece: dict[Part, str] = {
        "header": clip(form.header(w), budget.header, count),
        "options": _options(x, budget.total, count),
        "examples": "".join(_fitting([form.example(e, w) for e in x.examples[::-1]], budget.examples, count)[::-1]),
        "memory": "".join(_fitting([form.memory(s, w) for s in x.memory], budget.memory, count)),
        "goal": clip(x.goal, budget.goal, count, lambda goal: form.goal(goal, w)),
        "unfinished": "",
        "history": "",
        "situation": clip(form.situation(x.observation, last, x.seen, w), budget.situation - count(cue), count),
        "opening": form.opening(w),
    }
    room = budget.total - count(cue) - sum(map(count, piece.values()))

    def turn(i: int, first: bool) -> str:
        before = None if first or i == 0 else x.turns[i - 1].observation
        return form.turn(x.turns[i], i + 1, before, x.seen, w)

    def cost(i: int, first: bool) -> int:
        return count(turn(i, first))

    start = kept_from(len(x.turns), cost, room, most_turns)
    if start > 0:
        # What is seen now takes more or less every turn; the history's room must not.
        room += count(piece["situation"]) + count(cue) - budget.situation - budget.unfinished
        start = kept_from(len(x.turns), cost, room, most_turns)
        piece["unfinished"] = _unfinished(form, x, start, w, budget.unfinished, count)
    piece["history"] = "".join(turn(i, i == start) for i in range(start, len(x.turns)))
    if x.turns and start == len(x.turns):
        # No turn is told, so all that is known has to be.
        piece["situation"] = clip(form.situation(x.observation, None, x.seen, w), budget.situation - count(cue), count)
    lead, rest = ("".join(piece[part] for part in parts) for parts in (form.order, form.rest))
    if x.options and (lead + rest).endswith("\n"):
        cue = LABEL_CUE
    return Prompt(lead, rest + cue)


def kept_from(turns: int, cost: Callable[[int, bool], int], room: int, most: int) -> int:
    """The index of the first turn that is told; `turns` if none fits.

    `cost(i, first)` is the number of tokens of turn i, `first` if no earlier one is told. Only turns that may be told
    are looked at, so it takes no longer after ten thousand turns than after a hundred.
    """
    fits: list[int] = []
    used = 0
    for i in range(turns - 1, max(-1, turns - 1 - most), -1):
        if used + cost(i, True) <= room:
            fits.append(i)
        used += cost(i, False)
        if used > room:
            break
    if not fits:
        return turns
    oldest = fits[-1]
    older_half = [i for i in fits if i <= turns - (turns - oldest + 1) // 2]
    return roundest(older_half or fits)


def roundest(numbers: Sequence[int]) -> int:
    """The number divisible by the highest power of two; 0 is the roundest of all."""
    return max(numbers, key=lambda i: (i == 0, i & -i))


def clip(text: str, most: int, count: Count, form: Callable[[str], str] = lambda text: text) -> str:
    """`form(text)`, the end of `text` left away as far as needed to take at most `most` tokens; '' if none would do.

    Line ends at the end stay.
    """
    if count(whole := form(text)) <= most:
        return whole
    body = text.rstrip("\n")
    end = text[len(body) :]
    low, high = 0, len(body)  # characters that fit, and that don't
    while high - low > 1:
        middle = (low + high) // 2
        if count(form(f"{body[:middle].rstrip()}…{end}")) <= most:
            low = middle
        else:
            high = middle
    return form(f"{body[:low].rstrip()}…{end}") if low else ""


def _fitting(texts: Sequence[str], most: int, count: Count) -> list[str]:
    """The first of `texts` that fit together."""
    kept: list[str] = []
    for text in texts:
        most -= count(text)
        if most < 0:
            break
        kept.append(text)
    return kept


def _options(x: Values, total: int, count: Count) -> str:
    if not x.options:
        return ""
    text = options_text(x.options)
    if 2 * count(text) > total:
        raise ValueError(
            f"Expected prompt_tokens of at least {2 * count(text)} for a choice of {len(x.options)} skills by letter, "
            f"got {total}. Allow more, or set normalise to sum, length or pmi."
        )
    return text


def _unfinished(form: Form, x: Values, start: int, w: int, most: int, count: Count) -> str:
    """What became of the turns before `start`: it changes only when `start` does."""
    failed: dict[str, str] = {}
    for turn in x.turns[:start]:
        failed.pop(turn.phrase, None)  # worked, or failed anew: newest last
        if turn.failed:
            failed[turn.phrase] = turn.result
    newest = list(failed.items())[::-1]
    texts = [form.unfinished(start, newest[:n][::-1], w) for n in range(min(len(newest), 8) + 1)]
    return next((text for text in reversed(texts) if count(text) <= most), "")
