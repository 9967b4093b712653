"""When people are there: opening hours, who is on duty when, who is away. Values only; `bot.core.calendars` reckons.

A bare date in routing.yaml is midnight in its own zone, and every span is half open: ``since`` belongs to it, ``until``
does not. Moments are aware, UTC.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from msgspec import Struct

MINUTES_A_DAY = 24 * 60


class Opening(Struct, frozen=True):
    """Open on one weekday (0 is Monday) from ``opens`` to ``closes``, minutes after local midnight, at most 1440."""

    weekday: int
    opens: int
    closes: int


class Calendar(Struct, frozen=True, omit_defaults=True):
    """Working time: local opening hours (none: at any time) in a tz database zone, but not on ``holidays``."""

    name: str
    timezone: str = "UTC"
    week: tuple[Opening, ...] = ()
    holidays: tuple[date, ...] = ()


class Shift(Struct, frozen=True):
    """Somebody's time on duty."""

    person: str
    since: datetime
    until: datetime


class Absence(Struct, frozen=True):
    """Somebody's time away, and who stands in for them (None: nobody)."""

    since: datetime
    until: datetime
    delegate: str | None = None


class IfEmpty(StrEnum):
    """What becomes of a step that asks nobody now: pass it over, or wait until it asks somebody."""

    SKIP = "skip"
    HOLD = "hold"
