"""Any LangChain chat model, asked to choose: which of the options does the text go on with?

Chat models don't tell how likely a given text is. What comes out here are *choice probabilities*: how likely the model
is to choose an option among those it was shown. They rank skills, but they are not likelihoods of sequences: they
change with what else is on the list, and can't be laid beside a causal model's.

letters   a multiple choice that is answered by a single letter. Models prefer some letters (Zheng et al. 2024, Large
          Language Models Are Not Robust Multiple Choice Selectors), so it is asked several times with the options
          turned on, and averaged. Where the answer comes with log-probabilities, they say how likely each letter was;
          otherwise letters are counted. More options than letters go in groups, then the groups' best against each
          other; options of different groups are compared through their group's best, as if the odds of two did not
          depend on the rest (Luce 1959, Individual Choice Behavior, the choice axiom).
samples   the whole list once, answered in words, several times; the words are matched to the nearest option.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import re
import string
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from .accounts import Account, Nobody, OverBudget, estimate
from .messages import turns
from .retrying import Patience, passes
from .server import ServerError, scrubbed

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from .messages import Messages

LETTERS = string.ascii_uppercase
_TOP = 20
"""Log-probabilities that are asked for; OpenAI gives no more."""
_LEAST = 1e-6
"""Probability of a letter that was not among them, at least."""
_WRITTEN = 64
"""Tokens that an answer is taken to have at most, before it is there."""
_REMEMBERED = 64
"""Questions whose answers are kept: asked again, a question costs nothing and is answered the same."""


class ChatLM:
    """The `LanguageModel` contract, with choice probabilities."""

    says_skills = False

    def __init__(
        self,
        chat: BaseChatModel,
        *,
        name: str,
        how: Literal["letters", "samples"] = "letters",
        times: int | None = None,
        patience: Patience | None = None,
    ):
        """`times`: how often a question is asked (default: 4 times for a letter, 16 for samples)."""
        if times is not None and times < 1:
            raise ValueError(f"Expected to ask at least once, got times={times}.")
        self._chat, self.name, self._how = chat, name, how
        self._times = times or {"letters": 4, "samples": 16}[how]
        self._patience = patience or Patience()
        self._tells: bool | None = None  # log-probabilities; unknown before the first answer
        self._answers: dict[tuple[str, ...], dict[str, float]] = {}
        self.account: Account = Nobody()
        """Who pays for what it is asked."""
        self.calls = 0
        """Questions asked so far: what scoring cost."""

    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """(n,) natural logs of the probability that each is chosen, each ≤ 0. Equal texts share one option."""
        options = sorted({_shown(text) for text in continuations})  # in an order of their own, whatever the caller's
        if not options:
            return np.zeros(0)
        key = (prompt, *options)
        if key not in self._answers:
            ask = self._letters if self._how == "letters" else self._samples
            chances = ask(prompt, options) if len(options) > 1 else np.ones(1)
            self._answers[key] = dict(zip(options, chances.tolist(), strict=True))
            if len(self._answers) > _REMEMBERED:
                del self._answers[next(iter(self._answers))]
        return np.minimum([math.log(self._answers[key][_shown(text)]) for text in continuations], 0.0)

    def generate(self, messages: Messages, *, max_new_tokens: int = 64, stop: str = "\n") -> str:
        """Its answer up to `stop`; how long it may be is the provider's own limit."""
        if isinstance(messages, str):
            asked = [
                ("system", "Go on with the text. Answer with what follows, and nothing else."),
                ("human", messages),
            ]
        else:
            asked = [(turn["role"], turn["content"]) for turn in turns(messages)]
        text = _words(self._ask(asked)).strip()
        return text.split(stop)[0] if stop else text

    # Letters.

    def _letters(self, prompt: str, options: list[str]) -> NDArray[np.float64]:
        """(n,) probabilities over any number of options."""
        if len(options) <= len(LETTERS):
            return self._choice(prompt, options)
        order = _draw(prompt, options).permutation(len(options))
        groups = [sorted(part.tolist()) for part in np.array_split(order, math.ceil(len(options) / len(LETTERS)))]
        within = [self._choice(prompt, [options[i] for i in group]) for group in groups]
        best = [int(chances.argmax()) for chances in within]
        final = self._letters(prompt, [options[group[i]] for group, i in zip(groups, best, strict=True)])
        odds = np.zeros(len(options))
        for group, chances, i, share in zip(groups, within, best, final, strict=True):
            odds[group] = share * chances / chances[i]
        return odds / odds.sum()

    def _choice(self, prompt: str, options: list[str]) -> NDArray[np.float64]:
        """(n,) probabilities over as many options as there are letters, or fewer."""
        count = len(options)
        order = _draw(prompt, options).permutation(count)
        votes, read, unread = np.zeros(count), 0, ""
        for turn in range(self._times):
            shown = np.roll(order, turn * max(1, count // self._times))  # each option at several letters
            lines = "\n".join(f"{letter}) {options[i]}" for letter, i in zip(LETTERS, shown, strict=False))
            reply = self._ask(
                [
                    ("system", "You choose what a text goes on with. Answer with one letter, and nothing else."),
                    ("human", f"{prompt}\n\nWhich of these comes next?\n{lines}\nAnswer with one letter."),
                ],
                logprobs=True,
            )
            chances = _letter_chances(reply, count)
            if chances is None:
                unread = _words(reply)
            else:
                votes[shown] += chances
                read += 1
        if not read:
            raise ServerError(
                f"Expected a letter from A to {LETTERS[count - 1]} of {self.name!r}, got {scrubbed(unread)[:60]!r}. "
                "Pass langchain-sampled:… instead, which asks for words."
            )
        if not self._tells:
            return _evened(votes, read)
        chances = np.maximum(votes / read, _LEAST)
        return chances / chances.sum()

    # Samples.

    def _samples(self, prompt: str, options: list[str]) -> NDArray[np.float64]:
        """(n,) shares of the options among the answers."""
        order = _draw(prompt, options).permutation(len(options))
        votes, unread = np.zeros(len(options)), ""
        for turn in range(self._times):
            shown = np.roll(order, turn * max(1, len(options) // self._times))
            lines = "\n".join(f"- {options[i]}" for i in shown)
            reply = _words(
                self._ask(
                    [
                        (
                            "system",
                            "You choose what a text goes on with. Answer with one line of the list, as it stands.",
                        ),
                        ("human", f"{prompt}\n\nWhich of these comes next?\n{lines}\nAnswer with one of these lines."),
                    ]
                )
            )
            near = difflib.get_close_matches(_plain(reply), [_plain(option) for option in options], n=1, cutoff=0.6)
            if near:
                votes[[_plain(option) for option in options].index(near[0])] += 1
            else:
                unread = reply
        if not votes.any():
            raise ServerError(
                f"Expected one of {len(options)} options of {self.name!r}, got {scrubbed(unread)[:60]!r}. Take a model "
                "that follows instructions better."
            )
        return _evened(votes, int(votes.sum()))

    # Asking.

    def _ask(self, messages: Any, *, logprobs: bool = False) -> Any:
        """The model's message. Raises `ServerError` when it stays out."""
        if logprobs and self._tells is not False:
            try:
                reply = self._invoke(messages, logprobs=True, top_logprobs=_TOP)
                self._tells = _told(reply) is not None
                return reply
            except OverBudget:
                raise
            except Exception as error:
                if self._tells or passes(error):
                    raise self._failed(error) from error
                self._tells = False  # it does not know the wish; without it, it may answer
        try:
            return self._invoke(messages)
        except OverBudget:
            raise
        except Exception as error:  # providers raise what they like
            raise self._failed(error) from error

    def _invoke(self, messages: Any, **how: Any) -> Any:
        self.calls += 1
        sent = sum(estimate(text) for _, text in messages)
        self.account.before_words(sent, _WRITTEN)
        reply = self._patience(lambda: self._chat.invoke(messages, **how))
        used = getattr(reply, "usage_metadata", None) or {}
        written = used.get("output_tokens", estimate(str(reply.text)))
        self.account.after_words(used.get("input_tokens", sent), written)
        return reply

    def _failed(self, error: Exception) -> ServerError:
        return ServerError(
            f"Expected an answer of {self.name!r}, got {type(error).__name__}: {scrubbed(str(error))[:200]}. Look at "
            "the provider's key in the environment, its limits and its status."
        )


def letter_of(text: str, count: int) -> int | None:
    """Which of the first `count` letters an answer means: 'B', '(b)', 'B) find the coke', 'The answer is B.'."""
    among = LETTERS[:count]
    for pattern in (
        rf"^\W*([{among}{among.lower()}])\W*$",
        rf"^\W*([{among}])(?:[).:\]*]|\s*$|\s*\n)",
        rf"\b(?:answer|choice|option|letter)\b\W*(?:is|:)?\W*([{among}])\b",
        rf"\b([{among}])\)",
        rf"(?<![\w'])([{among.replace('A', '').replace('I', '')}])(?![\w'])" if among.strip("AI") else r"(?!)",
    ):
        found = re.search(pattern, text.strip())
        if found:
            return LETTERS.index(found.group(1).upper())
    return None


def _letter_chances(reply: Any, count: int) -> NDArray[np.float64] | None:
    """(count,) probabilities of the letters: by log-probabilities if there are some, else all on the one it says."""
    for token in _told(reply) or []:
        listed = {entry["token"]: float(entry["logprob"]) for entry in [*(token.get("top_logprobs") or []), token]}
        chances = np.zeros(count)
        for text, logprob in listed.items():
            letter = text.strip(" ()\n*").upper()
            if len(letter) == 1 and letter in LETTERS[:count]:
                chances[LETTERS.index(letter)] += math.exp(logprob)
        if chances.any() and str(token["token"]).strip(" ()\n*").upper() in LETTERS[:count]:
            chances = np.maximum(chances, _LEAST)
            return chances / chances.sum()
    said = letter_of(_words(reply), count)
    return None if said is None else np.eye(count)[said]


def _told(reply: Any) -> list[dict[str, Any]] | None:
    """The log-probabilities of a reply's tokens, as LangChain hands on what OpenAI and its like send."""
    logprobs = (getattr(reply, "response_metadata", None) or {}).get("logprobs")
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    good = isinstance(content, list) and all(isinstance(t, dict) and "token" in t and "logprob" in t for t in content)
    return content if content and good else None


def _words(reply: Any) -> str:
    """What it says, without what it thinks."""
    return re.sub(r"<think>.*?</think>", "", str(reply.text), flags=re.S).strip()


def _evened(votes: NDArray[np.float64], times: int) -> NDArray[np.float64]:
    """Shares of votes with one more vote spread over all options, so that none is impossible."""
    return (votes + 1 / len(votes)) / (times + 1)


def _draw(prompt: str, options: Sequence[str]) -> np.random.Generator:
    """Chance that is the same for the same question, in every process."""
    return np.random.default_rng(list(hashlib.sha256("\x1f".join([prompt, *options]).encode()).digest()))


def _shown(text: str) -> str:
    return " ".join(text.split()) or "(nothing)"


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().casefold()
