"""What the store says about accounts (the windowed limits) and about what was rejected."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from bot.core.model import State
from store.prepared import Prepared
from store.shapes import HALF
from store.tables import accounts, rejections, requests

_SWEPT = 8
"""Old rows forgotten with each new one; more than one, so that what is old becomes less."""

_GIVEN_BACK = tuple(state.value for state in State if not state.spends)


class AccountStatements:
    """The statements about accounts and rejections, for one kind of database."""

    def __init__(self, dialect: Dialect, insert: Callable[[sa.Table], Any]) -> None:
        """``insert`` is the dialect's own, as everywhere in the store."""
        self._dialect = dialect
        self._insert = insert
        a, j, bind = accounts.c, rejections.c, sa.bindparam
        half = sa.literal_column(str(HALF), sa.BigInteger())
        wanted = sa.select(sa.func.count(), sa.func.sum(a.amount // half), sa.func.sum(a.amount % half))
        counted = wanted.select_from(accounts.join(requests, requests.c.id == a.request))
        own = (a.rule == bind("rule"), a.key == bind("key"), a.at >= bind("since"))
        self.spent = self._prepare(counted.where(*own, requests.c.state.not_in(_states())))
        self.spend = self._add(accounts)
        self.sweep_accounts = self._sweep(accounts)
        same = sa.select(j.request).where(j.fingerprint == bind("fingerprint"), j.at >= bind("since"))
        self.rejected = self._prepare(same.order_by(j.at.desc(), j.n.desc()).limit(1))
        self.add_rejection = self._add(rejections)
        self.sweep_rejections = self._sweep(rejections)

    def _prepare(self, construct: sa.sql.ClauseElement) -> Prepared:
        return Prepared(construct, self._dialect)

    def _add(self, table: sa.Table) -> Prepared:
        names = [column.name for column in table.columns if column.name != "n"]
        return Prepared(self._insert(table).inline(), self._dialect, names)

    def _sweep(self, table: sa.Table) -> Prepared:
        """Forget the first few rows where they are too old; rows are written in order of time, so those are oldest."""
        first = sa.select(sa.func.min(table.c.n)).scalar_subquery()
        return self._prepare(
            sa.delete(table).where(table.c.n < first + sa.literal_column(str(_SWEPT)), table.c.at < sa.bindparam("old"))
        )


def _states() -> list[sa.ColumnElement[str]]:
    return [sa.literal_column(f"'{state}'", sa.Text()) for state in _GIVEN_BACK]
