"""Letters in, from a mailbox: a thread of its own reads it by IMAP, and hands each letter to the event loop.

A letter is done once what takes it has returned; only then does the cursor move past it. So nothing is lost, whatever
dies when; and what is read again after that is known by its receipt. The mailbox is never left to one bad letter.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from bot.core.errors import SaysoError
from bot.core.ports import Cursor
from bot.core.scrutiny import visible
from bot.core.servers import Server
from channels.email.transport.imap_connection import ImapConnection, ImapFailed, mailbox_name, told
from channels.email.transport.imap_reading import POLL_EVERY, Calls, Reading

__all__ = ["ImapFailed", "Mailbox", "find", "mailbox_name", "newest", "try_out"]

_START_WITHIN = 2.0
_STOP_WITHIN = 1.5
_BUSY_FOR = 300.0
"""How long one thing may take of the server; each answer alone has a shorter end, but a server may trickle."""
_WATCH_EVERY = 5.0
_ASKED_EVERY = 2.0
_CAPABILITIES = 500


class Mailbox:
    """One folder, read for as long as it is started.

    ``take`` gets each letter (of one over 10 MiB its start) and its true size in bytes, on the event loop;
    `bot.core.errors.Unavailable` or `Overloaded` from it means: the same one again, later. ``cursor`` and ``moved`` are
    how far the folder is read.
    """

    def __init__(
        self,
        server: Server,
        *,
        take: Callable[[bytes, int], Awaitable[None]],
        cursor: Callable[[], Awaitable[Cursor | None]],
        moved: Callable[[Cursor], Awaitable[None]],
        mine: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """Nothing is connected before `start`.

        ``mine``: whether this process is to read the folder, asked again and again, for another may stop reading it.
        """
        self._server = server
        self._calls = Calls(take=take, cursor=cursor, moved=moved)
        self._mine = mine
        self._reading: Reading | None = None
        self._watch: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to read; returns once it is known how the first attempt went, or after 2 s, and `fault` says it."""
        if self._mine is None:
            await self._begin()
            return
        await self._look(self._mine)
        self._asking = asyncio.get_running_loop().create_task(self._ask(self._mine))

    async def _ask(self, mine: Callable[[], Awaitable[bool]]) -> None:
        while True:
            await asyncio.sleep(_ASKED_EVERY)
            await self._look(mine)

    async def _look(self, mine: Callable[[], Awaitable[bool]]) -> None:
        """Begin or end to read as it is this process's turn; while nobody can say, all stays as it is."""
        try:
            turn = await mine()
        except SaysoError:
            return
        if turn and self._reading is None:
            await self._begin()
        elif not turn:
            await self._end()

    async def _begin(self) -> None:
        loop = asyncio.get_running_loop()
        reading = self._reading = Reading(self._server, self._calls, loop)
        self._watch = loop.create_task(_abort_what_hangs(reading))
        reading.start()
        with suppress(TimeoutError):
            async with asyncio.timeout(_START_WITHIN):
                await reading.tried.wait()

    async def stop(self) -> None:
        """Stop reading, within 2 s whatever the server does; a letter that is being taken gets a moment to end."""
        if self._asking is not None:
            self._asking.cancel()
        await self._end()

    async def _end(self) -> None:
        reading, self._reading = self._reading, None
        if reading is None:
            return
        if self._watch is not None:
            self._watch.cancel()
        reading.stop()
        try:
            async with asyncio.timeout(_STOP_WITHIN):
                await reading.ended.wait()
        except TimeoutError:
            # It hangs in `take`, or in the system's own calls; it is a daemon, and takes nothing any more.
            reading.give_up()
            await asyncio.sleep(0)

    async def fault(self) -> str | None:
        """What is wrong right now, in one line, or None."""
        idle = "not started" if self._asking is None else None
        fault = idle if self._reading is None else self._reading.fault
        return f"{mailbox_name(self._server)}: {fault}" if fault else None


async def _abort_what_hangs(reading: Reading) -> None:
    while True:
        await asyncio.sleep(_WATCH_EVERY)
        since = reading.busy_since
        if since is not None and time.monotonic() - since > _BUSY_FOR:
            reading.abort()


def _opened(server: Server) -> ImapConnection:
    connection = ImapConnection(server)
    try:
        connection.open()
    except Exception as fault:  # noqa: BLE001  # a server that lies breaks the libraries in ways they do not name
        connection.close()
        raise ImapFailed(f"{mailbox_name(server)}: {told(fault)}") from None
    return connection


def try_out(server: Server) -> tuple[str, ...]:
    """Connect, and tell what was found, a line each; blocking. Raises `ImapFailed`."""
    connection = _opened(server)
    try:
        checked = f"the certificate is good for {server.host}" if server.verify else "no certificate was asked for"
        encryption = connection.encryption
        known = visible(" ".join(connection.capabilities))[:_CAPABILITIES]
        return (
            f"encryption: {encryption}, {checked}" if encryption else "encryption: none",
            f"folder: {server.folder or 'INBOX'}, {connection.count} letters, UIDVALIDITY {connection.validity}",
            "news: told at once (IDLE)" if connection.idles else f"news: asked for every {POLL_EVERY:.0f} s (no IDLE)",
            f"capabilities: {known}",
        )
    finally:
        connection.close()


def newest(server: Server, count: int) -> list[bytes]:
    """The headers of the newest letters, newest first; blocking. Raises `ImapFailed`."""
    connection = _opened(server)
    try:
        uids = connection.all()[-count:] if count > 0 else []
        return [found for uid in reversed(uids) if (found := connection.headers(uid)) is not None]
    finally:
        connection.close()


def find(server: Server, message_id: str) -> bytes | None:
    """The headers of the letter with this Message-ID (with its angle brackets), or None; blocking.

    Raises `ImapFailed`.
    """
    connection = _opened(server)
    try:
        uids = connection.named(message_id)
        return connection.headers(uids[-1]) if uids else None
    finally:
        connection.close()
