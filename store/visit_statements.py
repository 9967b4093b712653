"""What the store says about links and sessions, what was read, browsers that take push, and what the house keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from store.prepared import Prepared
from store.shapes import ASKED_AT_ONCE
from store.tables import kept, links, seen, sessions, subscriptions

SESSION_COLUMNS = ("id", "person", "created_at", "expires_at", "way", "browser", "seen_at")
SUBSCRIPTION_COLUMNS = ("id", "person", "endpoint", "p256dh", "auth", "browser", "created_at")


class VisitStatements:
    """The statements about visits, for one kind of database."""

    def __init__(self, dialect: Dialect, insert: Callable[[sa.Table], Any]) -> None:
        """``insert`` is the dialect's own, which knows ``ON CONFLICT``."""
        self._dialect = dialect
        self._insert = insert
        self._sessions()
        e, u, k, bind = seen.c, subscriptions.c, kept.c, sa.bindparam
        self.mark_seen = self._put(seen)
        asked = e.request.in_([bind(f"request_{index}") for index in range(ASKED_AT_ONCE)])
        newest = sa.select(e.request, sa.func.max(e.revision)).where(e.person == bind("person"), asked)
        self.seen = self._prepare(newest.group_by(e.request))
        everywhere = sa.select(*(u[name] for name in SUBSCRIPTION_COLUMNS)).order_by(u.created_at, u.id)
        self.subscriptions = self._prepare(everywhere)
        self.subscriptions_of = self._prepare(everywhere.where(u.person == bind("person")))
        self.put_subscription = self._put(subscriptions, "id")
        self.drop_subscription = self._prepare(sa.delete(subscriptions).where(u.id == bind("id")))
        self.kept = self._prepare(sa.select(k.value).where(k.name == bind("name")))
        self.keep = self._put(kept)
        self.keep_newer = self._put(kept, "name")

    def _sessions(self) -> None:
        s, n, bind = sessions.c, links.c, sa.bindparam
        known = sa.select(*(s[name] for name in SESSION_COLUMNS))
        self.session = self._prepare(known.where(s.id == bind("id"), s.expires_at > bind("now")))
        in_force = known.where(s.expires_at > bind("now"))
        last_first = (sa.func.coalesce(s.seen_at, s.created_at).desc(), s.id)
        self.sessions = self._prepare(in_force.order_by(*last_first))
        self.sessions_of = self._prepare(in_force.where(s.person == bind("person")).order_by(*last_first))
        self.add_session = self._add(sessions)
        touched = sa.update(sessions).where(s.id == bind("id_"))
        self.touch_session = self._prepare(touched.values(seen_at=bind("seen_at")))
        self.end_session = self._prepare(sa.delete(sessions).where(s.id == bind("id")))
        self.every_session_of = self._prepare(sa.select(s.id).where(s.person == bind("person")).order_by(s.id))
        self.drop_sessions = self._prepare(sa.delete(sessions).where(s.expires_at <= bind("now")))
        self.add_link = self._add(links)
        known = sa.select(n.hash, n.person, n.expires_at, n.browser)
        self.link = self._prepare(known.where(n.hash == bind("hash"), n.expires_at > bind("now")))
        self.drop_link = self._prepare(sa.delete(links).where(n.hash == bind("hash")))
        self.drop_links = self._prepare(sa.delete(links).where(n.expires_at <= bind("now")))

    def _prepare(self, construct: sa.sql.ClauseElement) -> Prepared:
        return Prepared(construct, self._dialect)

    def _add(self, table: sa.Table) -> Prepared:
        return Prepared(self._insert(table).inline(), self._dialect, [column.name for column in table.columns])

    def _put(self, table: sa.Table, *over: str) -> Prepared:
        """Insert a row; one that is there already is left, or written over where the keys ``over`` are named."""
        insert = self._insert(table).inline()
        names = [column.name for column in table.columns]
        rest = {name: insert.excluded[name] for name in names if name not in over}
        put = insert.on_conflict_do_update(index_elements=over, set_=rest) if over else insert.on_conflict_do_nothing()
        return Prepared(put, self._dialect, names)
