"""How columns are written, so that a row is the same tuple on every database and needs no conversion by a driver.

Only TEXT and BIGINT are used. Names of constraints are given, for a migration has to find them again.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Text, text

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pk",
        "fk": "%(table_name)s_%(column_0_N_name)s_fk",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
    }
)

TEXT = Text().with_variant(Text(collation="C"), "postgresql")
"""Text in the order of its bytes on both databases: pages go on after an id, so the order must be one and the same."""

COUNTER = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite counts rows by itself only in a column declared exactly INTEGER."""


def words(*names: str, missing: bool = False) -> list[Column[str]]:
    """Columns of text; ``missing``: where there may be none."""
    return [Column(name, TEXT, nullable=missing) for name in names]


def numbers(*names: str, missing: bool = False) -> list[Column[int]]:
    """Columns of whole numbers; ``missing`` as of `words`."""
    return [Column(name, BigInteger(), nullable=missing) for name in names]


def partial(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over the rows that ``where`` (plain SQL that both databases read alike) picks.

    Migrations make it on either database. Here it is said for SQLite alone: to name PostgreSQL would load its dialect,
    which is 45 ms and 2 MB of every start.
    """
    return Index(name, *columns, unique=unique, sqlite_where=text(where))
