"""Heads of requests, bounded to the byte, bodies that come in crumbs, and what is answered to what is no request.

httptools keeps a header until it is whole, uvicorn sets neither its length nor the number of them a limit and answers
what is no HTTP in plain text. Here the parser is given a reading of the socket up to the end of each head and of each
body, so that a head is as long as what was sent of it, however many readings it took and whatever was sent ahead of it
(threat T22). How a request is read stays the parser's: where its pieces end changes nothing of what it makes of them.
"""

from __future__ import annotations

import asyncio

from httptools import HttpParserError
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bot.core.errors import Malformed, Overloaded, SaysoError
from bot.web import problems
from bot.web.chunks import Chunks

MAX_HEAD = 64 * 1024
"""Bytes of a request line with its headers, of trailers, or of chunk extensions between two pieces of a body."""

MOST_HEADERS = 100
"""Headers of a request, and as many trailers: as Apache (``LimitRequestFields``), Kestrel (``MaxRequestHeaderCount``),
gunicorn (``limit_request_fields``) and hyper have it. Each costs before anybody knows whose it is."""

HOLD_SECONDS = 1.0
HOLD_BYTES = 4 * 1024
"""How long, and how much of, a body that is not whole is kept before whoever reads it is told. To wake them for every
byte that somebody sends by itself costs more than all else about that byte. A body that is whole is told of at once."""

LINGER_SECONDS = 1.0
LINGER_BYTES = 1024 * 1024
"""How long, and how much, is read and thrown away behind a refusal: a system that closes on what nobody read resets the
connection, and takes the refusal from who sent it (RFC 9112, 9.6)."""

_END = b"\r\n\r\n"
_OURS = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect"})


class HeadTooLarge(SaysoError):
    """The request line with its headers is larger than 64 KiB, or there are more than 100 headers."""

    code = "head_too_large"
    status = 431


class _NoRequest(Malformed):
    """This is no HTTP request that can be accepted."""


class _Full(Overloaded):
    """There are as many connections as there may be, and each is being answered. Try again later."""

    status = 503


_PHRASES = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large"}


def _told(error: SaysoError) -> bytes:
    """The whole answer on the wire, a problem as any other refusal (RFC 9457), behind which nothing follows."""
    body = problems.encode(error)
    headers = [
        (b"content-type", problems.MEDIA_TYPE),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
        *problems.headers_of(error),
    ]
    status = b"HTTP/1.1 %d %b" % (error.status, _PHRASES.get(error.status, b"Service Unavailable"))
    return b"\r\n".join([status, *(name + b": " + value for name, value in headers), b"", body])


FULL = _told(_Full())
TOO_SLOW = _told(problems.TooSlow("The request did not arrive in time: send it again in one go."))
TOO_LARGE = _told(HeadTooLarge())
MALFORMED = _told(_NoRequest())


class WholeHeads(HttpToolsProtocol):
    """uvicorn's protocol, which reads a head up to its last byte, and refuses what it cannot take as a problem."""

    _size = 0
    """Bytes of a head, or of what is neither head nor body, that came so far."""

    _trailers = 0
    """Trailers of the request so far."""

    _hosts = 0
    """How often the head says whom it asks."""

    _many = False
    """Whether there are more headers, or trailers, than there may be."""

    _heading = False
    """Whether a head has begun and has not ended."""

    _inside = False
    """Whether a head has ended and its request has not."""

    _left: int | None = 0
    """Bytes of the body that are still to come; None where only its chunks say."""

    _by_hand = False
    """Whether the body is read here, for the parser thinks that there is none."""

    _chunks: Chunks | None = None
    """What reads such a body, where only its chunks say how long it is."""

    _tail = b""
    """The last bytes of the reading before, of a head that has not ended: its end may lie half in it."""

    _held = False
    """Whether something of a body is here of which whoever reads it was not told."""

    _telling: asyncio.TimerHandle | None = None

    _over = False
    _dropped = 0

    def data_received(self, data: bytes) -> None:
        """Read on, piece by piece; behind a refusal nothing is read any more."""
        if self._over:
            self._drop(len(data))
            return
        at = 0
        while True:
            end = self._ends(data, at)
            self._read(data[at:end])
            if end == len(data) or self._over or self.transport.is_closing():
                break
            at = end
        if self._held and self._telling is None:
            self._telling = self.loop.call_later(HOLD_SECONDS, self._tell)
        self._tail = (self._tail + data)[-3:] if self._heading or (self._inside and self._left is None) else b""

    def _read(self, piece: bytes) -> None:
        """Give a piece to the parser, or to what reads it here."""
        self._size += len(piece)
        if self._size > MAX_HEAD and not self._inside:
            self._refuse(TOO_LARGE)
        else:
            if self._by_hand:
                self._read_body(piece)
            else:
                super().data_received(piece)
            if self._size > MAX_HEAD:
                self._refuse(TOO_LARGE)

    def _read_body(self, piece: bytes) -> None:
        """Read on in a body that the parser thinks there is none of; what ends it ends the piece, too (`_ends`)."""
        if self._chunks is None:
            self.on_body(piece)
            over = not self._left
        else:
            try:
                self._chunks.read(piece)
            except HttpParserError:
                self.send_400_response("")
                return
            over = self._chunks.over
        if over:
            self._by_hand = False
            self._chunks = None
            self.on_message_complete()

    def _ends(self, data: bytes, at: int) -> int:
        """Where the head, or the body, ends that goes on there; the end of the data where it does not."""
        if self._inside and self._left:
            return min(len(data), at + self._left)
        if self._tail and not at:
            half = (self._tail + data[:3]).find(_END)
            if half >= 0:
                return half + len(_END) - len(self._tail)
        found = data.find(_END, at)
        return found + len(_END) if found >= 0 else len(data)

    def on_message_begin(self) -> None:
        """A head begins."""
        self._heading = True
        self._left = self._hosts = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or a trailer. Raises where there are too many, which the parser stops at."""
        if self._inside:
            # No header: what a proxy took out of a head must not come in behind the body (RFC 9110, 6.5.1).
            self._trailers += 1
        else:
            name = name.lower()
            self.headers.append((name, value))
            if name in _OURS:
                self._note(name, value)
        if len(self.headers) > MOST_HEADERS or self._trailers > MOST_HEADERS:
            self._many = True
            raise ValueError

    def _note(self, name: bytes, value: bytes) -> None:
        """What a header says of the head, and of the body that follows. Raises on a coding that nobody undoes."""
        if name == b"host":
            self._hosts += 1
        elif name == b"content-length":
            self._left = int(value)
        elif name == b"transfer-encoding":
            if value.strip().lower() != b"chunked":
                raise ValueError
            self._left = None
        elif value.lower() == b"100-continue":
            self.expect_100_continue = True

    def on_headers_complete(self) -> None:
        """A head is whole. Raises where it says never, or twice, whom it asks (RFC 9112, 3.2); HTTP/1.0 may."""
        self._heading = False
        self._size = self._trailers = 0
        if self._hosts != 1 and (self._hosts or self.parser.get_http_version() == "1.1"):
            raise ValueError
        # The parser takes a request that would like another protocol for one without a body, and what the body holds
        # for the next request, which a proxy in front never saw. Nobody gets another protocol here (RFC 9110, 7.8).
        if self._left != 0 and self.parser.should_upgrade():
            self._chunks = Chunks(self) if self._left is None else None
            self._by_hand = True
        # What its target is no address of (CONNECT) raises here: until it did not, there is no request to go on with.
        super().on_headers_complete()
        self._inside = True

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._size = 0
        if self._left is not None:
            self._left -= len(body)
        # As uvicorn's own, but for when the reader is told.
        cycle = self.cycle
        if cycle.response_complete:
            return
        cycle.body += body
        if len(cycle.body) > HIGH_WATER_LIMIT:
            self.flow.pause_reading()
        if len(cycle.body) > HOLD_BYTES:
            self._held = False
            cycle.message_event.set()
        else:
            self._held = True

    def _tell(self) -> None:
        self._telling = None
        if self._held:
            self._held = False
            self.cycle.message_event.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell nobody of anything any more but of that."""
        if self._telling is not None:
            self._telling.cancel()
        super().connection_lost(exc)

    def on_message_complete(self) -> None:
        """A request has ended."""
        if self._by_hand:
            return
        self._size = 0
        self._inside = self._held = False
        super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: anybody may wish for another protocol, and nobody here is to install one."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  # uvicorn's own sentence, which is no problem
        """What is no HTTP, or more of it than there may be."""
        self._refuse(TOO_LARGE if self._many else MALFORMED)

    def _refuse(self, answer: bytes) -> None:
        """End the connection, with an answer where it cannot be taken for another request's."""
        if self._over or self.transport.is_closing():
            return
        cycle = self.cycle
        if cycle is None or cycle.response_complete:
            # Of a request that was answered before its body was here nothing more is told.
            told = not self._inside
        else:
            told = self._inside and not self.pipeline and not cycle.response_started
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
        if not told:
            self.transport.close()
            return
        self._over = True
        self.transport.write(answer)
        self.transport.write_eof()
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _drop(self, size: int) -> None:
        self._dropped += size
        if self._dropped > LINGER_BYTES:
            self.transport.abort()
