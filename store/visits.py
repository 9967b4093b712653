"""What people do by looking, inside a write and beside it; shapes in `bot.core.ports.rows`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.core.ports import Link, Session, Subscription
from store import access_rows, rows
from store.cursor import Cursor
from store.shapes import ASKED_AT_ONCE


def session(cursor: Cursor, session_id: str, now: datetime) -> Session | None:
    """The session, while it is in force."""
    row = cursor.one(cursor.say.visits.session, {"id": session_id, "now": rows.micros(now)})
    return None if row is None else access_rows.session_of(row)


def sessions(cursor: Cursor, now: datetime, person: str | None) -> tuple[Session, ...]:
    """The sessions in force (of one person), those used last first."""
    statement = cursor.say.visits.sessions if person is None else cursor.say.visits.sessions_of
    found = cursor.all(statement, {"now": rows.micros(now), "person": person})
    return tuple(access_rows.session_of(row) for row in found)


def link(cursor: Cursor, link_hash: str, now: datetime) -> Link | None:
    """The one-time link with this hash, while it is in force."""
    row = cursor.one(cursor.say.visits.link, {"hash": link_hash, "now": rows.micros(now)})
    return None if row is None else access_rows.link_of(row)


def seen(cursor: Cursor, person: str, request_ids: Sequence[str]) -> dict[str, int]:
    """The newest revision of each request that a person opened."""
    found: dict[str, int] = {}
    for first in range(0, len(request_ids), ASKED_AT_ONCE):
        ids = request_ids[first : first + ASKED_AT_ONCE]
        values = {f"request_{index}": ids[min(index, len(ids) - 1)] for index in range(ASKED_AT_ONCE)}
        found |= dict(cursor.all(cursor.say.visits.seen, values | {"person": person}))
    return found


def subscriptions(cursor: Cursor, person: str | None) -> tuple[Subscription, ...]:
    """Every browser that takes push (of one person), oldest first."""
    statement = cursor.say.visits.subscriptions if person is None else cursor.say.visits.subscriptions_of
    return tuple(access_rows.subscription_of(row) for row in cursor.all(statement, {"person": person}))


def kept(cursor: Cursor, name: str) -> str | None:
    """What the house keeps under a name."""
    row = cursor.one(cursor.say.visits.kept, {"name": name})
    return None if row is None else str(row[0])


class VisitsTx:
    """The part of `bot.core.ports.Tx` that is about what was read, and about browsers that take push."""

    _cursor: Cursor

    def mark_seen(self, person: str, request_id: str, revision: int, at: datetime) -> None:
        """See `Tx.mark_seen`."""
        row = {"person": person, "request": request_id, "revision": revision, "at": rows.micros(at)}
        self._cursor.change(self._cursor.say.visits.mark_seen, row)

    def keep_subscription(self, subscription: Subscription) -> None:
        """See `Tx.keep_subscription`."""
        self._cursor.change(self._cursor.say.visits.put_subscription, access_rows.subscription_row(subscription))

    def drop_subscription(self, subscription_id: str) -> bool:
        """See `Tx.drop_subscription`."""
        return bool(self._cursor.change(self._cursor.say.visits.drop_subscription, {"id": subscription_id}))

    def keep(self, name: str, value: str) -> str:
        """See `Tx.keep`."""
        row: dict[str, Any] = {"name": name, "value": value}
        self._cursor.change(self._cursor.say.visits.keep, row)
        return kept(self._cursor, name) or value

    def kept(self, name: str) -> str | None:
        """See `Tx.kept`."""
        return kept(self._cursor, name)

    def keep_newer(self, name: str, value: str) -> None:
        """See `Tx.keep_newer`."""
        self._cursor.change(self._cursor.say.visits.keep_newer, {"name": name, "value": value})
