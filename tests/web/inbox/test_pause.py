"""What may happen only so often."""

from __future__ import annotations

import time
from datetime import timedelta

from bot.web.inbox.pause import Pause
from tests.web.inbox.house import MovableClock


def test_so_many_times_in_a_while() -> None:
    """Each thing by itself; what was refused does not count, and what is over is forgotten."""
    clock = MovableClock()
    pause = Pause(clock, timedelta(minutes=1), most=2)
    assert [pause.is_over("ana") for _ in range(4)] == [True, True, False, False]
    assert pause.is_over("ben")
    clock.shift = timedelta(seconds=61)
    assert pause.is_over("ana")
    clock.shift = timedelta(seconds=130)
    assert pause.is_over("kim")
    assert len(pause._times) == 1  # noqa: SLF001  # what is kept in memory is what is bounded


def test_t22_things_without_end_cost_no_more_each() -> None:
    """20,000 addresses within a minute, as somebody with a network of IPv6 has them, are looked at in linear time."""
    pause = Pause(MovableClock(), timedelta(minutes=1))
    begun = time.process_time()
    assert all(pause.is_over(str(n)) for n in range(20_000))
    # A look through all of them each time takes the better part of a minute.
    assert time.process_time() - begun < 3
