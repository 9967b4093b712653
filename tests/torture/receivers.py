"""The targets of the tortured program: they do what an order's own arguments ask of them, and count what they did."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable

from tests.fakes.receiver import Call, End, Receiver, message

_DONE = b'{"ok": true}'


class Target(Receiver):
    """Does what ``arguments.answer`` says: ``ok``, ``no`` (400), ``broken`` (500), ``cut``, ``late``, or ``later ok``.

    ``later ok`` is 500 at first and 200 from the second time on. ``effects`` (see `Receiver`) counts whole requests by
    execution; ``done`` counts those of them that were answered with 2xx, the answer handed to the socket whole.
    """

    def __init__(self) -> None:
        super().__init__(self._doing)
        self.done: Counter[str] = Counter()
        self.refused_for_good: Counter[str] = Counter()

    def _doing(self, call: Call) -> Iterable[bytes | float | End]:
        wish = str(call.json["data"]["arguments"].get("answer", "ok"))
        if wish == "no":
            yield message(b"", status="400 Bad Request")
            self.refused_for_good[call.id] += 1
        elif wish == "broken" or (wish == "later ok" and self.effects[call.id] == 1):
            yield message(b"", status="500 Internal Server Error")
        elif wish == "cut":
            yield b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
            yield End.RESET
        else:
            if wish == "late":
                yield 0.3
            self.done[call.id] += 1
            yield message(_DONE)


async def settled(target: Receiver, seconds: float = 0.2) -> None:
    """Wait until no call has come for so long."""
    while True:
        before = len(target.calls)
        await asyncio.sleep(seconds)
        if len(target.calls) == before:
            return
