"""An agent that waits for its answer: told by the decision, by the end of its time, and by a bot that stops."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.web.conftest import REFUND, Office


@pytest.mark.parametrize("seconds", ["0.30000000000000004", "1e-05", "0"])
async def test_a_wait_may_be_written_as_any_program_writes_it(office: Office, seconds: str) -> None:
    """Long fractions and exponents are numbers of seconds, too (the schema says number)."""
    made = await office.submitted()
    assert (await office.call("GET", f"/v1/requests/{made['id']}?wait={seconds}", "ana")).status == 200


async def test_a_waiting_agent_is_answered_by_the_decision(office: Office) -> None:
    """Both ways of waiting return within 100 ms of the decision."""
    mine = await office.submitted()
    waiting = asyncio.create_task(office.call("GET", f"/v1/requests/{mine['id']}?wait=20", "billing"))
    posting = asyncio.create_task(office.call("POST", "/v1/requests?wait=20", "other", json=REFUND))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    theirs = (await office.call("GET", "/v1/requests?agent=other", "ops")).body["requests"][0]
    for request, task in ((mine, waiting), (theirs, posting)):
        assert (await office.decided(request)).status == 200
        answered = time.monotonic()
        reply = await task
        assert time.monotonic() - answered < 0.1
        assert reply.body["state"] == "approved"


async def test_a_wait_ends_with_its_time(office: Office) -> None:
    """With nothing decided, the request comes as it is."""
    mine = await office.submitted()
    reply = await office.call("GET", f"/v1/requests/{mine['id']}?wait=0.1", "billing")
    assert (reply.status, reply.body["state"]) == (200, "pending")


async def test_p14_a_stopping_bot_answers_whoever_waits(office: Office) -> None:
    """Once the house closes, waiting calls are answered with the request as it stands, not cut off."""
    mine = await office.submitted()
    waiting = asyncio.create_task(office.call("GET", f"/v1/requests/{mine['id']}?wait=30", "billing"))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    office.house.closing.set()
    reply = await asyncio.wait_for(waiting, 2)
    assert (reply.status, reply.body["state"]) == (200, "pending")


async def test_a_caller_that_leaves_leaves_nothing_behind(office: Office) -> None:
    """A hung-up wait ends in the house too: no future of it stays."""
    mine = await office.submitted()
    waits = office.house.desk._ledger.waiting._waits  # noqa: SLF001 - what must not leak is private
    for _ in range(5):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(office.call("GET", f"/v1/requests/{mine['id']}?wait=30", "billing"), 0.15)
    await asyncio.sleep(0.3)
    assert not waits
