"""A TCP proxy before any server: it cuts, resets, stalls, slows and refuses, in either direction, where it is told to.

A fault waits for its moment: a word in what the client says (``POST /api/chat.postMessage``, ``COMMIT``, ``DATA``) and
from there on so many bytes in one direction. So "the answer is lost after the request passed" is `BACK` after 0 bytes.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from contextlib import suppress
from enum import Enum
from types import TracebackType
from typing import Self

from msgspec import Struct

from tests.fakes.receiver import End

_CHUNK = 16384
_SLICE = 0.05


class Way(Enum):
    """A direction: what the client says, or what the server answers."""

    THERE = "there"
    BACK = "back"


class Fault(Struct, kw_only=True):
    """Once ``word`` was said and ``after`` more bytes went ``way``, the connection ends as ``end``; ``left`` times."""

    word: bytes
    way: Way
    after: int
    end: End
    left: int
    hits: int = 0


class _Pair:
    """One connection: the client's end, the server's, the fault that waits on it and how far it still is."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client, self.server = client, server
        self.fault: Fault | None = None
        self.room = 0
        self.stalled = False

    def end(self, how: End) -> None:
        for writer in (self.client, self.server):
            if how is End.RESET:
                with suppress(OSError):
                    found: socket.socket = writer.get_extra_info("socket")
                    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            writer.close()


class Proxy:
    """Use as ``async with Proxy(port) as proxy``, then ``proxy.port``. ``target`` may be changed: a failover.

    ``rate``: bytes a second that go each way, None for all at once. ``stalled``: nothing goes either way for now.
    """

    def __init__(self, target: int, *, port: int = 0) -> None:
        self.target, self.port = target, port
        self.rate: float | None = None
        self.stalled = False
        self.connections = 0
        self.faults: list[Fault] = []
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.Task[None], _Pair | None] = {}

    def order(
        self, word: bytes = b"", *, way: Way = Way.BACK, after: int = 0, end: End = End.RESET, times: int = 1
    ) -> Fault:
        """Order a fault; its ``hits`` say whether it came to pass. An empty word is whatever is said next."""
        fault = Fault(word=word, way=way, after=after, end=end, left=times)
        self.faults.append(fault)
        return fault

    def behave(self) -> None:
        """Take every order back; connections that were stalled stay so, as a peer that is gone does."""
        self.faults.clear()
        self.rate, self.stalled = None, False

    def cut(self, how: End = End.RESET) -> None:
        """End every connection that is open."""
        for pair in tuple(self._open.values()):
            if pair is not None:
                pair.end(how)

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, fault, trace
        await self.refuse()

    async def accept(self) -> None:
        """Listen; on the port it had, where it has listened before."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Stop listening, so that connecting is refused, and end what is open."""
        if self._server is not None:
            self._server.close()
        self.cut()
        for task in tuple(self._open):
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a connection is served by a task")
        self.connections += 1
        self._open[task] = None
        try:
            with suppress(OSError, asyncio.CancelledError):
                answers, onward = await asyncio.open_connection("127.0.0.1", self.target)
                await self._carry(task, _Pair(writer, onward), reader, answers)
        finally:
            writer.transport.abort()
            self._open.pop(task, None)

    async def _carry(
        self, task: asyncio.Task[None], pair: _Pair, asks: asyncio.StreamReader, answers: asyncio.StreamReader
    ) -> None:
        self._open[task] = pair
        pumps = [
            asyncio.ensure_future(self._pump(pair, Way.THERE, asks, pair.server)),
            asyncio.ensure_future(self._pump(pair, Way.BACK, answers, pair.client)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            pair.server.transport.abort()

    async def _pump(self, pair: _Pair, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                if way is Way.THERE:
                    self._arm(pair, data)
                while self.stalled or pair.stalled:
                    await asyncio.sleep(_SLICE)
                if pair.fault is None or pair.fault.way is not way:
                    await self._pass(writer, data)
                    continue
                await self._pass(writer, data[: pair.room])
                pair.room -= len(data)
                if pair.room < 0:
                    await self._fall(pair)
                    return

    def _arm(self, pair: _Pair, data: bytes) -> None:
        """Let the first fault whose word is said wait on this connection."""
        for fault in self.faults:
            if pair.fault is None and fault.left > 0 and fault.word in data:
                fault.left -= 1
                pair.fault = fault
                pair.room = fault.after + (data.index(fault.word) if fault.way is Way.THERE else 0)

    async def _fall(self, pair: _Pair) -> None:
        fault, pair.fault = pair.fault, None
        if fault is None:
            return
        fault.hits += 1
        if fault.end is End.STALL:
            pair.stalled = True
            await asyncio.Event().wait()
        pair.end(fault.end)

    async def _pass(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        while data and self.rate is not None:
            size = max(1, int(self.rate * _SLICE))
            piece, data = data[:size], data[size:]
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(_SLICE)
        if data:
            writer.write(data)
            await writer.drain()
