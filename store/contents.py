"""What a whole database holds: its rows counted, its chain verified, whether there is anything in it."""

from __future__ import annotations

from msgspec import Struct
from sqlalchemy import Table

from bot.core.chain import START, ChainReport, conclude, verify
from bot.core.errors import SaysoError
from store import queries
from store.cursor import Cursor
from store.schema import metadata
from store.tables import chain, leases, replicas, switches

_PAGE = 2000

LIVE_ONLY = (replicas, leases)
"""What the running processes say of themselves, which a copy has none of."""


class NotWhole(SaysoError):
    """What was read or written is not a whole store; nothing was kept of it."""

    code = "not_whole"


class Contents(Struct, frozen=True, kw_only=True):
    """What there is: rows by table, and the audit's last line."""

    rows: dict[str, int]
    seq: int
    hash: str

    @property
    def total(self) -> int:
        """All rows."""
        return sum(self.rows.values())


def tables() -> tuple[Table, ...]:
    """The tables that a copy has, each after those that it refers to."""
    return tuple(table for table in metadata.sorted_tables if table not in LIVE_ONLY)


def contents(cursor: Cursor) -> Contents:
    """Count the rows and read the head, in one snapshot."""
    rows = {table.name: count(cursor, table) for table in tables()}
    seq, digest = queries.head(cursor)
    return Contents(rows=rows, seq=seq, hash=digest)


def count(cursor: Cursor, table: Table) -> int:
    """How many rows a table has."""
    cursor.driver.execute(f"SELECT count(*) FROM {table.name}")  # noqa: S608  # a table of ours
    return int(cursor.driver.fetchall()[0][0])


def filled(cursor: Cursor) -> bool:
    """Whether there is anything of a bot's life, which the head of an empty chain and switches are not."""
    for table in tables():
        if table not in (chain, switches):
            cursor.driver.execute(f"SELECT 1 FROM {table.name} LIMIT 1")  # noqa: S608  # a table of ours
            if cursor.driver.fetchall():
                return True
    return False


def verified(cursor: Cursor) -> ChainReport:
    """Re-compute the whole audit chain, within one snapshot, and hold it against its head row."""
    seq, digest = queries.head(cursor)
    known = {seq: digest} if seq else {}
    report = START
    while report.ok and (lines := queries.audit_lines(cursor, report.seq, _PAGE)):
        report = verify(lines, since=report, known=known)
    return conclude(report, known)


def hold(cursor: Cursor, what: str) -> ChainReport:
    """As `verified`; raises `NotWhole` where the chain does not hold. ``what`` is whose trail it is."""
    report = verified(cursor)
    if not report.ok:
        raise NotWhole(f"{what}: {report.text()}")
    return report
