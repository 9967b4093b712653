"""How the bot is told to end: once, and what runs may finish; twice, and it is not waited for (promise P14)."""

from __future__ import annotations

import asyncio
import logging
import signal

_log = logging.getLogger(__name__)
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


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
