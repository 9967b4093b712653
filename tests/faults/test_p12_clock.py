"""P12: the wall clock of the running program is set, forward and back: no step is lost, none happens twice."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest

from bot.core.model import Role
from tests.fakes.libc import Machine
from tests.fakes.receiver import Receiver
from tests.faults.agreeing import Client, agree, ready
from tests.stories.program import Program


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A service that looks at no signature: a strict one refuses, by its own clock, what is dated minutes off."""
    async with Receiver() as service:
        yield service


@pytest.mark.parametrize("hours", [-24, 24, *(pytest.param(hour, marks=pytest.mark.torture) for hour in (-1, 1))])
async def test_p12_the_clock_is_set_while_it_runs(
    program: Program, receiver: Receiver, machine: Machine, hours: int
) -> None:
    """Steps begun before come due by the wall, each once, those begun after in seconds; clicks and runs go on."""
    program.rules(receiver=receiver.url, wait="2s")
    await program.start()
    async with (
        program.caller("billing") as agent,
        program.caller("other") as other,
        program.caller("ana", Role.REVIEWER) as ana,
        program.caller("root", Role.ADMIN) as admin,
    ):
        client = Client(agent)
        before = await other.submit(arguments={"order": "before", "amount": 40})
        machine.jump(hours=hours)
        began = time.monotonic()
        assert await client.submit("runs") == 201
        assert (await client.ended("runs"))["state"] == "executed"
        assert await client.submit("asked", amount=40) == 201
        assert (await ana.decide(await agent.get(client.taken["asked"]), "approve"))[0] == 200
        assert (await client.ended("asked"))["state"] == "executed"
        after = await other.submit(arguments={"order": "after", "amount": 40})
        await other.until(after["id"], lambda r: r["escalation_level"] == 1, 20)
        assert time.monotonic() - began < 20
        await ready(admin)
        # Set right again: what was due by the wall has come due.
        machine.jump(hours=max(hours, 0))
        found = await other.until(before["id"], lambda r: r["escalation_level"] == 1 or r["state"] == "expired", 20)
        await other.until(before["id"], lambda r: r["state"] != "pending" or hours < 24, 20)
        _, trail = await admin.call("GET", f"/v1/requests/{before['id']}/audit")
        kinds = [event["type"] for event in trail["events"]]
        assert len(kinds) == len(set(kinds)), kinds
        assert "request.escalated" in kinds or found["state"] == "expired"
        client.taken |= {"before": before["id"], "after": after["id"]}
    await agree(program, client, receiver)
    assert sorted(receiver.effects.values()) == [1, 1]


async def test_p12_a_clock_that_goes_to_and_fro_under_a_replay_that_waits(
    program: Program, receiver: Receiver, machine: Machine
) -> None:
    """Nobody listens at first, so the run is tried again after a pause: set an hour back and forth, it runs once."""
    await receiver.__aexit__(None, None, None)
    program.rules(receiver=receiver.url, idempotent=True)
    await program.start()
    async with program.caller("billing") as agent:
        client = Client(agent)
        assert await client.submit("waits") == 201
        await agent.until(client.taken["waits"], lambda r: r["execution"]["attempts"] >= 1)
        machine.jump(hours=-1)
        async with receiver:
            machine.jump(hours=1)
            assert (await client.ended("waits"))["state"] == "executed"
            machine.jump(hours=0)
            assert await client.submit("again") == 201
            assert (await client.ended("again"))["state"] == "executed"
    await agree(program, client, receiver)
    assert sorted(receiver.effects.values()) == [1, 1]
