"""What the store asks of the whole audit trail: newest first, narrowed, from one number down to another."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from store import patterns
from store.prepared import Prepared
from store.shapes import TrailShape
from store.tables import events


class TrailStatements:
    """The statements about the trail, for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        """Compile what does not depend on the search."""
        self._dialect = dialect
        e, bind = events.c, sa.bindparam
        self.at = Prepared(sa.select(e.at).where(e.seq == bind("seq")), dialect)
        self.search = lru_cache(maxsize=128)(self._search)

    def _search(self, shape: TrailShape) -> Prepared:
        """Lines between ``first`` and ``before``; no index but the number and a request's, for each costs a write."""
        e, bind = events.c, sa.bindparam
        lines: sa.Select[Any] = sa.select(e.seq, e.previous, e.hash, e.body)
        lines = lines.where(e.seq >= bind("first"), e.seq < bind("before"))
        if shape.request:
            lines = lines.where(e.request == bind("request"))
        if shape.type == "=":
            lines = lines.where(e.type == bind("type"))
        elif shape.type == "*":
            lines = lines.where(e.type.like(bind("type"), escape=patterns.ESCAPE))
        if "since" in shape.bounds:
            lines = lines.where(e.at >= bind("since"))
        if "until" in shape.bounds:
            lines = lines.where(e.at < bind("until"))
        if shape.actor:
            lines = lines.where(e.body.like(bind("actor"), escape=patterns.ESCAPE))
        if shape.text:
            lines = lines.where(sa.or_(patterns.holds(e.body, "text"), patterns.holds(e.body, "quoted")))
        return Prepared(lines.order_by(e.seq.desc()).limit(bind("limit")), self._dialect)
