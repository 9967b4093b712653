"""Whether an agent's confidence tells what people approve as proposed from what they edit or reject."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from enum import StrEnum
from itertools import accumulate
from math import sqrt

from msgspec import Struct

from bot.core.insight.weighing import Z

ENOUGH = 10
"""Of the wrong and of the right ones, at least: below that no interval of an area means anything."""
_EVEN = 0.5


class Claim(Struct, frozen=True, gc=False):
    """One decided request: who claimed what confidence, whether that was ``wrong``, and for how many it stands.

    ``part`` (0 to 9) is a fixed part of all claims that it belongs to, for leaving parts out.
    """

    agent: str
    confidence: float
    wrong: bool
    weight: float = 1.0
    part: int = 0


class Verdict(StrEnum):
    """What the interval of the area says."""

    INFORMS = "informs"
    SAYS_NOTHING = "says_nothing"
    MISLEADS = "misleads"
    TOO_FEW = "too_few"


class Area(Struct, frozen=True, kw_only=True):
    """How often, of a right and a wrong one at random, the right one had the higher confidence, with its interval.

    A half: confidence says nothing. ``wrong`` and ``right`` are how many there were.
    """

    area: float
    low: float
    high: float
    wrong: int
    right: int

    @property
    def verdict(self) -> Verdict:
        """What that says."""
        if min(self.wrong, self.right) < ENOUGH:
            return Verdict.TOO_FEW
        if self.low <= _EVEN <= self.high:
            return Verdict.SAYS_NOTHING
        return Verdict.INFORMS if self.low > _EVEN else Verdict.MISLEADS


def area_of(claims: Sequence[Claim]) -> Area:
    """The area under the curve of separating by confidence, ties counted half, weighted.

    The interval is by DeLong et al. (1988), and at least as wide as Hanley and McNeil (1982) have it, which keeps a
    width where the two sides do not overlap at all. O(n log n).
    """
    wrong = sorted((c for c in claims if c.wrong), key=lambda c: c.confidence)
    right = sorted((c for c in claims if not c.wrong), key=lambda c: c.confidence)
    if not wrong or not right:
        return Area(area=_EVEN, low=0.0, high=1.0, wrong=len(wrong), right=len(right))
    above = [1 - part for part in _below(wrong, right)]
    below = _below(right, wrong)
    area, of_wrong, wrongs = _spread(wrong, above)
    _, of_right, rights = _spread(right, below)
    delong = of_wrong / wrongs + of_right / rights
    error = sqrt(max(delong, _hanley(area, wrongs, rights)))
    return Area(
        area=area,
        low=max(area - Z * error, 0.0),
        high=min(area + Z * error, 1.0),
        wrong=len(wrong),
        right=len(right),
    )


def _below(these: Sequence[Claim], others: Sequence[Claim]) -> list[float]:
    """Of each of these, which weighted part of the others had less confidence (an equal one counts half)."""
    values = [other.confidence for other in others]
    summed = [0.0, *accumulate(other.weight for other in others)]
    found = []
    for claim in these:
        less, most = bisect_left(values, claim.confidence), bisect_right(values, claim.confidence)
        found.append((summed[less] + summed[most]) / (2 * summed[-1]))
    return found


def _spread(claims: Sequence[Claim], values: Sequence[float]) -> tuple[float, float, float]:
    """Weighted mean and variance of values, and how many cases they are worth."""
    total = sum(claim.weight for claim in claims)
    number = total * total / sum(claim.weight**2 for claim in claims)
    mean = sum(c.weight * v for c, v in zip(claims, values, strict=True)) / total
    spread = sum(c.weight * (v - mean) ** 2 for c, v in zip(claims, values, strict=True)) / total
    return mean, spread * number / (number - 1) if number > 1 else spread, number


def _hanley(area: float, wrongs: float, rights: float) -> float:
    """The variance of an area by Hanley and McNeil, with an area of 1 (or 0) taken for a half case less."""
    edge = 1 / (2 * wrongs * rights)
    area = min(max(area, edge), 1 - edge)
    one, two = area / (2 - area), 2 * area * area / (1 + area)
    spread = area * (1 - area) + (wrongs - 1) * (one - area * area) + (rights - 1) * (two - area * area)
    return spread / (wrongs * rights)
