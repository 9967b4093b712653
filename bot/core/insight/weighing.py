"""Shares with intervals where each case stands for several: what ran by rule is known by its sample alone.

A case that chance took out by a share of 5% stands for twenty. The interval is Wilson's (1927) with Kish's effective
number of cases, (sum of weights)² / (sum of squared weights), so that a few heavy cases are not taken for many.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import erfc, sqrt

from msgspec import Struct

Z = 1.959963984540054
"""The normal quantile of a two-sided 95 % interval."""
FEW = 20
"""Cases below which a share says too little to be acted on."""


class Share(Struct, frozen=True, kw_only=True):
    """A share of ``count`` out of ``of`` cases (as they are, unweighted), between ``low`` and ``high`` (95 %)."""

    share: float
    low: float
    high: float
    count: int
    of: int

    @property
    def few(self) -> bool:
        """Whether it is of so few that it says little."""
        return self.of < FEW


def share(cases: Iterable[tuple[bool, float]]) -> Share:
    """The share of what is true among (is it, weight), weights more than 0."""
    count = of = 0
    hits = total = squares = 0.0
    for is_it, weight in cases:
        of += 1
        count += is_it
        hits += weight * is_it
        total += weight
        squares += weight * weight
    if not of:
        return Share(share=0.0, low=0.0, high=1.0, count=0, of=0)
    part, number = hits / total, total * total / squares
    low, high = wilson(part, number)
    return Share(share=part, low=low, high=high, count=count, of=of)


def plain(count: int, of: int) -> Share:
    """The share of a count, each case standing for itself."""
    low, high = wilson(count / of, of) if of else (0.0, 1.0)
    return Share(share=count / of if of else 0.0, low=low, high=high, count=count, of=of)


def wilson(part: float, number: float) -> tuple[float, float]:
    """Wilson's interval of a share of so many cases."""
    middle = part + Z * Z / (2 * number)
    half = Z * sqrt(part * (1 - part) / number + Z * Z / (4 * number * number))
    scale = 1 + Z * Z / number
    return max((middle - half) / scale, 0.0), min((middle + half) / scale, 1.0)


def two_sided(z: float) -> float:
    """How often a standard normal lies at least so far from 0."""
    return erfc(abs(z) / sqrt(2))


def holm(chances: Sequence[float]) -> tuple[float, ...]:
    """The p-values of several questions asked at once, corrected (Holm 1979), in their order.

    Whoever compares twenty people finds one that differs by chance: corrected, among none that differ the chance to
    call any of them different is what one alone would have.
    """
    order = sorted(range(len(chances)), key=lambda index: chances[index])
    found, highest = [1.0] * len(chances), 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, chances[index] * (len(chances) - rank)))
        found[index] = highest
    return tuple(found)
