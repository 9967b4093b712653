"""P1 and P5 where the server is lost for good and its standby takes over: nothing that was answered is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from bot.core.errors import Unheard
from store import SqlStore, open_store
from tests.fakes.proxy import Proxy, Way
from tests.fakes.receiver import End, Receiver
from tests.faults.agreeing import Client, agree, ready
from tests.faults.test_p01_postgres import flood
from tests.postgres import Cluster
from tests.store import samples
from tests.stories.program import Program

_EACH = 4


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server that may be lost. It is killed, not its machine, so what it wrote is there without a sync."""
    made = Cluster()
    yield made
    made.close()


@pytest.fixture
async def behind(server: Cluster) -> AsyncIterator[tuple[SqlStore, Proxy, str]]:
    """A store behind a proxy, and the name of its database."""
    name = await server.make()
    async with Proxy(server.port) as proxy:
        store = await open_store(server.url(name, proxy.port), exclusive=True)
        yield store, proxy, name
        await store.close()


async def test_p01_a_number_that_is_given_out_again_proves_nothing(
    server: Cluster, behind: tuple[SqlStore, Proxy, str]
) -> None:
    """COMMIT never arrives, the server crashes and has forgotten the number: another's commit is not taken for ours."""
    store, proxy, name = behind
    await server.run("CREATE TABLE other (n int)", name)
    await store.write(lambda tx: samples.submit(tx, samples.request()))
    fault = proxy.order(b"COMMIT\0", way=Way.THERE, after=0, end=End.STALL)
    lost = samples.request()
    writing = asyncio.ensure_future(store.write(lambda tx: samples.submit(tx, lost)))
    async with asyncio.timeout(60):
        while not fault.hits:
            await asyncio.sleep(0.01)
    # The bot comes back to ask, and hears nothing before the number is somebody else's.
    proxy.stalled = True
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    for _ in range(5):
        await server.run("INSERT INTO other VALUES (1)", name)
    proxy.behave()
    with pytest.raises(Unheard):
        await writing
    assert await store.request(lost.id) is None


@pytest.fixture
def standby(server: Cluster) -> Iterator[Cluster]:
    """It follows `server`."""
    made = Cluster(follows=server)
    yield made
    made.close()


async def test_p01_p05_a_standby_takes_over(
    program: Program, receiver: Receiver, server: Cluster, standby: Cluster
) -> None:
    """Killed in a flood, for good: the bot finds the promoted standby by itself, each key is one request, run once."""
    name = await server.make()
    await server.run("ALTER SYSTEM SET synchronous_standby_names = '*'")
    await server.run("SELECT pg_reload_conf()")
    hosts = "&".join(f"host=127.0.0.1:{one.port}" for one in (standby, server))
    program.environment["SAYSO_DATABASE_URL"] = f"postgresql+asyncpg://sayso@/{name}?{hosts}"
    program.rules(receiver=receiver.url)
    await program.start()
    async with program.caller("billing") as agent:
        client = Client(agent)
        await ready(agent, 60)
        floods = [asyncio.ensure_future(flood(client, f"flood-{number}", _EACH)) for number in range(6)]
        await _until_taken(client, 3)
        await asyncio.to_thread(server.kill)
        assert (await agent.call("GET", "/healthz"))[0] == 200
        await standby.run("SELECT pg_promote()")
        await asyncio.gather(*floods)
        runs = [await client.ended(order, 60) for order in client.taken]
        await ready(agent, 60)
    await agree(program, client, receiver)
    assert [run["state"] for run in runs] == ["executed"] * 6 * _EACH
    assert set(receiver.effects.values()) == {1}


async def _until_taken(client: Client, many: int) -> None:
    async with asyncio.timeout(60):
        while len(client.taken) < many:
            await asyncio.sleep(0.02)
