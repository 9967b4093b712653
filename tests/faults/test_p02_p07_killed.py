"""P2 and P7 through kills: one key stays one request, and hours that the process was away are made up for once."""

from __future__ import annotations

import asyncio

import aiohttp

from bot.core.model import Role
from tests.fakes.libc import Machine
from tests.fakes.receiver import Receiver
from tests.faults.agreeing import Client, agree
from tests.stories.program import REFUND, Program

_POSTS = 100
_BODY = {**REFUND, "arguments": {"order": "one", "amount": 3}, "confidence": 0.9}


async def _post(program: Program, http: aiohttp.ClientSession) -> tuple[int, str] | None:
    """One post under the key that all of them have; None where the process was gone."""
    try:
        async with http.post(f"{program.base}/v1/requests", json=_BODY, headers={"Idempotency-Key": "one"}) as answer:
            told = await answer.json()
            return answer.status, str(told["id"])
    except (aiohttp.ClientError, OSError):
        return None


async def test_p02_a_hundred_posts_of_one_key_killed_midway(program: Program, receiver: Receiver) -> None:
    """Killed as the first answer comes, and asked again by all: one request, created once, run once."""
    program.rules(receiver=receiver.url)
    await program.start()
    headers = {"Authorization": f"Bearer {await program.key('billing')}"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(headers=headers, connector=connector) as http:
        posts = [asyncio.ensure_future(_post(program, http)) for _ in range(_POSTS)]
        await asyncio.wait(posts, return_when=asyncio.FIRST_COMPLETED)
        await program.kill()
        answers = await asyncio.gather(*posts)
        await program.start()
        answers += await asyncio.gather(*(_post(program, http) for _ in range(_POSTS)))
    told = [answer for answer in answers if answer is not None]
    assert len(told) > _POSTS
    assert len({request for _, request in told}) == 1
    assert [status for status, _ in told].count(201) <= 1
    assert {status for status, _ in told} <= {200, 201}
    async with program.caller("billing") as agent:
        client = Client(agent, taken={"one": told[0][1]})
        assert (await client.ended("one"))["state"] in ("executed", "unknown")
    await agree(program, client, receiver)
    assert list(receiver.effects.values()) in ([1], [])


async def test_p07_six_hours_away(program: Program, machine: Machine) -> None:
    """Killed, and started six hours later by its clock: what came due meanwhile happens, each once and in order."""
    program.rules(wait="15m")
    await program.start()
    async with program.caller("other") as agent:
        request = await agent.submit(expires_in="3h")
        await program.kill()
        machine.jump(hours=6)
        await program.start()
        await agent.until(request["id"], lambda r: r["state"] == "expired")
        async with program.caller("root", Role.ADMIN) as admin:
            _, trail = await admin.call("GET", f"/v1/requests/{request['id']}/audit")
        kinds = [event["type"] for event in trail["events"]]
        assert kinds[:2] == ["request.submitted", "request.escalated"]
        assert kinds[-1] == "request.expired"
        assert len(kinds) == len(set(kinds)), kinds
        client = Client(agent, taken={"10428": request["id"]})
    await agree(program, client)
