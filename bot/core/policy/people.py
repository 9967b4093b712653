"""How a person's or a step's time runs, as routing.yaml says it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from msgspec import Struct

from bot.core.model import Opening

Holidays = Callable[[date, date], tuple[date, ...]]
"""The public holidays from the first date to the last, both included, in order."""


class WorkTime(Struct, frozen=True, kw_only=True):
    """One entry of ``calendars:``, or a person's ``hours`` and ``holidays``; `Calendar` is it for a certain while."""

    name: str
    timezone: str = "UTC"
    week: tuple[Opening, ...] = ()
    holidays: Holidays | None = None


LONGEST_VIEW = timedelta(days=366)
"""How far ahead a request's route knows who is on duty and which days are holidays; after that it is as at the end."""
