"""Grants, inside a write and beside it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from bot.core.trust.drift import without
from bot.core.trust.grants import Grant, number_at
from store import queries, rows
from store.cursor import Cursor

_grant = msgspec.json.Decoder(Grant)


def grants(cursor: Cursor) -> tuple[Grant, ...]:
    """See `bot.core.ports.trust.TrustStore.grants`."""
    return tuple(_grant.decode(body) for (body,) in cursor.all(cursor.say.trust.grants))


def put(cursor: Cursor, grant: Grant) -> None:
    """Write a grant, over what stood there."""
    row = {
        "id": grant.id,
        "rule": grant.rule,
        "agent": grant.agent,
        "action": grant.action,
        "state": grant.state.value,
        "at": rows.micros(grant.proposed_at),
        "body": rows.encoder.encode(grant).decode(),
    }
    cursor.change(cursor.say.trust.put, row)


def forget_amounts(cursor: Cursor, request_ids: Sequence[str]) -> None:
    """Take the numbers of requests that are about to be erased out of what grants keep of how their agents behaved.

    Of every revision: a grant may have been proposed before its agent asked for something else.
    """
    watched = [grant for grant in grants(cursor) if grant.baseline.numbers]
    gone: dict[str, dict[str, list[float]]] = {}
    for request in (queries.request(cursor, request_id) for request_id in (request_ids if watched else ())):
        if request is None:
            continue
        asked = {"request": request.id}
        same = (request.agent, request.action)
        for grant in [g for g in watched if (g.agent, g.action) == same and request.created_at < g.proposed_at]:
            contents = [rows.content_of(text) for _, text in cursor.all(cursor.say.subjects.contents, asked)]
            numbers = gone.setdefault(grant.id, {})
            for pointer in grant.baseline.numbers:
                found = {number_at(content.proposed or content.arguments, pointer) for content in contents}
                numbers.setdefault(pointer, []).extend(value for value in found if value is not None)
    for grant in watched:
        if grant.id in gone:
            put(cursor, replace(grant, baseline=without(grant.baseline, gone[grant.id])))


class TrustTx:
    """See `bot.core.ports.trust.TrustTx`."""

    _cursor: Cursor

    def grant(self, grant_id: str) -> Grant | None:
        """See `bot.core.ports.trust.TrustTx.grant`."""
        row = self._cursor.one(self._cursor.say.trust.grant, {"id": grant_id})
        return None if row is None else _grant.decode(row[0])

    def grants(self) -> tuple[Grant, ...]:
        """See `bot.core.ports.trust.TrustTx.grants`."""
        return grants(self._cursor)

    def put_grant(self, grant: Grant) -> None:
        """See `bot.core.ports.trust.TrustTx.put_grant`."""
        put(self._cursor, grant)
