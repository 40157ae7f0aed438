"""Rows of tokens for models that take them in batches: padded, sorted by length, with a tokenizer's own marks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import torch

ROWS = 64
"""Rows of one pass."""
T = TypeVar("T")


def batches(rows: Sequence[T], length: Any = len) -> Iterator[list[T]]:
    """At most `ROWS` rows at a time, those of one length together, so that little is padded."""
    ordered = sorted(rows, key=length)
    for first in range(0, len(ordered), ROWS):
        yield ordered[first : first + ROWS]


def padded(rows: Sequence[Sequence[int]], pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids (B, T), padded at their ends, and the mask (B, T) that is 1 where a token is real."""
    length = max(map(len, rows))
    ids = torch.full((len(rows), length), pad)
    mask = torch.zeros((len(rows), length), dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask


def plain(tokenizer: Any, text: str) -> list[int]:
    """The tokens of a text, without marks."""
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def marks(tokenizer: Any) -> tuple[list[int], list[int]]:
    """What the tokenizer puts before and after a text: [CLS] and [SEP] for BERT, nothing and </s> for T5."""
    inner, outer = plain(tokenizer, "a"), list(tokenizer("a")["input_ids"])
    for first in range(len(outer) - len(inner) + 1):
        if outer[first : first + len(inner)] == inner:
            return outer[:first], outer[first + len(inner) :]
    raise ValueError(f"Expected a tokenizer that puts marks around a text, got {outer} of {inner}.")


def pad_of(tokenizer: Any) -> int:
    """The token to pad with; one that is masked anyway if the tokenizer has none of its own."""
    return 0 if tokenizer.pad_token_id is None else int(tokenizer.pad_token_id)


def check_room(name: str, used: int, window: int | None) -> None:
    """Raises ValueError if a text is longer than the model can read."""
    if window is not None and used > window:
        raise ValueError(
            f"Expected prompt and continuation of at most {window} tokens for {name!r}, got {used}. Shorten the "
            "prompt (--prompt-tokens), or take a model with a longer window."
        )
