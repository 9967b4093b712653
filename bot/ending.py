"""How the bot is told to end: once, and what runs may finish; twice, and it is not waited for (promise P14)."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable

_log = logging.getLogger(__name__)
_SIGNALS = (signal.SIGTERM, signal.SIGINT)

LEAVES_WITHIN = 2.0
"""Seconds in which what is held is left to the other replicas; they take it over after its lease in any case."""

CLOSES_WITHIN = 6.0
"""Seconds in which the store closes: a lock of another process is waited for (SQLite's busy timeout is 5 s), a server
that was cut off without a word is not."""


class Ending:
    """Whether the end was asked for, and whether in a hurry. Lives in one event loop."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()

    def listen(self) -> None:
        """Hear SIGTERM and SIGINT from now on, in place of whoever heard them before."""
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, self.ask)

    def ask(self) -> None:
        """The end is asked for; the second time at once, and after that the system's own way is open again."""
        if not self.asked.is_set():
            _log.info("told to stop: nothing more is taken, and what runs may finish")
            self.asked.set()
            return
        _log.warning("told to stop again: what runs is not waited for, and is unknown where it cannot be said")
        self.hurried.set()
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


async def unless_silent(close: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Close something of the store's, and leave it as a kill would where the store does not answer for so long."""
    try:
        async with asyncio.timeout(seconds):
            await close()
    except TimeoutError:
        _log.warning("the store does not answer, and is not waited for; nothing is lost of what was answered")
