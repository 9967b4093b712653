"""What can be asked of the tables, inside a write or beside it: plain functions over a `store.cursor.Cursor`."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from bot.core.chain import GENESIS
from bot.core.model import Decision, Delivery, Execution, Key, Request
from bot.core.ports import AuditLine, Filter, Stopped
from store import access_rows, rows
from store.cursor import Cursor
from store.prepared import Row
from store.shapes import listing_of, lots

_log = logging.getLogger(__name__)

_DECISION_COUNT = len(rows.REQUEST_COLUMNS) - 1

PAUSE = "pause"
"""The switch that stops replays: 1 where it stops all, 2 where it stops some by name, 3 where both.

So a claim reads one row, and more only while something is stopped by name.
"""
ALL, NAMED = 1, 2
AGENT, ACTION = "pause agent ", "pause action "
"""Before the name of whose replays a switch stops."""

TOUCHED = "touched"
"""A row that nothing reads: writing it shows whether the store can be written."""


def request(cursor: Cursor, request_id: str) -> Request | None:
    """The whole request, or None."""
    row = cursor.one(cursor.say.request, {"id": request_id})
    if row is None:
        return None
    if not row[_DECISION_COUNT]:
        return rows.request_of(row, ())
    bodies = cursor.all(cursor.say.decisions, {"request": request_id})
    return rows.request_of(row, tuple(rows.decision_of(body) for (body,) in bodies))


def requests(cursor: Cursor, query: Filter) -> tuple[Request, ...]:
    """A page of requests, newest first. An unknown cursor answers nothing, as does an empty set of states."""
    after: tuple[int, str] | None = None
    if query.cursor is not None:
        row = cursor.one(cursor.say.created_at, {"id": query.cursor})
        if row is None:
            return ()
        after = (row[0], query.cursor)
    if query.states is not None and not query.states:
        return ()
    names, values = listing_of(query, after)
    found = cursor.all(cursor.say.listing.of(names), values)
    if not query.spoilt:
        return whole(cursor, found)
    return filled(
        cursor, found, query.limit, lambda after, most: requests(cursor, replace(query, cursor=after, limit=most))
    )


def whole(cursor: Cursor, found: Sequence[Row]) -> tuple[Request, ...]:
    """The requests that rows of `store.queue_statements.whole_requests` say, with their decisions."""
    decided = _decisions(cursor, found)
    return tuple([rows.request_of(row, tuple(decided.get(row[0], ()))) for row in found])


def readable(cursor: Cursor, found: Sequence[Row]) -> tuple[Request, ...]:
    """As `whole`, without what cannot be read, which the log names: one spoilt row hides no other from people.

    For what is looked at and decided; what proves or counts something is not to leave anything out in silence.
    """
    try:
        return whole(cursor, found)
    except (ValueError, TypeError, KeyError):
        read: list[Request] = []
        for row in found:
            try:
                read += whole(cursor, (row,))
            except (ValueError, TypeError, KeyError) as error:
                # No trace: it is said each time that anybody looks.
                what = type(error).__name__
                _log.error("request %s cannot be read (%s), and is left out of what people see", row[0], what)
        return tuple(read)


def filled(
    cursor: Cursor, found: Sequence[Row], limit: int, further: Callable[[str, int], tuple[Request, ...]]
) -> tuple[Request, ...]:
    """A page as `readable`, filled up: a page that is not full is the last.

    ``further`` reads so many that come after an id, in the places of what cannot be read.
    """
    read = readable(cursor, found)
    if len(read) == len(found) or len(found) < limit:
        return read
    return read + further(found[-1][0], len(found) - len(read))


def each_whole(cursor: Cursor, found: Sequence[Row]) -> Iterator[Request]:
    """As `whole`, of many, each read as it is taken, once."""
    decided = _decisions(cursor, found)
    return (rows.request_of(row, tuple(decided.get(row[0], ())), once=True) for row in found)


def _decisions(cursor: Cursor, found: Sequence[Row]) -> Mapping[str, list[Decision]]:
    ids = [row[0] for row in found if row[_DECISION_COUNT]]
    grouped: defaultdict[str, list[Decision]] = defaultdict(list)
    for count, values in lots(ids):
        for request_id, body in cursor.all(cursor.say.decisions_of[count], values):
            grouped[request_id].append(rows.decision_of(body))
    return grouped


def deliveries(cursor: Cursor, request_id: str) -> tuple[Delivery, ...]:
    """The request's deliveries, oldest first."""
    found = cursor.all(cursor.say.deliveries, {"request": request_id})
    return tuple(rows.delivery_of(body) for (body,) in found)


def delivery(cursor: Cursor, delivery_id: str) -> Delivery | None:
    """One delivery, or None."""
    row = cursor.one(cursor.say.delivery, {"id": delivery_id})
    return None if row is None else rows.delivery_of(row[0])


def delivery_at(cursor: Cursor, channel: str, place: Mapping[str, str]) -> Delivery | None:
    """The newest delivery through ``channel`` whose handle holds every entry of ``place``.

    A place with both entries of `rows.HANDLE_ENTRIES` is found by index; any other place is looked for among all
    that was sent through the channel.
    """
    key = rows.handle_key(place)
    if key is None:
        found = cursor.all(cursor.say.sent_through, {"channel": channel})
    else:
        found = cursor.all(cursor.say.delivery_at, {"channel": channel, "handle_key": key})
    for (body,) in found:
        delivery = rows.delivery_of(body)
        handle = delivery.handle or {}
        if all(name in handle and str(handle[name]) == value for name, value in place.items()):
            return delivery
    return None


def execution(cursor: Cursor, execution_id: str) -> Execution | None:
    """One execution, or None."""
    row = cursor.one(cursor.say.execution, {"id": execution_id})
    return None if row is None else rows.execution_of(row[0])


def audit(cursor: Cursor, request_id: str) -> tuple[AuditLine, ...]:
    """A request's audit lines, oldest first."""
    return tuple(rows.line_of(row) for row in cursor.all(cursor.say.audit, {"request": request_id}))


def audit_lines(cursor: Cursor, after: int, limit: int) -> tuple[AuditLine, ...]:
    """Up to ``limit`` lines after a sequence number, oldest first."""
    found = cursor.all(cursor.say.audit_lines, {"after": after, "limit": limit})
    return tuple(rows.line_of(row) for row in found)


def head(cursor: Cursor) -> tuple[int, str]:
    """Number and hash of the newest audit line; (0, 64 zeros) where there is none."""
    row = cursor.one(cursor.say.head)
    return (0, GENESIS) if row is None else (row[0], row[1])


def next_due(cursor: Cursor) -> datetime | None:
    """When the earliest open request is due."""
    row = cursor.one(cursor.say.due.next)
    return None if row is None else rows.moment_or_none(row[0])


def key(cursor: Cursor, key_hash: str) -> Key | None:
    """The key in force with this hash."""
    row = cursor.one(cursor.say.key, {"hash": key_hash})
    return None if row is None else access_rows.key_of(row)


def keys(cursor: Cursor) -> tuple[Key, ...]:
    """Every key, oldest first."""
    return tuple(access_rows.key_of(row) for row in cursor.all(cursor.say.keys))


def pausing(cursor: Cursor) -> int:
    """Where the switch stands; see `PAUSE`."""
    row = cursor.one(cursor.say.switch, {"name": PAUSE})
    return 0 if row is None else int(row[0])


def paused(cursor: Cursor, agent: str | None = None, action: str | None = None) -> bool:
    """Whether all replays are stopped, or those of this agent or action."""
    stands = pausing(cursor)
    if stands & ALL:
        return True
    names = [before + name for before, name in ((AGENT, agent), (ACTION, action)) if name is not None]
    return bool(stands & NAMED) and any(_on(cursor, name) for name in names)


def _on(cursor: Cursor, name: str) -> bool:
    row = cursor.one(cursor.say.switch, {"name": name})
    return row is not None and bool(row[0])


def stopped(cursor: Cursor) -> Stopped:
    """Whose replays are stopped."""
    stands = pausing(cursor)
    on = [name for (name,) in cursor.all(cursor.say.switched_on)] if stands & NAMED else []
    return Stopped(
        everything=bool(stands & ALL),
        agents=tuple(sorted(name.removeprefix(AGENT) for name in on if name.startswith(AGENT))),
        actions=tuple(sorted(name.removeprefix(ACTION) for name in on if name.startswith(ACTION))),
    )
