"""Who may be asked, as routing.yaml says it: schedules of duty, and how a person's or a step's time runs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

from msgspec import Struct

from bot.core.model import Absence, IfEmpty, Opening, Shift

Holidays = Callable[[date, date], tuple[date, ...]]
"""The public holidays from the first date to the last, both included, in order."""


class WorkTime(Struct, frozen=True, kw_only=True):
    """One entry of ``calendars:``, or a person's ``hours`` and ``holidays``; `Calendar` is it for a certain while."""

    name: str
    timezone: str = "UTC"
    week: tuple[Opening, ...] = ()
    holidays: Holidays | None = None


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


LONGEST_VIEW = timedelta(days=366)
"""How far ahead a request's route knows who is on duty and which days are holidays; after that it is as at the end."""


def within(absences: tuple[Absence, ...], since: datetime, until: datetime) -> tuple[Absence, ...]:
    """Those of the absences that touch the time from ``since`` to ``until``."""
    return tuple(a for a in absences if a.since < until and since < a.until)
