"""Copying a SQLite database whole, page by page, while others write to it, and what a backup says of itself.

SQLite's backup begins anew whenever another connection has written, so that beside a busy bot it would never end. A
read transaction that is held all the while fixes what is copied; the writer goes on and only its log grows meanwhile.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec

from store.contents import NotWhole
from store.cursor import Cursor
from store.migrate import HEAD, migrate
from store.parts import Told
from store.queries import PAUSE
from store.statements import statements_for

_PAGES = 512
"""Pages (of 4 KiB) a step."""

_BUSY = 30.0
_ALL = 1_000_000_000
_NULL = re.compile(r"NULL value in ([a-z_]+)\.([a-z_]+)")


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup says of itself: when it was taken, of which database, and the audit's last line in it."""

    taken_at: str
    source: str
    seq: int
    hash: str
    paused: bool


def reading(path: Path) -> sqlite3.Connection:
    """A connection that reads; raises ``sqlite3.Error``. It never checkpoints, unless it is the last to close."""
    driver = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
    for pragma in ("wal_autocheckpoint=0", "query_only=1"):
        driver.execute(f"PRAGMA {pragma}")
    return driver


def sealed(path: Path) -> sqlite3.Connection:
    """A connection to a file that is not to be changed, though it may be on a disk that cannot be written."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", timeout=_BUSY, isolation_level=None, uri=True)


def cursor_of(driver: sqlite3.Connection) -> Cursor:
    """The store's cursor on a connection."""
    return Cursor(driver.cursor(), statements_for("sqlite"))


def copy(source: sqlite3.Connection, to: Path, told: Told) -> None:
    """Copy the database as it is now into the empty file ``to``, which is one file then, without a log beside it."""
    with closing(sqlite3.connect(to, isolation_level=None)) as target:
        # Nobody reads it before it is whole, and whoever gives it its name syncs it: a journal would only cost time.
        target.execute("PRAGMA journal_mode=OFF")
        target.execute("PRAGMA synchronous=OFF")
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_master").fetchall()
        source.backup(target, pages=_PAGES, progress=lambda _, left, pages: told("pages", pages - left, pages))
        source.execute("ROLLBACK")
    with closing(sqlite3.connect(to, isolation_level=None)) as target:
        one_file(target)


def one_file(driver: sqlite3.Connection) -> None:
    """Fold the log into the file. Raises `NotWhole` while anybody else has it open."""
    try:
        (mode,) = driver.execute("PRAGMA journal_mode=DELETE").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise
        mode = "locked"
    if mode != "delete":
        raise NotWhole("the database is open in another program; close that first")


def sound(driver: sqlite3.Connection) -> None:
    """Raise `NotWhole` where SQLite finds the file damaged."""
    for (found,) in driver.execute(f"PRAGMA quick_check({_ALL})"):
        if found != "ok" and not _imagined(driver, found):
            raise NotWhole(f"SQLite finds the database damaged: {found}")


def _imagined(driver: sqlite3.Connection, found: str) -> bool:
    """Whether it is a NULL that is not there: SQLite 3.40 sees one in each row of a table that older schemas had.

    It mixes up columns where a key that is the table itself (WITHOUT ROWID) has them in another order.
    """
    told = _NULL.fullmatch(found)
    if told is None:
        return False
    return driver.execute(f"SELECT 1 FROM {told[1]} WHERE {told[2]} IS NULL LIMIT 1").fetchone() is None  # noqa: S608  # names by the pattern


def schema_of(driver: sqlite3.Connection) -> str:
    """The revision of the tables. Raises `NotWhole` where they are not sayso's, or do more than tables do."""
    if not has(driver, "alembic_version") or not has(driver, "events"):
        raise NotWhole("it is no database of sayso")
    # Sayso makes none. One in a file from elsewhere could keep replays running, or undo what is written later.
    strange = driver.execute("SELECT type, name FROM sqlite_master WHERE type IN ('trigger', 'view')").fetchone()
    if strange is not None:
        raise NotWhole(f"it has a {strange[0]} that is not sayso's, {strange[1]!r}")
    found = driver.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found[0]) if found else ""


def has(driver: sqlite3.Connection, table: str) -> bool:
    """Whether there is such a table."""
    asked = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?"
    return bool(driver.execute(asked, (table,)).fetchone()[0])


def free(driver: sqlite3.Connection) -> None:
    """Forget which processes ran on it and what each held: none of them runs on this copy."""
    if has(driver, "replicas"):
        driver.execute("DELETE FROM replicas")
        driver.execute("DELETE FROM leases")
        driver.execute("UPDATE effects SET holder = NULL WHERE holder IS NOT NULL")
        driver.execute("UPDATE executions SET holder = NULL WHERE holder IS NOT NULL")


def mark(driver: sqlite3.Connection, about: About) -> None:
    """Make the copy a backup: replays are stopped in it, however it is brought back, and it says what it is."""
    # A table of its own: it says so to whoever opens the file with sqlite3, and in whatever schema this is.
    driver.execute("CREATE TABLE backup (about TEXT NOT NULL)")
    driver.execute("INSERT INTO backup VALUES (?)", (msgspec.json.encode(about).decode(),))
    driver.execute(
        "INSERT INTO switches (name, position) VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET position = position | 1",
        (PAUSE,),
    )


def about(driver: sqlite3.Connection) -> About | None:
    """What a backup says of itself; None for a database that is none."""
    if not has(driver, "backup"):
        return None
    return msgspec.json.decode(driver.execute("SELECT about FROM backup").fetchone()[0], type=About)


def bring_up(path: Path) -> None:
    """Make a copy that nobody else has open a store of this program: today's schema, no longer a backup.

    Raises `store.migrate.SchemaMismatch` where a newer sayso wrote it.
    """
    with closing(sqlite3.connect(path, isolation_level=None)) as driver:
        found = schema_of(driver)
        driver.execute("DROP TABLE IF EXISTS backup")
    if found != HEAD:
        migrate(path, found, _BUSY)
    with closing(sqlite3.connect(path, isolation_level=None)) as driver:
        free(driver)
