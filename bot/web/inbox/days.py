"""From a day to a day, as a form asks for it: the fields ``from`` and ``until``, on the reader's own clock."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from bot.core.calendars import moment
from bot.core.errors import Fault, Invalid
from bot.core.model import Person
from bot.web.inbox.language import Said, words

DAYS = ("from", "until")
"""The names of the two fields."""

NO_DAY = words("{given} is no day. Write it as 2026-11-25.")
BACKWARDS = words("The first day comes after the last, so nothing is between them.")


def span_of(sought: Mapping[str, str], person: Person) -> tuple[datetime | None, datetime | None]:
    """From the beginning of the first day to the end of the last; None where none is given. Raises `Invalid`."""
    faults: list[Fault] = []
    first, last = (_day(sought.get(name, ""), name, faults) for name in DAYS)
    if first and last and first > last:
        faults.append(Fault("/from", "order", BACKWARDS))
    if faults:
        raise Invalid(faults[0].detail, faults=tuple(faults))
    since = moment(first, 0, person.timezone) if first else None
    return since, moment(last + timedelta(days=1), 0, person.timezone) if last else None


def _day(given: str, name: str, faults: list[Fault]) -> date | None:
    if not given:
        return None
    try:
        day = date.fromisoformat(given)
        # A year on either side, so that a zone's midnight never leaves the calendar.
        if date.min.year < day.year < date.max.year:
            return day
    except ValueError:
        pass
    faults.append(Fault(f"/{name}", "format", Said(NO_DAY, given=given)))
    return None
