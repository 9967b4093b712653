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


class Schedule(Struct, frozen=True, kw_only=True):
    """One entry of ``schedules:``: its people take turns of ``days`` each, from ``start`` at the hour of handover.

    ``handover`` is minutes after local midnight; ``start`` is the day on which the first one's turn begins (before it
    nobody is on duty). ``week`` bounds duty to those hours (none: all). An override wins over the rotation, a later
    one over an earlier one, whatever the hours. ``gaps`` says what becomes of a step while nobody is on duty, and
    ``fallback`` who is asked then instead.
    """

    name: str
    timezone: str = "UTC"
    people: tuple[str, ...] = ()
    start: date
    days: int = 7
    handover: int = 0
    week: tuple[Opening, ...] = ()
    overrides: tuple[Shift, ...] = ()
    gaps: IfEmpty = IfEmpty.SKIP
    fallback: str | None = None


def within(absences: tuple[Absence, ...], since: datetime, until: datetime) -> tuple[Absence, ...]:
    """Those of the absences that touch the time from ``since`` to ``until``."""
    return tuple(a for a in absences if a.since < until and since < a.until)
