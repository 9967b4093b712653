"""The intervals of figures are those of the books, and hold what they say."""

from __future__ import annotations

from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.insight.calibration import calibration_of
from bot.core.insight.cell import Bin
from bot.core.insight.intervals import change_of, share_of


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605)],
)
def test_shares_have_the_intervals_of_the_literature(count: int, of: int, low: float, high: float) -> None:
    """Newcombe's (1998) own examples of Wilson's interval; few say so, and of none everything is possible."""
    found = share_of(count, of)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)
    assert found.few is (of < 30)
    nothing = share_of(0, 0)
    assert (nothing.share, nothing.low, nothing.high, nothing.few) == (None, 0.0, 1.0, True)
    assert change_of(found, nothing) is None


def test_a_difference_has_the_interval_of_the_literature() -> None:
    """Newcombe (1998, method 10): 56/70 against 48/80 is +0.20, 0.0524 to 0.3339; the same twice is no difference."""
    found = change_of(share_of(56, 70), share_of(48, 80))
    assert found is not None
    for value, known in ((found.change, 0.2), (found.low, 0.0524), (found.high, 0.3339)):
        assert value == pytest.approx(known, abs=5e-5)
    assert found.sure
    same = change_of(share_of(5, 50), share_of(5, 50))
    assert same is not None
    assert not same.sure


@given(st.integers(1, 400), st.data())
def test_calibrations_intervals_hold_what_they_say(count: int, data: st.DataObject) -> None:
    """Around the value, within what is possible, narrower by the root of how many there are; never of no width."""
    right = data.draw(st.integers(0, count))
    one = Bin(count, right, round(0.7 * count * 1e6), round((right * 0.09 + (count - right) * 0.49) * 1e6))
    hundred = Bin(*(100 * part for part in (one.count, one.right, one.claimed, one.squares)))
    few, many = calibration_of({13: one}), calibration_of({13: hundred})
    assert few is not None
    assert many is not None
    assert calibration_of({}) is None
    for name in ("brier", "error"):
        small, large = getattr(few, name), getattr(many, name)
        assert 0 <= small.low <= small.value + 1e-9
        assert small.value <= small.high + 1e-9 <= 1 + 2e-9
        assert small.high > small.low
        assert large.value == pytest.approx(small.value)
        assert large.high - large.low < small.high - small.low
    half = 1.96 * sqrt(many.brier.value * (1 - many.brier.value) / (100 * count))
    assert many.brier.high - many.brier.value <= half * 1.001
