"""Shares and means with their 95 % intervals. Small numbers say so.

A share's interval is Wilson's (1927), which stays within 0 and 1 and is honest about none and all; a difference of two
shares has Newcombe's (1998, method 10), which is made of their Wilson intervals. Nothing here draws random numbers: the
same counts always give the same interval.
"""

from __future__ import annotations

from collections.abc import Mapping
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


def share_drawn(drawn: Mapping[float, tuple[int, int]]) -> Share:
    """The share of wrong of what lots were drawn of; ``drawn``: by the share drawn (0 to 1) how many, how many wrong.

    One drawn by a share of 1 % stands for a hundred (Horvitz and Thompson 1952; divided by the weights' sum,
    Hájek 1971). Its interval is made of the Wilson intervals of the parts, as Newcombe's is of a difference (Zou and
    Donner 2008), with room for how large each part is, which the lot says, too. By a share alone it is Wilson's. Few:
    the effective number, (sum of weights)² / (sum of squared weights) (Kish 1965), is below `FEW`.
    """
    parts = [(1 / lot, of, wrong) for lot, (of, wrong) in drawn.items() if of]
    if len(parts) < 2:  # noqa: PLR2004  # one part has nothing to be weighed against
        return share_of(sum(wrong for *_, wrong in parts), sum(of for _, of, _ in parts))
    whole = sum(weight * of for weight, of, _ in parts)
    share = sum(weight * wrong for weight, _, wrong in parts) / whole
    down = up = 0.0
    for weight, of, wrong in parts:
        part, own = weight * of / whole, wrong / of
        low, high = wilson(own, of)
        size = (1 - 1 / weight) / of * (own - share) ** 2
        down += part * part * ((own - low) ** 2 + size)
        up += part * part * ((high - own) ** 2 + size)
    number = whole * whole / sum(weight * weight * of for weight, of, _ in parts)
    low, high = max(share - sqrt(down), 0.0), min(share + sqrt(up), 1.0)
    return Share(sum(wrong for *_, wrong in parts), sum(of for _, of, _ in parts), share, low, high, number < FEW)


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
