"""Durations as people write them, ``500ms 30s 15m 8h 2d``: one reading for the rules and for the API."""

from __future__ import annotations

import re
from datetime import timedelta

PATTERN = "([0-9]{1,12})(ms|s|m|h|d)"
LONGEST = timedelta(days=3650)
"""Ten years: what is longer is a slip, and far beyond it ``timedelta`` overflows."""

_WRITTEN = re.compile(PATTERN)
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}


def duration_of(text: str) -> timedelta | None:
    """The duration; None where the text is none. Raises ``OverflowError`` beyond `LONGEST`."""
    found = _WRITTEN.fullmatch(text)
    if found is None:
        return None
    # Bounded before it is multiplied: timedelta overflows.
    count, unit = int(found[1]), _UNITS[found[2]]
    if count > LONGEST // unit:
        raise OverflowError("a duration is at most ten years (3650d)")
    return count * unit
