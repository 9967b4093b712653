"""HTTP on the wire, bounded: what comes before a request is understood may be neither long nor slow, nor too much.

Anybody who reaches the port, key or no key, could otherwise fill the memory (threat T22, promise P17). How long a head
may be is `bot.web.heads`'s; bodies are bounded where they are read.

Connections are bounded, too. Where there are as many as may be, whoever has been longest without saying what they want
makes room for the next: neither connections held open for nothing nor requests that never end keep a click out.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from typing import Self

from starlette.types import Send
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from bot.web.heads import FULL, TOO_SLOW, WholeHeads

HEAD_SECONDS = 15.0
"""How long a request line with its headers may take; a connection that says nothing at all is closed as soon."""

SEND_SECONDS = 60.0
"""How long an answer is kept for somebody who takes nothing of it, as nginx has it (``send_timeout``)."""

IDLE_SECONDS = 75
"""How long a connection that was answered is kept for its next request. Longer than proxies keep theirs to a server: 60
seconds at nginx (``upstream`` ``keepalive_timeout``) and at AWS's load balancers, which ask for more of the server.
Where it closes first, a request that is just being sent on it is lost, and whoever asked gets a 502."""

MOST_UNTAKEN = 64 * 1024 * 1024
"""Bytes of answers, of all connections, that are written and not taken yet. Whoever asks and never reads holds a page
of requests on each connection, and there may be thousands of these."""

MOST_AHEAD = 16
"""Requests that a connection may send before the first of them is answered. Each is kept, some kilobytes of objects for
18 bytes of the wire, and one reading of the socket may hold ten thousand."""

MOST_CONNECTIONS = 8_192
"""Connections at a time, where the process may open as many files; see `bot.serving.room`."""

REFUSED: Counter[str] = Counter()
"""How often a connection was refused or made room, by why: ``connections``, ``invalid_http``, ``unread``.

Of the process."""

_SELDOM = 60.0
"""Seconds between two lines of the log that say the same of what anybody can send."""


class _Swallowed(bytearray):
    """A body that nobody will read. It keeps nothing, and is as long as it would be, so that reading stops as ever."""

    def __init__(self) -> None:
        super().__init__()
        self._size = 0

    def __iadd__(self, piece: bytes) -> Self:  # type: ignore[override, misc]  # the server adds bytes alone
        self._size += len(piece)
        return self

    def __len__(self) -> int:
        return self._size


def swallow(send: Send) -> None:
    """Drop what came of the body of a request that is refused, and what comes; ``send`` is as the server gave it.

    One reading of the socket may be 250 KB, which uvicorn keeps until the answer has gone; a refusal that is held back
    for two seconds would hold as much, and anybody can have thousands of them.
    """
    cycle = getattr(send, "__self__", None)
    if isinstance(cycle, RequestResponseCycle):
        cycle.body = _Swallowed()


class Seldom(logging.Filter):
    """Lets each warning of the server's through once a minute: anybody can send what it warns of, without end."""

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, float] = {}
        self._kept: Counter[str] = Counter()

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is written; it says how many were not."""
        if record.levelno != logging.WARNING:
            return True
        said, now = str(record.msg), time.monotonic()
        if now < self._told.get(said, 0.0):
            self._kept[said] += 1
            return False
        self._told[said] = now + _SELDOM
        kept = self._kept.pop(said, 0)
        if kept:
            record.msg = f"{said} ({kept} more of these since the last line)"
        return True


class Room:
    """The connections of a server: how many there may be, and who of them says nothing yet, longest first.

    Or takes nothing of what is said to them: of that, too, there may be only so much.
    """

    def __init__(self, most: int = MOST_CONNECTIONS, untaken: int = MOST_UNTAKEN) -> None:
        self.most = most
        self.quiet: dict[BoundedHttp, None] = {}
        self.held = 0
        self._untaken = untaken
        self._holding: dict[BoundedHttp, int] = {}

    def holds(self, connection: BoundedHttp, size: int) -> None:
        """So many bytes wait to be taken there; where it is too much, who has waited longest is given up."""
        self.took(connection)
        self._holding[connection] = size
        self.held += size
        while self.held > self._untaken and len(self._holding) > 1:
            longest = next(iter(self._holding))
            self.took(longest)
            REFUSED["unread"] += 1
            longest.transport.abort()

    def took(self, connection: BoundedHttp) -> None:
        """Nothing waits there any more; told again, nothing happens."""
        self.held -= self._holding.pop(connection, 0)

    def made(self, open_now: int) -> bool:
        """Whether there is room for one more beside so many; the quietest goes where there is not."""
        if open_now < self.most:
            return True
        REFUSED["connections"] += 1
        quietest = next(iter(self.quiet), None)
        if quietest is None:
            return False
        self.quiet.pop(quietest)
        quietest.transport.abort()
        return True


class BoundedHttp(WholeHeads):
    """uvicorn's protocol, which gives up on a head that is too long or too slow."""

    room = Room()
    """Of the server's; another server has a subclass with its own."""

    _deadline: asyncio.TimerHandle | None = None
    _taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin to wait for a first request."""
        full = not self.room.made(len(self.connections))
        super().connection_made(transport)
        if full:
            self._refuse(FULL)
            # For none that is too many is there time to read the answer.
            self.transport.close()
            return
        self.room.quiet[self] = None
        self._deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, TOO_SLOW)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._met()
        self._taken()
        self.room.took(self)
        self.room.quiet.pop(self, None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on; a head that has begun has to end in time."""
        super().data_received(data)
        if self._heading and self._deadline is None and not self._over:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._refuse, TOO_SLOW)

    def on_message_begin(self) -> None:
        """A head begins. Raises where too many requests wait behind the first, which the parser makes a 400 of."""
        if len(self.pipeline) >= MOST_AHEAD:
            raise ValueError
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is whole."""
        self._met()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request has ended."""
        if not self.flow.write_paused and not self._by_hand:
            self.room.quiet.pop(self, None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """A request is answered; until the next the connection is held open for nothing."""
        super().on_response_complete()
        if self.cycle is None or self.cycle.response_complete:
            self.room.quiet[self] = None

    def pause_writing(self) -> None:
        """Much of an answer is not taken yet: for as long, the connection is as good as held open for nothing."""
        super().pause_writing()
        self.room.quiet[self] = None
        self.room.holds(self, self.transport.get_write_buffer_size())
        self._await_taking()

    def resume_writing(self) -> None:
        """It is being taken."""
        super().resume_writing()
        self.room.took(self)
        self._taken()
        if self.cycle is not None and not self.cycle.response_complete and not self.cycle.more_body:
            self.room.quiet.pop(self, None)

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more is asked; what was answered may still have to go."""
        super().timeout_keep_alive_handler()
        self._await_taking()

    def _await_taking(self) -> None:
        if self._taking is None and (left := self.transport.get_write_buffer_size()):
            self._taking = self.loop.call_later(SEND_SECONDS, self._look, left)

    def _look(self, left: int) -> None:
        """Give up on who took nothing since there was so much left to take; it only gets less meanwhile."""
        self._taking = None
        if self.transport.get_write_buffer_size() < left:
            self._await_taking()
            return
        REFUSED["unread"] += 1
        self.transport.abort()

    def _taken(self) -> None:
        if self._taking is not None:
            self._taking.cancel()
            self._taking = None

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP, or more of it than there may be."""
        REFUSED["invalid_http"] += 1
        super().send_400_response(msg)

    def _met(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _refuse(self, answer: bytes) -> None:
        self._met()
        super()._refuse(answer)
        if self._over:
            self.room.quiet[self] = None
