"""Tasks and alarms: one alarm a thing, nothing begins after the end, and what breaks is said."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from bot.core.errors import NotFound, SaysoError, Unavailable
from bot.courier.shift import Shift
from tests.desk.house import START, MovableClock

SECOND = timedelta(seconds=1)


async def test_an_alarm_rings_when_its_time_has_come() -> None:
    """Now where it has; else then, by the clock that it is given, however long the timer slept."""
    clock, rung = MovableClock(), []
    shift = Shift(clock)
    shift.at("a", START, lambda: rung.append("a"))
    shift.at("b", START + timedelta(milliseconds=20), lambda: rung.append("b"))
    assert rung == ["a"]
    await asyncio.sleep(0.05)
    assert rung == ["a"]
    clock.at += SECOND
    async with asyncio.timeout(2):
        while rung != ["a", "b"]:
            await asyncio.sleep(0.005)
    await shift.stop(0)


async def test_a_thing_has_one_alarm() -> None:
    """A later word for the same thing takes the place of the earlier one, or takes it back."""
    shift = Shift(MovableClock())
    for hours in (1, 2, 3):
        shift.at("a", START + timedelta(hours=hours), lambda: None)
    shift.at("b", START + SECOND, lambda: None)
    assert len(shift._alarms) == 2  # noqa: SLF001  # what must not leak is private
    shift.forget("a")
    shift.forget("a")
    assert list(shift._alarms) == ["b"]  # noqa: SLF001  # what must not leak is private
    await shift.stop(0)
    assert shift._alarms == {}  # noqa: SLF001  # what must not leak is private


async def test_nothing_begins_after_the_end() -> None:
    """Neither a task nor an alarm; what was handed over is closed, not forgotten half-way."""
    done: list[str] = []

    async def work() -> None:
        done.append("worked")

    shift = Shift(MovableClock())
    await shift.stop(0)
    shift.begin(work())
    shift.at("a", START - SECOND, lambda: done.append("rung"))
    await asyncio.sleep(0.01)
    assert done == []


async def test_what_breaks_is_said(caplog: pytest.LogCaptureFixture) -> None:
    """A task that ends in an error is logged with it; a cancelled one is not."""

    async def breaks() -> None:
        raise RuntimeError("a bug")

    shift = Shift(MovableClock())
    shift.begin(breaks())
    shift.begin(asyncio.sleep(60))
    await asyncio.sleep(0.01)
    await shift.stop(0)
    await asyncio.sleep(0)
    assert [record.exc_info is not None for record in caplog.records] == [True]


async def test_insisting_ends_with_the_shift(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it lasts a store that is down is asked again; once it is over it is let be."""
    monkeypatch.setattr("bot.courier.shift._STORE_PAUSE", 0.001)
    shift = Shift(MovableClock())
    tries: list[int] = []

    async def down() -> None:
        tries.append(1)
        if len(tries) == 3:
            shift.over = True
        raise Unavailable

    await shift.insist(down)
    assert len(tries) == 3


async def test_an_outage_is_a_line_however_many_wait_for_its_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It may be of the disk that the log is on: one line as it begins, one as it ends; a bug has its traceback."""
    monkeypatch.setattr("bot.courier.shift._STORE_PAUSE", 0.001)
    caplog.set_level("INFO", "bot.courier")
    shift = Shift(MovableClock())
    left = [4] * 9
    faults: list[type[SaysoError]] = [Unavailable] * 8 + [NotFound]

    async def down(place: int) -> None:
        left[place] -= 1
        if left[place]:
            raise faults[place]

    await asyncio.gather(*(shift.insist(partial(down, place)) for place in range(9)))
    assert left == [0] * 9
    told = [(record.levelname, bool(record.exc_info)) for record in caplog.records]
    assert told == [("WARNING", False), ("WARNING", True), ("INFO", False)]
