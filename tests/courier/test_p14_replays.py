"""Runs while a bot stops or a store is down, and rows that cannot be read: nothing runs twice or is lost in silence."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.core.errors import Unavailable
from bot.core.model import ExecutionState
from bot.core.ports import Outcome, OutcomeKind
from bot.desk import pause
from tests.courier.test_replays import S, Slow, run, state
from tests.desk.house import House
from tests.fakes.receiver import Receiver


@pytest.mark.parametrize(("action", "ends"), [("refund.issue", S.UNKNOWN), ("refund.safe", S.WAITING)])
async def test_p14_stopping_with_a_run_under_way(house: House, action: str, ends: ExecutionState) -> None:
    """What does not end in the time given is unknown (or waits to be tried again where that is safe), at once."""
    slow = Slow()
    courier = await house.work(slow)
    request = await house.decide(await house.submit(action, agent="quiet", arguments={"order": "1", "amount": 100}))
    await slow.begun.wait()
    await courier.stop(0.05)
    after = await house.now(request)
    assert state(after) is ends
    assert after.execution is not None
    assert "stopped" in (after.execution.error or "")
    slow.end.set()
    await asyncio.sleep(0.02)
    assert state(await house.now(request)) is ends


async def test_p14_a_run_that_ends_in_time_is_recorded(house: House) -> None:
    """Stopping waits for it, and begins nothing that comes in meanwhile."""
    slow = Slow()
    courier = await house.work(slow)
    request = await house.decide(await house.submit(agent="quiet"))
    await slow.begun.wait()
    stopping = asyncio.create_task(courier.stop(5))
    await asyncio.sleep(0)
    later = await house.decide(await house.submit(agent="quiet"))
    slow.end.set()
    await stopping
    assert state(await house.now(request)) is S.EXECUTED
    assert (state(await house.now(later)), len(slow.orders)) == (S.WAITING, 1)


async def test_p14_stopping_in_the_middle_of_a_claim(house: House) -> None:
    """The claim is committed though its courier is gone: it is unknown at once, not first at the next start."""
    slow = Slow()
    courier = await house.work(slow, at_once=False)
    gate = asyncio.Event()
    write = house.store.write
    claims = 0

    async def held(work: Any, **how: Any) -> Any:
        nonlocal claims
        done = await write(work, **how)
        if how.get("about") is not None and how["about"].executions:
            claims += 1
            if claims == 1:
                await gate.wait()
        return done

    request = await house.submit(agent="quiet")
    await house.rest()
    house.store.write = held  # type: ignore[method-assign]
    request = await house.decide(request)
    async with asyncio.timeout(5):
        while claims < 1:
            await asyncio.sleep(0.005)
    await courier.stop(0.05)
    house.store.write = write  # type: ignore[method-assign]
    assert slow.orders == []
    assert state(await house.now(request)) is S.UNKNOWN


async def test_p10_stopping_on_a_store_that_is_down(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """It cannot be marked: that is said, stopping goes on, and the next start finds it."""
    slow = Slow()
    courier = await house.work(slow)
    request = await house.decide(await house.submit(agent="quiet"))
    await slow.begun.wait()
    write = house.store.write

    async def down(_: Any, **_how: Any) -> Any:
        raise Unavailable

    house.store.write = down  # type: ignore[method-assign,assignment]
    await courier.stop(0.05)
    house.store.write = write  # type: ignore[method-assign]
    assert "the next start sees to it" in caplog.text
    assert state(await house.now(request)) is S.EXECUTING
    await house.desk.recover()
    assert state(await house.now(request)) is S.UNKNOWN


async def test_p06_a_replayer_that_breaks(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """It never should; if it does, the execution is unknown, and not left running for ever."""
    await house.work(Slow(fault=RuntimeError("a bug")))
    request = await run(house)
    assert state(request) is S.UNKNOWN
    assert request.execution is not None
    assert (request.execution.error or "").startswith("broke_off: ")
    assert "RuntimeError" in (request.execution.error or "")
    assert "broke off" in caplog.text


async def test_p06_an_outcome_that_no_row_can_hold(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """A result that cannot be written is lost, and that is said; the execution has an end all the same."""
    await house.work(Slow(outcome=Outcome(kind=OutcomeKind.EXECUTED, result={"no json": object()})))
    request = await run(house)
    assert state(request) is S.UNKNOWN
    assert request.execution is not None
    assert (request.execution.error or "").startswith("outcome_not_kept: ")
    assert "cannot be kept" in caplog.text


async def test_p10_a_claim_that_cannot_be_written_is_tried_again(
    house: House, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing runs without its committed claim; a second later it does."""
    await house.work(at_once=False)
    claim = house.desk.claim

    async def down(_: str, **_how: Any) -> Any:
        house.desk.claim = claim  # type: ignore[method-assign]
        raise Unavailable

    house.desk.claim = down  # type: ignore[method-assign,assignment]
    request = await run(house)
    assert (receiver.calls, state(request)) == ([], S.WAITING)
    await house.later(seconds=1)
    assert (len(receiver.calls), state(await house.now(request))) == (1, S.EXECUTED)
    assert "tried again" in caplog.text


async def test_t05_a_row_that_cannot_be_read_runs_nothing(
    house: House, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Broken so that it is no JSON any more: logged, no call; the other executions go on."""
    first = await house.decide(await house.submit(agent="quiet"))
    content = house.sql("select content from revisions where request = ?", first.id)[0][0]
    house.sql("update revisions set content = '{' where request = ?", first.id)
    await house.work()
    second = await run(house)
    assert "broke off" in caplog.text
    assert [call.json["data"]["request"] for call in receiver.calls] == [second.id]
    house.sql("update revisions set content = ? where request = ?", content, first.id)


async def test_t05_a_flipped_byte_is_never_sent(house: House, receiver: Receiver) -> None:
    """Between approval and claim somebody changes the amount in the file: no call, and it says why."""
    await pause(house.ledger, on=True, by="cli:root", via="cli")
    courier = await house.work()
    request = await run(house)
    original = house.sql("select content from revisions")[0][0]
    house.sql("update revisions set content = replace(content, '240.0', '940.0')")
    await pause(house.ledger, on=False, by="cli:root", via="cli")
    await courier.release()
    await house.rest()
    assert receiver.calls == []
    after = await house.now(request)
    assert after.execution is not None
    assert (after.execution.error or "").startswith("digest_mismatch")
    house.sql("update revisions set content = ?", original)
