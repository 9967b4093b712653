"""The table of what was earned."""

from __future__ import annotations

from sqlalchemy import PrimaryKeyConstraint, Table

from store.columns import metadata, numbers, words

grants = Table(
    "grants",
    metadata,
    *words("id", "rule", "agent", "action", "state", "body"),
    *numbers("at"),
    PrimaryKeyConstraint("id"),
)
"""What was earned and proposed, and what came of it; ``at`` is when it was proposed."""
