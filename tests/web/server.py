"""uvicorn, which opens and closes when it is told to: by itself it looks ten times a second whether it should."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import uvicorn

_TICK = 0.1
"""Seconds, as uvicorn's own."""

_PATIENCE = 5.0
"""Seconds that answers under way have at the end."""


class _Server(uvicorn.Server):
    """uvicorn's server, and words for when it is open and when it is to end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.open = asyncio.Event()
        self._ending = asyncio.Event()

    def end(self) -> None:
        """Close."""
        self.should_exit = True
        self._ending.set()

    async def main_loop(self) -> None:
        """As uvicorn's, without the rest of a tick when it is over."""
        self.open.set()
        count = 0
        while not await self.on_tick(count):
            count += 1
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK):
                    await self._ending.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As uvicorn's, without a tick's pause where everything is closed at once."""
        for server in self.servers:
            server.close()
        for one in sockets or ():
            one.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while self.server_state.connections or self.server_state.tasks:
                    await asyncio.sleep(0.002)
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)


@asynccontextmanager
async def answering(config: uvicorn.Config, listener: socket.socket) -> AsyncIterator[None]:
    """Answer at a socket until the block ends; ``config.timeout_graceful_shutdown`` says who is cut off then."""
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    opened = asyncio.create_task(server.open.wait())
    await asyncio.wait({serving, opened}, return_when=asyncio.FIRST_COMPLETED)
    opened.cancel()
    try:
        yield
    finally:
        server.end()
        await serving
