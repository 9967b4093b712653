"""Whether an agent is as often right as it claims: reliability diagram, Brier score, expected calibration error.

Right is what people approved exactly as it was proposed. All intervals are 95 %, of formulas without chance:

- a bin's share: Wilson (1927);
- the Brier score (Brier 1950), a mean of squared distances within 0 and 1: normal approximation of a mean. Of a mean of
  values within 0 and 1 the variance is at most ``mean * (1 - mean)`` (Bhatia and Davis 2000), which stands for the one
  that cells do not keep: the interval is never too narrow for that;
- the expected calibration error, the mean distance between what was claimed and what came true, bin by bin: each bin's
  distance lies between the least and the greatest that its Wilson interval allows, and these are added up. That holds
  at least as surely as all bins' intervals do one by one, and is wide where bins are small: such an error is never
  measured as nothing, by chance alone it is more (so ``low`` is what to act on).
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from bot.core.insight.cell import Bin
from bot.core.insight.intervals import FEW, Share, mean_between, share_of

STEP = 0.05
"""How wide a bin is."""
_MILLION = 1_000_000


class Reliability(Struct, frozen=True, kw_only=True):
    """Requests with a confidence from ``least`` on and below ``most``: what was claimed on average, what came true."""

    least: float
    most: float
    claimed: float
    right: Share


class Bounded(Struct, frozen=True):
    """A value between ``low`` and ``high`` (95 %)."""

    value: float
    low: float
    high: float


class Calibration(Struct, frozen=True, kw_only=True):
    """Of ``count`` requests that people decided: what was ``claimed`` on average, and the share that was ``right``.

    ``brier`` is 0 where every confidence was 1 and right or 0 and wrong, a quarter for one who always claims a half;
    ``error`` is the expected calibration error.
    """

    count: int
    few: bool
    claimed: float
    right: Share
    brier: Bounded
    error: Bounded
    bins: tuple[Reliability, ...]


def calibration_of(bins: Mapping[int, Bin]) -> Calibration | None:
    """What bins of confidence say; None where nothing was claimed."""
    standing = {at: one for at, one in sorted(bins.items()) if one.count > 0}
    count = sum(one.count for one in standing.values())
    if not count:
        return None
    drawn = tuple(_reliability(at, one) for at, one in standing.items())
    brier = sum(one.squares for one in standing.values()) / _MILLION / count
    return Calibration(
        count=count,
        few=count < FEW,
        claimed=sum(one.claimed for one in standing.values()) / _MILLION / count,
        right=share_of(sum(one.right for one in standing.values()), count),
        brier=Bounded(brier, *mean_between(brier, brier * (1 - brier), count, 0.0, 1.0)),
        error=_error(drawn, count),
        bins=drawn,
    )


def _reliability(at: int, one: Bin) -> Reliability:
    claimed = one.claimed / _MILLION / one.count
    least, most = round(at * STEP, 2), round((at + 1) * STEP, 2)
    return Reliability(least=least, most=most, claimed=claimed, right=share_of(one.right, one.count))


def _error(bins: tuple[Reliability, ...], count: int) -> Bounded:
    value = low = high = 0.0
    for one in bins:
        part, right, claimed = one.right.of / count, one.right, one.claimed
        value += part * abs((right.share or 0.0) - claimed)
        low += part * max(0.0, right.low - claimed, claimed - right.high)
        high += part * max(abs(right.low - claimed), abs(right.high - claimed))
    return Bounded(value, low, high)
