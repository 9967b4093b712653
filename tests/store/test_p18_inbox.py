"""P18 for the fourth schema: what it derives for many open requests, and the way back."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import NullPool, create_engine

from store import migrate, open_store, pages
from tests.store.test_p13_replay import follows
from tests.store.test_p18_upgrade import all_rows, declared, is_as_now, made, opened, reading


def test_more_open_requests_than_are_looked_at_at_once(url: str, database: Path) -> None:
    """Page after page, each open one gets its deadline and whom it waits for; what ended is left alone."""
    made(database, "0003")
    with closing(sqlite3.connect(database)) as driver:
        for table, key in (("requests", "id"), ("revisions", "request"), ("assignments", "request")):
            names = [name for _, name, *_ in driver.execute(f"PRAGMA table_info({table})") if name != key]
            same = ", ".join(f'"{name}"' for name in names)
            pick = f"SELECT ?, {same} FROM {table} WHERE {key} = (SELECT min(id) FROM requests WHERE state = ?)"  # noqa: S608  # ours
            for state in ("pending", "approved"):
                many = [(f"req_{state}_{number:04d}", state) for number in range(1234)]
                driver.executemany(f"INSERT INTO {table} ({key}, {same}) {pick}", many)
        driver.execute("UPDATE requests SET execution = NULL, decisions = 0 WHERE id LIKE 'req_pending%'")
        driver.commit()
    asyncio.run(opened(url))
    with reading(database) as driver:
        filled = "SELECT count(*) FROM requests WHERE deadline IS NOT NULL AND id LIKE ?"
        found = [driver.execute(filled, (f"req_{state}_%",)).fetchone()[0] for state in ("pending", "approved")]
        waiting = "SELECT count(*), count(DISTINCT request) FROM assignments WHERE waiting = 1 AND request LIKE ?"
        waits = [tuple(driver.execute(waiting, (f"req_{state}_%",)).fetchone()) for state in ("pending", "approved")]
    assert found == [1234, 0]
    assert waits == [(2468, 1234), (0, 0)]
    asyncio.run(_followed(url, database))


async def _followed(url: str, database: Path) -> None:
    store = await open_store(url, exclusive=True)
    assert await follows(store, database)
    await store.close()


def test_the_inbox_can_be_taken_away_again(url: str, database: Path, tmp_path: Path) -> None:
    """Down to the schema of before: its rows as they were, but for links that only one browser may use."""
    old = made(database, "0003")
    asyncio.run(opened(url))
    with closing(sqlite3.connect(database)) as driver:
        driver.execute("INSERT INTO links (hash, person, expires_at, browser) VALUES ('bound', 'ana', 1, 'b')")
        driver.commit()
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite+pysqlite:///{database}", poolclass=NullPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
    assert all_rows(database) == old.rows
    before = tmp_path / "before.db"
    made(before, "0003")
    assert dict(declared(database)).keys() == dict(declared(before)).keys()
    asyncio.run(opened(url))
    is_as_now(database, old)


def test_p15_a_store_of_before_is_sound_for_a_backup(database: Path) -> None:
    """SQLite 3.40 finds a NULL in each row of a table of then, where none is: the backup before the upgrade failed."""
    made(database, "0003")
    with closing(sqlite3.connect(database)) as driver:
        pages.sound(driver)
