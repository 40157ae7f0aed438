"""lm-evaluation-harness beside ours, on the same loaded model (Gao et al., EleutherAI; extra [bench])."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Evaluate = Callable[[str, Sequence[str]], NDArray[np.float64]]
"""(prompt, continuations) -> log-probabilities (n,)."""


def harness(model: Any, tokenizer: Any, *, batch: int = 1) -> Evaluate:
    """Its `loglikelihood` over a causal model of transformers, with its own default batch size.

    Raises ValueError where it is not installed.
    """
    try:
        from lm_eval.api.instance import Instance  # pyright: ignore[reportMissingImports]
        from lm_eval.models.huggingface import HFLM  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise ValueError(
            f"Expected lm-evaluation-harness to compare with, which is not installed ({error}). Install doable[bench], "
            "or leave the comparison out (--no-harness)."
        ) from error
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    make: Any = HFLM  # its checker sees another signature than it has
    evaluator = make(pretrained=model, tokenizer=tokenizer, batch_size=batch, device="cpu")

    def evaluate(prompt: str, continuations: Sequence[str]) -> NDArray[np.float64]:
        asked = [
            Instance(request_type="loglikelihood", doc={}, arguments=(prompt, text), idx=i)
            for i, text in enumerate(continuations)
        ]
        return np.array([value for value, _ in evaluator.loglikelihood(asked, disable_tqdm=True)])

    return evaluate
