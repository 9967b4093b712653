"""Who is on duty when, and who stands in for somebody who is away."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

from bot.core.calendars import moment, openings, zone_of
from bot.core.model import Absence, Calendar, Schedule, Shift, within


def shifts(schedule: Schedule, since: datetime, until: datetime) -> tuple[Shift, ...]:
    """Who is on duty from ``since`` to ``until``: disjoint, in order, cut to that time; while nobody is, nothing.

    What adjoins and is the same person's is one shift.
    """
    found = _rotation(schedule, since, until)
    for override in schedule.overrides:
        begin, end = max(override.since, since), min(override.until, until)
        if begin < end:
            found = _laid_over(found, Shift(override.person, begin, end))
    return tuple(_joined(found))


def _rotation(schedule: Schedule, since: datetime, until: datetime) -> list[Shift]:
    turns = _turns(schedule, since, until)
    if not schedule.week:
        return list(turns)
    hours = (Calendar(schedule.name, schedule.timezone, schedule.week),)
    return [Shift(turn.person, begin, end) for turn in turns for begin, end in openings(hours, turn.since, turn.until)]


def _turns(schedule: Schedule, since: datetime, until: datetime) -> Iterator[Shift]:
    if not schedule.people:
        return
    local = since.astimezone(zone_of(schedule.timezone)).date()
    # One turn early: before the hour of handover, the day still belongs to the turn before.
    number = max(0, (local - schedule.start).days // schedule.days - 1)
    ends = _handover(schedule, number)
    while ends < until:
        begins, ends = ends, _handover(schedule, number + 1)
        if max(begins, since) < min(ends, until):
            person = schedule.people[number % len(schedule.people)]
            yield Shift(person, max(begins, since), min(ends, until))
        number += 1


def _handover(schedule: Schedule, number: int) -> datetime:
    """When the turn of this number (from 0) begins: turns are counted in local calendar days, whatever their length."""
    day = schedule.start + timedelta(days=number * schedule.days)
    return moment(day, schedule.handover, schedule.timezone)


def _laid_over(found: list[Shift], override: Shift) -> list[Shift]:
    before = [Shift(s.person, s.since, min(s.until, override.since)) for s in found if s.since < override.since]
    after = [Shift(s.person, max(s.since, override.until), s.until) for s in found if s.until > override.until]
    return [*before, override, *after]


def _joined(found: Iterable[Shift]) -> Iterator[Shift]:
    current: Shift | None = None
    for shift in found:
        if current is not None and current.person == shift.person and current.until == shift.since:
            current = Shift(current.person, current.since, shift.until)
            continue
        if current is not None:
            yield current
        current = shift
    if current is not None:
        yield current


def standing_in(absences: Mapping[str, tuple[Absence, ...]], person: str, at: datetime) -> str | None:
    """Whom to ask instead of somebody: the person, or while they are away their delegate, or the delegate's.

    None: nobody, since a delegate is missing or the delegates lead back in a circle. Of absences that overlap, the
    first counts.
    """
    seen: set[str] = set()
    current: str | None = person
    while current is not None and current not in seen:
        seen.add(current)
        away = next((a for a in absences.get(current, ()) if a.since <= at < a.until), None)
        if away is None:
            return current
        current = away.delegate
    return None


def boundaries(
    absences: Mapping[str, tuple[Absence, ...]], person: str, since: datetime, until: datetime
) -> tuple[datetime, ...]:
    """The moments after ``since`` and before ``until`` when `standing_in` may begin to answer otherwise, in order."""
    return tuple(sorted(set(_changes(absences, (person,), since, until))))


def _changes(
    absences: Mapping[str, tuple[Absence, ...]], path: tuple[str, ...], since: datetime, until: datetime
) -> Iterator[datetime]:
    for absence in within(absences.get(path[-1], ()), since, until):
        begin, end = max(absence.since, since), min(absence.until, until)
        yield from (at for at in (absence.since, absence.until) if since < at < until)
        if absence.delegate is not None and absence.delegate not in path:
            yield from _changes(absences, (*path, absence.delegate), begin, end)
