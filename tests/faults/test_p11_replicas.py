"""P11 and P3: two replicas on one PostgreSQL; one is stopped past its lease, killed, cut off; only one ever sends."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.core.model import Role
from bot.desk.replicas import LEASE
from tests.fakes.proxy import Proxy
from tests.fakes.receiver import Call, Receiver, answering, message
from tests.faults.agreeing import Client, agree, ready
from tests.postgres import Cluster
from tests.stories.program import SECRET, Caller, Program

_TAKEN_OVER = LEASE.total_seconds() + 20
_STORM = 25


@pytest.fixture
async def pair(tmp_path: Path, cluster: Cluster) -> AsyncIterator[tuple[Program, Program, Proxy]]:
    """Two installations on one database; the first reaches it through a proxy."""
    name = await cluster.make()
    async with Proxy(cluster.port) as proxy:
        programs = []
        for folder, port in (("one", proxy.port), ("two", cluster.port)):
            (tmp_path / folder).mkdir()
            program = Program(tmp_path / folder)
            program.environment["SAYSO_DATABASE_URL"] = cluster.url(name, port)
            programs.append(program)
        one, two = programs
        yield one, two, proxy
        for program in programs:
            program.send(signal.SIGCONT)
            await program.stop()


async def both(pair: tuple[Program, Program, Proxy], receiver: Receiver, *, idempotent: bool = False) -> None:
    """Start both."""
    for program in pair[:2]:
        program.rules(receiver=receiver.url, idempotent=idempotent)
        await program.start()


async def callers(stack: AsyncExitStack, one: Program, two: Program, name: str, role: Role) -> tuple[Caller, Caller]:
    """Somebody who calls either replica with one key."""
    first = await stack.enter_async_context(one.caller(name, role))
    return first, first.at(two)


def late(_: Call) -> Iterable[bytes | float]:
    """An answer that takes a moment."""
    return (1.0, message(b'{"ok": true}'))


@pytest.mark.parametrize(
    ("how", "idempotent"),
    [
        ("stopped", False),
        pytest.param("killed", True, marks=pytest.mark.torture),
        pytest.param("stopped", True, marks=pytest.mark.torture),
        pytest.param("killed", False, marks=pytest.mark.torture),
        pytest.param("cut off", False, marks=pytest.mark.torture),
        pytest.param("cut off", True, marks=pytest.mark.torture),
    ],
)
async def test_p11_a_replica_that_is_gone_past_its_lease(
    pair: tuple[Program, Program, Proxy],
    how: str,
    idempotent: bool,  # noqa: FBT001  # a table
) -> None:
    """With runs under way: the other takes them over, `unknown` or under the same key; come back, it sends nothing."""
    one, two, proxy = pair
    async with Receiver(late, secret=SECRET) as receiver, AsyncExitStack() as stack:
        await both(pair, receiver, idempotent=idempotent)
        here, there = await callers(stack, one, two, "billing", Role.AGENT)
        client = Client(here)
        assert {await client.submit(f"under way {number}") for number in range(6)} == {201}
        async with asyncio.timeout(20):
            await receiver.called(6)
        if how == "stopped":
            one.send(signal.SIGSTOP)
        elif how == "killed":
            await one.kill()
        else:
            await proxy.refuse()
        client.caller = there
        # Stopped inside a write it holds the lock: 503 from the other, until PostgreSQL ends that after five seconds.
        async with asyncio.timeout(20):
            while (status := await client.submit("by the other")) == 503:
                await asyncio.sleep(0.2)
        assert status == 201
        assert (await client.ended("by the other"))["state"] == "executed"
        runs = [await client.ended(f"under way {number}", round(_TAKEN_OVER)) for number in range(6)]
        assert {run["state"] for run in runs} <= {"executed", "executed" if idempotent else "unknown"}, runs
        calls = len(receiver.calls)
        one.send(signal.SIGCONT)
        await proxy.accept() if how == "cut off" else None
        if how == "killed":
            await one.start()
        client.caller = here
        await ready(here, 40)
        assert await client.submit("once more") == 201
        assert (await client.ended("once more"))["state"] == "executed"
        assert len(receiver.calls) == calls + 1
        await one.stop()
        await agree(two, client, receiver, idempotent=idempotent)
        assert set(receiver.effects.values()) == {1}


async def test_p03_a_storm_of_decisions_on_both(pair: tuple[Program, Program, Proxy], receiver: Receiver) -> None:
    """Two people decide on twenty-five requests at once, each on another replica: one decision each, the loser told."""
    one, two, _ = pair
    async with AsyncExitStack() as stack:
        await both(pair, receiver)
        agent, _ = await callers(stack, one, two, "billing", Role.AGENT)
        ana, _ = await callers(stack, one, two, "ana", Role.REVIEWER)
        _, ben = await callers(stack, one, two, "ben", Role.REVIEWER)
        client = Client(agent)
        for number in range(_STORM):
            assert await client.submit(str(number), amount=40) == 201
        requests = [await agent.get(request_id) for request_id in client.taken.values()]
        both_ways = ((ana, "approve"), (ben, "reject"))
        presses = (who.decide(request, what, comment="no") for request in requests for who, what in both_ways)
        votes: list[tuple[int, Any]] = await asyncio.gather(*presses)
        assert sorted(status for status, _ in votes) == [200] * _STORM + [409] * _STORM
        for request in requests:
            found = await agent.until(request["id"], lambda r: r["state"] in ("approved", "rejected"))
            assert len(found["decisions"]) == 1
            if found["state"] == "approved":
                assert (await client.ended(found["arguments"]["order"]))["state"] == "executed"
        approved = len(receiver.effects)
        await one.stop()
        await agree(two, client, receiver)
        assert len(receiver.effects) == approved
        assert set(receiver.effects.values()) <= {1}


@pytest.mark.torture
@pytest.mark.parametrize("seed", range(6))
async def test_p11_stopped_at_random_moments(pair: tuple[Program, Program, Proxy], seed: int) -> None:
    """Under load on both, one is stopped anywhere, past its lease, and goes on: an execution is sent by one of them."""
    chance = random.Random(seed)  # noqa: S311  # moments, not secrets
    one, two, _ = pair
    async with Receiver(answering({"ok": True}), secret=None) as receiver, AsyncExitStack() as stack:
        await both(pair, receiver)
        here, there = await callers(stack, one, two, "billing", Role.AGENT)
        clients = [Client(who) for who in (here, there)]
        floods = [asyncio.ensure_future(_flood(client, f"{seed}-{n}")) for n, client in enumerate(clients)]
        await asyncio.sleep(chance.uniform(0.2, 1.2))
        one.send(signal.SIGSTOP)
        await asyncio.sleep(LEASE.total_seconds() + chance.uniform(2, 6))
        one.send(signal.SIGCONT)
        await asyncio.gather(*floods)
        merged = Client(there, taken=clients[0].taken | clients[1].taken)
        for order in merged.taken:
            assert (await merged.ended(order, 40))["state"] in ("executed", "unknown")
        await one.stop()
        await agree(two, merged, receiver)
    assert set(receiver.effects.values()) == {1}


async def _flood(client: Client, name: str) -> None:
    """Submit for some seconds of the process's own time; what is refused for now is sent again under its key."""
    for number in range(60):
        while await client.submit(f"{name}-{number}") not in (200, 201):
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.02)
