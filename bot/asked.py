"""Questions to the store by those who watch the house: they are answered when it is in trouble, too, and in time.

Prometheus waits ten seconds by its own default, a balancer less. A store that is locked, or whose machine is gone,
would keep them for longer, and the alert would be that nothing answers instead of what is wrong.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from bot.core.errors import SaysoError

T = TypeVar("T")

_log = logging.getLogger(__name__)

WITHIN = 3.0
"""Seconds that an answer is waited for."""


class Asked(Generic[T]):
    """One question. It is asked once at a time, however many want to know; what comes too late counts for nobody."""

    def __init__(self, ask: Callable[[], Awaitable[T]], *, otherwise: T) -> None:
        """``otherwise`` is the answer where there is none: refused, or not in time."""
        self._ask = ask
        self._otherwise = otherwise
        self._asking: asyncio.Task[T] | None = None
        self._closed = False

    async def get(self) -> T:
        """The answer."""
        asking = self._asking
        if asking is None or asking.done():
            if self._closed:
                return self._otherwise
            asking = self._asking = asyncio.get_running_loop().create_task(self._answer())
        await asyncio.wait({asking}, timeout=WITHIN)
        # Cancelled it is as the bot closes, and whoever asked is not.
        return asking.result() if asking.done() and not asking.cancelled() else self._otherwise

    def close(self) -> None:
        """The store closes: what is asked now counts for nobody, and nothing is asked any more."""
        self._closed = True
        if self._asking is not None:
            self._asking.cancel()

    async def _answer(self) -> T:
        try:
            return await self._ask()
        except SaysoError:
            return self._otherwise
        except Exception as error:
            if not self._closed:
                raise
            # A driver whose connection is closed under it says so in many ways.
            _log.debug("a question was broken off as the store closed: %s", error)
            return self._otherwise
