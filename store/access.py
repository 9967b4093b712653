"""Keys, one-time links and sessions, inside a write: the part of `bot.core.ports.Tx` that says who may come in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime

from bot.core.model import Event, Key
from bot.core.ports import Link, Session
from store import access_rows, queries, rows
from store.cursor import Cursor
from store.statements import Statements


class AccessTx(ABC):
    """See `bot.core.ports.Tx`."""

    _cursor: Cursor
    _say: Statements

    @abstractmethod
    def append(self, event: Event) -> None:
        """See `Tx.append`."""

    def add_key(self, key: Key, event: Event) -> None:
        """See `Tx.add_key`."""
        self._cursor.change(self._say.add_key, access_rows.key_row(key))
        self.append(event)

    def revoke_key(self, key_id: str, at: datetime, event: Event) -> bool:
        """See `Tx.revoke_key`."""
        if not self._cursor.change(self._say.revoke_key, {"id_": key_id, "revoked_at": rows.micros(at)}):
            return False
        self.append(event)
        return True

    def add_link(self, link: Link) -> None:
        """See `Tx.add_link`."""
        row = {"hash": link.hash, "person": link.person, "expires_at": rows.micros(link.expires_at)}
        self._cursor.change(self._say.add_link, row)

    def take_link(self, link_hash: str, now: datetime) -> str | None:
        """See `Tx.take_link`. Links that are out of force go with it."""
        person = queries.link_person(self._cursor, link_hash, now)
        self._cursor.change(self._say.drop_links, {"hash": link_hash, "now": rows.micros(now)})
        return person

    def add_session(self, session: Session) -> None:
        """See `Tx.add_session`. Sessions that are out of force go with it."""
        begun = rows.micros(session.created_at)
        self._cursor.change(self._say.drop_sessions, {"now": begun})
        row = {"id": session.id, "person": session.person, "created_at": begun}
        self._cursor.change(self._say.add_session, row | {"expires_at": rows.micros(session.expires_at)})

    def end_session(self, session_id: str) -> None:
        """See `Tx.end_session`."""
        self._cursor.change(self._say.end_session, {"id": session_id})
