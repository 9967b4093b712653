"""Every query, as SQLAlchemy constructs compiled once per dialect to a string and the order of its parameters.

Compiled text goes straight to the driver's cursor: no unit of work, no compilation and no event hooks per call. On
PostgreSQL the same constructs compile for asyncpg, whose cursor SQLAlchemy adapts to the same calls.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine.interfaces import Dialect

from store import access_rows, rows
from store.account_statements import AccountStatements
from store.act_statements import ActStatements
from store.due_statements import DueStatements
from store.insight_statements import InsightStatements
from store.letter_statements import LetterStatements
from store.listing_statements import PRACTICE, listing
from store.prepared import Prepared
from store.queue_statements import QueueStatements, whole_requests
from store.replica_statements import ReplicaStatements
from store.shapes import CHANGING, GUARDED, LOTS, MOVING, TOLD_AT_ONCE
from store.standing_statements import StandingStatements
from store.subject_statements import SubjectStatements
from store.tables import (
    chain,
    decisions,
    deliveries,
    effects,
    events,
    executions,
    idempotency,
    keys,
    requests,
    revisions,
    switches,
)
from store.trail_statements import TrailStatements
from store.trust_statements import TrustStatements
from store.visit_statements import VisitStatements


def _given(*names: str) -> dict[str, sa.BindParameter[Any]]:
    return {name: sa.bindparam(name) for name in names}


def _move_request(*changing: str) -> sa.Update:
    """The conditional update; the values seen before are given as ``was_<column>``."""
    same = [requests.c[name].is_not_distinct_from(sa.bindparam(f"was_{name}")) for name in GUARDED]
    deadline = sa.func.coalesce(sa.bindparam("deadline", type_=sa.BigInteger()), requests.c.deadline)
    update = sa.update(requests).where(requests.c.id == sa.bindparam("id_"), *same)
    return update.values(**_given(*changing), deadline=deadline)


def _change_request(*changing: str) -> sa.Update:
    """As `_move_request`, where it may have been decided, too."""
    return _move_request(*changing).values(
        decisions=requests.c.decisions + sa.bindparam("added"),
        execution=sa.func.coalesce(sa.bindparam("execution", type_=sa.Text()), requests.c.execution),
    )


class Statements:
    """All that the store says to one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile everything for ``dialect`` (SQLite or PostgreSQL)."""
        self.dialect = dialect
        self._insert = sqlite.insert if dialect.name == "sqlite" else _postgresql().insert
        self.listing = listing(dialect)
        self.decisions_of = {count: self._decisions_of(count) for count in LOTS}
        self._requests()
        self._parts()
        self._chain()
        self._access()
        self.letters = LetterStatements(dialect, self._insert)
        self.accounts = AccountStatements(dialect, self._insert)
        self.acts = ActStatements(dialect)
        self.queue = QueueStatements(dialect, self._insert)
        self.due = DueStatements(dialect)
        self.trail = TrailStatements(dialect)
        self.replicas = ReplicaStatements(dialect, self._insert)
        self.standing = StandingStatements(dialect)
        self.visits = VisitStatements(dialect, self._insert)
        self.subjects = SubjectStatements(dialect, self._insert)
        self.trust = TrustStatements(dialect, self._insert)
        self.insight = InsightStatements(dialect, self._insert)

    def _prepare(self, construct: sa.sql.ClauseElement) -> Prepared:
        return Prepared(construct, self.dialect)

    def _add(self, table: sa.Table, *, once: bool = False) -> Prepared:
        """Insert a row; ``once``: a row that is there already is left, and the row count says so."""
        names = [column.name for column in table.columns if column.name != "n"]
        insert = self._insert(table).inline()
        return Prepared(insert.on_conflict_do_nothing() if once else insert, self.dialect, names)

    def _requests(self) -> None:
        r, p = requests.c, self._prepare
        self.request = p(whole_requests().where(r.id == sa.bindparam("id")))
        self.add_request = self._add(requests)
        self.change_request = p(_change_request(*CHANGING))
        self.reroute_request = p(_change_request(*CHANGING, "rule", "route"))
        self.move_request = p(_move_request(*MOVING))
        self.extend_request = p(
            sa.update(requests)
            .where(r.id == sa.bindparam("id_"))
            .values(
                decisions=r.decisions + sa.bindparam("added"),
                execution=sa.func.coalesce(sa.bindparam("execution", type_=sa.Text()), r.execution),
            )
        )
        is_open = sa.text(
            "requests.open = 1"
        )  # as the partial indexes say it; a parameter would hide it from the planner
        count = sa.select(sa.func.count()).select_from(requests).where(r.agent == sa.bindparam("agent"))
        self.count_open = p(count.where(is_open))
        self.count_since = p(count.where(r.created_at >= sa.bindparam("since")))
        practices = count.where(r.route.like(PRACTICE))
        self.practices_open = p(practices.where(is_open))
        self.practices_since = p(practices.where(r.created_at >= sa.bindparam("since")))
        self.created_at = p(sa.select(r.created_at).where(r.id == sa.bindparam("id")))

    def _parts(self) -> None:
        p, d, e, y, x = self._prepare, decisions.c, executions.c, deliveries.c, effects.c
        self.add_revision = self._add(revisions, once=True)
        self.decisions = p(sa.select(d.body).where(d.request == sa.bindparam("request")).order_by(d.n))
        self.add_decision = self._add(decisions, once=True)
        self.execution = p(sa.select(e.body).where(e.id == sa.bindparam("id")))
        unfinished = sa.text("executions.state IN ('waiting', 'executing')")  # as its partial index says it
        self.unfinished = p(sa.select(e.body).where(unfinished).order_by(e.n))
        self.add_execution = self._add(executions, once=True)
        self.change_execution = p(
            sa.update(executions)
            .where(
                e.id == sa.bindparam("id_"),
                e.state == sa.bindparam("was_state"),
                e.attempts == sa.bindparam("was_attempts"),
            )
            .values(**_given("state", "attempts", "due_at", "body"))
        )
        self.delivery = p(sa.select(y.body).where(y.id == sa.bindparam("id")))
        self.deliveries = p(sa.select(y.body).where(y.request == sa.bindparam("request")).order_by(y.n))
        put = self._insert(deliveries).inline()
        self.put_delivery = Prepared(
            put.on_conflict_do_update(
                index_elements=[y.id], set_={name: put.excluded[name] for name in ("state", "body", "handle_key")}
            ),
            self.dialect,
            [c.name for c in deliveries.columns if c.name != "n"],
        )
        at_place = sa.select(y.body).where(y.channel == sa.bindparam("channel"))
        self.delivery_at = p(at_place.where(y.handle_key == sa.bindparam("handle_key")).order_by(y.n.desc()))
        self.sent_through = p(at_place.where(y.state == "sent").order_by(y.n.desc()))
        self.effects = p(sa.select(*(x[n] for n in rows.EFFECT_COLUMNS)).order_by(x.due_at, x.n))
        self.add_effect = self._add(effects)
        self.postpone = p(
            sa.update(effects).where(x.id == sa.bindparam("id_")).values(**_given("due_at", "attempts", "note"))
        )
        self.finish = p(sa.delete(effects).where(x.id == sa.bindparam("id")))

    def _chain(self) -> None:
        p, c, e = self._prepare, chain.c, events.c
        self.head = p(sa.select(c.seq, c.hash).where(c.id == 1))
        self.add_head = self._add(chain, once=True)
        self.move_head = p(sa.update(chain).where(c.id == 1).values(**_given("seq", "hash")))
        self.add_event = self._add(events)
        lines = sa.select(e.seq, e.previous, e.hash, e.body).order_by(e.seq)
        self.audit = p(lines.where(e.request == sa.bindparam("request")))
        of: list[sa.BindParameter[Any]] = [sa.bindparam(f"request_{n}") for n in range(TOLD_AT_ONCE)]
        self.audit_of = p(lines.add_columns(e.request).where(e.request.in_(of)))
        self.audit_lines = p(lines.where(e.seq > sa.bindparam("after")).limit(sa.bindparam("limit")))

    def _access(self) -> None:
        p, i, k = self._prepare, idempotency.c, keys.c
        bind = sa.bindparam
        self.remembered = p(sa.select(i.request, i.body_hash).where(i.agent == bind("agent"), i.key == bind("key")))
        self.remember = self._add(idempotency, once=True)
        wanted = sa.select(*(k[name] for name in access_rows.KEY_COLUMNS))
        self.key = p(wanted.where(k.hash == bind("hash"), k.revoked_at.is_(None)))
        self.keys = p(wanted.order_by(k.created_at, k.id))
        self.add_key = self._add(keys)
        revoke = sa.update(keys).where(k.id == bind("id_"), k.revoked_at.is_(None))
        self.revoke_key = p(revoke.values(revoked_at=bind("revoked_at")))
        self.switch = p(sa.select(switches.c.position).where(switches.c.name == bind("name")))
        self.switched_on = p(sa.select(switches.c.name).where(switches.c.position == 1))
        put = self._insert(switches)
        self.put_switch = Prepared(
            put.on_conflict_do_update(index_elements=["name"], set_={"position": put.excluded.position}),
            self.dialect,
            ["name", "position"],
        )
        # Changes nothing, and waits for whoever keeps others from changing the table, as an ALTER does.
        self.touch_requests = p(sa.update(requests).values(open=requests.c.open).where(sa.false()))

    def _decisions_of(self, count: int) -> Prepared:
        """Bodies of the decisions of ``count`` requests, given as ``request_0`` and on, oldest first."""
        d = decisions.c
        wanted = d.request.in_([sa.bindparam(f"request_{index}") for index in range(count)])
        return self._prepare(sa.select(d.request, d.body).where(wanted).order_by(d.n))


@lru_cache(maxsize=4)
def statements_for(name: str) -> Statements:
    """The statements for ``sqlite`` or ``postgresql``."""
    if name == "sqlite":
        return Statements(sqlite.dialect(paramstyle="qmark"))
    return Statements(_postgresql().asyncpg.dialect())


def _postgresql() -> Any:
    """Its dialect takes 40 ms to load, which a start on SQLite need not wait for."""
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415  # 36 ms of a start that SQLite need not pay

    return postgresql
