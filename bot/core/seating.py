"""Whom a step asks at a moment: who has the shift, who stands in for whom, who may not be asked.

A step without seats asks the same people at any time. Nobody who is barred is ever seated, not as a delegate either
(threat T10).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.core.calendars import worked
from bot.core.duty import boundaries, standing_in
from bot.core.model import Calendar, Route, Seat, Step


def seated(route: Route, step: Step, at: datetime, barred: Collection[str] = ()) -> Step:
    """The step with the people whom it asks at ``at``; without those ``barred`` and those whom the route excludes."""
    if step.people and not (step.seats or barred or route.excluded):
        return step
    out = {*barred, *route.excluded}
    if not step.seats:
        people = tuple([p for p in step.people if p not in out])
        stood = step.stands_for
        names = step.names
    else:
        names, stood = _filled(route, step.seats, at, out)
        people = tuple(names)
    if not people and step.fallback:
        people, stood = _instead(route, step.fallback, at, out)
        # They stand for what the step asks: by names of their own, two of one group could count as two groups.
        names = dict.fromkeys(people, step.notify)
    if people == step.people and stood == step.stands_for and names == step.names:
        return step
    return replace(step, people=people, stands_for=stood, names=names)


def _filled(
    route: Route, seats: tuple[Seat, ...], at: datetime, out: set[str]
) -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """By person, under which names they are asked; and for whom those stand in who sit in no seat of their own."""
    names: dict[str, tuple[str, ...]] = {}
    stood: dict[str, str] = {}
    own: set[str] = set()
    for seat in seats:
        holder, person = _holder(route, seat, at)
        if person is None or person in out or holder is None:
            continue
        names[person] = tuple(dict.fromkeys((*names.get(person, ()), seat.name)))
        if person == holder:
            own.add(person)
        else:
            stood.setdefault(person, holder)
    return names, {person: holder for person, holder in stood.items() if person not in own}


def _holder(route: Route, seat: Seat, at: datetime) -> tuple[str | None, str | None]:
    """Whose seat it is at a moment, and who sits there: whose turn it is, or where nobody is there, the fallback."""
    turn = seat.person or next((s.person for s in seat.shifts if s.since <= at < s.until), None)
    for holder in (turn, seat.fallback):
        person = standing_in(route.absences, holder, at) if holder is not None else None
        if person is not None:
            return holder, person
    return None, None


def _instead(
    route: Route, fallback: tuple[str, ...], at: datetime, out: set[str]
) -> tuple[tuple[str, ...], dict[str, str]]:
    found = [(standing_in(route.absences, person, at), person) for person in fallback]
    there = [(who, person) for who, person in found if who is not None and who not in out]
    people = tuple(dict.fromkeys(who for who, _ in there))
    return people, {who: person for who, person in there if who != person}


def next_chance(
    route: Route, step: Step, after: datetime, until: datetime, barred: Collection[str] = ()
) -> datetime | None:
    """The first moment after ``after``, and before ``until``, at which the step asks somebody; None where none is."""
    moments: set[datetime] = set()
    for seat in step.seats:
        moments |= {edge for shift in seat.shifts for edge in (shift.since, shift.until)}
        people = [p for p in (seat.person, seat.fallback, *(shift.person for shift in seat.shifts)) if p is not None]
        for person in dict.fromkeys(people):
            moments |= {*boundaries(route.absences, person, after, until)}
    for person in step.fallback:
        moments |= {*boundaries(route.absences, person, after, until)}
    for moment in sorted(moment for moment in moments if after < moment < until):
        if seated(route, step, moment, barred).people:
            return moment
    return None


def clock_of(route: Route, step: Step) -> tuple[Calendar, ...]:
    """The calendars in whose open time the step's clock runs; none for wall time."""
    if not step.own_clock:
        return step.clock
    hours = [route.hours.get(person) for person in step.people]
    known = tuple(calendar for calendar in hours if calendar is not None)
    # Somebody without hours is at work at any time, and so the clock always runs.
    return known if len(known) == len(hours) else ()


def runs_until(clock: tuple[Calendar, ...], since: datetime, span: timedelta | None) -> datetime | None:
    """When ``span`` of the clock's time has passed since ``since``; None where that never comes."""
    if span is None:
        return None
    return worked(clock, since, span) if clock else since + span
