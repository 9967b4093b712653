"""P18 for the second schema: a database of the first, with rows in it, gets the tables of letters and loses nothing."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine

from bot.core.model import Key, Role
from bot.core.ports import Change, Filter, Link, Session
from store import migrate, open_store
from store.chain import verify_store
from tests.store import samples
from tests.store.samples import NOW
from tests.store.test_letters import keep, key, lost, receipt
from tests.store.test_p18_migration import KILLED

NEW = {"reply_keys", "receipts", "mailboxes", "unreachable"}
STATEMENTS = (*range(10), 12, 15)
"""Before which statement of the migration the process dies: each of them, from its first look to its commit."""


async def _live(url: str) -> None:
    """Rows in every table of the first schema."""
    store = await open_store(url, exclusive=True)
    for number in range(3):
        value = await store.write(lambda tx: samples.submit(tx, samples.request(), samples.effect(samples.request())))
        await store.write(lambda tx, of=value: samples.approve(tx, of.id))  # type: ignore[misc]  # bound at once
        sent = samples.delivery(value)
        change = Change(event=samples.event("queued", value.id), deliveries=(sent,))
        await store.write(lambda tx, queued=change: tx.record(queued))  # type: ignore[misc]  # likewise
        named = Key(id=f"key_{number}", name="ops", role=Role.ADMIN, hash=f"{number}", created_at=NOW)
        made = samples.event("key.made")
        await store.write(lambda tx, new=named, event=made: tx.add_key(new, event))  # type: ignore[misc]  # likewise
    later = NOW + timedelta(days=1)
    await store.write(lambda tx: tx.remember("billing", "k", "h", "req_1", NOW))
    await store.write(lambda tx: tx.add_link(Link(hash="l", person="ana", expires_at=later)))
    session = Session(id="s", person="ana", created_at=NOW, expires_at=later)
    await store.write(lambda tx: tx.add_session(session))
    await store.write(lambda tx: tx.pause(on=True, event=samples.event("paused")))
    await store.close()


def _tables(driver: sqlite3.Connection, schema: str = "main") -> set[str]:
    found = driver.execute(f"SELECT name FROM {schema}.sqlite_master WHERE type = 'table'")  # noqa: S608  # ours
    return {name for (name,) in found if not name.startswith("sqlite_")}


def _rows(path: Path) -> dict[str, list[Any]]:
    """Every row of the first schema's tables, and how those are declared."""
    with closing(sqlite3.connect(path)) as driver:
        old = sorted(_tables(driver) - NEW - {"alembic_version"})
        rows = {name: driver.execute(f"SELECT * FROM {name}").fetchall() for name in old}  # noqa: S608  # ours
        rows["declared"] = driver.execute(
            "SELECT name, sql FROM sqlite_master WHERE tbl_name NOT IN (?, ?, ?, ?) ORDER BY name", sorted(NEW)
        ).fetchall()
    return rows


@pytest.fixture
def first_schema(url: str, database: Path, tmp_path: Path) -> dict[str, list[Any]]:
    """A database as a sayso of the first schema left it, made by that schema's own revision; all that is in it."""
    newest = tmp_path / "newest.db"
    asyncio.run(_live(f"sqlite+aiosqlite:///{newest}"))
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite+pysqlite:///{database}", poolclass=NullPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with closing(sqlite3.connect(database, isolation_level=None)) as driver:
        driver.execute("ATTACH ? AS newest", (str(newest),))
        for name in _tables(driver) - {"alembic_version"}:
            driver.execute(f"DELETE FROM {name}")  # noqa: S608  # ours
            driver.execute(f"INSERT INTO {name} SELECT * FROM newest.{name}")  # noqa: S608  # ours
        assert _tables(driver, "newest") - _tables(driver) == NEW
    left = _rows(database)
    assert all(left.values()), "a table of the first schema is empty here, so its rows prove nothing"
    assert url.endswith(str(database))
    return left


async def _works(url: str) -> None:
    """The store does what it did, and what is new."""
    store = await open_store(url, exclusive=True)
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    assert len(await store.requests(Filter())) == 4
    assert (await store.requests(Filter()))[0] == value
    await store.write(keep(key(), lost()))
    assert await store.write(lambda tx: tx.add_receipt(receipt(), answered=True))
    assert (await store.reply_key(key().hash), await store.unreachable()) == (key(), (lost(),))
    assert (await verify_store(store)).ok
    await store.close()


def test_a_database_of_the_first_schema_is_brought_up(
    url: str, database: Path, first_schema: dict[str, list[Any]]
) -> None:
    """Every row and every table of before is as it was, the new tables are as a new database has them."""
    asyncio.run(_opened(url))
    assert _rows(database) == first_schema
    declared = "SELECT name, sql FROM sqlite_master ORDER BY name"
    with (
        closing(sqlite3.connect(database)) as driver,
        closing(sqlite3.connect(database.parent / "newest.db")) as newest,
    ):
        assert driver.execute(declared).fetchall() == newest.execute(declared).fetchall()
    asyncio.run(_works(url))


async def _opened(url: str) -> None:
    await (await open_store(url, exclusive=True)).close()


@pytest.mark.parametrize("statement", STATEMENTS)
def test_p18_a_killed_upgrade_is_made_again(
    url: str, database: Path, first_schema: dict[str, list[Any]], statement: int
) -> None:
    """After the kill it is the first schema whole, with every row; the next start brings it up all the same."""
    killed = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", KILLED, url, str(statement)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
        timeout=60,
    )
    with closing(sqlite3.connect(database)) as driver:
        made = _tables(driver) & NEW
        version = driver.execute("SELECT version_num FROM alembic_version").fetchall()
    ended = killed.stdout == b"done\n"
    assert (made, version) == ((NEW, [("0002",)]) if ended else (set(), [("0001",)]))
    assert _rows(database) == first_schema
    asyncio.run(_works(url))
    assert killed.returncode == (0 if ended else -9), killed.stderr.decode()


def test_the_upgrade_is_killed_at_each_of_its_statements(url: str, first_schema: dict[str, list[Any]]) -> None:
    """`STATEMENTS` reach from the first to beyond the last one."""
    del first_schema
    script = KILLED.replace("if left < 0:", "print(left, flush=True)\n    if left < 0:")
    counted = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script, url, "1000"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
        timeout=60,
    )
    *lines, done = counted.stdout.decode().split()
    assert done == "done"
    assert 8 <= len(lines) <= max(STATEMENTS)
