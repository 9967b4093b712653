"""A body in chunks behind a wish for another protocol, which the parser of the request itself passes over.

Java's own HTTP client wishes for HTTP/2 with its first request over plain HTTP, and sends what is streamed in chunks,
as what stands on it (Spring) does. The wish is not granted here (RFC 9110, 7.8), so the body is one of HTTP/1.1 (RFC
9112, 7.1), and is read by a parser of its own, as any other such body.
"""

from __future__ import annotations

from typing import Protocol

import httptools

_HEAD = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"


class Reader(Protocol):
    """Whoever is told what is in it."""

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""

    def on_header(self, name: bytes, value: bytes) -> None:
        """A trailer."""


class Chunks:
    """One body. ``over`` once it has ended; what is read after that belongs to another request."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._begun = False
        self.over = False
        self._parser = httptools.HttpRequestParser(self)
        self._parser.feed_data(_HEAD)

    def read(self, piece: bytes) -> None:
        """Read on. Raises `httptools.HttpParserError` on what is no chunk."""
        self._parser.feed_data(piece)

    def on_headers_complete(self) -> None:
        """What comes from here on is not ours."""
        self._begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of our own, or a trailer."""
        if self._begun:
            self._reader.on_header(name, value)

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._reader.on_body(body)

    def on_message_complete(self) -> None:
        """The body has ended."""
        self.over = True
