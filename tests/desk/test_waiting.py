"""Whoever waits is told the moment it happens, and nobody polls the store."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from bot.core import errors
from bot.core.model import ExecutionState, Request, State, Verb
from tests.desk.house import House


@pytest.fixture
def reads(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every read of a request outside a write."""
    seen: list[str] = []
    read = house.store.request

    async def counted(request_id: str) -> Request | None:
        seen.append(request_id)
        return await read(request_id)

    monkeypatch.setattr(house.store, "request", counted)
    return seen


def left(house: House) -> dict[str, Any]:
    """Waits that nobody gave back."""
    return dict(house.ledger.waiting._waits)  # noqa: SLF001  # what must not leak is private


async def test_a_waiting_agent_is_answered_at_once(house: House, reads: list[str]) -> None:
    """Fifty agents wait on one request: each reads once, and is answered within 100 ms of the decision."""
    request = await house.submit()
    waits = [asyncio.create_task(house.desk.wait(request.id, seconds=30, outcome=False)) for _ in range(50)]
    await asyncio.sleep(0.3)
    assert len(reads) == 50
    decided = time.monotonic()
    await house.decide(request)
    told = await asyncio.gather(*waits)
    assert time.monotonic() - decided < 0.1
    assert {t.state for t in told} == {State.APPROVED}
    assert len(reads) == 50
    assert left(house) == {}


async def test_what_is_decided_already_is_answered_without_waiting(house: House) -> None:
    """Nothing to wait for."""
    request = await house.decide(await house.submit(), verb=Verb.REJECT)
    assert (await house.desk.wait(request.id, seconds=30, outcome=False)).state is State.REJECTED
    assert (await house.desk.wait(request.id, seconds=30, outcome=True)).state is State.REJECTED
    assert left(house) == {}


async def test_a_wait_outlives_what_is_no_decision(house: House, reads: list[str]) -> None:
    """A question, an answer and a step wake it and it waits on; it reads once for each, never for the time between."""
    request = await house.submit()
    wait = asyncio.create_task(house.desk.wait(request.id, seconds=30, outcome=False))
    await asyncio.sleep(0.02)
    await house.decide(request, verb=Verb.ASK, comment="why?")
    await asyncio.sleep(0.02)
    after = await house.desk.inform(request.id, agent="billing", text="because")
    await asyncio.sleep(0.02)
    assert not wait.done()
    await house.decide(after)
    assert (await wait).state is State.APPROVED
    assert len(reads) == 3


async def test_waiting_for_the_outcome(house: House) -> None:
    """``for=outcome`` goes on until the action has run and its result is there."""
    request = await house.submit("deploy.start")
    wait = asyncio.create_task(house.desk.wait(request.id, seconds=30, outcome=True))
    await asyncio.sleep(0.02)
    await house.decide(request)
    await asyncio.sleep(0.02)
    assert not wait.done()
    await house.desk.report(request.id, agent="billing", state=ExecutionState.EXECUTED, result=7)
    told = await wait
    assert told.execution is not None
    assert told.execution.result == 7


@pytest.mark.parametrize("seconds", [0.0, 0.05])
async def test_a_wait_that_is_over_shows_the_request_as_it_is(house: House, seconds: float) -> None:
    """No decision in time is no error."""
    request = await house.submit()
    assert (await house.desk.wait(request.id, seconds=seconds, outcome=False)).state is State.PENDING
    assert left(house) == {}


async def test_waits_leave_nothing_behind(house: House) -> None:
    """Cancelled, or for what is not there: no future stays."""
    request = await house.submit()
    waits = [asyncio.create_task(house.desk.wait(request.id, seconds=30, outcome=False)) for _ in range(3)]
    await asyncio.sleep(0.02)
    for wait in waits[:2]:
        wait.cancel()
    await asyncio.wait(waits[:2])
    assert len(left(house)[request.id]) == 1
    await house.decide(request)
    await waits[2]
    with pytest.raises(errors.NotFound):
        await house.desk.wait("req_unknown", seconds=30, outcome=False)
    assert left(house) == {}


async def test_a_wait_cancelled_as_it_is_answered(house: House) -> None:
    """A caller who hangs up at the very moment changes nothing for the others."""
    request = await house.submit()
    waiting = house.ledger.waiting
    gone, there = waiting.join(request.id), waiting.join(request.id)
    gone.cancel()
    waiting.tell(request)
    assert there.result() is request
    waiting.leave(request.id, gone)
    waiting.leave(request.id, there)
    assert left(house) == {}
