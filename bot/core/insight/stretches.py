"""How long a row of approvals is, and how long one is to be expected where nearly everything is right."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi, sqrt

from msgspec import Struct

_EULER = 0.5772156649015329
_FAR = 3.0
"""Standard deviations beyond which a row is longer than chance makes it."""


class Stretch(Struct, frozen=True, kw_only=True):
    """The longest row of approvals among ``of`` decisions of one action, ``approved`` of them approvals.

    ``expected`` is how long the longest usually is where approvals come by chance alone, in that share (Schilling
    1990); None where everything was approved: then the row is all there is. ``far``: longer than chance makes it.
    """

    action: str
    longest: int
    of: int
    approved: int
    expected: float | None
    far: bool


def stretch(action: str, approvals: Sequence[bool]) -> Stretch:
    """The longest row in these decisions, in their order."""
    longest = row = 0
    for approved in approvals:
        row = row + 1 if approved else 0
        longest = max(longest, row)
    of, count = len(approvals), sum(approvals)
    expected, spread = _expected(of, count / of) if 0 < count < of else (None, 0.0)
    far = expected is not None and longest > expected + _FAR * spread
    return Stretch(action=action, longest=longest, of=of, approved=count, expected=expected, far=far)


def _expected(of: int, part: float) -> tuple[float, float]:
    """The mean and the standard deviation of the longest row of so many tries, each a hit by chance ``part``."""
    rate = log(1 / part)
    mean = log(max(of * (1 - part), 1.0)) / rate + _EULER / rate - 0.5
    return max(min(mean, float(of)), 1.0), sqrt(pi * pi / (6 * rate * rate) + 1 / 12)
