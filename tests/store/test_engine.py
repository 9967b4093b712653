"""Opening: whose file it is, which schema it has, and what an address must say."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine

from bot.core.errors import SaysoError
from store import AlreadyRunning, BadAddress, SchemaMismatch, open_store
from store.migrate import HEAD, Strange
from store.schema import DESCRIBED, metadata
from store.sqlite import reset_race_possible
from tests.postgres import Cluster
from tests.store import samples

TABLES = Path(__file__).parents[2] / "store"

MIGRATIONS = Path(__file__).parents[2] / "store" / "migrations"


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("not a url", "is no URL"),
        ("mysql://localhost/sayso", "names mysql"),
        ("postgresql+psycopg://sayso:secret@localhost/sayso", "names postgresql"),
        ("postgresql+asyncpg:/sayso:secret@localhost/sayso", "is no URL"),
        ("postgresql+asyncpg://sayso:secret@localhost:port/sayso", "is no URL"),
        ("postgresql+asyncpg://sayso@localhost/sayso?password=secret", "has a password in its query"),
        ("postgresql+asyncpg://sayso@localhost/sayso?sslmode=require", "has sslmode in its query"),
        ("sqlite:///sayso.db", "names sqlite"),
        ("sqlite+aiosqlite://", "must name a file"),
        ("sqlite+aiosqlite:///:memory:", "must name a file"),
    ],
)
async def test_a_bad_address_says_what_would_do(address: str, says: str) -> None:
    """The message names the fault and an address that works, without a password."""
    with pytest.raises(BadAddress, match=says) as raised:
        await open_store(address, exclusive=True)
    assert "sqlite+aiosqlite:///sayso.db" in raised.value.detail
    assert "secret" not in raised.value.detail


async def test_a_second_bot_is_refused_by_name(url: str) -> None:
    """Whoever comes second is told who runs, by a symbolic link, too; once that one closed, the file is free."""
    first = await open_store(url, exclusive=True)
    itself = Path(url.removeprefix("sqlite+aiosqlite:///"))
    (itself.parent / "link.db").symlink_to(itself)
    for address in (url, f"sqlite+aiosqlite:///{itself.parent}/link.db"):
        with pytest.raises(AlreadyRunning, match=rf"another sayso is running on this database \(pid {os.getpid()}\)"):
            await open_store(address, exclusive=True)
    await first.close()
    await (await open_store(url, exclusive=True)).close()


async def test_the_lock_of_a_killed_bot_is_free(url: str) -> None:
    """The kernel lets go of the lock with the process, so nobody has to remove a file after a crash."""
    script = (
        "import asyncio,sys\nfrom store import open_store\n"
        "async def main():\n  s = await open_store(sys.argv[1], exclusive=True)\n  print('open', flush=True)\n"
        "  await asyncio.sleep(60)\nasyncio.run(main())"
    )
    with subprocess.Popen(  # noqa: S603, ASYNC220 - our own interpreter, started once
        [sys.executable, "-c", script, url], stdout=subprocess.PIPE, cwd=MIGRATIONS.parents[1]
    ) as bot:
        assert bot.stdout is not None
        assert bot.stdout.readline() == b"open\n"
        with pytest.raises(AlreadyRunning, match=f"pid {bot.pid}"):
            await open_store(url, exclusive=True)
        bot.kill()
    await (await open_store(url, exclusive=True)).close()


async def test_a_tool_opens_beside_the_bot(url: str) -> None:
    """A tool reads and writes while the bot runs, and makes the database where there is none yet."""
    tool = await open_store(url, exclusive=False)
    bot = await open_store(url, exclusive=True)
    value = await tool.write(lambda tx: samples.submit(tx, samples.request()))
    assert await bot.request(value.id) == value
    await tool.close()
    await bot.close()


async def test_a_newer_schema_is_refused(url: str, database: Path) -> None:
    """A database that a newer sayso migrated is left alone, and the message says what to do."""
    await (await open_store(url, exclusive=True)).close()
    with sqlite3.connect(database) as driver:
        driver.execute("UPDATE alembic_version SET version_num = '9999'")
    driver.close()
    with pytest.raises(SchemaMismatch, match=r"9999.*use the newer sayso"):
        await open_store(url, exclusive=True)


def _bytes(database: Path) -> bytes:
    return database.read_bytes()


def _beside(database: Path) -> list[Path]:
    return [path for path in database.parent.iterdir() if path != database]


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("made", ["CREATE TABLE bills (id)", "CREATE TABLE alembic_version (version_num)", ""])
async def test_another_programs_database_is_left_alone(url: str, database: Path, made: str, exclusive: bool) -> None:  # noqa: FBT001 - parametrised
    """Known by its tables, or by its mark where it has none yet: named, not changed by a byte, nothing beside it."""
    with closing(sqlite3.connect(database)) as driver:
        driver.executescript(made or "PRAGMA application_id=0x47504b47")
    was = _bytes(database)
    with pytest.raises(Strange, match=rf"{database} is another program's database .*SAYSO_DATABASE_URL"):
        await open_store(url, exclusive=exclusive)
    assert (_bytes(database), _beside(database)) == (was, [])


@pytest.mark.parametrize(
    ("made", "says"),
    [
        ("CREATE TABLE requests (bill int)", "requests"),
        ("CREATE TABLE alembic_version AS SELECT 'f00d' AS version_num", "f00d, which is another program's"),
        ("CREATE TABLE bills (id int)", None),
    ],
)
async def test_a_servers_database_may_hold_other_tables_and_none_of_our_names(
    cluster: Cluster, made: str, says: str | None
) -> None:
    """Where another program has a table of such a name it is told, and nothing is made; beside others there is room."""
    name = await cluster.make()
    await cluster.run(made, name)
    if says is None:
        await (await open_store(cluster.url(name), exclusive=False)).close()
        return
    with pytest.raises(SaysoError, match=says):
        await open_store(cluster.url(name), exclusive=False)
    await cluster.run("SELECT 1 / (to_regclass('chain') IS NULL)::int", name)
    await cluster.drop(name)


async def test_a_store_says_whose_it_is_and_one_of_before_is_still_ours(url: str, database: Path) -> None:
    """New ones bear sayso's mark in their header; one without it is known by its tables."""
    await (await open_store(url, exclusive=True)).close()
    assert _bytes(database)[68:72] == b"SAYS"
    with closing(sqlite3.connect(database)) as driver:
        driver.execute("PRAGMA application_id=0")
    await (await open_store(url, exclusive=True)).close()
    assert _bytes(database)[68:72] == bytes(4)


async def test_a_tool_does_not_migrate_under_a_running_bot(url: str, database: Path) -> None:
    """With another schema and a bot on it, a tool stops and says which versions meet."""
    bot = await open_store(url, exclusive=True)
    with sqlite3.connect(database) as driver:
        driver.execute("UPDATE alembic_version SET version_num = '0000'")
    driver.close()
    with pytest.raises(SchemaMismatch, match=r"0000.*another sayso is running"):
        await open_store(url, exclusive=False)
    await bot.close()


async def test_the_revisions_make_the_tables(url: str, database: Path) -> None:
    """What the revisions build is what `store.tables` describes: tables, columns, and every index to the letter."""
    await (await open_store(url, exclusive=True)).close()
    assert {module.__name__ for module in DESCRIBED} == {f"store.{path.stem}" for path in TABLES.glob("*tables.py")}
    migrated = create_engine(f"sqlite:///{database}")
    described = create_engine("sqlite://")
    with migrated.connect() as one, described.connect() as other:
        assert compare_metadata(MigrationContext.configure(one), metadata) == []
        metadata.create_all(other)
        query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
        assert one.exec_driver_sql(query).fetchall() == other.exec_driver_sql(query).fetchall()
        rowless = "SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%' ORDER BY name"
        assert one.exec_driver_sql(rowless).fetchall() == other.exec_driver_sql(rowless).fetchall()
        kept = MetaData()
        kept.reflect(one)
        for table in metadata.sorted_tables:
            assert {fk.target_fullname for fk in kept.tables[table.name].foreign_keys} == {
                fk.target_fullname for fk in table.foreign_keys
            }
    migrated.dispose()
    described.dispose()


def test_the_newest_revision_is_the_one_that_is_named() -> None:
    """`HEAD` spares loading alembic at every start, so it must say what alembic would."""
    assert ScriptDirectory(str(MIGRATIONS)).get_current_head() == HEAD


@pytest.mark.parametrize(
    ("version", "possible"),
    [
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
    ids=str,
)
def test_the_reset_race_is_known_by_version(version: tuple[int, int, int], possible: bool) -> None:  # noqa: FBT001 - a row of the table above
    """Fixed in 3.51.3 and in two older branches."""
    assert reset_race_possible(version) is possible
