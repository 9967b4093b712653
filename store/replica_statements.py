"""What the store says about the replicas that share it: who is alive, what each holds, by the database's own clock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from store import rows
from store.prepared import Prepared
from store.shapes import LANES_ASKED
from store.tables import effects, events, executions, leases, replicas

REPLICA_COLUMNS = ("id", "name", "rules", "started_at", "until")


class ReplicaStatements:
    """The statements about replicas, for one kind of database."""

    def __init__(self, dialect: Dialect, insert: Callable[[sa.Table], Any]) -> None:
        """``insert`` is the dialect's own, which knows ``ON CONFLICT``."""
        self._dialect = dialect
        p, r, x, e, s, bind = self._prepare, replicas.c, effects.c, executions.c, leases.c, sa.bindparam
        now = _now(dialect)
        after = now + bind("lease", type_=sa.BigInteger())
        self.join = Prepared(
            insert(replicas)
            .inline()
            .values(id=bind("id"), name=bind("name"), rules=bind("rules"), started_at=now, until=after),
            dialect,
        )
        self.beat = p(sa.update(replicas).where(r.id == bind("id_")).values(until=after, rules=bind("rules")))
        known = sa.select(*(r[name] for name in REPLICA_COLUMNS)).order_by(r.started_at, r.id)
        self.replicas = p(known)
        self.alive = p(sa.select(r.id).where(r.id == bind("id")))
        self.dead = p(sa.select(r.id).where(r.until < now).order_by(r.id))
        self.leave = p(sa.delete(replicas).where(r.id == bind("id")))
        standing = sa.select(r.id)
        held = sa.or_(x.holder.is_(None), x.holder.not_in(standing))
        listed = sa.select(*(x[name] for name in rows.EFFECT_COLUMNS)).order_by(x.due_at, x.n)
        self.orphaned_effects = p(listed.where(held))
        self.take_effects = p(sa.update(effects).where(held).values(holder=bind("me")))
        unfinished = sa.text("executions.state IN ('waiting', 'executing')")
        orphaned = sa.or_(e.holder.is_(None), e.holder.not_in(standing))
        self.orphaned_executions = p(sa.select(e.body).where(unfinished, orphaned).order_by(e.n))
        self.take_executions = p(sa.update(executions).where(unfinished, orphaned).values(holder=bind("me")))
        self.free_leases = p(sa.delete(leases).where(s.holder.not_in(standing)))
        self.give_effects = p(sa.update(effects).where(x.holder == bind("me")).values(holder=sa.null()))
        self.give_executions = p(sa.update(executions).where(e.holder == bind("me")).values(holder=sa.null()))
        self.executions_of = p(sa.select(e.body).where(unfinished, e.holder == bind("me")).order_by(e.n))
        self.effects_of = p(listed.where(x.holder == bind("me")))
        self.has_effect = p(sa.select(x.n).where(x.id == bind("id"), x.holder == bind("me")))
        self.has_execution = p(sa.select(e.n).where(e.id == bind("id"), e.holder == bind("me")))
        v = events.c
        newer = sa.select(v.seq, v.request).where(v.seq > bind("after")).order_by(v.seq)
        self.changes = p(newer.limit(bind("limit")))
        lanes = x.lane.in_([bind(f"lane_{index}") for index in range(LANES_ASKED)])
        self.lanes = p(sa.select(x.lane, x.holder).where(lanes, sa.text("holder IS NOT NULL")).order_by(x.n))
        hold = insert(leases).inline().values(name=bind("name"), holder=bind("me"))
        free = sa.or_(s.holder == bind("me"), s.holder.not_in(standing))
        put = hold.on_conflict_do_update(index_elements=["name"], set_={"holder": hold.excluded.holder}, where=free)
        self.hold = p(put)

    def _prepare(self, construct: sa.sql.ClauseElement) -> Prepared:
        return Prepared(construct, self._dialect)


def _now(dialect: Dialect) -> sa.ColumnElement[int]:
    """Microseconds since the epoch by the database's clock, which is one and the same for all who share it."""
    if dialect.name == "sqlite":
        return sa.literal_column("CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)", sa.BigInteger())
    return sa.literal_column("(extract(epoch FROM clock_timestamp()) * 1000000)::bigint", sa.BigInteger())
