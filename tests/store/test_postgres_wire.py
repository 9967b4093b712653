"""What is sent to PostgreSQL beside asyncpg's own messages: as it is meant, and told to whom it must be."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy.util import greenlet_spawn

from bot.core.errors import Unavailable
from bot.core.ports import Filter
from store import SqlStore, open_store, postgres, postgres_ears, postgres_line, postgres_wire
from store.postgres import PgCursor
from store.postgres_many import KEYS, kinds, many, table_of
from store.prepared import Prepared
from store.statements import statements_for
from tests.postgres import Cluster
from tests.store import samples
from tests.store.conftest import ME, furnished

TEXTS = ["", "a", None, "é\U0010fffd", '{"a": [1, "\\\\"]}', "x" * 70_000]
NUMBERS = [0, -1, None, 2**63 - 1, -(2**63), 7]


@pytest.mark.parametrize(
    ("texts", "numbers"),
    [(TEXTS, NUMBERS), (["same é"] * 6, [5] * 6), ([None] * 6, [None] * 6), (["one"], [1])],
    ids=["all kinds", "the same", "nothing", "one row"],
)
async def test_values_arrive_as_they_are(cluster: Cluster, texts: list[str | None], numbers: list[int | None]) -> None:
    """Columns that are encoded here are what PostgreSQL stores; the statement after them sees the rows, in one trip."""
    connection = await asyncpg.connect(cluster.url("postgres").replace("+asyncpg", ""))

    def write_and_read(driver: PgCursor) -> None:
        driver.command("CREATE TEMP TABLE kept (n serial, a text, b bigint)")
        columns = [postgres_wire.COLUMNS["VARCHAR"](texts), postgres_wire.COLUMNS["BIGINT"](numbers)]
        driver.ahead("INSERT INTO kept (a, b) SELECT * FROM unnest($1::VARCHAR[], $2::BIGINT[])", columns)
        driver.execute("SELECT a, b FROM kept ORDER BY n")
        assert [tuple(row) for row in driver.fetchall()] == list(zip(texts, numbers, strict=True))

    try:
        await greenlet_spawn(write_and_read, PgCursor(connection))
    finally:
        await connection.close()


async def test_what_goes_ahead_and_fails_stops_what_follows(cluster: Cluster) -> None:
    """The statement after it is not run and raises for it; the connection serves on."""
    connection = await asyncpg.connect(cluster.url("postgres").replace("+asyncpg", ""))

    def try_both(driver: PgCursor) -> None:
        driver.command("CREATE TEMP TABLE kept (a text)")
        driver.ahead("SELECT 1 / (SELECT count(*) FROM kept) OFFSET 1")
        with pytest.raises(asyncpg.DivisionByZeroError):
            driver.execute("INSERT INTO kept VALUES ('x')")
        driver.execute("SELECT count(*) FROM kept")
        assert [tuple(row) for row in driver.fetchall()] == [(0,)]

    try:
        await greenlet_spawn(try_both, PgCursor(connection))
    finally:
        await connection.close()


async def test_what_goes_ahead_keeps_no_statements(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots whose first statement is new each time leave few prepared: on both sides they would grow for good."""
    monkeypatch.setattr(postgres, "_MOST_PREPARED", 4)
    connection = await asyncpg.connect(cluster.url("postgres").replace("+asyncpg", ""))

    def read(driver: PgCursor, number: int) -> None:
        driver.ahead("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        driver.execute(f"SELECT {number}, current_setting('transaction_isolation')")
        assert [tuple(row) for row in driver.fetchall()] == [(number, "repeatable read")]
        driver.command("COMMIT")

    try:
        driver = PgCursor(connection)
        for number in range(20):
            await greenlet_spawn(read, driver, number)
        assert await connection.fetchval("SELECT count(*) FROM pg_prepared_statements") < 10
    finally:
        await connection.close()


@pytest.mark.parametrize("answer", [None, 50_000_000], ids=["says no more", "takes no answer"])
async def test_p11_a_bot_that_stops_in_the_middle_of_a_trip_is_ended(cluster: Cluster, answer: int | None) -> None:
    """With the lock of those who write: for PostgreSQL it is busy, and no limit of time passes there."""
    name = await furnished(cluster)
    bot = {"application_name": "sayso"}
    stopped = await asyncpg.connect(cluster.url(name).replace("+asyncpg", ""), server_settings=bot)
    store = await open_store(cluster.url(name), exclusive=True, busy_timeout=1.0)
    texts = ["BEGIN", f"SELECT pg_advisory_xact_lock({postgres_line.LOCK}) OFFSET 1", f"SELECT repeat('x', {answer})"]
    trip = [await stopped.prepare(text) for text in texts[: 2 if answer is None else 3]]
    await stopped.execute("SELECT")
    said = b"".join(postgres_wire.run(statement.get_name(), ()) for statement in trip)
    transport = stopped._transport  # noqa: SLF001  # as the store writes to it
    transport.pause_reading()
    transport.write(said + (b"" if answer is None else b"S\0\0\0\4"))
    held = "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database WHERE locktype = 'advisory'"
    try:
        async with asyncio.timeout(60):
            while not await cluster.value(f"{held} AND granted AND datname = '{name}'"):
                await asyncio.sleep(0.05)
            written = False
            while not written:
                with suppress(Unavailable):
                    await store.write(lambda tx: samples.submit(tx, samples.request()))
                    written = True
    finally:
        stopped.terminate()
        await store.close()
        await cluster.drop(name)


async def test_p11_a_connection_whose_end_is_announced_is_not_asked(shared: SqlStore) -> None:
    """In a restart the server says to all that lie idle that it ends them; whoever asks before it does asks another."""
    farewell = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
    said = b"E" + (len(farewell) + 4).to_bytes(4) + farewell
    assert await shared.requests(Filter()) == ()
    pooled = await shared._engine.connect()  # type: ignore[attr-defined]  # noqa: SLF001  # nobody else has it
    protocol = (await pooled.get_raw_connection()).driver_connection._protocol  # noqa: SLF001  # where the wire ends
    await pooled.close()
    protocol.data_received(said)
    assert await shared.requests(Filter()) == ()


def test_every_write_that_gathers_can_be_encoded() -> None:
    """A new column of another type would go out by itself, a trip more for each transaction that writes it."""

    def all_of(say: object) -> list[Prepared]:
        found = []
        for one in vars(say).values():
            if isinstance(one, Prepared):
                found.append(one)
            elif type(one).__module__.startswith("store."):
                found += all_of(one)
        return found

    gathering = [one.sql for one in all_of(statements_for("postgresql")) if table_of(one.sql) in KEYS and many(one.sql)]
    assert len(gathering) > 10
    assert {kind for sql in gathering for kind in kinds(many(sql) or "")} <= set(postgres_wire.COLUMNS)


async def test_p11_who_is_alone_tells_nobody_and_who_is_not_tells(shared: SqlStore) -> None:
    """A word costs the server's lock on its queue and wakes whoever listens: it is sent once there is another replica.

    The other's row is there before it listens, so from its first moment on it hears of every commit.
    """
    address = shared._engine.url.set(drivername="postgresql")  # type: ignore[attr-defined]  # noqa: SLF001  # nobody else asks
    connection = await asyncpg.connect(address.render_as_string(hide_password=False))
    heard: asyncio.Queue[str] = asyncio.Queue()
    await connection.add_listener(postgres_ears.CHANNEL, lambda *said: heard.put_nowait(said[-1]))
    try:
        await shared.write(lambda tx: samples.submit(tx, samples.request()))
        await shared.write(lambda tx: tx.join("rep_other", "other", "rules", timedelta(minutes=5)))
        await shared.write(lambda tx: samples.submit(tx, samples.request()))
        async with asyncio.timeout(60):
            assert await heard.get() == postgres_ears.word(ME, set())
        # PostgreSQL hands words out in the order of commits: had the first two sent any, three would be here.
        await connection.execute("SELECT 1")
        assert heard.empty()
    finally:
        await connection.close()
