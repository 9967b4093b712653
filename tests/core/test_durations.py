"""Durations as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.durations import LONGEST, duration_of


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        ("15m", timedelta(minutes=15)),
        ("8h", timedelta(hours=8)),
        ("2d", timedelta(days=2)),
        ("0s", timedelta(0)),
        ("3650d", LONGEST),
    ],
)
def test_a_number_and_a_unit(text: str, span: timedelta) -> None:
    """Each unit, nothing at all, and the longest there is."""
    assert duration_of(text) == span


@pytest.mark.parametrize(
    "text", ["", "15", "m", "-1m", "1.5h", "1h30m", " 1m", "1m\n", "1M", "1w", "١m", "9" * 13 + "s"]
)
def test_what_is_no_duration(text: str) -> None:
    """No sign, no fraction, no sum, no space, no other digits: one way to write each."""
    assert duration_of(text) is None


@pytest.mark.parametrize("text", ["3651d", "87601h", "999999999999d"])
def test_beyond_ten_years(text: str) -> None:
    """Refused before it is multiplied, so a huge count is no crash."""
    with pytest.raises(OverflowError, match="ten years"):
        duration_of(text)
