"""The tick: it goes on whatever its duties do, and says when it does not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
import time_machine

from bot.core.errors import Unavailable
from bot.scheduler import STALE_SECONDS, TICK_SECONDS, Scheduler
from tests.desk.house import House, at


@pytest.mark.parametrize("fault", [Unavailable(), RuntimeError("a bug")], ids=repr)
async def test_a_duty_that_fails_stops_no_other(fault: Exception, caplog: pytest.LogCaptureFixture) -> None:
    """Rules that cannot be read may not keep escalations from happening; the next tick tries again."""
    done: list[str] = []

    async def broken() -> None:
        done.append("broken")
        raise fault

    async def well() -> None:
        done.append("well")

    scheduler = Scheduler(broken, well)
    await scheduler.tick()
    await scheduler.tick()
    assert done == ["broken", "well", "broken", "well"]
    # Of a store that is down, which takes its time, it is said once.
    told = [record for record in caplog.records if "could not do all it had to" in record.message]
    assert [bool(record.exc_info) for record in told] == ([False] if isinstance(fault, Unavailable) else [True, True])
    assert scheduler.fault() is None


async def test_a_tick_that_stays_away_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the first, and when the last one is too long ago, by a clock that nobody sets."""
    now = time.monotonic()
    monkeypatch.setattr("bot.scheduler.time.monotonic", lambda: now)
    scheduler = Scheduler()
    assert scheduler.fault() == "has not ticked yet"
    await scheduler.tick()
    assert scheduler.fault() is None
    now += STALE_SECONDS
    assert scheduler.fault() is None
    now += 1
    assert scheduler.fault() == "has not ticked for 11 s"
    with time_machine.travel(datetime.now(UTC) - timedelta(days=1)):
        assert scheduler.fault() == "has not ticked for 11 s"


@pytest.mark.parametrize("days", [-1, 1])
async def test_p12_a_clock_that_is_set_by_a_day_stops_no_tick(days: int) -> None:
    """Back or forward while it runs: the ticks go on within moments, and a day of them is not made up for."""
    ticks: list[float] = []

    async def tick() -> None:
        ticks.append(time.monotonic())

    scheduler = Scheduler(tick)
    scheduler.start()
    try:
        await until(lambda: ticks)
        with time_machine.travel(datetime.now(UTC) + timedelta(days=days)):
            before = len(ticks)
            await until(lambda: len(ticks) >= before + 3)
            assert scheduler.fault() is None
    finally:
        scheduler.stop()
    assert len(ticks) < 40
    assert all(later - earlier < 5 for earlier, later in pairwise(ticks))


async def test_a_duty_that_hangs_keeps_no_other_from_its_turn(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The others go on without it; it is named, in the log once however often it ticks, and its age is seen."""
    monkeypatch.setattr("bot.scheduler._PATIENCE", 0.01)
    monkeypatch.setattr("bot.scheduler.TICK_SECONDS", 0.01)
    monkeypatch.setattr("bot.scheduler._TICK", timedelta(seconds=0.01))
    monkeypatch.setattr("bot.scheduler.STALE_SECONDS", 0.2)
    end, ticks = asyncio.Event(), []

    async def well() -> None:
        ticks.append(time.monotonic())

    scheduler = Scheduler(end.wait, well)
    scheduler.start()
    try:
        await until(lambda: len(ticks) > 30 and "has not come back" in (scheduler.fault() or ""))
        assert (scheduler.late() or 0) > 0.2
        assert caplog.text.count("Event.wait has not come back") == 1
        assert "skipped" not in caplog.text
        end.set()
        await until(lambda: scheduler.fault() is None)
        assert caplog.text.count("Event.wait came back") == 1
    finally:
        scheduler.stop()


async def until(true: Callable[[], object], within: float = 20.0) -> None:
    """Wait for something."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.02)


async def test_it_ticks_by_itself_until_it_is_stopped() -> None:
    """Twice a second; a slow tick is not run beside itself; after stopping there is none."""
    running: list[int] = [0]
    ticks: list[int] = []

    async def slow() -> None:
        running[0] += 1
        ticks.append(running[0])
        await asyncio.sleep(TICK_SECONDS * 1.2)
        running[0] -= 1

    scheduler = Scheduler(slow)
    scheduler.start()
    await asyncio.sleep(TICK_SECONDS * 4)
    scheduler.stop()
    scheduler.stop()
    count = len(ticks)
    assert 1 <= count <= 4
    assert set(ticks) == {1}
    await asyncio.sleep(TICK_SECONDS * 2)
    assert len(ticks) == count


async def test_a_step_is_taken_within_a_second(house: House) -> None:
    """Due times are in the table, the tick asks it: a step that comes due happens without anybody's doing."""
    request = await house.submit()
    scheduler = Scheduler(house.desk.wake)
    scheduler.start()
    try:
        house.clock.move(minutes=15)
        async with asyncio.timeout(TICK_SECONDS * 2 + 1):
            while at(await house.now(request)).step == 0:
                await asyncio.sleep(0.02)
    finally:
        scheduler.stop()
    assert await house.events(request) == ["request.submitted", "request.escalated"]
