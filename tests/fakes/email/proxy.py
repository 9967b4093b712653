"""A TCP proxy in front of a real server, that cuts, stalls and slows connections on order."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

_CHUNK = 16384


class Proxy:
    """Use as ``async with Proxy(port) as proxy``, then ``proxy.port``.

    ``stalled``: what the server says is held back. ``pace``: seconds before each piece of what it says goes on.
    ``cut_after``: once, a connection is cut after so many bytes of the server's. ``replaced``: words of the server's
    that are told otherwise, of any length; told as ``CUT``, they end the connection. ``refused``: an answer in which
    this stands is told as a NO.
    """

    CUT = b"\0cut\0"

    def __init__(self, target: int) -> None:
        self._target = target
        self.port = 0
        self.stalled = False
        self.pace = 0.0
        self.cut_after: int | None = None
        self.replaced: dict[bytes, bytes] = {}
        self.refused = b""
        self.connections = 0
        self.heard = bytearray()
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], tuple[asyncio.StreamWriter, ...]] = {}

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, fault, trace
        await self.stop()

    async def start(self) -> None:
        """Listen; on the port it had, where it has listened before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, and cut every connection."""
        if self._server is not None:
            self._server.close()
        tasks = tuple(self._open)
        self.kill_connections()
        await asyncio.gather(*tasks, return_exceptions=True)

    def kill_connections(self) -> None:
        """Cut every connection without a word."""
        for task, writers in tuple(self._open.items()):
            for writer in writers:
                writer.transport.abort()
            task.cancel()

    def say(self, line: bytes) -> None:
        """Say something to every client in the server's name (not through encryption)."""
        for writers in self._open.values():
            writers[0].write(line)

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._open)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served by a task")
        self.connections += 1
        self._open[task] = (writer,)
        with suppress(OSError, asyncio.CancelledError):
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            self._open[task] = (writer, back)
            onward = asyncio.ensure_future(self._onward(reader, back))
            try:
                await self._backward(there, writer)
            finally:
                onward.cancel()
                await asyncio.gather(onward, return_exceptions=True)
                back.transport.abort()
        writer.transport.abort()
        del self._open[task]

    async def _onward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            self.heard += data
            writer.write(data)
            await writer.drain()
        writer.transport.abort()

    async def _backward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = 0
        while data := await reader.read(_CHUNK):
            for old, new in self.replaced.items():
                data = data.replace(old, new)
            if self.refused and self.refused in data:
                data = data.replace(self.refused, b"* WHAT (").replace(b" OK ", b" NO [UNAVAILABLE] later: ")
            if self.CUT in data:
                return
            if self.pace:
                await asyncio.sleep(self.pace)
            while self.stalled:
                await asyncio.sleep(0.02)
            if self.cut_after is not None and said + len(data) >= self.cut_after:
                writer.write(data[: self.cut_after - said])
                await writer.drain()
                self.cut_after = None
                return
            writer.write(data)
            await writer.drain()
            said += len(data)
