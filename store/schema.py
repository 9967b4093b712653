"""Every table there is. `store.columns.metadata` is whole only once each module that describes some was loaded."""

from __future__ import annotations

from store import insight_tables, tables, trust_tables
from store.columns import metadata

DESCRIBED = (tables, insight_tables, trust_tables)

__all__ = ["DESCRIBED", "metadata"]
