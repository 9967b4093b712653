"""The other end of a replay: a receiver on a real socket that counts what reaches it and misbehaves on order.

An answer is a script: a function of the call that yields bytes to send, floats to wait, and at last an `End`.
Without an end the connection is kept alive. ``cut`` ends a connection before any answer.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Callable, Iterable
from enum import Enum
from types import TracebackType
from typing import Any, Self

from msgspec import Struct
from standardwebhooks import Webhook, WebhookVerificationError


class End(Enum):
    """How a connection goes on once everything was said."""

    CLOSE = "close"
    RESET = "reset"
    STALL = "stall"


class Cut(Enum):
    """Where a connection is cut short: before its request is read, or after the request's headers."""

    BEFORE_REQUEST = "before_request"
    AFTER_HEADERS = "after_headers"


class Call(Struct, frozen=True, kw_only=True):
    """One request as it came: header names in lower case, ``connection`` counting from 1."""

    connection: int
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """Its ``webhook-id``."""
        return self.headers.get("webhook-id", "")

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body)


Script = Callable[[Call], Iterable[bytes | float | End]]


def message(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    """One HTTP/1.1 answer; ``headers`` are whole lines ending in CRLF, ``length`` overrides the true one."""
    size = len(body) if length is None else length
    return f"HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{headers}\r\n".encode() + body


def answering(value: Any, *, status: str = "200 OK", headers: str = "") -> Script:
    """Answer every call with this JSON."""
    told = message(json.dumps(value).encode(), status=status, headers=headers)
    return lambda _: (told,)


def saying(*parts: bytes | float | End) -> Script:
    """Answer every call with these parts."""
    return lambda _: parts


class Receiver:
    """Use as ``async with Receiver(...) as receiver``, then ``receiver.url``.

    ``effects`` counts, per webhook id, how often a whole request was taken: what a real target would have done.
    With ``secret`` it behaves as the contract asks of a target: it verifies the signature (401), and answers an id
    that it has seen with what it answered before, without a second effect.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        cut: tuple[Cut, End] | None = None,
        secret: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.script: Script = script or answering({"ok": True})
        self.cut = cut
        self.calls: list[Call] = []
        self.refused: list[str] = []
        self.effects: Counter[str] = Counter()
        self.connections = 0
        self.bytes_sent = 0
        self._webhook = Webhook(secret) if secret else None
        self._host = host
        self._port = port
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._called = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self._host, self._port, ssl=self._tls)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, fault, trace
        if self._server is not None:
            self._server.close()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def called(self, times: int = 1) -> None:
        """Wait until this many calls have come."""
        while len(self.calls) < times:
            self._called.clear()
            await self._called.wait()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def url(self) -> str:
        """Where it is."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self._port}/hook"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served by a task")
        self._open.add(task)
        self.connections += 1
        try:
            await self._talk(reader, writer, self.connections)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> None:
        while True:
            if self.cut is not None and self.cut[0] is Cut.BEFORE_REQUEST:
                return await self._end(writer, self.cut[1])
            head = await reader.readuntil(b"\r\n\r\n")
            if self.cut is not None:
                return await self._end(writer, self.cut[1])
            call = await self._read(head, reader, connection)
            for part in self._answer(call):
                if isinstance(part, End):
                    return await self._end(writer, part)
                if isinstance(part, float):
                    await asyncio.sleep(part)
                    continue
                writer.write(part)
                await writer.drain()
                self.bytes_sent += len(part)

    async def _read(self, head: bytes, reader: asyncio.StreamReader, connection: int) -> Call:
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.split(":", 1) for line in lines if ":" in line)
        headers = {name.strip().lower(): value.strip() for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        return Call(connection=connection, path=first.split(" ")[1], headers=headers, body=body)

    def _answer(self, call: Call) -> Iterable[bytes | float | End]:
        if self._webhook is not None:
            try:
                self._webhook.verify(call.body, call.headers)
            except WebhookVerificationError as fault:
                self.refused.append(str(fault))
                return (message(b"", status="401 Unauthorized"),)
            if call.id in self.effects:
                self.refused.append("seen before")
                return self.script(call)
        self.calls.append(call)
        self.effects[call.id] += 1
        self._called.set()
        return self.script(call)

    async def _end(self, writer: asyncio.StreamWriter, end: End) -> None:
        if end is End.STALL:
            await asyncio.Event().wait()
        if end is End.RESET:
            connection: socket.socket = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        writer.close()
