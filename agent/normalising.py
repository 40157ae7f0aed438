"""From log-likelihoods of answers to log say: what makes answers of different length and commonness comparable.

=======  ==============================================================================================================
sum      log p(answer | prompt), summed over its tokens: SayCan's rule, and the probability of the words themselves
length   the mean over its tokens, so that long answers are not held back (Brown et al. 2020, GPT-3, section 2.4)
pmi      log p(answer | prompt) - log p(answer | neutral prompt): how much the goal speaks for it, so that common words
         have no start (PMI_DC: Holtzman et al. 2021, "Surface Form Competition", equation 3)
letters  log p(label | prompt with the labelled list): the answer's own words don't matter at all
         (multiple-choice symbol binding: Robinson et al. 2023)
=======  ==============================================================================================================

All but `sum` are then normalised over the library (log softmax), so that each is a log-probability, at most 0, of a
choice among the skills there are. Only `sum` knows how likely the model is to say something else altogether, so only
with it the agent's floor has a meaning.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, product
from string import ascii_uppercase
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Normalisation = Literal["sum", "length", "pmi", "letters"]
NORMALISATIONS: tuple[Normalisation, ...] = ("sum", "length", "pmi", "letters")


def by_sum(loglikelihood: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) as it is."""
    return loglikelihood


def by_length(loglikelihood: NDArray[np.float64], tokens: Sequence[int]) -> NDArray[np.float64]:
    """(n,) mean log-probability a token, normalised over the answers. `tokens`: each answer's, terminator included."""
    return over_library(loglikelihood / np.maximum(np.asarray(tokens, dtype=np.float64), 1.0))


def by_pmi(loglikelihood: NDArray[np.float64], neutral: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) pointwise mutual information with the prompt, normalised over the answers.

    `neutral`: the answers' log-likelihoods behind the neutral prompt.
    """
    return over_library(loglikelihood - neutral)


def over_library(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) log softmax: natural logs of probabilities that sum to 1."""
    if not len(scores):
        return scores
    shifted = scores - scores.max()
    return np.minimum(shifted - np.log(np.exp(shifted).sum()), 0.0)


def labels(count: int) -> list[str]:
    """A label for each of `count` options: A to Z, or all of two letters (AA, AB, …) where those don't suffice."""
    if count <= len(ascii_uppercase):
        return list(ascii_uppercase[:count])
    if count > len(ascii_uppercase) ** 2:
        raise ValueError(f"Expected at most {len(ascii_uppercase) ** 2} skills to choose from by letter, got {count}.")
    return ["".join(pair) for pair in islice(product(ascii_uppercase, repeat=2), count)]
