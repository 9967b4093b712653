"""P5 and P6: whatever the other end does, a run has one truthful outcome and one effect at most, in flat memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable

import pytest

from tests.fakes.proxy import Proxy, Way
from tests.fakes.receiver import Call, End, Receiver, message
from tests.faults.agreeing import Client, agree
from tests.faults.measuring import Memory
from tests.replay.faults import ANSWERS
from tests.stories.program import Program

MOST_MORE = 48
"""MiB that the process may have at its most over what it had before: 40 answers side by side, 1 MiB read of each."""

ENDS: dict[str, tuple[Way, int, End, str, int]] = {
    "reset before the body": (Way.THERE, 0, End.RESET, "unknown", 0),
    "closed before the body": (Way.THERE, 0, End.CLOSE, "unknown", 0),
    "reset inside the body": (Way.THERE, 20, End.RESET, "unknown", 0),
    "stalled inside the body": (Way.THERE, 20, End.STALL, "unknown", 0),
    "reset before the answer": (Way.BACK, 0, End.RESET, "unknown", 1),
    "closed before the answer": (Way.BACK, 0, End.CLOSE, "unknown", 1),
    "stalled before the answer": (Way.BACK, 0, End.STALL, "unknown", 1),
    "reset inside the headers": (Way.BACK, 12, End.RESET, "unknown", 1),
    "closed inside the headers": (Way.BACK, 12, End.CLOSE, "unknown", 1),
    "reset inside the answer": (Way.BACK, 45, End.RESET, "unknown", 1),
    "stalled inside the answer": (Way.BACK, 45, End.STALL, "unknown", 1),
}
"""Name: which way, after how many bytes and how the connection ends; what is told, how often it was done."""


def scripted(call: Call) -> Iterable[bytes | float | End]:
    """Answer as the order's number among `ANSWERS` says."""
    number = int(call.json["data"]["arguments"]["order"])
    return list(ANSWERS.values())[number][0](call)


async def test_p06_every_answer_under_the_whole_program(program: Program) -> None:
    """Garbage, endless headers, 2 GB, bombs, trickles, resets, redirects: all side by side, each told truly."""
    async with Receiver(scripted) as receiver:
        program.rules(receiver=receiver.url)
        await program.start()
        memory = Memory.of(program)
        async with program.caller("billing") as agent:
            client = Client(agent)
            names = list(ANSWERS)
            memory.begin()
            assert {await client.submit(str(number)) for number in range(len(names))} == {201}
            runs = await asyncio.gather(*(client.ended(str(number)) for number in range(len(names))))
            assert memory.most_more() < MOST_MORE
            for name, run in zip(names, runs, strict=True):
                _, kind, said = ANSWERS[name]
                assert run["state"] == kind.value, (name, run)
                assert said in (run["error"] or ""), (name, run)
            assert (await agent.call("GET", "/readyz"))[0] == 200
        await agree(program, client, receiver)
        assert set(receiver.effects.values()) == {1}


@pytest.mark.parametrize("idempotent", [False, True], ids=["once", "idempotent"])
async def test_p05_cut_anywhere_on_the_way(program: Program, receiver: Receiver, idempotent: bool) -> None:  # noqa: FBT001  # a table
    """A proxy ends the connection at each stage: unknown and never again, or where declared safe, again by one key."""
    async with Proxy(receiver.port) as proxy:
        program.rules(receiver=f"http://127.0.0.1:{proxy.port}/hook", idempotent=idempotent)
        await program.start()
        async with program.caller("billing") as agent:
            client = Client(agent)
            orders = {
                name: proxy.order(name.encode(), way=way, after=after, end=end)
                for name, (way, after, end, *_) in ENDS.items()
            }
            assert {await client.submit(name) for name in ENDS} == {201}
            runs = dict(zip(ENDS, await asyncio.gather(*map(client.ended, ENDS)), strict=True))
            assert all(fault.hits == 1 for fault in orders.values())
        await agree(program, client, receiver)
    for name, (*_, state, effects) in ENDS.items():
        run = runs[name]
        assert run["state"] == ("executed" if idempotent else state), (name, run)
        assert run["attempts"] == (2 if idempotent else 1), (name, run)
        assert receiver.effects[run["id"]] == (1 if idempotent else effects), (name, run)


async def test_p05_refused_connections_are_tried_again(program: Program, receiver: Receiver) -> None:
    """Nothing was sent, so nothing is unknown: once somebody listens it runs, once; the house never stopped."""
    async with Proxy(receiver.port) as proxy:
        program.rules(receiver=f"http://127.0.0.1:{proxy.port}/hook")
        await proxy.refuse()
        await program.start()
        async with program.caller("billing") as agent:
            client = Client(agent)
            assert {await client.submit(str(number)) for number in range(5)} == {201}
            for number in range(5):
                await agent.until(client.taken[str(number)], lambda r: r["execution"]["attempts"] >= 1)
            assert not receiver.effects
            await proxy.accept()
            runs = [await client.ended(str(number)) for number in range(5)]
        await agree(program, client, receiver)
    assert [run["state"] for run in runs] == ["executed"] * 5
    assert sorted(receiver.effects.values()) == [1] * 5


@pytest.mark.torture
async def test_p06_two_gigabytes_really_sent(program: Program) -> None:
    """Fifty answers of 2 GB, each written for as long as anybody reads: told as executed, in flat memory."""
    piece = b"7" * 65536

    def much(_: Call) -> Iterable[bytes]:
        yield message(b"", length=2 << 30)
        for _piece in range((2 << 30) // len(piece)):
            yield piece

    async with Receiver(much) as receiver:
        program.rules(receiver=receiver.url)
        await program.start()
        memory = Memory.of(program)
        async with program.caller("billing") as agent:
            client = Client(agent)
            memory.begin()
            for number in range(50):
                assert await client.submit(str(number)) == 201
            for number in range(50):
                run = await client.ended(str(number))
                assert run["state"] == "executed"
                assert "result_not_kept" in json.dumps(run)
            assert memory.most_more() < MOST_MORE
        await agree(program, client, receiver)
