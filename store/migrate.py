"""Bringing a database to this program's schema, in one transaction: a migration that is killed has not happened."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.errors import SaysoError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection as SyncConnection

    from store.cursor import DriverCursor
    from store.sqlite import Connection

HEAD = "0009"
"""The newest revision under ``migrations/versions``; named here so that a start need not load alembic to know it."""


APPLICATION = 0x53415953
"""``PRAGMA application_id`` of a store, "SAYS": whose file it is, for sayso and for ``file``."""

_ALWAYS = frozenset({"alembic_version", "requests", "events", "chain"})
"""Tables of every schema that there was; stores of before `APPLICATION` are known by them."""

_NAMED = 3
_ID_AT = slice(68, 72)
"""Where a database's header has its application's id (SQLite's file format, 1.3.10)."""


class Strange(SaysoError):
    """The SQLite database is another program's."""

    code = "not_a_store"


class SchemaMismatch(SaysoError):
    """The database's schema is not one that this sayso can use."""

    code = "schema_mismatch"


def current(connection: Connection) -> str | None:
    """The revision of a database; None for an empty one."""
    return _revision(connection.cursor.driver)


def revision(driver: sqlite3.Connection, path: Path) -> str | None:
    """The revision of the database at ``path``; None for an empty one. Raises `Strange`."""
    with closing(driver.cursor()) as cursor:
        _refuse_strange(cursor, path)
        return _revision(cursor)


def refuse_strange(path: Path, busy_timeout: float) -> None:
    """Raise `Strange` where another program's tables are in the file; nothing of it is changed, nothing made beside it.

    ``busy_timeout`` in seconds. Raises ``sqlite3.Error`` where it is no database, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            header = file.read(_ID_AT.stop)
    except OSError:
        return  # Whoever opens it says why it cannot be.
    if not header or header[_ID_AT] == APPLICATION.to_bytes(4, "big"):
        return
    with closing(sqlite3.connect(path, timeout=busy_timeout, isolation_level=None)) as driver:
        driver.execute("PRAGMA query_only=1").close()
        driver.execute("PRAGMA wal_autocheckpoint=0").close()
        revision(driver, path)


def _refuse_strange(cursor: sqlite3.Cursor, path: Path) -> None:
    number = cursor.execute("PRAGMA application_id").fetchone()[0]
    tables = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'"
    names = sorted(name for (name,) in cursor.execute(tables))
    if number == APPLICATION or set(names) >= _ALWAYS or not (names or number):
        return
    named = ", ".join([repr(name) for name in names[:_NAMED]]) + ("…" if len(names) > _NAMED else "")
    raise Strange(
        f"{path} is another program's database (it has {named or 'no tables, and its mark'}): sayso needs a file of its"
        " own, such as SAYSO_DATABASE_URL=sqlite+aiosqlite:///sayso.db"
    )


def _revision(cursor: DriverCursor) -> str | None:
    cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'alembic_version'")
    if not cursor.fetchall()[0][0]:
        return None
    cursor.execute("SELECT version_num FROM alembic_version")
    found = cursor.fetchall()
    return str(found[0][0]) if found else None


def migrate(path: Path, found: str | None, busy_timeout: float) -> None:
    """Upgrade the SQLite file at ``path`` from revision ``found`` to `HEAD`.

    Raises `SchemaMismatch` where ``found`` is unknown here: a newer sayso wrote it.
    """
    # Loading alembic takes longer than everything else at start, and only a changed schema needs it.
    from sqlalchemy import NullPool, create_engine, event  # noqa: PLC0415  # alembic is loaded to migrate only

    engine = create_engine(
        f"sqlite+pysqlite:///{path}",
        poolclass=NullPool,
        connect_args={"isolation_level": None, "timeout": busy_timeout},
    )
    # A revision may have to write a table anew, which drops the old one: its children are not to go with it.
    event.listen(engine, "connect", lambda driver, _: driver.execute("PRAGMA foreign_keys=OFF").close())
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    refuse_unknown(found)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION}")
        upgrade(connection)


def refuse_unknown(found: str | None) -> None:
    """Raise `SchemaMismatch` for a revision that this sayso does not know: a newer one wrote it."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # alembic is loaded to migrate only

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
    if found is not None and not found.isdecimal():
        # Ours are numbers. A server's database may hold other tables, and alembic's own has one name for all.
        raise SchemaMismatch(
            f"the table alembic_version in the database says {found}, which is another program's: give sayso a database"
            " of its own"
        )
    if found is not None and found not in known:
        raise SchemaMismatch(
            f"the database has schema {found}, which this sayso (schema {HEAD}) does not know: use the newer sayso"
            " that wrote it, or restore a backup of before"
        )


def upgrade(connection: SyncConnection) -> None:
    """Bring the database of this connection to `HEAD`, in the transaction that it is in."""
    from alembic import command  # noqa: PLC0415  # alembic is loaded to migrate only

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    from alembic.config import Config  # noqa: PLC0415  # alembic is loaded to migrate only

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config
