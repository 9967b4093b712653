"""Shares and means with their 95 % intervals. Small numbers say so.

A share's interval is Wilson's (1927), which stays within 0 and 1 and is honest about none and all; a difference of two
shares has Newcombe's (1998, method 10), which is made of their Wilson intervals. Nothing here draws random numbers: the
same counts always give the same interval.
"""

from __future__ import annotations

from math import sqrt

from msgspec import Struct

from bot.core.insight.weighing import Z, wilson

FEW = 30
"""Cases below which a figure says so: its interval is wide, and nobody should act on it alone."""


class Share(Struct, frozen=True):
    """``count`` of ``of`` cases, ``share`` of them (None: of none), between ``low`` and ``high`` (95 %)."""

    count: int
    of: int
    share: float | None
    low: float
    high: float
    few: bool


class Change(Struct, frozen=True):
    """By how much a share is more than in the period before (negative: less), between ``low`` and ``high`` (95 %).

    ``sure``: the interval leaves out 0, so that chance alone seldom makes such a difference.
    """

    change: float
    low: float
    high: float
    sure: bool


def share_of(count: int, of: int) -> Share:
    """The share, ``0 <= count <= of``."""
    low, high = wilson(count / of, of) if of else (0.0, 1.0)
    return Share(count, of, count / of if of else None, low, high, of < FEW)


def change_of(now: Share, before: Share) -> Change | None:
    """How two shares differ; None where either is of none."""
    if now.share is None or before.share is None:
        return None
    change = now.share - before.share
    down = sqrt((now.share - now.low) ** 2 + (before.high - before.share) ** 2)
    up = sqrt((now.high - now.share) ** 2 + (before.share - before.low) ** 2)
    low, high = max(change - down, -1.0), min(change + up, 1.0)
    return Change(change, low, high, not low <= 0 <= high)


def mean_between(mean: float, variance: float, of: int, least: float, most: float) -> tuple[float, float]:
    """The 95 % interval of a mean of ``of`` values, which all lie between ``least`` and ``most``.

    The normal approximation (central limit theorem); of none, everything is possible. Where all values were alike it
    would have no width: then, as for a share of which none was seen, there is room for what three in ``of`` could
    change (Hanley and Lippman-Hand 1983).
    """
    if not of:
        return least, most
    half = Z * sqrt(variance / of) if variance > 0 else (most - least) * min(1.0, 3 / of)
    return max(least, mean - half), min(most, mean + half)
