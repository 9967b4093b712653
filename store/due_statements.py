"""What the store says about what is due: which open requests, whole, with the cards of many at once."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from store.prepared import Prepared
from store.queue_statements import whole_requests
from store.shapes import LOTS
from store.tables import deliveries, requests


class DueStatements:
    """The statements about what is due, for one kind of database."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        r = requests.c
        limit: sa.BindParameter[int] = sa.bindparam("limit")
        # As the partial index says it; a parameter would hide it from the planner.
        is_open = sa.text("requests.open = 1")
        come = (is_open, r.due_at <= sa.bindparam("now"))
        self.ids = self._prepare(sa.select(r.id).where(*come).order_by(r.due_at).limit(limit))
        self.whole = self._prepare(whole_requests().where(*come).order_by(r.due_at).limit(limit))
        self.these = {count: self._these(count) for count in LOTS}
        self.next = self._prepare(sa.select(sa.func.min(r.due_at)).where(is_open, r.due_at.is_not(None)))
        self.cards = {count: self._cards(count) for count in LOTS}

    def _prepare(self, construct: sa.sql.ClauseElement) -> Prepared:
        return Prepared(construct, self._dialect)

    def _these(self, count: int) -> Prepared:
        """Whole requests, given as `_cards` has them, in the order in which they are due."""
        r = requests.c
        return self._prepare(whole_requests().where(r.id.in_(_requests(count))).order_by(r.due_at))

    def _cards(self, count: int) -> Prepared:
        """Bodies of the deliveries of ``count`` requests, given as ``request_0`` and on, oldest first."""
        y = deliveries.c
        wanted = y.request.in_(_requests(count))
        return self._prepare(sa.select(y.request, y.body).where(wanted).order_by(y.n))


def _requests(count: int) -> list[sa.BindParameter[str]]:
    return [sa.bindparam(f"request_{index}") for index in range(count)]
