"""What the store says about what is measured."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from bot.core.ports.insight import FactQuery
from store import rows
from store.insight_tables import facts, tallies
from store.patterns import ESCAPE
from store.prepared import Prepared
from store.queue_statements import whole_requests
from store.shapes import ASKED_AT_ONCE
from store.tables import belongings, deliveries, executions, requests, revisions, seen, subjects


class InsightStatements:
    """Compiled once a dialect, as `store.statements.Statements`."""

    def __init__(self, dialect: Dialect, insert: Callable[[sa.Table], Any]) -> None:
        """``insert`` is the dialect's own."""
        self._dialect = dialect
        self.page = lru_cache(maxsize=64)(self._page)
        self._whole_rows()
        f, t = facts.c, tallies.c
        self.facts = self._prepare(sa.select(f.body).where(_among(f.request)))
        self.created_at = self._prepare(sa.select(f.created_at).where(f.request == sa.bindparam("request")))
        self.put_fact = self._put(insert, facts, "request")
        self.tallies = self._prepare(sa.select(t.key, t.body).where(_among(t.key)))
        between = sa.and_(t.key >= sa.bindparam("since"), t.key < sa.bindparam("until"))
        named = t.key.like(sa.bindparam("named", type_=sa.Text()), escape=ESCAPE)
        self.tallies_between = self._prepare(
            sa.select(t.key, t.body).where(between, named).order_by(t.key).limit(sa.bindparam("most"))
        )
        self.put_tally = self._put(insert, tallies, "key")
        self.drop_tally = self._prepare(sa.delete(tallies).where(t.key == sa.bindparam("key_")))

    def _whole_rows(self) -> None:
        """All that a fact is made of."""
        r, d, e, s = requests.c, deliveries.c, executions.c, seen.c
        self.requests = self._prepare(whole_requests().where(_among(r.id)).order_by(r.id))
        self.deliveries = self._prepare(sa.select(d.request, d.body).where(_among(d.request)).order_by(d.request, d.n))
        opened = sa.select(s.request, s.revision, s.person, s.at).where(_among(s.request))
        self.opened = self._prepare(opened.order_by(s.request))
        v = revisions.c
        self.revisions = self._prepare(sa.select(v.request, v.number, v.content).where(_among(v.request)))
        cancelled = sa.select(e.request).where(_among(e.request), e.state == sa.literal_column("'cancelled'"))
        self.taken_back = self._prepare(cancelled)
        self.states = self._prepare(sa.select(r.id, r.state).where(_among(r.id)))
        destroyed = belongings.join(subjects, subjects.c.id == belongings.c.seal)
        gone = sa.select(belongings.c.request).select_from(destroyed)
        self.forgotten = self._prepare(
            gone.where(_among(belongings.c.request), subjects.c.key == sa.literal_column("''"))
        )

    def _prepare(self, construct: sa.sql.ClauseElement) -> Prepared:
        return Prepared(construct, self._dialect)

    def _put(self, insert: Callable[[sa.Table], Any], table: sa.Table, key: str) -> Prepared:
        put = insert(table).inline()
        rest = {column.name: put.excluded[column.name] for column in table.columns if column.name != key}
        over = put.on_conflict_do_update(index_elements=[key], set_=rest)
        return Prepared(over, self._dialect, [column.name for column in table.columns])

    def _page(self, equal: tuple[str, ...], bounds: tuple[str, ...], *, decided: bool, paged: bool) -> Prepared:
        """A page of facts; see `page_of`."""
        f = facts.c
        select = sa.select(f.body).where(f.practice == sa.bindparam("practice"))
        for name in equal:
            select = select.where(f[name] == sa.bindparam(name))
        if "since" in bounds:
            select = select.where(f.created_at >= sa.bindparam("since"))
        if "until" in bounds:
            select = select.where(f.created_at < sa.bindparam("until"))
        if decided:
            select = select.where(f.decided == sa.literal_column("1"))
        if paged:
            last = sa.tuple_(sa.bindparam("after_at"), sa.bindparam("after"))
            select = select.where(sa.tuple_(f.created_at, f.request) > last)
        return self._prepare(select.order_by(f.created_at, f.request).limit(sa.bindparam("limit")))

    def page_of(self, query: FactQuery, after_at: int | None) -> tuple[Prepared, dict[str, Any]]:
        """The statement for a page and its parameters; ``after_at`` is when the last of the page before began."""
        values: dict[str, Any] = {"practice": int(query.practice), "limit": query.limit}
        equal = tuple(name for name in ("agent", "action", "rule") if getattr(query, name) is not None)
        values |= {name: getattr(query, name) for name in equal}
        given = {"since": query.since, "until": query.until}
        bounds = {name: rows.micros(at) for name, at in given.items() if at is not None}
        values |= bounds
        if after_at is not None:
            values |= {"after_at": after_at, "after": query.after}
        paged = after_at is not None
        return self.page(equal, tuple(bounds), decided=query.decided, paged=paged), values


def _among(column: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return column.in_([sa.bindparam(f"key_{index}") for index in range(ASKED_AT_ONCE)])
