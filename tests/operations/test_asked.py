"""Questions to a store that does not answer: whoever watches the house waits for one answer, and the end for none."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from bot import asked
from bot.asked import Asked
from bot.clock import SystemClock
from bot.core.ports import Stopped
from bot.counts import Counts
from bot.ending import unless_silent
from bot.figures import probes
from bot.routing import load
from bot.rules import Rules
from bot.scheduler import Scheduler
from tests.operations.test_metrics import Slow

RULES = Path(__file__).parents[2] / "examples/routing.yaml"


class Hanging(Slow):
    """A store that answers one question as the other is asked."""

    def __init__(self) -> None:
        super().__init__(0)
        self.other = asyncio.Event()

    async def writable(self) -> bool:
        """Once somebody asks what is stopped."""
        await self.other.wait()
        return True

    async def stopped(self) -> Stopped:
        """At once."""
        self.other.set()
        return Stopped(everything=True, agents=(), actions=())


async def test_readiness_asks_all_it_asks_at_once() -> None:
    """So it takes as long as one answer is waited for, and not that twice."""
    store: Any = Hanging()
    rules = Rules(RULES, load(RULES), store=store, clock=SystemClock())
    found = {probe.name: probe for probe in await probes(Counts(store, SystemClock()), Scheduler(), rules, {})}
    assert found["store"].ok
    assert found["replays"].detail == "all stopped"


async def test_p14_a_question_under_way_is_dropped_as_the_store_closes(caplog: pytest.LogCaptureFixture) -> None:
    """Who asked has the worse answer at once; a driver that breaks is not in the log; nothing is asked after that."""
    begun = asyncio.Event()
    times = 0

    async def ask() -> bool:
        nonlocal times
        times += 1
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            if times == 1:
                raise
            raise ConnectionError("cannot perform operation: connection is closed") from None
        return True

    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
    for _ in range(2):
        question = Asked(ask, otherwise=False)
        begun.clear()
        asking = [asyncio.create_task(question.get()) for _ in range(3)]
        async with asyncio.timeout(asked.WITHIN / 2):
            await begun.wait()
            question.close()
            assert await asyncio.gather(*asking) == [False] * 3
            assert await question.get() is False
        del question, asking
    assert times == 2
    assert not faults
    assert not [record for record in caplog.records if record.levelno > logging.DEBUG]


async def test_p14_a_store_that_does_not_answer_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """It is left as a kill leaves it, and the log says so; what else goes wrong as it closes is not hidden."""
    async with asyncio.timeout(30):
        await unless_silent(asyncio.Event().wait, 0.01)  # type: ignore[arg-type]  # what it gives is nobody's
    assert "does not answer" in caplog.text

    async def broken() -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await unless_silent(broken, 30)
