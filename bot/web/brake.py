"""Refusals, held back: whoever comes again at once, whatever they are told, is answered only so often in a second.

Reading a call and refusing it costs a fraction of a millisecond; thousands of them a second would be the whole of the
loop. A connection that waits for its answer sends nothing more, so holding the answer back costs nothing, and who comes
now and then notices nothing of it.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus

from starlette.types import Message, Send

from bot.web.wire import swallow

FREE = 100
"""Refusals a second that are told at once."""

PACE = 400
"""Refusals a second, about, that are told in a flood of them."""

LONGEST = 2.0
"""Seconds; no refusal is held back longer."""

MOST = 4_000
"""Refusals held back at a time; each holds its connection. Beyond that they are told at once."""

_HELD = frozenset({400, 401, 404, 405, 410, 413, 429})
_SIGN_IN = b"/sign-in"


def _refuses(message: Message) -> bool:
    """Whether an answer says no; who has no session is sent to where one signs in."""
    status = message["status"]
    if status == HTTPStatus.SEE_OTHER:
        return any(name == b"location" and value.startswith(_SIGN_IN) for name, value in message["headers"])
    return status in _HELD


class Brake:
    """One a process; lives in one event loop."""

    def __init__(self) -> None:
        self.holding = 0
        """How many are held back now."""
        self._second = 0
        self._told = 0

    async def hold(self) -> None:
        """Wait as long as a refusal is to be held back: not at all while there are few."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._told = second, 0
        self._told += 1
        if (self._told <= FREE and not self.holding) or self.holding >= MOST:
            return
        self.holding += 1
        try:
            await asyncio.sleep(min(LONGEST, max(0.05, self.holding / PACE)))
        finally:
            self.holding -= 1

    def on(self, send: Send) -> Send:
        """As ``send``, with refusals held back."""

        async def held(message: Message) -> None:
            if message["type"] == "http.response.start" and _refuses(message):
                swallow(send)
                await self.hold()
            await send(message)

        return held
