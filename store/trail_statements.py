"""What the store asks of the whole audit trail: newest first, narrowed, from one number down to another."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from store import patterns
from store.prepared import Prepared
from store.question import Question
from store.tables import events


class TrailStatements:
    """The statements about the trail, for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile what does not depend on the search."""
        self._dialect = dialect
        e, bind = events.c, sa.bindparam
        self.at = Prepared(sa.select(e.at).where(e.seq == bind("seq")), dialect)
        # No index but the number and a request's: each costs a write.
        lines = sa.select(e.seq, e.previous, e.hash, e.body).order_by(e.seq.desc()).limit(bind("limit"))
        pieces = {
            "between": sa.and_(e.seq >= bind("first"), e.seq < bind("before")),
            "request": e.request == bind("request"),
            "type": e.type == bind("type"),
            "type*": e.type.like(bind("type"), escape=patterns.ESCAPE),
            "since": e.at >= bind("since"),
            "until": e.at < bind("until"),
            "actor": e.body.like(bind("actor"), escape=patterns.ESCAPE),
            "text": sa.or_(patterns.holds(e.body, "text"), patterns.holds(e.body, "quoted")),
        }
        self.search = Question(lines, pieces, dialect)
