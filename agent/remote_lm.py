"""Models behind an OpenAI-compatible completions endpoint (vLLM, SGLang, older OpenAI, llama-cpp-python, …), exact.

The server is sent prompt + continuation and asked to echo it with its log-probabilities and to add nothing; those of
the tokens behind the prompt's own are the continuation's. The prompt alone is sent too: so it is known how many tokens
are its, and that no token lies across the border, which no text offset tells for sure (offsets count characters, and
tokens are bytes). Texts go in batches; what they share, the server's prefix cache may spare.

llama.cpp's own server does not echo (https://github.com/ggml-org/llama.cpp/issues/27174): `llamacpp` asks it otherwise.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import llamacpp
from .accounts import Account
from .messages import joined, turns
from .server import Refused, Server, ServerError, away

if TYPE_CHECKING:
    from .messages import Messages

_REFUSALS = (400, 404, 405, 422, 501)


@dataclass(frozen=True)
class _Way:
    """How an echo is asked for."""

    max_tokens: int
    batch: int


_WAYS = (_Way(0, 32), _Way(1, 1))
"""vLLM and the older OpenAI take 0 tokens and lists. Others want one token, which is cut off, and one text."""


class CompletionsLM:
    """The `LanguageModel` contract over HTTP."""

    says_skills = False

    def __init__(self, server: Server, model: str | None = None):
        """`model`: None for the one that the server has. Raises `ServerError` if it lacks it.

        A server that does not answer yet is told of when it is first needed, so that a spare model can go on.
        """
        self._server = server
        self._wanted, self._model = model, ""
        self._away: ServerError | None = None
        try:
            self._model = _chosen(server, model)
        except ServerError as error:
            if not away(error):
                raise
            self._away = error
        self.name = f"{server.name}#{self._model or model or ''}".rstrip("#")
        self._way: _Way | None = None
        self._steps: llamacpp.Steps | None = None
        self._chats = True

    @property
    def account(self) -> Account:
        """Who pays for what it is asked."""
        return self._server.account

    @account.setter
    def account(self, account: Account) -> None:
        self._server.account = account

    def loglikelihood(self, prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        """(n,) natural logs of P(continuation | prompt), each ≤ 0."""
        if not continuations:
            return np.zeros(0)
        if not prompt:
            raise ValueError("Expected a prompt of at least one token, got an empty one.")
        self._reach()
        texts = [text for text in dict.fromkeys(continuations) if text]
        found = self._scores(prompt, texts) if texts else []
        values = {"": 0.0} | dict(zip(texts, found, strict=True))
        return np.minimum([values[text] for text in continuations], 0.0)

    def generate(self, messages: Messages, *, max_new_tokens: int = 64, stop: str = "\n") -> str:
        """Greedy words: a text by the completions endpoint, turns by the chat endpoint if the model has a template."""
        self._reach()
        how: dict[str, Any] = {"model": self._model, "max_tokens": max_new_tokens, "temperature": 0}
        if stop:
            how["stop"] = [stop]
        if not isinstance(messages, str) and self._chats:
            try:
                answer = self._server.post("/chat/completions", how | {"messages": turns(messages)})
                return _cut(_first(answer)["message"].get("content") or "", stop)
            except Refused as error:
                if error.status_code not in _REFUSALS:
                    raise
                self._chats = False
        answer = self._server.post("/completions", how | {"prompt": joined(messages)})
        return _cut(_first(answer)["text"], stop)

    def _reach(self) -> None:
        """Know the model by its name. Raises what kept it from being known, once; then it is tried again."""
        error, self._away = self._away, None
        if error:
            raise error
        self._model = self._model or _chosen(self._server, self._wanted)

    def _scores(self, prompt: str, texts: list[str]) -> list[float]:
        if self._steps is not None:
            return self._steps.loglikelihood(prompt, texts)
        try:
            rows = self._echoes([prompt, *(prompt + text for text in texts)])
        except _NoEcho as error:
            self._steps = llamacpp.found(self._server)
            if self._steps is None:
                raise ServerError(
                    f"Expected log-probabilities from {self._server.url}; the server gave none ({error}). Start vLLM "
                    f"(vllm serve {self._model}) or llama.cpp's llama-server, or pass langchain:PROVIDER:MODEL, which "
                    "asks for letters."
                ) from None
            return self._steps.loglikelihood(prompt, texts)
        before = rows[0][0]
        values = []
        for text, (tokens, logprobs) in zip(texts, rows[1:], strict=True):
            if tokens[: len(before)] != before or len(tokens) == len(before):
                raise ServerError(
                    f"Expected a token of {self._model!r} to end where the prompt does, got none between "
                    f"{prompt[-12:]!r} and {text[:12]!r}. End the prompt with a word; begin the other with a space."
                )
            values.append(float(sum(logprobs[len(before) :])))
        return values

    def _echoes(self, texts: list[str]) -> list[tuple[list[str], list[float]]]:
        """Tokens and log-probabilities of each text, in the first way that the server takes."""
        for way in [self._way] if self._way else _WAYS:
            try:
                batches = [texts[i : i + way.batch] for i in range(0, len(texts), way.batch)]
                rows = [row for batch in batches for row in self._echo(batch, way)]
            except ServerError as error:
                unfit = isinstance(error, _WrongCount) or getattr(error, "status_code", None) in (400, 422)
                if not unfit or way in (self._way, _WAYS[-1]):
                    raise
            else:
                self._way = way
                return rows
        raise AssertionError("unreachable: the last way returns or raises")

    def _echo(self, texts: list[str], way: _Way) -> list[tuple[list[str], list[float]]]:
        body = {"model": self._model, "prompt": texts if len(texts) > 1 else texts[0], "echo": True, "logprobs": 1}
        answer = self._server.post("/completions", body | {"max_tokens": way.max_tokens, "temperature": 0})
        choices = sorted(_choices(answer), key=lambda choice: choice.get("index", 0))
        if len(choices) != len(texts):
            raise _WrongCount(f"Expected {len(texts)} choices from {self._server.url}, got {len(choices)}.")
        cut = int((answer.get("usage") or {}).get("completion_tokens", 1)) if way.max_tokens else 0
        return [_row(choice, text, cut) for choice, text in zip(choices, texts, strict=True)]


class _NoEcho(Exception):
    """The server took the request, and gave no log-probabilities of what it was sent."""


class _WrongCount(ServerError):
    """It answered less than it was asked: not every server takes a list."""


def _row(choice: dict[str, Any], sent: str, cut: int) -> tuple[list[str], list[float]]:
    logprobs = choice.get("logprobs")
    if not isinstance(logprobs, dict) or not logprobs.get("tokens") or not logprobs.get("token_logprobs"):
        raise _NoEcho("no 'logprobs' in its answer")
    if sent.strip() not in str(choice.get("text")):
        raise _NoEcho("it does not echo the prompt")
    tokens, values = logprobs["tokens"], logprobs["token_logprobs"]
    end = len(tokens) - cut
    if len(values) != len(tokens) or None in values[1:end]:
        raise _NoEcho("some are missing")
    # The first token has nothing before it, and so no log-probability.
    return list(tokens[:end]), [float(value or 0.0) for value in values[:end]]


def _chosen(server: Server, model: str | None) -> str:
    """The model's name as the server has it."""
    try:
        answer = server.get("/models")
    except Refused as error:
        if model is None or error.status_code not in _REFUSALS:
            raise
        return model  # a server that lists nothing
    listed = answer.get("data") if isinstance(answer, dict) else None
    names = [str(entry["id"]) for entry in listed or [] if isinstance(entry, dict) and "id" in entry]
    if model is None and len(names) == 1:
        return names[0]
    if model is not None and (model in names or not names):
        return model
    near = difflib.get_close_matches(model or "", names, n=1, cutoff=0.4)
    hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(names[:8]) or 'none'}."
    what = f"got {model!r}" if model else "got none"
    raise ServerError(f"Expected the name of a model of {server.url} after '#', {what}. {hint}")


def _choices(answer: Any) -> list[dict[str, Any]]:
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list) or not choices or not all(isinstance(choice, dict) for choice in choices):
        raise ServerError(f"Expected an answer with 'choices', got {str(answer)[:80]!r}.")
    return choices


def _first(answer: Any) -> dict[str, Any]:
    return _choices(answer)[0]


def _cut(text: str, stop: str) -> str:
    return text.split(stop)[0] if stop else text
