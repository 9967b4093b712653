"""P8 and P3 through Slack: whatever becomes of the wire, each request has one card, and each press one decision."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.proxy import Proxy, Way
from tests.fakes.receiver import End, Receiver
from tests.fakes.slack import FakeSlack, Message, buttons, visible_text
from tests.faults.agreeing import Client, agree, ready
from tests.stories.program import Program

POST, UPDATE = b"/api/chat.postMessage", b"/api/chat.update"
WIRE: dict[str, tuple[bytes, Way, int, End]] = {
    "the answer is lost after the post": (POST, Way.BACK, 0, End.RESET),
    "half the answer": (POST, Way.BACK, 60, End.CLOSE),
    "reset before the request": (POST, Way.THERE, 0, End.RESET),
    "cut inside the request": (POST, Way.THERE, 300, End.CLOSE),
    "the update's answer is lost": (UPDATE, Way.BACK, 0, End.RESET),
    "reset before the update": (UPDATE, Way.THERE, 0, End.RESET),
}
"""What a proxy before Slack does, each once."""

REFUSED = ("ratelimited", "internal_error", "service_unavailable")


@pytest.fixture
async def wire(slack: FakeSlack) -> AsyncIterator[Proxy]:
    """A proxy before Slack; everything that Slack says of its own address says the proxy's."""
    async with Proxy(int(slack.origin.rpartition(":")[2])) as proxy:
        slack.origin = f"http://127.0.0.1:{proxy.port}"
        yield proxy


@pytest.fixture(params=["http", "socket"])
async def program(
    request: pytest.FixtureRequest, tmp_path: Path, slack: FakeSlack, wire: Proxy
) -> AsyncIterator[Program]:
    """An installation on each of Slack's two ways in."""
    assert str(wire.port) in slack.url
    program = Program(tmp_path, slack=slack, socket_mode=request.param == "socket")
    yield program
    await program.stop()


def cards(slack: FakeSlack, order: str) -> list[Message]:
    """The cards of an order that stand in the channel, replies to them left out."""
    return [m for m in slack.messages("#approvals", thread_ts="") if order in visible_text(m) and not m.thread_ts]


async def pressed(slack: FakeSlack, order: str, user: str = "U0ANA") -> None:
    """Somebody presses approve until Slack shows them no error."""
    async with asyncio.timeout(30):
        while "approve" in buttons(cards(slack, order)[0]):
            if (await slack.click(user, cards(slack, order)[0], "approve")).ok:
                return
            await asyncio.sleep(0.2)


async def finished(slack: FakeSlack, client: Client, orders: list[str]) -> None:
    """Each has one card, is approved by one press, runs, and its card says so in the end."""
    for order in orders:
        await client.caller.until(client.taken[order], lambda r: r["deliveries"][0]["state"] == "sent", 60)
        assert len(cards(slack, order)) == 1, order
    for order in orders:
        await pressed(slack, order)
    for order in orders:
        assert (await client.ended(order))["state"] == "executed"
        await slack.wait_for(lambda order=order: "Executed" in visible_text(cards(slack, order)[0]), 60)  # type: ignore[misc]
        found = await client.caller.get(client.taken[order])
        assert [decision["by"] for decision in found["decisions"]] == ["ana"]
        assert len(cards(slack, order)) == 1, order


@pytest.mark.parametrize("program", ["http", pytest.param("socket", marks=pytest.mark.torture)], indirect=True)
async def test_p08_the_wire_to_slack_breaks_in_every_way(
    program: Program, slack: FakeSlack, wire: Proxy, receiver: Receiver
) -> None:
    """Answers lost, halves, resets, 429, 5xx, `ok: false`: duplicates converge, every card is brought up to date."""
    program.rules(receiver=receiver.url)
    await program.start()
    async with program.caller("billing") as agent:
        client = Client(agent)
        faults = [wire.order(word, way=way, after=after, end=end) for word, way, after, end in WIRE.values()]
        slack.faults.rate_limited("chat.postMessage", retry_after=1, times=2)
        slack.faults.server_error("chat.postMessage", status=500)
        slack.faults.server_error("chat.update", status=503)
        for code in REFUSED:
            slack.faults.refuse("chat.postMessage", code)
        orders = [f"wire-{number}." for number in range(6)]
        for order in orders:
            assert await client.submit(order, amount=40) == 201
        await finished(slack, client, orders)
        assert [fault.hits for fault in faults] == [1] * len(faults)
        assert not slack.faults.waiting
    await agree(program, client, receiver)
    assert sorted(receiver.effects.values()) == [1] * len(orders)


@pytest.mark.parametrize("program", ["socket"], indirect=True)
async def test_p08_slack_is_gone_and_comes_back(
    program: Program, slack: FakeSlack, wire: Proxy, receiver: Receiver
) -> None:
    """Connecting is refused, and what was connected is cut: intake goes on, cards are owed, and go out once."""
    program.rules(receiver=receiver.url)
    await program.start()
    async with program.caller("billing") as agent:
        client = Client(agent)
        assert await client.submit("first.", amount=40) == 201
        await agent.until(client.taken["first."], lambda r: r["deliveries"][0]["state"] == "sent", 30)
        await wire.refuse()
        for number in range(3):
            assert await client.submit(f"gone-{number}.", amount=40) == 201
        await ready(agent)
        assert not cards(slack, "gone-")
        await wire.accept()
        await finished(slack, client, ["first.", *(f"gone-{number}." for number in range(3))])
    await agree(program, client, receiver)


@pytest.mark.parametrize("program", ["socket"], indirect=True)
async def test_p03_envelopes_that_come_twice_and_sockets_that_break(
    program: Program, slack: FakeSlack, wire: Proxy, receiver: Receiver
) -> None:
    """Each envelope delivered twice, connections refreshed, cut without a word, or cut as a press is under way."""
    program.rules(receiver=receiver.url)
    await program.start()
    async with program.caller("billing") as agent:
        client = Client(agent)
        orders = [f"socket-{number}." for number in range(4)]
        for order in orders:
            assert await client.submit(order, amount=40) == 201
        for order in orders:
            await agent.until(client.taken[order], lambda r: r["deliveries"][0]["state"] == "sent", 60)
        slack.faults.duplicate_envelopes = True
        await pressed(slack, orders[0])
        slack.faults.duplicate_envelopes = False
        await slack.socket.disconnect("refresh_requested")
        await pressed(slack, orders[1])
        await slack.socket.disconnect(abrupt=True)
        await pressed(slack, orders[2])
        # The press arrives, and its acknowledgement does not: the person presses again.
        pressing = asyncio.ensure_future(slack.click("U0ANA", cards(slack, orders[3])[0], "approve"))
        await asyncio.sleep(0)
        wire.cut()
        await pressing
        await finished(slack, client, orders)
    await agree(program, client, receiver)
    assert sorted(receiver.effects.values()) == [1] * len(orders)


@pytest.mark.torture
@pytest.mark.parametrize("program", ["http"], indirect=True)
async def test_p08_slack_hangs_for_half_a_minute(
    program: Program, slack: FakeSlack, wire: Proxy, receiver: Receiver
) -> None:
    """Every call hangs, held open by the wire; the cards go out once afterwards, and intake never waited."""
    program.rules(receiver=receiver.url)
    await program.start()
    async with program.caller("billing") as agent:
        client = Client(agent)
        wire.stalled = True
        for number in range(3):
            assert await client.submit(f"hang-{number}.", amount=40) == 201
        await asyncio.sleep(32)
        wire.stalled = False
        wire.cut()
        await finished(slack, client, [f"hang-{number}." for number in range(3)])
    await agree(program, client, receiver)
