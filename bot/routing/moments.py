"""Dates and moments as a file writes them: ``2026-03-01``, ``2026-03-01T09:00``, ``2026-03-01T09:00+01:00``."""

from __future__ import annotations

import re
from datetime import date, datetime

from bot.core.calendars import moment
from bot.routing.faults import quoted
from bot.routing.hours import minutes
from bot.routing.nodes import Mapping, Node
from bot.routing.values import Reader

FIRST_YEAR, LAST_YEAR = 1970, 2199
"""Beyond them a year is a slip, and the time zones' rules are guesses."""

Span = tuple[datetime, datetime]

DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
MOMENT = re.compile(rf"({DATE.pattern})(?:T([0-9]{{2}}:[0-9]{{2}})(?::00)?(Z|[-+][0-9]{{2}}:[0-9]{{2}})?)?")
LONGEST = 40


def day(reader: Reader, node: Node, where: str) -> date | None:
    """A date."""
    text = reader.text(node, where, limit=LONGEST)
    if text is None:
        return None
    if not DATE.fullmatch(text):
        reader.faults.add(node.place, f"{where} must be a date, not {quoted(text)}", "it looks like 2026-03-01")
        return None
    return _date(reader, node, text)


def at(reader: Reader, node: Node, where: str, zone: str) -> datetime | None:
    """A moment, UTC. A date is its midnight in ``zone``; a time without an offset is local there."""
    text = reader.text(node, where, limit=LONGEST)
    if text is None:
        return None
    found = MOMENT.fullmatch(text)
    if found is None:
        fix = "it looks like 2026-03-01, 2026-03-01T09:00, or 2026-03-01T09:00+01:00"
        reader.faults.add(node.place, f"{where} must be a date or a date and a time, not {quoted(text)}", fix)
        return None
    on = _date(reader, node, found[1])
    minute = minutes(found[2] or "00:00")
    if minute is None:
        reader.faults.add(node.place, f"there is no time {quoted(found[2])}", "times run from 00:00 to 24:00")
    if on is None or minute is None:
        return None
    if not found[3]:
        return moment(on, minute, zone)
    try:
        offset = datetime.fromisoformat(f"{on}T00:00{found[3]}").utcoffset()
    except ValueError:
        offset = None
    if offset is None:
        reader.faults.add(node.place, f"there is no offset {quoted(found[3])}", "write Z, or one like +01:00")
        return None
    return moment(on, minute, "UTC") - offset


def span(reader: Reader, fields: dict[str, Node], node: Node, where: str, zone: str) -> Span | None:
    """``from`` and ``until``, which must be there, the first before the second; ``until`` itself is outside."""
    ends: list[datetime | None] = []
    for key in ("from", "until"):
        if key not in fields and isinstance(node, Mapping):
            reader.missing(node, where, key, "write from: 2026-03-01, until: 2026-03-02 (the second is outside)")
        ends.append(at(reader, fields[key], key, zone) if key in fields else None)
    since, until = ends
    if since is None or until is None:
        return None
    if since >= until:
        fix = "a date is its midnight, so one whole day is from: 2026-03-01, until: 2026-03-02"
        reader.faults.add(fields["until"].place, f"{where} ends before it begins, or as it begins", fix)
        return None
    return since, until


def _date(reader: Reader, node: Node, text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        reader.faults.add(node.place, f"there is no day {quoted(text)}", "a date is year-month-day: 2026-03-01")
        return None
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        reader.faults.add(node.place, f"the year {found.year} is out of bounds", f"{FIRST_YEAR} to {LAST_YEAR} will do")
        return None
    return found
