"""How a motion runs over time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doable.sim.playing import ramped

TICK = 1 / 60


@given(st.floats(1e-3, 20.0), st.floats(0.01, 1.0))
def test_progress_goes_from_nothing_to_all_and_never_back(seconds, ramp):
    at, rate = np.array(list(ramped(seconds, ramp, TICK))).T
    assert at[-1] == pytest.approx(1.0)
    assert rate[-1] == pytest.approx(0.0, abs=1e-9)
    assert (np.diff(np.concatenate(([0.0], at))) >= -1e-12).all()


@given(st.floats(0.05, 20.0), st.floats(0.05, 1.0))
def test_no_rate_is_beyond_the_constant_one_and_none_changes_faster_than_the_ramp(seconds, ramp):
    _, rate = np.array(list(ramped(seconds, ramp, TICK))).T
    assert (rate <= 1 / seconds + 1e-9).all()
    assert (np.abs(np.diff(rate)) <= TICK / ramp / seconds + 1e-9).all()
    if seconds < ramp:
        assert rate.max() < 1 / seconds, "it never gets to full speed"
