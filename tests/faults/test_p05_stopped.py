"""P5, P9 and P14: the process is stopped between any two instructions and goes on later (SIGSTOP, SIGCONT)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable

from bot.core.model import Role
from tests.fakes.receiver import Call, Receiver, message
from tests.faults.agreeing import Client, agree, ready
from tests.stories.program import Program

_STOPPED = 4.5
"""Seconds: longer than a target is given (3 s), so every alarm of the process is overdue when it goes on."""


async def test_p05_stopped_past_every_timeout(program: Program) -> None:
    """Runs under way end as executed or unknown, none is sent again; steps come due once; then all goes on."""

    def late(_: Call) -> Iterable[bytes | float]:
        return (0.5, message(b'{"ok": true}'))

    async with Receiver(late) as receiver:
        program.rules(receiver=receiver.url, wait="2s")
        await program.start()
        async with (
            program.caller("billing") as agent,
            program.caller("other") as other,
            program.caller("root", Role.ADMIN) as admin,
        ):
            client = Client(agent)
            waits = await other.submit(arguments={"order": "waits", "amount": 40})
            client.taken["waits"] = waits["id"]
            assert {await client.submit(f"under way {number}") for number in range(8)} == {201}
            async with asyncio.timeout(20):
                await receiver.called(8)
            program.send(signal.SIGSTOP)
            await asyncio.sleep(_STOPPED)
            program.send(signal.SIGCONT)
            runs = [await client.ended(f"under way {number}") for number in range(8)]
            assert {run["state"] for run in runs} <= {"executed", "unknown"}, runs
            await other.until(waits["id"], lambda r: r["escalation_level"] == 1)
            _, trail = await admin.call("GET", f"/v1/requests/{waits['id']}/audit")
            assert [event["type"] for event in trail["events"]].count("request.escalated") == 1
            assert await client.submit("afterwards") == 201
            assert (await client.ended("afterwards"))["state"] == "executed"
            await ready(agent)
        await agree(program, client, receiver)
        assert set(receiver.effects.values()) == {1}
