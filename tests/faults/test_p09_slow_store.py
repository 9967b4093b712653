"""P9: a click is committed, then acknowledged within 3 s; else the person sees an error, and then what came of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.libc import Machine
from tests.fakes.proxy import Proxy, Way
from tests.fakes.receiver import Receiver
from tests.fakes.slack import FakeSlack, Message, buttons, visible_text
from tests.faults.agreeing import Client, agree
from tests.stories.program import Program

ACKNOWLEDGED = 3.0
"""Seconds. Slack shows an error for what is not acknowledged by then (shared facts of Slack)."""


@pytest.fixture
async def program(tmp_path: Path, slack: FakeSlack) -> AsyncIterator[Program]:
    """An installation that Slack reaches by HTTP."""
    program = Program(tmp_path, slack=slack)
    yield program
    await program.stop()


async def card_of(slack: FakeSlack, order: str) -> Message:
    """The card of an order, once it stands there with its buttons."""
    return await slack.wait_for_message("#approvals", lambda m: order in visible_text(m) and bool(buttons(m)), 20)


async def settled(slack: FakeSlack, order: str, how: str = "Executed") -> None:
    """The card says how it ended."""
    await slack.wait_for_message("#approvals", lambda m: order in visible_text(m) and how in visible_text(m), 40)


@pytest.mark.parametrize("sync", [pytest.param(0.8, marks=pytest.mark.torture), 2.9, 4.0])
async def test_p09_a_slow_disk(
    program: Program, slack: FakeSlack, receiver: Receiver, machine: Machine, sync: float
) -> None:
    """Each sync takes so long: no click is acknowledged before its commit, none is lost, and none is silent."""
    program.rules(receiver=receiver.url)
    await program.start()
    async with program.caller("billing") as agent:
        client = Client(agent)
        assert await client.submit("slow-1", amount=40) == 201
        card = await card_of(slack, "slow-1")
        await client.caller.until(client.taken["slow-1"], lambda r: r["deliveries"][0]["state"] == "sent")
        machine.set("sync_ms", round(sync * 1000))
        press = await slack.click("U0ANA", card, "approve")
        state = (await agent.get(client.taken["slow-1"]))["state"]
        assert press.ok == (press.delay < ACKNOWLEDGED and press.status == 200)
        if press.ok:
            assert (state, press.delay > sync) == ("approved", True)
        else:
            assert sync > 1
        machine.behave()
        await settled(slack, "slow-1")
        again = await slack.click("U0BEN", card, "approve") if "approve" in buttons(card) else None
        assert again is None or again.ok
        assert (await client.ended("slow-1"))["state"] == "executed"
    assert machine.get("syncs")
    await agree(program, client, receiver)
    assert max(receiver.effects.values()) == 1


async def test_p09_killed_between_the_commit_and_the_acknowledgement(
    program: Program, slack: FakeSlack, receiver: Receiver, machine: Machine
) -> None:
    """Killed while the commit is synced: the person sees an error, and what was written holds after the start.

    It began in that commit, so nobody can know that nothing was sent: a person settles it.
    """
    program.rules(receiver=receiver.url)
    await program.start()
    async with program.caller("billing") as agent:
        client = Client(agent)
        assert await client.submit("killed-1", amount=40) == 201
        card = await card_of(slack, "killed-1")
        await client.caller.until(client.taken["killed-1"], lambda r: r["deliveries"][0]["state"] == "sent")
        # What hears Slack is loaded with its first word.
        assert (await slack.click("U0ANA", card, "open")).ok
        machine.set("sync_ms", 1500)
        pressing = asyncio.ensure_future(slack.click("U0ANA", card, "approve"))
        # Written, and so in the sync of its commit: another commit's sync may come before it.
        log = program.folder / "sayso.db-wal"
        await slack.wait_for(lambda: b"execution.started" in log.read_bytes(), 10)
        await program.kill()
        assert not (await pressing).ok
        machine.behave()
        await program.start()
        # The pages that were written and not synced are there after a kill, which takes no power: it holds.
        assert (await client.ended("killed-1"))["state"] == "unknown"
        await settled(slack, "killed-1", "unknown")
        found = await agent.get(client.taken["killed-1"])
        assert [decision["by"] for decision in found["decisions"]] == ["ana"]
    await agree(program, client, receiver)
    assert not receiver.effects


async def test_p09_the_acknowledgement_is_lost(program: Program, slack: FakeSlack, receiver: Receiver) -> None:
    """The decision stands, the person sees an error; whoever presses again is told who decided."""
    program.rules(receiver=receiver.url)
    async with Proxy(program.port) as proxy:
        slack.request_url = f"http://127.0.0.1:{proxy.port}/slack/events"
        await program.start()
        async with program.caller("billing") as agent:
            client = Client(agent)
            assert await client.submit("lost-1", amount=40) == 201
            card = await card_of(slack, "lost-1")
            seen = card.as_dict()
            lost = proxy.order(b"POST /slack/events", way=Way.BACK)
            assert not (await slack.click("U0ANA", card, "approve")).ok
            assert lost.hits == 1
            assert (await client.ended("lost-1"))["state"] == "executed"
            assert (await slack.click("U0BEN", card, "approve", as_seen=seen)).ok
            await slack.wait_for(
                lambda: any("already approved by" in visible_text(m) for m in slack.ephemerals("U0BEN")), 10
            )
            found = await agent.get(client.taken["lost-1"])
            assert [(d["by"], d["decision"]) for d in found["decisions"]] == [("ana", "approve")]
    await agree(program, client, receiver)
