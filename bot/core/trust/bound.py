"""A lower bound for a share that holds however often one looks: nobody can wait for the lucky moment.

For a share p, let M(p) be the likelihood of what was seen, averaged over shares q drawn from a Beta, divided by its
likelihood at p. Under p that is a martingale which begins at 1 (Robbins 1970), so it ever reaches 1/error with a chance
of at most ``error`` (Ville's inequality); the shares at which it has not are a confidence sequence (Howard, Ramdas,
McAuliffe, Sekhon 2021, section 3.2). The Beta is chosen before anything is seen, by what is to be shown: it decides how
sharp the bound is and never whether it holds.
"""

from __future__ import annotations

import math

_STEPS = 60
"""Halvings of the unit interval: the bound is exact to the last bits of a float."""
_MOST = 10_000_000


def lower(right: int, wrong: int, *, error: float, toward: float) -> float:
    """The lower bound (0 to 1) after ``right`` and ``wrong`` of them; it holds but for a chance of ``error`` (0 to 1).

    ``toward`` (0 to 1, below 1) is the share that is to be shown: there the bound is sharpest.
    """
    if not right:
        return 0.0
    alpha, beta = _prior(toward)
    mixed = _log_beta(alpha + right, beta + wrong) - _log_beta(alpha, beta)
    allowed = -math.log(error)
    low, high = 0.0, right / (right + wrong)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        # Below the share that was seen M falls as p grows, so what is ruled out lies on one side.
        ruled_out = middle == 0 or mixed - right * math.log(middle) - wrong * math.log1p(-middle) >= allowed
        low, high = (middle, high) if ruled_out else (low, middle)
    return low


def flawless(*, error: float, toward: float) -> int:
    """How many in a row, all right, bring the bound to ``toward``; fewer never do."""
    few, many = 0, 1
    while many < _MOST and lower(many, 0, error=error, toward=toward) < toward:
        few, many = many, many * 2
    while many - few > 1:
        middle = (few + many) // 2
        enough = lower(middle, 0, error=error, toward=toward) >= toward
        few, many = (few, middle) if enough else (middle, many)
    return many


def _prior(toward: float) -> tuple[float, float]:
    """The Beta whose weight lies about ``toward``: for 0.95 it is Beta(20, 1), with a mean of 0.952."""
    return 1 / (1 - min(toward, 0.9999)), 1.0


def _log_beta(alpha: float, beta: float) -> float:
    return math.lgamma(alpha) + math.lgamma(beta) - math.lgamma(alpha + beta)
