"""From values to places: where on an axis a value stands, and which values are written beside it."""

from __future__ import annotations

from datetime import timedelta
from math import ceil, floor, log, log10

from msgspec import Struct

from bot.web.inbox.wording import span

_ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
_TICKS = 4
_TIMES = (1, 10, 60, 600, 3600, 4 * 3600, 86400, 7 * 86400, 30 * 86400)
"""Seconds at which a scale of time has its marks: a second to a month."""


class Scale(Struct, frozen=True):
    """From ``low`` to ``high``; ``log``: in equal ratios, for what spans from seconds to days."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def part(self, value: float) -> float:
        """Where a value stands, from 0 to 1; what lies outside stands at the end."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return log(value / self.low) / log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def across(self, value: float) -> float:
        """The same in percent of the width."""
        return round(100 * self.part(value), 2)

    def down(self, value: float, height: float) -> float:
        """The same in pixels from the top, the greatest value being there."""
        return round(height * (1 - self.part(value)), 1)


SHARES = Scale(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0))


def numbers(most: float) -> Scale:
    """From nought to the next round number."""
    most = max(most, 1.0)
    step = most / _TICKS
    size = 10.0 ** floor(log10(step))
    # A count has no halves.
    step = max(next(size * part for part in _ROUND if size * part >= step * 0.999), 1.0)
    step = ceil(step) if step < 10 else step  # noqa: PLR2004  # 2.5 would be written as 2
    count = ceil(most / step)
    return Scale(0.0, step * count, tuple(step * at for at in range(count + 1)))


def zoomed(low: float, high: float) -> Scale:
    """Shares between these two, by tens of percents: what differs little is seen to differ."""
    first, last = floor(low * 10) / 10, ceil(high * 10) / 10
    first, last = max(min(first, last - 0.2), 0.0), min(max(last, first + 0.2), 1.0)
    count = round((last - first) * 10)
    every = 1 if count <= _TICKS else 2
    ticks = tuple(round(first + at / 10, 1) for at in range(0, count + 1, every))
    return Scale(round(first, 1), round(last, 1), ticks)


def seconds(least: float, most: float) -> Scale:
    """Lengths of time, in equal ratios, between two marks that hold all of them."""
    low = max((at for at in _TIMES if at <= max(least, 1.0)), default=_TIMES[0])
    high = min((at for at in _TIMES if at >= most and at > low), default=max(most, low * 10.0))
    ticks = tuple(float(at) for at in _TIMES if low <= at <= high)
    return Scale(float(low), float(high), ticks, log=True)


def percent(share: float) -> str:
    """``92 %``; what is neither none nor all never reads as if it were."""
    whole = round(100 * share)
    if whole in (0, 100) and share not in (0.0, 1.0):
        return "<1 %" if whole == 0 else ">99 %"
    return f"{whole} %"


def length(of: float) -> str:
    """Seconds, as people say them: ``2 h 10 min``; below ten of them with a tenth."""
    return f"{of:.1f} s" if of < 10 else span(timedelta(seconds=of))  # noqa: PLR2004  # told above
