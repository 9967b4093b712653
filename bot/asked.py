"""Questions to the store by those who watch the house: they are answered when it is in trouble, too, and in time.

Prometheus waits ten seconds by its own default, a balancer less. A store that is locked, or whose machine is gone,
would keep them for longer, and the alert would be that nothing answers instead of what is wrong.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from bot.core.errors import SaysoError

T = TypeVar("T")

WITHIN = 3.0
"""Seconds that an answer is waited for."""


class Asked(Generic[T]):
    """One question. It is asked once at a time, however many want to know; what comes too late counts for nobody."""

    def __init__(self, ask: Callable[[], Awaitable[T]], *, otherwise: T) -> None:
        """``otherwise`` is the answer where there is none: refused, or not in time."""
        self._ask = ask
        self._otherwise = otherwise
        self._asking: asyncio.Task[T] | None = None

    async def get(self) -> T:
        """The answer."""
        asking = self._asking
        if asking is None or asking.done():
            asking = self._asking = asyncio.get_running_loop().create_task(self._answer())
        await asyncio.wait({asking}, timeout=WITHIN)
        return asking.result() if asking.done() else self._otherwise

    async def _answer(self) -> T:
        try:
            return await self._ask()
        except SaysoError:
            return self._otherwise
