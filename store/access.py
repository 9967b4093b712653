"""Keys, one-time links and sessions, inside a write: the part of `bot.core.ports.Tx` that says who may come in."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING

from bot.core.model import Event, Key
from bot.core.ports import Link, Session
from store import access_rows, rows, visits
from store.cursor import Cursor

if TYPE_CHECKING:
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
        self._cursor.change(self._say.visits.add_link, row | {"browser": link.browser})

    def take_link(self, link_hash: str, now: datetime, browser: str | None = None) -> str | None:
        """See `Tx.take_link`. Links that are out of force go with it."""
        self._cursor.change(self._say.visits.drop_links, {"now": rows.micros(now)})
        found = visits.link(self._cursor, link_hash, now)
        if found is None or found.browser not in (None, browser):
            return None
        # Beside another writer the row itself says who was first.
        return found.person if self._cursor.change(self._say.visits.drop_link, {"hash": link_hash}) else None

    def add_session(self, session: Session) -> None:
        """See `Tx.add_session`. Sessions that are out of force go with it."""
        self._cursor.change(self._say.visits.drop_sessions, {"now": rows.micros(session.created_at)})
        self._cursor.change(self._say.visits.add_session, access_rows.session_row(session))

    def touch_session(self, session_id: str, at: datetime) -> None:
        """See `Tx.touch_session`."""
        self._cursor.change(self._say.visits.touch_session, {"id_": session_id, "seen_at": rows.micros(at)})

    def end_session(self, session_id: str) -> bool:
        """See `Tx.end_session`."""
        return bool(self._cursor.change(self._say.visits.end_session, {"id": session_id}))

    def end_sessions(self, person: str, *, but: str | None = None) -> tuple[str, ...]:
        """See `Tx.end_sessions`."""
        found = self._cursor.all(self._say.visits.every_session_of, {"person": person})
        ended = tuple(session_id for (session_id,) in found if session_id != but)
        self._cursor.change_many(self._say.visits.end_session, [{"id": session_id} for session_id in ended])
        return ended
