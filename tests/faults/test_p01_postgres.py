"""P1, P5, P10 on PostgreSQL: the server restarts, dies, is cut off; nothing is lost, and nothing runs twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import pytest
from msgspec import Struct

from tests.fakes.proxy import Proxy, Way
from tests.fakes.receiver import End, Receiver
from tests.faults.agreeing import Client, agree, ready
from tests.operations.test_metrics import scraped
from tests.postgres import Cluster
from tests.stories.program import Program

COMMITS: dict[str, tuple[Way, int, End]] = {
    "before COMMIT": (Way.THERE, 0, End.RESET),
    "inside COMMIT": (Way.THERE, 3, End.CLOSE),
    "before its answer": (Way.BACK, 0, End.RESET),
    "inside its answer": (Way.BACK, 4, End.CLOSE),
}
"""Where the connection that writes is cut."""
EACH = 8


class Site(Struct):
    """A server of this module's own, its database for one test, and the proxy before it."""

    server: Cluster
    proxy: Proxy


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """A server that may be killed; it syncs, so that what it answered is there afterwards."""
    made = Cluster(durable=True)
    yield made
    made.close()


@pytest.fixture
async def site(server: Cluster, program: Program) -> AsyncIterator[Site]:
    """A database of its own behind a proxy, and the installation on it."""
    name = await server.make()
    async with Proxy(server.port) as proxy:
        program.environment["SAYSO_DATABASE_URL"] = server.url(name, proxy.port)
        yield Site(server, proxy)


async def flood(client: Client, name: str, number: int) -> None:
    """Submit under one key after the other, each until it is taken, as a careful client does."""
    for each in range(number):
        async with asyncio.timeout(90):
            while await client.submit(f"{name}-{each}") not in (200, 201):
                await asyncio.sleep(0.1)


async def weathered(program: Program, receiver: Receiver, site: Site, weather: list[str]) -> None:
    """Six agents submit while the server fares as told; everything that was taken is kept, proven and done once."""
    program.rules(receiver=receiver.url)
    await program.start()
    async with program.caller("billing") as agent:
        client = Client(agent)
        await ready(agent)
        floods = [asyncio.ensure_future(flood(client, f"flood-{number}", EACH)) for number in range(6)]
        for one in weather:
            await asyncio.sleep(0.3)
            await blow(site, one)
        await asyncio.gather(*floods)
        runs = await asyncio.gather(*(client.ended(order, 60) for order in client.taken))
        await ready(agent)
    await agree(program, client, receiver)
    assert len(runs) == 6 * EACH
    assert {run["state"] for run in runs} == {"executed"}
    assert set(receiver.effects.values()) == {1}


async def blow(site: Site, weather: str) -> None:
    """One fault, begun and ended."""
    if weather in ("restarted", "killed"):
        await asyncio.to_thread(site.server.stop if weather == "restarted" else site.server.kill)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(site.server.start)
    elif weather == "unreachable":
        await site.proxy.refuse()
        await asyncio.sleep(1.5)
        await site.proxy.accept()
    elif weather == "cut":
        site.proxy.cut()
    else:
        way, after, end = COMMITS[weather]
        fault = site.proxy.order(b"COMMIT\0", way=way, after=after, end=end)
        with suppress(TimeoutError):
            async with asyncio.timeout(10):
                while not fault.hits:
                    await asyncio.sleep(0.01)
        assert fault.hits


@pytest.mark.parametrize(
    "weather",
    [
        pytest.param(["restarted", "killed"], id="server"),
        pytest.param(["unreachable", "cut"], id="network", marks=pytest.mark.torture),
        pytest.param(list(COMMITS), id="commits"),
    ],
)
async def test_p01_p05_under_load(program: Program, receiver: Receiver, site: Site, weather: list[str]) -> None:
    """Restarted, killed; unreachable, cut; cut at each side of a COMMIT: each key is one request, run once."""
    await weathered(program, receiver, site, weather)


async def test_p10_away_for_seconds(program: Program, receiver: Receiver, site: Site) -> None:
    """503 while it is away, nothing starts, and with the server back it goes on by itself."""
    program.rules(receiver=receiver.url)
    await program.start()
    async with program.caller("billing") as agent:
        client = Client(agent)
        assert await client.submit("before") == 201
        assert (await client.ended("before"))["state"] == "executed"
        await site.proxy.refuse()
        assert await client.submit("away") == 503
        assert (await agent.call("GET", "/readyz"))[0] == 503
        assert (await agent.call("GET", "/healthz"))[0] == 200
        assert (await scraped(program))["sayso_store_writable"] == 0
        assert len(receiver.calls) == 1
        await site.proxy.accept()
        await ready(agent, 30)
        assert await client.submit("away") == 201
        assert (await client.ended("away"))["state"] == "executed"
    await agree(program, client, receiver)


@pytest.mark.torture
async def test_p14_a_server_that_falls_silent_keeps_nobody_who_asks_or_ends(
    program: Program, receiver: Receiver, site: Site
) -> None:
    """Cut off without a word: /readyz says so in 3 s, and SIGTERM with questions under way ends it all the same."""
    program.rules(receiver=receiver.url)
    await program.start()
    async with program.caller("billing") as agent:
        await ready(agent)
        site.proxy.stalled = True
        async with asyncio.timeout(60):
            status = 200
            while status == 200:
                began = time.monotonic()
                status, _ = await agent.call("GET", "/readyz")
                assert time.monotonic() - began < 5
        asking = [asyncio.ensure_future(agent.call("GET", "/readyz")) for _ in range(3)]
        await asyncio.sleep(0.3)
        began = time.monotonic()
        assert await program.stop() == 0
        assert time.monotonic() - began < 25
        assert {status for status, _ in await asyncio.gather(*asking)} == {503}
    ending = program.said().partition("told to stop")[2]
    assert "the store does not answer" in ending
    assert "Traceback" not in ending
