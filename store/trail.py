"""Searching the whole audit trail, newest first. No index serves that, so lines are read until there are enough.

Times are searched for as numbers first: lines are written in the order of time, so some twenty looks say where a time
begins. Clocks may be set back, so that is taken with some slack and each line's own time has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from bot.core.ports import AuditLine, AuditQuery
from store import queries, rows
from store.cursor import Cursor
from store.shapes import trail_of

_SLACK = timedelta(hours=2) // timedelta(microseconds=1)


class _Said(msgspec.Struct):
    actor: str


_said = msgspec.json.Decoder(_Said)


def search(cursor: Cursor, query: AuditQuery) -> tuple[AuditLine, ...]:
    """A page of audit lines, newest first; never more than a page of them in memory."""
    names, values = trail_of(query)
    before = queries.head(cursor)[0] + 1
    values |= {"first": 1, "before": before if query.before is None else min(query.before, before)}
    if "since" in values:
        values["first"] = _first_at(cursor, values["since"] - _SLACK, before)
    if "until" in values:
        values["before"] = min(values["before"], _first_at(cursor, values["until"] + _SLACK, before))
    found: list[AuditLine] = []
    while len(found) < query.limit:
        values["limit"] = query.limit
        lines = [rows.line_of(row) for row in cursor.all(cursor.say.trail.search.of(names), values)]
        found += _by(query.actor, lines)
        if len(lines) < query.limit:
            break
        values["before"] = lines[-1].seq
    return tuple(found[: query.limit])


def _by(actor: str | None, lines: Sequence[AuditLine]) -> list[AuditLine]:
    return [line for line in lines if actor is None or _said.decode(line.body).actor == actor]


def _first_at(cursor: Cursor, at: int, before: int) -> int:
    """The number of the first line at a time or later, lines taken as in order of time; ``before`` where none is."""
    low, high = 1, before
    while low < high:
        middle = (low + high) // 2
        row = cursor.one(cursor.say.trail.at, {"seq": middle})
        if row is not None and row[0] < at:
            low = middle + 1
        else:
            high = middle
    return low
