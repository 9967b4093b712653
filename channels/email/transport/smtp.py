"""Letters out, through one server's connections: a few at most, each used for many letters.

What came of a letter is told in the house's terms: for now, for good, or for good because of the address. After the
whole letter was sent and nothing was heard it may have been taken; that counts as "for now", since a repeat carries
the same Message-ID and a reader sees it once. A server that only takes its time is waited for, whoever stops asking:
not every reader sees two of one name as one.
"""

from __future__ import annotations

import asyncio
import re
import time
from datetime import UTC, datetime

from bot.core.errors import SendFailed
from bot.core.servers import Server
from channels.email.transport.smtp_connection import Envelope, Refused, SmtpConnection

_LETTERS_EACH = 100
_IDLE_FOR = 30.0
_LOOK_AGAIN = 30.0
_CLOSE_WITHIN = 2.0
_KNOWN_FOR = 900.0
"""How long it is known what came of a letter that nobody waited for any more; it is asked for again sooner."""
_ADDRESS = re.compile(r"[^\s<>@\"\\\x00-\x1f\x7f]+@[^\s<>@\"\\\x00-\x1f\x7f]+")


class Pool:
    """The connections to one server: at most ``most``, made when they are needed, closed when they are not."""

    def __init__(self, server: Server, *, most: int = 4) -> None:
        """Nothing is connected yet."""
        self._server = server
        self._gate = asyncio.Semaphore(most)
        self._idle: list[SmtpConnection] = []
        self._closed = False
        self._fault: str | None = None
        self._since: datetime | None = None
        self._failed_at = 0.0
        self._chores: set[asyncio.Task[None]] = set()
        self._under_way: dict[tuple[str, str], tuple[float, asyncio.Task[None]]] = {}
        self._sweep: asyncio.TimerHandle | None = None

    async def send(self, sender: str, to: str, message: bytes, *, envelope_id: str | None = None) -> None:
        """Send a letter to one address; both addresses are bare (``local@domain``). Raises `SendFailed`.

        An empty ``sender`` is the null return path: nobody is told where such a letter fails (RFC 5321, 4.5.5).
        ``envelope_id`` comes back in a report that the letter could not be delivered (RFC 3461). Whoever asks for the
        same one again, having stopped waiting, hears what came of the first.
        """
        if sender and not _ADDRESS.fullmatch(sender):
            raise SendFailed("not an address that a letter can be sent from", temporary=False)
        if not _ADDRESS.fullmatch(to):
            raise SendFailed("not an address that a letter can be sent to", temporary=False, unreachable=True)
        letter = Envelope(sender, to, message, envelope_id)
        if envelope_id is None:
            await self._in_turn(letter)
            return
        key = (to, envelope_id)
        task = self._begun(key, letter)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            asked = asyncio.current_task()
            if not task.cancelled() or (asked is not None and asked.cancelling()):
                raise
            raise SendFailed(f"{self._server.shown}: closed", temporary=True) from None
        finally:
            if task.done():
                self._under_way.pop(key, None)

    def _begun(self, key: tuple[str, str], letter: Envelope) -> asyncio.Task[None]:
        """The sending of a letter, begun now if it is not under way; its end is heard by whoever asks next."""
        now = time.monotonic()
        for old in [
            known for known, (since, done) in self._under_way.items() if done.done() and now - since > _KNOWN_FOR
        ]:
            del self._under_way[old]
        if key not in self._under_way:
            task = asyncio.get_running_loop().create_task(self._in_turn(letter))
            # What nobody hears any more is no error of the loop's.
            task.add_done_callback(lambda ended: None if ended.cancelled() else ended.exception())
            self._under_way[key] = (now, task)
        return self._under_way[key][1]

    async def _in_turn(self, letter: Envelope) -> None:
        async with self._gate:
            try:
                await self._send(letter)
            except Refused as refused:
                raise self._failed(refused) from None

    async def _send(self, letter: Envelope) -> None:
        connection = self._waiting()
        if connection is not None:
            try:
                await self._hand_over(connection, letter)
            except Refused as refused:
                # A connection that lay idle may have ended unseen; before DATA that says nothing about the letter.
                if not refused.stale:
                    raise
            else:
                return
        await self._hand_over(await self._open(), letter)

    async def _hand_over(self, connection: SmtpConnection, letter: Envelope) -> None:
        try:
            await connection.send(letter)
        except Refused:
            self._put_back(connection)
            raise
        except BaseException:
            # Cut off in the middle of a letter, it is of no use to the next one.
            connection.drop()
            raise
        self._put_back(connection)

    def _waiting(self) -> SmtpConnection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.usable:
                return connection
            connection.drop()
        return None

    async def _open(self) -> SmtpConnection:
        if self._closed:
            raise Refused("connect", "closed")
        connection = SmtpConnection(self._server)
        try:
            await connection.open()
        except Refused as refused:
            self._since = self._since or datetime.now(UTC)
            self._fault = f"{refused}, since {self._since:%Y-%m-%d %H:%M} UTC"
            self._failed_at = time.monotonic()
            raise
        self._fault = self._since = None
        return connection

    def _put_back(self, connection: SmtpConnection) -> None:
        if not connection.usable:
            return
        if self._closed or connection.letters >= _LETTERS_EACH:
            self._do(connection)
            return
        connection.idle_since = time.monotonic()
        self._idle.append(connection)
        if self._sweep is None:
            self._sweep = asyncio.get_running_loop().call_later(_IDLE_FOR, self._close_idle)

    def _close_idle(self) -> None:
        self._sweep = None
        since = time.monotonic() - _IDLE_FOR * 0.99
        for connection in [one for one in self._idle if one.idle_since <= since]:
            self._idle.remove(connection)
            self._do(connection)
        if self._idle:
            wait = min(one.idle_since for one in self._idle) - since
            self._sweep = asyncio.get_running_loop().call_later(wait, self._close_idle)

    def _do(self, connection: SmtpConnection) -> None:
        """Take leave of a connection, beside whatever else goes on."""
        task = asyncio.get_running_loop().create_task(connection.close(_CLOSE_WITHIN))
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)

    async def fault(self) -> str | None:
        """What is wrong with the server: how the last attempt to connect failed, and since when; None: nothing known.

        An old fault is looked at again, so that it does not stand for as long as no letter is due.
        """
        if self._fault is not None and time.monotonic() - self._failed_at > _LOOK_AGAIN and not self._closed:
            self._failed_at = time.monotonic()
            task = asyncio.get_running_loop().create_task(self._look())
            self._chores.add(task)
            task.add_done_callback(self._chores.discard)
        return f"{self._server.shown}: {self._fault}" if self._fault is not None else None

    async def _look(self) -> None:
        async with self._gate:
            try:
                self._put_back(await self._open())
            except Refused:
                return

    async def close(self) -> None:
        """Take leave of the server; a letter that is on its way may still arrive."""
        self._closed = True
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None
        for connection in self._idle:
            self._do(connection)
        self._idle.clear()
        for _, task in self._under_way.values():
            task.cancel()
        await asyncio.gather(*self._chores, *(task for _, task in self._under_way.values()), return_exceptions=True)

    def _failed(self, refused: Refused) -> SendFailed:
        detail = f"{self._server.shown}: {refused.kept}"
        return SendFailed(detail, temporary=refused.temporary, unreachable=refused.unreachable)
