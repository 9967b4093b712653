"""The sections ``schedules`` and ``calendars``, and the time of people: their ``hours``, ``holidays`` and ``away``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta

from msgspec import Struct

from bot.core.model import MINUTES_A_DAY, Absence, IfEmpty, Person, Schedule, Shift
from bot.core.policy import OWN_CLOCK, WorkTime
from bot.routing import moments, nodes, people
from bot.routing.auditors import decides
from bot.routing.faults import quoted
from bot.routing.holidays import holidays
from bot.routing.hours import DAYS, cut_off, hours, minutes, weekday
from bot.routing.nodes import Node, Scalar, Sequence
from bot.routing.values import Reader

SCHEDULE_KEYS = ("timezone", "rotate", "handover", "start", "people", "hours", "overrides", "gaps")
OVERRIDE_KEYS = ("from", "until", "person")
CALENDAR_KEYS = ("timezone", "hours", "holidays")
AWAY_KEYS = ("from", "until", "delegate")
GAP_KEYS = ("fallback",)
ROTATE = ("daily", "weekly")

LONGESTTURN = 366
"""Days in a turn at most."""

_WEEK = 7
TURN = re.compile(r"([1-9][0-9]{0,2})([dw])")
HANDOVER = re.compile(r"(?:([A-Za-z]+)\s+)?([0-9]{2}:[0-9]{2})")


class _Handover(Struct, frozen=True):
    """When turns change: minutes after local midnight, and on which weekday where one is named."""

    minute: int = 0
    weekday: int | None = None


def schedules(
    reader: Reader, node: Node, folk: Mapping[str, Person], groups: Mapping[str, object]
) -> dict[str, Schedule]:
    """``schedules:`` by name, which no person or group has."""
    found: dict[str, Schedule] = {}
    for key, item in reader.entries(node, "schedules").items():
        name = reader.id(node.keys[key], "a schedule") if isinstance(node, nodes.Mapping) else None
        if name is not None and (name in folk or name in groups) and isinstance(node, nodes.Mapping):
            kind = "person" if name in folk else "group"
            what = f"{quoted(name)} is a {kind} and cannot be a schedule too"
            reader.faults.add(node.keys[key].place, what, "give the schedule another name")
        schedule = _schedule(reader, item, key, folk)
        found[name or key] = schedule
    return found


def calendars(reader: Reader, node: Node) -> dict[str, WorkTime]:
    """``calendars:`` by name."""
    found: dict[str, WorkTime] = {}
    for key, item in reader.entries(node, "calendars").items():
        name = reader.id(node.keys[key], "a calendar") if isinstance(node, nodes.Mapping) else None
        if key == OWN_CLOCK and isinstance(node, nodes.Mapping):
            what = f"a calendar cannot be named {quoted(key)}: as a clock that means the hours of whoever is asked"
            reader.faults.add(node.keys[key].place, what, "give the calendar another name")
        fields = reader.mapping(item, f"the calendar {quoted(key)}", CALENDAR_KEYS)
        cut_off(reader, item)
        zone = people.timezone(reader, fields["timezone"]) if "timezone" in fields else None
        if isinstance(item, nodes.Mapping) and "hours" not in fields and "holidays" not in fields:
            fix = "write hours: Mon-Fri 09:00-18:00, holidays: PT, or both"
            reader.faults.add(item.place, f"the calendar {quoted(key)} says nothing of when it is open", fix)
        found[key] = _work_time(reader, fields, name or key, zone or "UTC")
    return found


def working(reader: Reader, node: Node, folk: Mapping[str, Person]) -> dict[str, WorkTime]:
    """The ``hours`` and ``holidays`` in ``people:``, by person, of those who have any."""
    found: dict[str, WorkTime] = {}
    for name, item in people.entries_of(node, folk).items():
        cut_off(reader, item)
        if "hours" in item.entries or "holidays" in item.entries:
            found[name] = _work_time(reader, item.entries, name, folk[name].timezone)
    return found


def away(reader: Reader, node: Node, folk: Mapping[str, Person]) -> dict[str, tuple[Absence, ...]]:
    """The ``away`` in ``people:``, by person, of those who are; in order of time."""
    found = {
        name: _absences(reader, item.entries["away"], folk[name], folk)
        for name, item in people.entries_of(node, folk).items()
        if "away" in item.entries
    }
    return {name: absences for name, absences in found.items() if absences}


def _work_time(reader: Reader, fields: Mapping[str, Node], name: str, zone: str) -> WorkTime:
    return WorkTime(
        name=name,
        timezone=zone,
        week=hours(reader, fields["hours"]) if "hours" in fields else (),
        holidays=holidays(reader, fields["holidays"]) if "holidays" in fields else None,
    )


def _absences(reader: Reader, node: Node, person: Person, folk: Mapping[str, Person]) -> tuple[Absence, ...]:
    where = f"the absence of {quoted(person.id)}"
    found: list[Absence] = []
    for item in reader.items(node, "away"):
        fields = reader.mapping(item, where, AWAY_KEYS)
        deed = f"stand in for {quoted(person.id)}"
        delegate = decides(reader, fields["delegate"], "person", folk, deed) if "delegate" in fields else None
        if delegate == person.id:
            what = f"{quoted(delegate)} cannot stand in for themselves"
            reader.faults.add(fields["delegate"].place, what, "name somebody else, or nobody: remove delegate")
        span = moments.span(reader, fields, item, where, person.timezone)
        if span is None:
            continue
        if any(span[0] < other.until and other.since < span[1] for other in found):
            fix = "let each begin where the other ends"
            reader.faults.add(item.place, f"{where} overlaps with an earlier one in the list", fix)
        found.append(Absence(*span, delegate))
    return tuple(sorted(found, key=lambda absence: absence.since))


def _schedule(reader: Reader, node: Node, name: str, folk: Mapping[str, Person]) -> Schedule:
    where = f"the schedule {quoted(name)}"
    fields = reader.mapping(node, where, SCHEDULE_KEYS)
    cut_off(reader, node)
    _must(reader, node, where, fields)
    zone = (people.timezone(reader, fields["timezone"]) if "timezone" in fields else None) or "UTC"
    days = _days(reader, fields["rotate"]) if "rotate" in fields else None
    handover = (_handover(reader, fields["handover"], days) if "handover" in fields else None) or _Handover()
    start = moments.day(reader, fields["start"], "start") if "start" in fields else None
    if start is not None and handover.weekday is not None and start.weekday() != handover.weekday:
        _wrong_start(reader, fields["start"], start, handover.weekday)
    turns = _people(reader, fields["people"], where, folk) if "people" in fields else ()
    week = hours(reader, fields["hours"]) if "hours" in fields else ()
    overrides = _overrides(reader, fields["overrides"], where, zone, folk) if "overrides" in fields else ()
    gaps, fallback = _gaps(reader, fields["gaps"], folk) if "gaps" in fields else (IfEmpty.SKIP, None)
    # Where something is missing there will be no policy; chains may name the schedule all the same.
    return Schedule(
        name=name,
        timezone=zone,
        people=turns,
        start=start or date.min,
        days=days or _WEEK,
        handover=handover.minute,
        week=week,
        overrides=overrides,
        gaps=gaps,
        fallback=fallback,
    )


def _must(reader: Reader, node: Node, where: str, fields: Mapping[str, Node]) -> None:
    if not isinstance(node, nodes.Mapping):
        return
    for key, fix in (
        ("people", "say who takes turns: people: [ana, ben]"),
        ("rotate", "say how long a turn is: rotate: weekly (or daily, 3d, 2w)"),
        ("start", "say on which day the first one's turn begins: start: 2026-01-05"),
    ):
        if key not in fields:
            reader.missing(node, where, key, fix)


def _people(reader: Reader, node: Node, where: str, folk: Mapping[str, Person]) -> tuple[str, ...]:
    """Who takes turns, in order; somebody may stand there more than once, and so take more turns than others."""
    items = [node] if isinstance(node, Scalar) else reader.items(node, f"people of {where}")
    names = [decides(reader, item, "person", folk, "take turns") for item in items]
    return tuple(name for name in names if name is not None)


def _days(reader: Reader, node: Node) -> int | None:
    text = reader.text(node, "rotate", limit=40)
    if text is None:
        return None
    if text in ROTATE:
        return _WEEK if text == "weekly" else 1
    found = TURN.fullmatch(text)
    if found is None:
        fix = "write daily, weekly, or a number of days or weeks: 3d, 2w"
        reader.faults.add(node.place, f"rotate cannot be {quoted(text)}", fix)
        return None
    days = int(found[1]) * (_WEEK if found[2] == "w" else 1)
    if days > LONGESTTURN:
        reader.faults.add(node.place, f"a turn is at most {LONGESTTURN} days long, not {days}")
        return None
    return days


def _handover(reader: Reader, node: Node, days: int | None) -> _Handover | None:
    text = reader.text(node, "handover", limit=40)
    if text is None:
        return None
    found = HANDOVER.fullmatch(text)
    minute = minutes(found[2]) if found else None
    on = weekday(found[1]) if found and found[1] else None
    if found is None or minute is None or minute == MINUTES_A_DAY or (found[1] and on is None):
        fix = "write a weekday and a time, or a time: Mon 09:00, 09:00"
        reader.faults.add(node.place, f"handover cannot be {quoted(text)}", fix)
        return None
    if on is not None and days is not None and days % _WEEK:
        what = f"a turn of {days} day{'s' * (days > 1)} is not handed over on the same weekday each time"
        reader.faults.add(node.place, what, f"write handover: {found[2]}")
        return None
    return _Handover(minute, on)


def _wrong_start(reader: Reader, node: Node, start: date, on: int) -> None:
    after = start + timedelta(days=(on - start.weekday()) % _WEEK)
    what = f"{start} is a {DAYS[start.weekday()]}, but the handover is on {DAYS[on]}"
    reader.faults.add(node.place, what, f"{after - timedelta(days=_WEEK)} or {after} would do")


def _overrides(reader: Reader, node: Node, where: str, zone: str, folk: Mapping[str, Person]) -> tuple[Shift, ...]:
    found: list[Shift] = []
    for item in reader.items(node, "overrides", empty=True):
        part = f"an override of {where}"
        fields = reader.mapping(item, part, OVERRIDE_KEYS)
        if "person" not in fields and isinstance(item, nodes.Mapping):
            reader.missing(item, part, "person", "say who is on duty then instead: person: lea")
        person = decides(reader, fields["person"], "person", folk, "be on duty") if "person" in fields else None
        span = moments.span(reader, fields, item, part, zone)
        if span is not None and person is not None:
            found.append(Shift(person, *span))
    return tuple(found)


def _gaps(reader: Reader, node: Node, folk: Mapping[str, Person]) -> tuple[IfEmpty, str | None]:
    if isinstance(node, nodes.Mapping):
        fields = reader.mapping(node, "gaps", GAP_KEYS)
        if "fallback" not in fields:
            reader.missing(node, "gaps", "fallback", "say who is asked while nobody is on duty: {fallback: lea}")
            return IfEmpty.SKIP, None
        return IfEmpty.SKIP, decides(reader, fields["fallback"], "person", folk, "be asked")
    if isinstance(node, Sequence):
        reader.wrong(node, "gaps", "skip, hold or {fallback: PERSON}")
        return IfEmpty.SKIP, None
    return reader.choice(node, "gaps", IfEmpty) or IfEmpty.SKIP, None
