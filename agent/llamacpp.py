"""llama.cpp's server, which does not echo: the continuations' prefix tree, one request a node that has children.

Its own /completion takes tokens and tells what it thought of the next one before sampling: a softmax over the whole
vocabulary, of which it lists the likeliest. A token beyond the list is made the one that is sampled (`logit_bias`
moves the sampling, not what is told), so every value is exact. The server's prompt cache spares what a request shares
with the one before; the tree is walked in an order that shares the most. Many requests all the same: for hundreds of
phrases vLLM is the better server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .server import Server, ServerError

_LISTED = 200
_BIAS = 1e4
_LEAST = -1e4
"""Log-probability of a token whose probability is 0 in the server's floats."""


def found(server: Server) -> Steps | None:
    """How to ask this server, if it is llama.cpp's."""
    try:
        properties = server.get("/props", root=True)
    except ServerError:
        return None
    is_it = isinstance(properties, dict) and "default_generation_settings" in properties
    return Steps(server) if is_it else None


class Steps:
    """Log-probabilities step by step."""

    def __init__(self, server: Server):
        self._server = server

    def loglikelihood(self, prompt: str, texts: Sequence[str]) -> list[float]:
        """Natural logs of P(text | prompt), one for each."""
        before = self._tokens(prompt, special=True)  # with the mark that the model begins its texts with, if any
        phrases = [tuple(self._tokens(text, special=False)) for text in texts]
        wanted: dict[tuple[int, ...], set[int]] = {}
        for phrase in phrases:
            for i, token in enumerate(phrase):
                wanted.setdefault(phrase[:i], set()).add(token)
        told = {path: self._next([*before, *path], wanted[path]) for path in sorted(wanted)}
        return [sum(told[phrase[:i]][token] for i, token in enumerate(phrase)) for phrase in phrases]

    def _tokens(self, text: str, *, special: bool) -> list[int]:
        answer = self._server.post("/tokenize", {"content": text, "add_special": special}, root=True)
        tokens = answer.get("tokens") if isinstance(answer, dict) else None
        if not isinstance(tokens, list) or not all(isinstance(token, int) for token in tokens):
            raise ServerError(f"Expected tokens from {self._server.root}/tokenize, got {str(answer)[:80]!r}.")
        return tokens

    def _next(self, tokens: list[int], wanted: set[int]) -> dict[int, float]:
        """Log-probability of each wanted token behind `tokens`."""
        values = {int(entry["id"]): _value(entry) for entry in self._ask(tokens, n_probs=_LISTED)["top_logprobs"]}
        for token in sorted(wanted - values.keys()):
            sampled = self._ask(tokens, n_probs=1, logit_bias=[[token, _BIAS]])
            if sampled["id"] != token:
                raise ServerError(f"Expected {self._server.root} to sample token {token}, got {sampled['id']}.")
            values[token] = _value(sampled)
        return values

    def _ask(self, tokens: list[int], **how: Any) -> dict[str, Any]:
        # A temperature below 0 is greedy, and leaves the probabilities those of the model.
        body = {"prompt": tokens, "n_predict": 1, "temperature": -1.0, "cache_prompt": True, "id_slot": 0}
        answer = self._server.post("/completion", body | how, root=True)
        try:
            entry = answer["completion_probabilities"][0]
            if not isinstance(entry["top_logprobs"], list):
                raise TypeError
            return {"id": entry["id"], "logprob": entry["logprob"], "top_logprobs": entry["top_logprobs"]}
        except (KeyError, IndexError, TypeError):
            raise ServerError(
                f"Expected log-probabilities with token ids from {self._server.root}/completion, got "
                f"{str(answer)[:80]!r}. Update llama.cpp: it gives them since December 2024."
            ) from None


def _value(entry: dict[str, Any]) -> float:
    return max(float(entry["logprob"]), _LEAST)
