"""What a PostgreSQL must let a bot do, and what is said where it does not: roles, schemas, locks, certificates."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta

import asyncpg
import pytest

from bot.core.errors import Unavailable
from store import SqlStore, open_store
from store.postgres_door import Door
from store.postgres_line import LOCK
from tests.fakes.email.certificate import new_certificate
from tests.postgres import Cluster
from tests.store import samples
from tests.store.conftest import furnished


def at(cluster: Cluster, database: str, role: str) -> str:
    """The address of a database for a role."""
    return cluster.url(database).replace("sayso@", f"{role}@")


async def works(store: SqlStore) -> None:
    """It takes a request and gives it back."""
    try:
        kept = await store.write(lambda tx: samples.submit(tx, samples.request()))
        assert await store.request(kept.id) == kept
    finally:
        await store.close()


async def test_a_role_that_owns_nothing_works_with_rights_to_rows(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """One role makes the tables, another writes rows; with rights to read alone it is told so, as of any outage."""
    await cluster.run("CREATE ROLE clerk LOGIN")
    name = await furnished(cluster)
    with pytest.raises(Unavailable, match="permission denied for table alembic_version"):
        await open_store(at(cluster, name, "clerk"), exclusive=True)
    await cluster.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO clerk", name)
    with pytest.raises(Unavailable):
        await works(await open_store(at(cluster, name, "clerk"), exclusive=True))
    assert "permission denied for table" in caplog.text
    await cluster.run("GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk", name)
    await works(await open_store(at(cluster, name, "clerk"), exclusive=True))
    await cluster.drop(name)


async def test_a_schema_of_its_own_by_the_search_path(cluster: Cluster) -> None:
    """Where the role's path leads elsewhere, everything is made and found there, and nothing in ``public``."""
    name = await cluster.make()
    await cluster.run("CREATE ROLE tenant LOGIN")
    await cluster.run("CREATE SCHEMA house AUTHORIZATION tenant", name)
    await cluster.run(f'ALTER ROLE tenant IN DATABASE "{name}" SET search_path = house')
    await works(await open_store(at(cluster, name, "tenant"), exclusive=True))
    schemas = "SELECT string_agg(DISTINCT schemaname, ' ') FROM pg_tables WHERE tablename IN ('requests', 'events')"
    assert await cluster.value(schemas, name) == "house"
    await cluster.drop(name)


async def test_who_holds_the_lock_is_named(cluster: Cluster, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever may connect can hold up every write: it is refused in time, and the log says who; then it goes on.

    One that locks a table keeps what a bot is for from being written, whatever else can be: it is not writable.
    """
    name = await furnished(cluster)
    store = await open_store(cluster.url(name), exclusive=True, busy_timeout=0.2)
    other = await asyncpg.connect(host="127.0.0.1", port=cluster.port, user="sayso", database=name)
    await other.execute(f"SET application_name = 'report'; SELECT pg_advisory_lock({LOCK})")
    with caplog.at_level(logging.WARNING), pytest.raises(Unavailable):
        await store.write(lambda tx: samples.submit(tx, samples.request()))
    pid = await other.fetchval("SELECT pg_backend_pid()")
    assert f"held by process {pid} (report, from 127.0.0.1)" in caplog.text
    await other.execute(f"SELECT pg_advisory_unlock({LOCK}); BEGIN; LOCK TABLE requests IN SHARE MODE")
    with pytest.raises(Unavailable):
        await store.write(lambda tx: samples.submit(tx, samples.request()))
    assert f"requests by process {pid} (report, from 127.0.0.1)" in caplog.text
    await store.write(lambda tx: tx.join("rep_beside", "beside", "r", timedelta(seconds=1)))
    assert not await store.writable()
    await other.close()
    await works(store)
    await cluster.drop(name)


async def test_what_was_closed_while_it_lay_idle_costs_no_change(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """A server or pooler ends sessions, in a restart or where they are idle: the first write after it is kept."""
    name = await furnished(cluster)
    store = await open_store(cluster.url(name), exclusive=True)
    await store.write(lambda tx: samples.submit(tx, samples.request()))
    ended = f"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608  # ours
    assert await cluster.value(ended)
    await works(store)
    assert "cannot be written" not in caplog.text
    await cluster.drop(name)


@pytest.fixture
async def sealed(cluster: Cluster) -> AsyncIterator[int]:
    """A port at which the server is reached by TLS alone, with a certificate for ``localhost``."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while data := await reader.read(65536):
                writer.write(data)
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readexactly(8) == b"\0\0\0\x08\x04\xd2\x16\x2f", "SSLRequest"
        writer.write(b"S")
        with suppress(OSError):
            await writer.start_tls(new_certificate().served())
            answers, onward = await asyncio.open_connection("127.0.0.1", cluster.port)
            await asyncio.gather(pass_on(reader, onward), pass_on(answers, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def test_the_way_to_the_server_is_proved_or_refused_by_name(
    cluster: Cluster, sealed: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """``ssl=verify-full`` takes the authority's certificate for that name; what is wrong otherwise is said."""
    name = await furnished(cluster)
    url = f"{cluster.url(name, sealed)}?ssl=verify-full".replace("127.0.0.1", "localhost")
    monkeypatch.setenv("PGSSLROOTCERT", str(new_certificate().certificate))
    await works(await open_store(url, exclusive=True))
    assert "is not proved" not in caplog.text
    with pytest.raises(Unavailable, match="its certificate is not proved: IP address mismatch"):
        await open_store(url.replace("localhost", "127.0.0.1"), exclusive=True)
    monkeypatch.setenv("PGSSLROOTCERT", str(new_certificate.__wrapped__().certificate))
    with pytest.raises(Unavailable, match=r"its certificate is not proved: self-signed certificate \(PGSSLROOTCERT"):
        await open_store(url, exclusive=True)
    monkeypatch.setenv("PGSSLROOTCERT", "/nowhere/root.crt")
    with pytest.raises(Unavailable, match=r"a file that PGSSLROOTCERT, .* names is not there"):
        await open_store(url, exclusive=True)
    await cluster.drop(name)


async def test_a_server_that_says_nothing_does_not_stand_before_the_next(cluster: Cluster) -> None:
    """Of two servers the first takes connections and is silent, as one whose machine hangs: asked once, not again."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)  # noqa: FBT003  # as the socket has it
        ports = [silent.getsockname()[1], cluster.port]
        door = Door({"lock_timeout": "7s"})
        for _ in range(2):
            opened = await door.open(host=["127.0.0.1"] * 2, port=ports, user="sayso", database="postgres")
            assert await opened.fetchval("SHOW lock_timeout") == "7s"
            await opened.close()
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):
            silent.accept()
