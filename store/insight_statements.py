"""What the store says about what is measured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from store.insight_tables import facts, tallies
from store.patterns import ESCAPE
from store.prepared import Prepared
from store.question import Question
from store.queue_statements import whole_requests
from store.shapes import ASKED_AT_ONCE
from store.tables import belongings, deliveries, executions, requests, revisions, seen, subjects


class InsightStatements:
    """Compiled once a dialect, as `store.statements.Statements`."""

    def __init__(self, dialect: Dialect, insert: Callable[[sa.Table], Any]) -> None:
        """``insert`` is the dialect's own."""
        self._dialect = dialect
        self._whole_rows()
        f, t, bind = facts.c, tallies.c, sa.bindparam
        pieces: dict[str, Any] = {name: f[name] == bind(name) for name in ("practice", "agent", "action", "rule")}
        pieces |= {
            "since": f.created_at >= bind("since"),
            "until": f.created_at < bind("until"),
            "decided": f.decided == sa.literal_column("1"),
            "after": sa.tuple_(f.created_at, f.request) > sa.tuple_(bind("after_at"), bind("after")),
        }
        oldest = sa.select(f.body).order_by(f.created_at, f.request).limit(bind("limit"))
        self.page = Question(oldest, pieces, dialect)
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


def _among(column: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    return column.in_([sa.bindparam(f"key_{index}") for index in range(ASKED_AT_ONCE)])
