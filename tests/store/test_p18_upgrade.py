"""P18 for the later schemas: a database that an older sayso left, with rows in it, comes up right and loses nothing.

``left_by_0002.sql`` holds the rows that the sayso of the second schema wrote: its own code, each table, each state,
random lives among them, a person who voted in two stages of one revision, requests that nobody was asked about.
``left_by_0003.sql`` is of the third: requests that wait for some of those who were asked, in two stages, for nobody.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from alembic import command
from alembic.config import Config
from msgspec.structs import replace
from sqlalchemy import NullPool, create_engine, event
from sqlalchemy.engine import Engine

from bot.core.model import State, Track
from bot.core.ports import AccountEntry, Change, Filter
from store import migrate, open_store, rows
from store.chain import verify_store
from tests.store import samples
from tests.store.samples import NOW
from tests.store.test_letters import keep, key, lost, receipt
from tests.store.test_p13_replay import follows, held, told
from tests.store.test_p18_migration import KILLED

LEFT = {
    schema: (Path(__file__).parent / f"left_by_{file}.sql").read_text(encoding="utf-8").strip().split("\n")
    for schema, file in {"0001": "0002", "0002": "0002", "0003": "0003"}.items()
}
OF_LETTERS = {"reply_keys", "receipts", "mailboxes", "unreachable"}
OF_ROUTING = {"accounts", "rejections"}
OF_VISITS = {"seen", "subscriptions", "kept"}
OF_REPLICAS = {"replicas", "leases"}
OF_SUBJECTS = {"subjects", "belongings"}
OF_INSIGHT = {"facts", "tallies", "grants"}
MOVED = ("stage", "step", "step_at", "remind_at", "exhausted")
MOST = 108
"""More statements than any upgrade makes."""

STATEMENTS = (*range(0, MOST, 12), MOST)
"""Before which statement of an upgrade the process dies: from its first look to beyond its commit."""


class Old(NamedTuple):
    """A database of before: its schema, and all its rows by table, as dicts."""

    schema: str
    rows: dict[str, list[dict[str, Any]]]


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A plain connection, its rows by column name."""
    with closing(sqlite3.connect(path)) as driver:
        driver.row_factory = sqlite3.Row
        yield driver


def all_rows(path: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows by table, as dicts."""
    with reading(path) as driver:
        named = driver.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name != 'alembic_version'")
        tables = [name for (name,) in named if not name.startswith("sqlite_")]
        return {name: [dict(row) for row in driver.execute(f"SELECT * FROM {name}")] for name in tables}  # noqa: S608  # ours


def declared(path: Path) -> list[tuple[str, str]]:
    """Every table and index, and how it was declared."""
    with reading(path) as driver:
        return [tuple(row) for row in driver.execute("SELECT name, sql FROM sqlite_master ORDER BY name")]


def made(path: Path, schema: str) -> Old:
    """A database as a sayso of that schema left it, its tables made by the schema's own revisions."""
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite+pysqlite:///{path}", poolclass=NullPool)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, schema)
    unknown = OF_LETTERS if schema == "0001" else set()
    with closing(sqlite3.connect(path)) as driver:
        driver.executescript("PRAGMA foreign_keys=OFF; BEGIN; DELETE FROM chain; DELETE FROM switches;")
        for line in LEFT[schema]:
            if line.split('"')[1] not in unknown:
                driver.execute(line)
        driver.commit()
    left = all_rows(path)
    assert all(left.values()), "a table of before is empty here, so its rows prove nothing"
    return Old(schema, left)


@pytest.fixture(params=["0001", "0002", "0003"])
def old(request: pytest.FixtureRequest, database: Path) -> Old:
    """A database of each schema before."""
    return made(database, request.param)


def _as_now(old: Old) -> dict[str, list[dict[str, Any]]]:
    """What the rows of before have to be under the newest schema, without what `follows` looks at."""
    now = {name: [dict(row) for row in kept] for name, kept in old.rows.items()}
    for row in now["sessions"]:
        row |= {"way": "link", "browser": "", "seen_at": None}
    for row in now["links"]:
        row |= {"browser": None}
    for row in (*now["effects"], *now["executions"]):
        row |= {"holder": None}
    for row in now["effects"]:
        own = "note" if row["kind"] == "digest" else "id" if row["kind"] in ("webhook", "letter") else "ref"
        row |= {"lane": row[own]}
    return now if old.schema == "0003" else _of_tracks(now)


def _of_tracks(now: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    for row in now["requests"]:
        was = {name: row.pop(name) for name in MOVED}
        track = Track(
            stage=was["stage"],
            step=was["step"],
            step_at=rows.moment_or_none(was["step_at"]),
            remind_at=rows.moment_or_none(was["remind_at"]),
            exhausted=bool(was["exhausted"]),
        )
        asked = bool(json.loads(row["route"])["stages"])
        row |= {"tracks": msgspec.json.encode([track] if asked else []).decode(), "advice": None}
    voted: set[tuple[Any, ...]] = set()
    for row in now["decisions"]:
        vote = (row["request"], row["revision"], row["person"])
        row["vote"] = int(row["vote"] and vote not in voted)
        if row["vote"]:
            voted.add(vote)
    return now


def is_as_now(database: Path, old: Old) -> None:
    """Hold the rows of a database that was brought up against those of before."""
    found = all_rows(database)
    fresh = OF_VISITS | OF_REPLICAS | OF_SUBJECTS | OF_INSIGHT | (OF_LETTERS if old.schema == "0001" else set())
    fresh |= OF_ROUTING if old.schema < "0003" else set()
    assert not any(found.pop(name) for name in fresh)
    for row in found["requests"]:
        assert (row.pop("deadline") is None) is (not row["open"])
    for row in found["assignments"]:
        del row["waiting"]
    assert found == _as_now(old)


async def _works(url: str, database: Path, requests: int) -> None:
    """The store does what it did, what is new, and on every request of before."""
    store = await open_store(url, exclusive=True)
    assert await told(store) == held(database)
    assert await follows(store, database)
    before = await store.requests(Filter(limit=100))
    assert len(before) == requests
    for value in before:
        tracks = (samples.track(1),) if value.route.stages else ()
        moved = replace(value, tracks=tracks, advice=(samples.assessment(value),))
        change = Change(event=samples.event("moved", value.id), before=value, after=moved)
        await store.write(partial(_record, change=change))
        assert await store.request(value.id) == moved
    value = await store.write(lambda tx: samples.submit(tx, samples.request(id="req_new")))
    await store.write(lambda tx: samples.approve(tx, value.id, vote="dec_new", run="exe_new"))
    assert value.id in {found.id for found in await store.requests(Filter(states=(State.APPROVED,)))}
    entry = AccountEntry(rule="r", key="k", at=NOW, amount=5, request=value.id)
    await store.write(lambda tx: tx.spend(entry))
    assert await store.write(lambda tx: tx.spent("r", "k", NOW)) == (1, 5)
    await store.write(keep(key("new"), lost("new@example.com")))
    assert await store.write(lambda tx: tx.add_receipt(receipt("new"), answered=True))
    assert await store.reply_key(key("new").hash) == key("new")
    assert (await verify_store(store)).ok
    assert await told(store) == held(database)
    assert await follows(store, database)
    assert (await store.session("s", NOW)) is not None
    await store.close()


def _record(tx: Any, change: Change) -> None:
    tx.record(change)


async def opened(url: str) -> None:
    """Open and close the store, which brings the database up."""
    await (await open_store(url, exclusive=True)).close()


def test_what_was_left_shows_what_has_to_be_converted(old: Old) -> None:
    """Each column that moves has more than one value, some requests asked nobody, somebody voted in two stages."""
    requests = old.rows["requests"]
    assert {len(json.loads(row["route"])["stages"]) for row in requests if "stages" in json.loads(row["route"])} >= {2}
    assert {row["open"] for row in requests} == {0, 1}
    if old.schema == "0003":
        assert {len(json.loads(row["tracks"])) for row in requests if row["open"]} == {0, 1, 2}
        return
    for name in MOVED:
        assert len({row[name] for row in requests}) > 1, name
    assert {len(json.loads(row["route"])["stages"]) for row in requests} == {0, 2}
    assert sum(row["vote"] for row in old.rows["decisions"]) > sum(row["vote"] for row in _as_now(old)["decisions"])


def test_a_database_of_before_is_brought_up(url: str, database: Path, tmp_path: Path, old: Old) -> None:
    """Every row is as it was, or as it is said now; tables and indexes are as a new database has them; all works."""
    asyncio.run(opened(url))
    is_as_now(database, old)
    newest = tmp_path / "newest.db"
    asyncio.run(opened(f"sqlite+aiosqlite:///{newest}"))
    assert declared(database) == declared(newest)
    with reading(database) as driver:
        assert driver.execute("PRAGMA foreign_key_check").fetchall() == []
        assert driver.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    asyncio.run(_works(url, database, len(old.rows["requests"])))


def test_more_requests_than_are_converted_at_once(url: str, database: Path) -> None:
    """Each page follows the one before: none of some thousand requests is left out."""
    made(database, "0002")
    with closing(sqlite3.connect(database)) as driver:
        names = [name for _, name, *_ in driver.execute("PRAGMA table_info(requests)") if name not in ("id", "step")]
        same = ", ".join(f'"{name}"' for name in names)
        one = "(SELECT id FROM requests WHERE json_array_length(route, '$.stages') > 0 LIMIT 1)"
        insert = f"INSERT INTO requests (id, step, {same}) SELECT ?, ?, {same} FROM requests WHERE id = {one}"  # noqa: S608  # ours
        driver.executemany(insert, [(f"req_{number:06d}", number) for number in range(2345)])
        driver.commit()
    asyncio.run(opened(url))
    with reading(database) as driver:
        found = driver.execute("SELECT id, tracks FROM requests WHERE length(id) = 10").fetchall()
    assert len(found) == 2345
    assert all(rows.tracks_of(text)[0].step == int(name[4:]) for name, text in found)


@pytest.mark.parametrize("statement", STATEMENTS)
def test_p18_a_killed_upgrade_is_made_again(url: str, database: Path, old: Old, statement: int) -> None:
    """After the kill it is the schema of before whole, with every row; the next start brings it up all the same."""
    before = declared(database)
    killed = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", KILLED, url, str(statement)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=False,
        timeout=60,
    )
    ended = killed.stdout == b"done\n"
    assert killed.returncode == (0 if ended else -9), killed.stderr.decode()
    assert ended or statement < MOST
    if not ended:
        assert (declared(database), all_rows(database)) == (before, old.rows)
    asyncio.run(opened(url))
    is_as_now(database, old)
    asyncio.run(_works(url, database, len(old.rows["requests"])))


def test_an_upgrade_is_killed_in_its_middle_and_at_its_end(database: Path) -> None:
    """`STATEMENTS` reach from the first to beyond the last statement of the longest upgrade, its commit among them."""
    made(database, "0001")
    said: list[str] = []

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        said.append(statement)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        migrate.migrate(database, "0001", 1.0)
    finally:
        event.remove(Engine, "before_cursor_execute", hear)
    assert said[0] == "BEGIN IMMEDIATE"
    assert MOST - 15 < len(said) <= MOST
