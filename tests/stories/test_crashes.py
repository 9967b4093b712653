"""kill -9 between any two lines: nothing acknowledged is lost, nothing runs twice, nothing is silently unknown."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import aiohttp

from bot.core.model import Role
from tests.fakes.receiver import End, Receiver, answering, saying
from tests.fakes.slack import FakeSlack, buttons
from tests.stories.program import REFUND, SECRET, Program, free_port

SEED = 20261121


async def flood(program: Program, key: str, taken: dict[str, str], *, worker: int) -> None:
    """Submit until the bot is gone; what was acknowledged goes on the ledger, key by key."""
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for number in range(10_000):
            name = f"{worker}-{number}"
            body = {**REFUND, "arguments": {"order": name, "amount": 3}, "confidence": 0.9}
            try:
                async with http.post(
                    f"{program.base}/v1/requests", json=body, headers={"Idempotency-Key": name}
                ) as answer:
                    if answer.status == 201:
                        taken[name] = (await answer.json())["id"]
            except (aiohttp.ClientError, OSError):
                return


async def test_p01_p05_p06_what_was_acknowledged_survives_and_runs_once(program: Program) -> None:
    """Killed at random moments under load, started again, reconciled with the client's ledger and the receiver's.

    Three kills of a short flood; `make torture` kills at every step that is committed, for hours.
    """
    chance = random.Random(SEED)  # noqa: S311  # moments, not secrets
    async with Receiver(answering({"ok": True})) as receiver:
        program.rules(receiver=receiver.url)
        await program.start()
        key = await program.key("billing")
        taken: dict[str, str] = {}
        for round_number in range(3):
            workers = [
                asyncio.ensure_future(flood(program, key, taken, worker=round_number * 10 + n)) for n in range(8)
            ]
            await asyncio.sleep(chance.uniform(0.2, 0.6))
            if not round_number:
                # On a slow machine all of them would be killed before anything was sent, and nothing would be shown.
                await asyncio.wait_for(receiver.called(), 20)
            await program.kill()
            await asyncio.gather(*workers)
            await program.start()
        assert len(taken) > 20
        states = await ended(program, key, taken)
        status, out, err = await program.tell("audit", "verify")
        assert status == 0, out + err
        # The same key and body after the crash is the same request, not another one.
        again = await repeated(program, key, taken)
        await program.stop()
    assert again == taken
    assert max(receiver.effects.values()) == 1
    for name, request in states.items():
        run = request["execution"]
        assert run["state"] in ("executed", "unknown"), (name, run)
        if run["state"] == "executed":
            assert receiver.effects[run["id"]] == 1


async def ended(program: Program, key: str, taken: dict[str, str]) -> dict[str, Any]:
    """Every request on the ledger, once its execution has ended."""
    headers = {"Authorization": f"Bearer {key}"}
    states: dict[str, Any] = {}
    async with aiohttp.ClientSession(headers=headers) as http:
        for name, request_id in taken.items():
            async with http.get(f"{program.base}/v1/requests/{request_id}?wait=20&for=outcome") as answer:
                assert answer.status == 200, f"{name} was acknowledged and is lost"
                states[name] = await answer.json()
    return states


async def repeated(program: Program, key: str, taken: dict[str, str]) -> dict[str, str]:
    """Every submission sent again under its key."""
    headers = {"Authorization": f"Bearer {key}"}
    found: dict[str, str] = {}
    async with aiohttp.ClientSession(headers=headers) as http:
        for name in taken:
            body = {**REFUND, "arguments": {"order": name, "amount": 3}, "confidence": 0.9}
            async with http.post(f"{program.base}/v1/requests", json=body, headers={"Idempotency-Key": name}) as answer:
                assert answer.status == 200
                found[name] = (await answer.json())["id"]
    return found


async def test_p05_killed_in_mid_replay_is_unknown_and_never_sent_again(program: Program) -> None:
    """The receiver has the action, the bot dies before the answer: unknown, not retried, settled by a person."""
    async with Receiver(saying(End.STALL), secret=SECRET) as stalling:
        program.rules(receiver=stalling.url)
        await program.start()
        async with program.caller("billing") as agent:
            request = await agent.submit(arguments={"order": "1", "amount": 1}, confidence=0.9)
            await asyncio.wait_for(stalling.called(), 10)
        await program.kill()
        async with program, program.caller("billing") as agent, program.caller("root", Role.ADMIN) as admin:
            found = await agent.get(request["id"])
            assert found["execution"]["state"] == "unknown"
            await asyncio.sleep(2)
            path = f"/v1/requests/{request['id']}/resolution"
            status, settled = await admin.call("POST", path, {"state": "failed", "note": "Not in the ledger."})
            assert (status, settled["execution"]["state"]) == (200, "failed")
    assert sum(stalling.effects.values()) == 1


async def test_p05_declared_idempotent_is_tried_again_under_the_same_key(program: Program) -> None:
    """The same crash where the action is declared idempotent: tried again, under one key, and done."""
    async with Receiver(saying(End.STALL), secret=SECRET) as receiver:
        program.rules(receiver=receiver.url, idempotent=True)
        await program.start()
        async with program.caller("billing") as agent:
            request = await agent.submit(arguments={"order": "1", "amount": 1}, confidence=0.9)
            await asyncio.wait_for(receiver.called(), 10)
        await program.kill()
        receiver.script = answering({"ok": True})
        async with program, program.caller("billing") as agent:
            done = await agent.get(request["id"], "wait=20&for=outcome")
            assert (done["execution"]["state"], done["execution"]["attempts"]) == ("executed", 2)
    assert list(receiver.effects) == [done["execution"]["id"]]


async def test_p05_decided_but_not_yet_run_runs_after_the_restart(program: Program) -> None:
    """The target is down, the bot dies in between: what was approved runs once the target is there again."""
    port = free_port()
    program.rules(receiver=f"http://127.0.0.1:{port}/hook")
    await program.start()
    async with program.caller("billing") as agent:
        request = await agent.submit(arguments={"order": "1", "amount": 1}, confidence=0.9)
        await agent.until(
            request["id"], lambda r: (r["execution"]["attempts"], r["execution"]["state"]) == (1, "waiting")
        )
    await program.kill()
    async with Receiver(secret=SECRET, port=port) as receiver:
        async with program, program.caller("billing") as agent:
            done = await agent.get(request["id"], "wait=30&for=outcome")
            assert done["execution"]["state"] == "executed"
        assert sum(receiver.effects.values()) == 1


async def test_p08_a_card_owed_before_a_crash_goes_out_after_it(program: Program, slack: FakeSlack) -> None:
    """Slack hangs while the bot dies: the card is owed by a committed row, and stands after the restart, once."""
    program = Program(program.folder, slack=slack)
    program.rules()
    await program.start()
    slack.faults.server_error("chat.postMessage", times=None)
    async with program.caller("billing") as agent:
        await agent.submit()
        await slack.wait_for(lambda: bool(slack.calls_of("chat.postMessage")))
    await program.kill()
    slack.faults.clear()
    async with program:
        await slack.wait_for_message("#approvals", lambda m: "approve" in buttons(m), 20)
    assert len([m for m in slack.messages("C0APPROVALS") if "approve" in buttons(m)]) == 1


async def test_p07_steps_that_came_due_while_it_was_down_happen_once(program: Program) -> None:
    """Down across a step and an expiry: at the start each happens once, in order, and the trail says so."""
    program.rules(wait="1s")
    await program.start()
    async with program.caller("other") as agent:
        request = await agent.submit(expires_in="2s")
        await program.kill()
    await asyncio.sleep(2.5)
    async with program, program.caller("other") as agent, program.caller("root", Role.ADMIN) as admin:
        await agent.until(request["id"], lambda r: r["state"] == "expired")
        await asyncio.sleep(1)
        _, trail = await admin.call("GET", f"/v1/requests/{request['id']}/audit")
    kinds = [event["type"] for event in trail["events"]]
    assert kinds == ["request.submitted", "request.escalated", "request.expired"]
