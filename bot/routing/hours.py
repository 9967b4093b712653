"""Opening hours as people write them: ``Mon-Thu 09:00-12:30, 13:30-18:00; Fri 22:00-06:00``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

from bot.core.model import MINUTES_A_DAY, Opening
from bot.routing import nodes
from bot.routing.faults import quoted
from bot.routing.nodes import Node
from bot.routing.values import Reader

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
DAILY = "daily"

_EXAMPLE = "it looks like Mon-Fri 09:00-18:00, or Mon-Thu 09:00-12:30, 13:30-18:00; Fri 09:00-14:00"
_DAY = f"(?:{'|'.join(DAYS)})"
_PART = re.compile(rf"({_DAY}(?:-{_DAY})?(?:\s*,\s*{_DAY}(?:-{_DAY})?)*|{DAILY})\s+(\d.*)", re.IGNORECASE)
_TIMES = re.compile(r"([0-9]{2}:[0-9]{2})\s*-\s*([0-9]{2}:[0-9]{2})")
CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])|(24):(00)")

LONGEST_TEXT = 1000
"""Characters in hours at most."""


class Unreadable(Exception):
    """A part of the hours that cannot be read; the message says what is wrong with it, ``fix`` what would do."""

    def __init__(self, what: str, fix: str = _EXAMPLE) -> None:
        super().__init__(what)
        self.fix = fix


def hours(reader: Reader, node: Node, where: str = "hours") -> tuple[Opening, ...]:
    """The openings in a text, in order; none where it is refused. What runs over midnight is two of them."""
    text = reader.text(node, where, limit=LONGEST_TEXT)
    if text is None:
        return ()
    try:
        return _apart(opening for part in text.split(";") for opening in _part(part.strip()))
    except Unreadable as broken:
        reader.faults.add(node.place, f"{where}: {broken}", broken.fix)
        return ()


def cut_off(reader: Reader, node: Node) -> None:
    """Record that hours in braces were cut at their comma, which shows by a key that looks like hours."""
    keys = node.keys.values() if isinstance(node, nodes.Mapping) else ()
    for key in keys:
        if _TIMES.search(key.text):
            fix = 'put them in quotes: hours: "Mon-Thu 09:00-12:30, 13:30-18:00"'
            reader.faults.add(key.place, f"in braces a comma ends the hours before {quoted(key.text)}", fix)


def minutes(text: str) -> int | None:
    """Minutes after midnight of ``HH:MM``, ``00:00`` to ``24:00``; None where it is none."""
    found = CLOCK.fullmatch(text)
    if found is None:
        return None
    return int(found[1] or found[3]) * 60 + int(found[2] or found[4])


def weekday(text: str) -> int | None:
    """The number of a day's name, 0 for Monday, in any case; None where it is none."""
    names = [day.casefold() for day in DAYS]
    return names.index(text.casefold()) if text.casefold() in names else None


def _part(text: str) -> list[Opening]:
    if not text:
        raise Unreadable("there is nothing between two semicolons, or after the last", "remove the semicolon")
    found = _PART.fullmatch(text)
    if found is None:
        raise Unreadable(f"{quoted(text)} cannot be read")
    times = [_times(span.strip()) for span in found[2].split(",")]
    return [opening for day in _days(found[1]) for span in times for opening in _opening(day, *span)]


def _days(text: str) -> list[int]:
    if text.casefold() == DAILY:
        return list(range(7))
    days: list[int] = []
    for item in text.split(","):
        ends = [weekday(name) for name in item.strip().split("-")]
        first, last = ends[0] or 0, ends[-1] or 0
        days += [(first + ahead) % 7 for ahead in range((last - first) % 7 + 1)]
    return days


def _times(text: str) -> tuple[int, int]:
    found = _TIMES.fullmatch(text)
    if found is None:
        named = text[:3].title() in DAYS
        fix = "put ; before other days" if named else "write two times of the day: 09:00-18:00"
        raise Unreadable(f"{quoted(text)} is no time of opening", fix)
    opens, closes = minutes(found[1]), minutes(found[2])
    if opens is None or closes is None:
        wrong = found[1] if opens is None else found[2]
        raise Unreadable(f"there is no time {quoted(wrong)}", "times run from 00:00 to 24:00")
    if opens == MINUTES_A_DAY:
        raise Unreadable("nothing opens at 24:00", "write 00:00 on the day that it begins")
    if opens == closes:
        raise Unreadable(f"{quoted(text)} opens and closes at once", "the whole day is 00:00-24:00")
    return opens, closes


def _opening(day: int, opens: int, closes: int) -> list[Opening]:
    if opens < closes:
        return [Opening(day, opens, closes)]
    evening = Opening(day, opens, MINUTES_A_DAY)
    return [evening, Opening((day + 1) % 7, 0, closes)] if closes else [evening]


def _apart(openings: Iterable[Opening]) -> tuple[Opening, ...]:
    every = sorted(openings, key=lambda opening: (opening.weekday, opening.opens))
    for first, second in pairwise(every):
        if first.weekday == second.weekday and second.opens < first.closes:
            what = f"{_shown(first)} and {_shown(second)} overlap"
            raise Unreadable(what, "give each day each hour once; what runs over midnight goes on the next day")
    return tuple(every)


def _shown(opening: Opening) -> str:
    ends = [f"{clock // 60:02}:{clock % 60:02}" for clock in (opening.opens, opening.closes)]
    return f"{DAYS[opening.weekday]} {'-'.join(ends)}"
