"""Searching the whole audit trail, newest first. No index serves that, so lines are read until there are enough.

Times are searched for as numbers first: lines are written in the order of time, so some twenty looks say where a time
begins. Clocks may be set back, so that is taken with some slack and each line's own time has the last word.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from bot.core.ports import AuditLine, AuditQuery
from store import patterns, queries, rows
from store.cursor import Cursor
from store.shapes import TrailShape

_SLACK = timedelta(hours=2) // timedelta(microseconds=1)


class _Said(msgspec.Struct):
    actor: str


_said = msgspec.json.Decoder(_Said)


def search(cursor: Cursor, query: AuditQuery) -> tuple[AuditLine, ...]:
    """A page of audit lines, newest first; never more than a page of them in memory."""
    shape, values = _asked(query)
    before = queries.head(cursor)[0] + 1
    values |= {"first": 1, "before": before if query.before is None else min(query.before, before)}
    if "since" in values:
        values["first"] = _first_at(cursor, values["since"] - _SLACK, before)
    if "until" in values:
        values["before"] = min(values["before"], _first_at(cursor, values["until"] + _SLACK, before))
    found: list[AuditLine] = []
    while len(found) < query.limit:
        values["limit"] = query.limit
        lines = [rows.line_of(row) for row in cursor.all(cursor.say.trail.search(shape), values)]
        found += _by(query.actor, lines)
        if len(lines) < query.limit:
            break
        values["before"] = lines[-1].seq
    return tuple(found[: query.limit])


def _asked(query: AuditQuery) -> tuple[TrailShape, dict[str, Any]]:
    kind = None if query.type is None else "*" if query.type.endswith("*") else "="
    bounds = {"since": rows.micros_or_none(query.since), "until": rows.micros_or_none(query.until)}
    values: dict[str, Any] = {name: at for name, at in bounds.items() if at is not None}
    shape = TrailShape(query.actor is not None, kind, query.request is not None, bool(query.text), tuple(values))
    values |= {"request": query.request, "type": query.type}
    if query.type is not None and kind == "*":
        values["type"] = patterns.beginning(query.type[:-1])
    if query.actor is not None:
        # The line begins with its actor, but an agent's arguments may say the same: `_by` looks at the line itself.
        values["actor"] = patterns.within(f'"actor":{rows.json_text(query.actor)}')
    if query.text:
        values |= patterns.patterns(query.text)
    return shape, values


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
