"""Grants, inside a write and beside it."""

from __future__ import annotations

import msgspec

from bot.core.trust.grants import Grant
from store import rows
from store.cursor import Cursor

_grant = msgspec.json.Decoder(Grant)


def grants(cursor: Cursor) -> tuple[Grant, ...]:
    """See `bot.core.ports.trust.TrustStore.grants`."""
    return tuple(_grant.decode(body) for (body,) in cursor.all(cursor.say.trust.grants))


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
        row = {
            "id": grant.id,
            "rule": grant.rule,
            "agent": grant.agent,
            "action": grant.action,
            "state": grant.state.value,
            "at": rows.micros(grant.proposed_at),
            "body": rows.encoder.encode(grant).decode(),
        }
        self._cursor.change(self._cursor.say.trust.put, row)
