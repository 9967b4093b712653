"""What waits, by deadline, and what went wrong: plain functions over a `store.cursor.Cursor`."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from bot.core.model import Delivery, Request
from bot.core.ports import Alike, Wanted
from store import queries, rows
from store.cursor import Cursor
from store.shapes import AFTER, MINE, queue_of


def page(cursor: Cursor, wanted: Wanted) -> tuple[Request, ...]:
    """A page of open requests, soonest deadline first. An unknown ``after`` answers nothing, as does nobody asked."""
    if wanted.asked == ():
        return ()
    names, values = queue_of(wanted)
    values["limit"] = wanted.limit
    if wanted.after is not None:
        row = cursor.one(cursor.say.queue.deadline, {"id": wanted.after})
        if row is None or row[0] is None:
            return ()
        values |= {"after_at": row[0], "after_id": wanted.after}
        names = (*names, AFTER)
    found = cursor.all(cursor.say.queue.page.of(names), values)
    return queries.filled(
        cursor, found, wanted.limit, lambda after, most: page(cursor, replace(wanted, after=after, limit=most))
    )


def count(cursor: Cursor, wanted: Wanted) -> int:
    """How many there are on all pages."""
    if wanted.asked == ():
        return 0
    names, values = queue_of(wanted)
    say = cursor.say.queue
    count = say.count_mine if names == MINE else (say.count_found if wanted.text else say.count).of(names)
    return int(cursor.all(count, values)[0][0])


def alike(cursor: Cursor, wanted: Wanted) -> tuple[Alike, ...]:
    """Those requests by agent and action, most of them first."""
    if wanted.asked == ():
        return ()
    names, values = queue_of(wanted)
    say = cursor.say.queue
    found = cursor.all((say.alike_found if wanted.text else say.alike).of(names), values)
    return tuple(
        Alike(agent=agent, action=action, count=many, deadline=rows.moment(soonest))
        for agent, action, many, soonest in found
    )


def open_names(cursor: Cursor) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The agents and the actions of all open requests, each sorted."""
    found = cursor.all(cursor.say.queue.open_names)
    return tuple(sorted({agent for agent, _ in found})), tuple(sorted({action for _, action in found}))


def waiting(cursor: Cursor, agent: str | None, action: str | None) -> tuple[tuple[str, datetime], ...]:
    """See `Store.waiting`."""
    narrowed = {"agent": agent, "action": action}
    return tuple((person, rows.moment(at)) for person, at in cursor.all(cursor.say.queue.waiting, narrowed))


def troubled(cursor: Cursor, limit: int) -> tuple[Request, ...]:
    """Requests whose newest execution is failed or unknown, the newest executions first."""
    return queries.readable(cursor, cursor.all(cursor.say.queue.troubled, {"limit": limit}))


def undelivered(cursor: Cursor, limit: int) -> tuple[Delivery, ...]:
    """Deliveries that failed, newest first."""
    return tuple(rows.delivery_of(body) for (body,) in cursor.all(cursor.say.queue.undelivered, {"limit": limit}))
