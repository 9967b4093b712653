"""The tables of what is measured: one row a request, and what they add up to."""

from __future__ import annotations

from sqlalchemy import ForeignKeyConstraint, Index, PrimaryKeyConstraint, Table

from store.columns import metadata, numbers, words
from store.tables import seen

Index("seen_request", seen.c.request)

facts = Table(
    "facts",
    metadata,
    *words("request", "agent", "action", "rule", "body"),
    *numbers("created_at", "decided", "practice"),
    PrimaryKeyConstraint("request"),
    ForeignKeyConstraint(["request"], ["requests.id"]),
    Index("facts_case", "agent", "action", "created_at", "request"),
    Index("facts_rule", "rule", "created_at", "request"),
    Index("facts_oldest", "created_at", "request"),
)
"""Requests as measurements; ``decided`` is 1 where people decided, ``practice`` 1 of a declared drill."""

tallies = Table(
    "tallies",
    metadata,
    *words("key", "body"),
    PrimaryKeyConstraint("key"),
    sqlite_with_rowid=False,
)
"""Cells, in the order of sort, grain, time and parts, all of which ``key`` spells: a year of them lies side by side."""
