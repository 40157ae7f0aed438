"""Normalisations: each gives log-probabilities, and favours what its source says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doable.agent.normalising import by_length, by_pmi, by_sum, labels, over_library

LOGS = st.lists(st.floats(-200, 0), min_size=1, max_size=20).map(np.array)


@given(LOGS, st.integers(1, 9))
def test_all_but_the_sum_are_distributions_over_the_library(logs, tokens):
    assert (by_sum(logs) == logs).all()
    for values in (by_length(logs, [tokens] * len(logs)), by_pmi(logs, logs[::-1]), over_library(logs)):
        assert (values <= 0).all()
        assert np.isclose(np.exp(values).sum(), 1)


def test_length_holds_back_no_long_answer():
    assert np.argmax(by_length(np.array([-3.0, -4.0]), [1, 4])) == 1


def test_pmi_gives_common_words_no_start():
    assert np.argmax(by_pmi(np.array([-3.0, -4.0]), np.array([-2.0, -9.0]))) == 1


def test_labels_are_letters_or_pairs_of_letters():
    assert labels(3) == ["A", "B", "C"]
    assert labels(27)[:2] == ["AA", "AB"]
    assert labels(27)[26] == "BA"
    assert len(set(labels(676))) == 676
    with pytest.raises(ValueError, match="at most 676"):
        labels(677)
