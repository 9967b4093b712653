"""Bringing a database to this program's schema, in one transaction: a migration that is killed has not happened."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bot.core.errors import SaysoError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy.engine import Connection as SyncConnection

    from store.sqlite import Connection

HEAD = "0009"
"""The newest revision under ``migrations/versions``; named here so that a start need not load alembic to know it."""


class SchemaMismatch(SaysoError):
    """The database's schema is not one that this sayso can use."""

    code = "schema_mismatch"


def current(connection: Connection) -> str | None:
    """The revision of a database; None for an empty one."""
    cursor = connection.cursor.driver
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
        upgrade(connection)


def refuse_unknown(found: str | None) -> None:
    """Raise `SchemaMismatch` for a revision that this sayso does not know: a newer one wrote it."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415  # alembic is loaded to migrate only

    known = {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}
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
