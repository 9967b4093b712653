"""One call and its answer, as plain ASGI: bodies are bounded while they stream, waits end when the caller leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.types import Message, Receive, Scope, Send

from bot.core.errors import SaysoError, TooLarge
from bot.web import heads, problems
from bot.web.strict_json import MAX_BYTES

T = TypeVar("T")
Headers = list[tuple[bytes, bytes]]

JSON_TYPE = b"application/json"
BODY_SECONDS = 30.0
"""How long a body may take to arrive; longer is a stalled or hostile sender."""

GRACE_SECONDS = 5.0
LEAST_RATE = 240
"""Bytes of a body a second, on average, after so many seconds of grace: as Kestrel has it (``MinRequestBodyDataRate``).

A large body has to come faster, for all of it to be there in time: one that cannot is not waited for to the end."""

GUARDS: Headers = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store")]
_DRAINED = 1024 * 1024
"""Bytes of an oversized body that are read and thrown away, so that an honest sender gets to read the refusal."""

_IN_STEP = BODY_SECONDS - GRACE_SECONDS

_UNKNOWN_BYTES = 32 * 1024 * 1024
"""Bytes of bodies under way of which it is not known whose they are: Slack's posts, and forms of who has no session."""


_AT_ONCE = 0.0
"""When the time of a body is over that is not waited for any more; the loop's clock is past it."""


class Gone(Exception):
    """The caller hung up; there is nobody to answer."""


@dataclass(frozen=True)
class Answer:
    """What goes back. ``chunks``, where given, are streamed after ``body``, which then is their beginning."""

    status: int
    body: bytes
    media_type: bytes = JSON_TYPE
    headers: Headers = field(default_factory=list)
    chunks: AsyncIterator[bytes] | None = None

    async def send(self, send: Send) -> None:
        """Write it out."""
        headers = [(b"content-type", self.media_type), *GUARDS, *self.headers]
        if self.chunks is None:
            headers.append((b"content-length", str(len(self.body)).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if self.chunks is None:
            await send({"type": "http.response.body", "body": self.body})
            return
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        async for chunk in self.chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def refusal(error: SaysoError) -> Answer:
    """The error as a problem (RFC 9457)."""
    headers = problems.headers_of(error)
    if isinstance(error, TooLarge | problems.TooSlow):
        headers.append((b"connection", b"close"))
    return Answer(error.status, problems.encode(error), problems.MEDIA_TYPE, headers)


def header_values(scope: Scope, name: bytes) -> list[bytes]:
    """Every value of a header, whose name is given in lower case."""
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    return [value for key, value in headers if key == name]


def announced(scope: Scope) -> int:
    """How many bytes a body will have at most, as far as its head says, 0 where it has none."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return min(int(value), MAX_BYTES) if value.isdigit() and len(value) < len(str(_DRAINED)) else MAX_BYTES
        if name == b"transfer-encoding":
            return MAX_BYTES
    return 0


class Unknown:
    """Bodies that come from anybody, and how much is held of them in all.

    Beyond ``most`` bytes the one that has been longest in coming is not waited for: whoever sends in one go is through
    within a moment, and so never that one.
    """

    def __init__(self, most: int = _UNKNOWN_BYTES) -> None:
        self.held = 0
        self._most = most
        self._coming: dict[asyncio.Timeout, int] = {}

    def came(self, until: asyncio.Timeout, size: int) -> None:
        """More of a body came, whose reading ends with ``until``."""
        self._coming[until] = self._coming.get(until, 0) + size
        self.held += size
        while self.held > self._most:
            longest = next(iter(self._coming))
            self.ended(longest)
            if not longest.expired():
                longest.reschedule(_AT_ONCE)

    def ended(self, until: asyncio.Timeout) -> None:
        """Nothing is held of it any more; told again, nothing happens."""
        self.held -= self._coming.pop(until, 0)


_unknown = Unknown()


async def read_body(scope: Scope, receive: Receive, limit: int = MAX_BYTES, *, known: bool = False) -> bytes:
    """The whole body; raises `TooLarge` once it passes ``limit`` bytes, whatever Content-Length says, and `TooSlow`.

    ``known``: whoever sends it has shown a key or a session. Of all others together no more is held than `Unknown` has.
    """
    declared = header_values(scope, b"content-length")
    over = any(len(length) > len(str(_DRAINED)) or int(length) > limit for length in declared if length.isdigit())
    if over and any(value.lower() == b"100-continue" for value in header_values(scope, b"expect")):
        # Whoever asks before they send is told before they send (RFC 9110, 10.1.1); to read is to ask for it.
        raise _too_large(limit)
    expected = int(declared[0]) if declared and not over and declared[0].isdigit() else 0
    try:
        async with asyncio.timeout(min(GRACE_SECONDS + heads.HOLD_SECONDS, BODY_SECONDS)) as until:
            try:
                body = await _streamed(receive, limit, _Pace(until, expected, None if known else _unknown), over=over)
            finally:
                if not known:
                    _unknown.ended(until)
    except TimeoutError:
        raise problems.TooSlow from None
    if body is None:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit // 1024} KiB.")


class _Pace:
    """How long a body that comes in pieces is waited for: ``expected`` bytes, 0 where nobody knows."""

    __slots__ = ("_began", "_rate", "_unknown", "_until")

    def __init__(self, until: asyncio.Timeout, expected: int, unknown: Unknown | None) -> None:
        self._until = until
        self._unknown = unknown
        self._began = asyncio.get_running_loop().time()
        self._rate = max(LEAST_RATE, expected / _IN_STEP)

    def came(self, size: int, kept: int) -> None:
        """So many bytes are here, and so many of them more are kept; there are more to come."""
        if self._until.when() == _AT_ONCE:
            # Given up in this turn of the loop: what came in it, too, must not bring it back, as the newest of all.
            return
        # What came since may be held on the wire, and is to their credit.
        due = GRACE_SECONDS + heads.HOLD_SECONDS + size / self._rate
        self._until.reschedule(self._began + min(BODY_SECONDS, due))
        if self._unknown is not None:
            self._unknown.came(self._until, kept)


async def _streamed(receive: Receive, limit: int, pace: _Pace, *, over: bool) -> bytes | None:
    kept = bytearray()
    size = 0
    while True:
        message = await _message(receive)
        chunk = message.get("body", b"")
        size += len(chunk)
        over = over or size > limit
        before = len(kept)
        if over:
            kept.clear()
        else:
            kept += chunk
        if not message.get("more_body", False) or size > _DRAINED:
            return None if over else bytes(kept)
        pace.came(size, len(kept) - before)


async def _message(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise Gone
    return message


async def while_connected(
    receive: Receive, work: Coroutine[Any, Any, T], closing: asyncio.Event | None = None
) -> T | None:
    """What ``work`` gives; None once ``closing`` is set; `Gone` as soon as the caller hangs up. Both cancel it."""
    task = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_hung_up(receive))
    others: set[asyncio.Future[Any]] = {leaving}
    if closing is not None:
        others.add(asyncio.ensure_future(closing.wait()))
    try:
        await asyncio.wait({task, *others}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        if leaving.done():
            raise Gone
        return None
    finally:
        for future in (task, *others):
            future.cancel()
        await asyncio.gather(task, *others, return_exceptions=True)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
