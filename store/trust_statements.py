"""What the store says about grants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from store.prepared import Prepared
from store.trust_tables import grants


class TrustStatements:
    """Compiled once a dialect, as `store.statements.Statements`."""

    def __init__(self, dialect: Dialect, insert: Callable[[sa.Table], Any]) -> None:
        """``insert`` is the dialect's own."""
        g = grants.c
        self.grant = Prepared(sa.select(g.body).where(g.id == sa.bindparam("id")), dialect)
        self.grants = Prepared(sa.select(g.body).order_by(g.at, g.id), dialect)
        put = insert(grants).inline()
        changed = {"state": put.excluded.state, "body": put.excluded.body}
        over = put.on_conflict_do_update(index_elements=["id"], set_=changed)
        self.put = Prepared(over, dialect, [column.name for column in grants.columns])
