"""One direction of talk with a worker: bounded in memory, and closed by us, not by whoever inherited the other end."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
from collections.abc import AsyncIterator
from typing import Any

_SETTLE_SECONDS = 0.2


class NotStarted(Exception):
    """There was no process, so nothing ran."""


class Pipe(asyncio.Protocol):
    """What came through a pipe so far: at most ``most`` bytes are kept, the rest is read and dropped."""

    def __init__(self, *, most: int) -> None:
        self.taken = bytearray()
        self._closed = asyncio.Event()
        self._most = most

    def data_received(self, data: bytes) -> None:
        """Keep what there is room for."""
        self.taken += data[: max(self._most - len(self.taken), 0)]

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end of the stream."""
        del exc
        self._closed.set()

    async def settle(self) -> None:
        """Take what a worker that has left still had in the pipe.

        A process that it left behind may hold the other end open for ever, so this does not wait for the end for long.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_SETTLE_SECONDS):
                await self._closed.wait()

    def lines(self) -> list[dict[str, Any]]:
        """The whole lines, as JSON objects; a line cut short does not count. Raises ``ValueError`` on anything else."""
        return [json.loads(line) for line in bytes(self.taken).split(b"\n")[:-1]]


@contextlib.asynccontextmanager
async def open_pipe(*, most: int) -> AsyncIterator[tuple[Pipe, io.FileIO]]:
    """A pipe and the end to write to, which the caller closes once a child has it. Raises `NotStarted`."""
    try:
        reading, writing = os.pipe()
    except OSError as fault:
        raise NotStarted(f"no pipe to a process could be opened ({fault})") from fault
    near, far = io.FileIO(reading, "rb"), io.FileIO(writing, "wb")
    transport: asyncio.ReadTransport | None = None
    try:
        transport, pipe = await asyncio.get_running_loop().connect_read_pipe(lambda: Pipe(most=most), near)
        yield pipe, far
    finally:
        far.close()
        if transport is None:
            near.close()
        else:
            transport.close()
