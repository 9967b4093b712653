"""What the store asks of its tables for the figures, compiled once."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from store.prepared import Prepared
from store.tables import effects, executions, requests, sessions

_UNFINISHED = "executions.state IN ('waiting', 'executing')"
_TROUBLED = "executions.state IN ('failed', 'unknown')"
"""As the partial indexes say it, so that the planner knows them again. What was executed is not counted: all was."""


class StandingStatements:
    """The statements, for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile them."""
        r, e, x, s = requests.c, executions.c, effects.c, sessions.c
        # Each alone: asked for together, none of them would be found at the end of its index.
        self.ends = tuple(
            Prepared(sa.select(sa.func.min(column)).where(sa.text("requests.open = 1"), column.is_not(None)), dialect)
            for column in (r.due_at, r.deadline, r.created_at)
        )
        self.effects = Prepared(sa.select(x.kind, sa.func.count(), sa.func.min(x.due_at)).group_by(x.kind), dialect)
        live = sa.select(sa.func.count()).select_from(sessions).where(s.expires_at > sa.bindparam("now"))
        self.sessions = Prepared(live, dialect)
        self.requests = Prepared(sa.select(r.state, sa.func.count()).group_by(r.state), dialect)
        self.executions = tuple(
            Prepared(sa.select(e.state, sa.func.count()).where(sa.text(which)).group_by(e.state), dialect)
            for which in (_UNFINISHED, _TROUBLED)
        )
