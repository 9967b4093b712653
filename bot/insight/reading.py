"""Figures out of the store: cells of both periods are read, and added up beside the loop."""

from __future__ import annotations

import asyncio

from msgspec.structs import replace

from bot.core.errors import Invalid
from bot.core.insight.asking import Question, spans
from bot.core.insight.cell import Cell, CellKey
from bot.core.insight.figures import Figures
from bot.core.insight.reckoning import figures_of
from bot.core.insight.waiting import Queue, queue_of
from bot.core.ports import Clock, Store

MOST = 100_000
"""Cells of one period. An agent whose labels are others on every request makes as many as it likes, and each that is
read takes a kilobyte or two of memory (measured)."""
TOO_MANY = "too much was measured apart from each other to add it up; ask for a shorter period, or without the label"


class Reading:
    """Review figures as they stand."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def figures(self, question: Question) -> Figures:
        """The answer, of whole hours; raises `Invalid` where a question has none (`Question.wrong`)."""
        if (wrong := question.wrong()) is not None:
            raise Invalid.at(f"/{wrong[0]}", "question", wrong[1])
        asked = question.rounded()
        now = self._clock.now()
        # Read before the cells are: these may know more than is said, never less.
        followed, (newest, _) = await self._store.followed(), await self._store.audit_head()
        cells = await self._cells(asked)
        # The period before is told as a whole, whatever this one is told by: of days or weeks it needs none.
        earlier = replace(asked.earlier(), by="") if asked.timed else asked.earlier()
        before = await self._cells(earlier) if asked.compare else None
        # In a thread: a year of a busy house takes a part of a second, and nobody else's call waits for it.
        return await asyncio.to_thread(figures_of, asked, cells, before, as_of=now, behind=max(0, newest - followed))

    async def _cells(self, asked: Question) -> list[tuple[CellKey, Cell]]:
        found: list[tuple[CellKey, Cell]] = []
        for grain, since, until in spans(asked):
            room = MOST - len(found)
            found += await self._store.cells(asked.sort, grain, since, until, first=asked.labelled, most=room + 1)
            if len(found) > MOST:
                raise Invalid.at("/from", "too_many", TOO_MANY)
        return found

    async def queue(self, agent: str | None = None, action: str | None = None) -> Queue:
        """What is open now."""
        waiting = await self._store.waiting(agent, action)
        return queue_of(waiting, self._clock.now())
