"""What systemd is told (sd_notify(3)): that the bot is up, that it ends, and every while that its loop turns.

Nothing is told where nobody asked for it by ``NOTIFY_SOCKET``, as outside of systemd.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Mapping

_MICROSECONDS = 1_000_000


class Notices:
    """Words to the supervisor."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """``environment``: where ``NOTIFY_SOCKET`` and ``WATCHDOG_USEC`` stand, if anywhere."""
        path = environment.get("NOTIFY_SOCKET", "")
        # An abstract socket is written with an @ for its leading zero byte.
        self._address = f"\0{path[1:]}" if path.startswith("@") else path
        asked = environment.get("WATCHDOG_USEC", "")
        self._every = int(asked) / _MICROSECONDS / 3 if asked.isdecimal() and int(asked) else None

    def say(self, words: str) -> None:
        """``READY=1``, ``STOPPING=1``; what cannot be said is not worth failing for."""
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.setblocking(False)  # noqa: FBT003  # the method takes no keyword
            told.sendto(words.encode(), self._address)

    async def watch(self, fault: Callable[[], str | None]) -> None:
        """Say, three times as often as it is asked, that the bot lives, unless ``fault`` says what is wrong."""
        while self._address and self._every is not None:
            if fault() is None:
                self.say("WATCHDOG=1")
            await asyncio.sleep(self._every)
