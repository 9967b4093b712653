"""Letters in without a mailbox: a listener for LMTP or SMTP behind one's own mail server, by aiosmtpd.

It says yes to a letter only once what takes it has returned, so the mail server keeps what was not dealt with and
brings it again. It relays nothing, asks for no password, and tells nobody which addresses there are.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, AnyStr

from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from bot.core.errors import Overloaded, Unavailable
from bot.core.servers import Server
from channels.email.inbound.values import Incoming
from channels.email.settings import LARGEST

_log = logging.getLogger(__name__)
# Below ERROR the library prints every line that is said, and those hold reply addresses, which are secrets.
logging.getLogger("mail.log").setLevel(logging.ERROR)

_MOST_CONNECTIONS = 64
_MOST_RECIPIENTS = 100
_IDLE_FOR = 60.0
_AGAIN_AFTER = 5.0
_STOP_WITHIN = 2.0
_LAST_WORDS = 0.05
_LONGEST_LINE = 64 * 1024
"""Longer than RFC 5322 allows (998): a letter that somebody's client wrote badly is still theirs."""
_MOST_LINES = 250_000
"""Of a letter; each is looked at by itself, and millions of empty ones would keep everything waiting for seconds."""
_END = b"\r\n.\r\n"
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")

Take = Callable[[Incoming, int], Awaitable[None]]


class Listener:
    """Listens where ``server`` says. ``take`` gets each letter once, with all its recipients, and its size in bytes."""

    def __init__(self, server: Server, *, take: Take) -> None:
        """Nothing listens before `start`."""
        self._server = server
        self._take = take
        self._listening: asyncio.Server | None = None
        self._again: asyncio.Task[None] | None = None
        self._fault: str | None = "not started"
        self._closing = False
        self._taking: set[asyncio.Task[None]] = set()
        self.sessions: set[_Session] = set()

    @property
    def port(self) -> int:
        """Where it listens."""
        if self._listening is None or not self._listening.sockets:
            return self._server.port
        found: int = self._listening.sockets[0].getsockname()[1]
        return found

    async def start(self) -> None:
        """Listen; where that fails, go on trying in the background."""
        self._closing = False
        if not await self._listen():
            self._again = asyncio.get_running_loop().create_task(self._until_it_listens())

    async def _listen(self) -> bool:
        loop = asyncio.get_running_loop()
        try:
            self._listening = await loop.create_server(self._protocol, self._server.host, self._server.port)
        except OSError as fault:
            self._fault = fault.strerror or type(fault).__name__
            return False
        self._fault = None
        return True

    async def _until_it_listens(self) -> None:
        while True:
            await asyncio.sleep(_AGAIN_AFTER)
            if await self._listen():
                return

    def _protocol(self) -> asyncio.BaseProtocol:
        if len(self.sessions) >= _MOST_CONNECTIONS:
            return _Full()
        return (_Lmtp if self._server.scheme == "lmtp" else _Session)(self)

    async def stop(self) -> None:
        """Take in nothing more; what is being taken gets a moment to end."""
        if self._again is not None:
            self._again.cancel()
            await asyncio.gather(self._again, return_exceptions=True)
        if self._listening is not None:
            self._listening.close()
        self._closing = True
        if self._taking:
            await asyncio.wait(self._taking, timeout=_STOP_WITHIN)
            # So that what was taken is said to be.
            await asyncio.sleep(_LAST_WORDS)
        for task in self._taking:
            task.cancel()
        await asyncio.gather(*self._taking, return_exceptions=True)
        for session in tuple(self.sessions):
            session.end()
        await asyncio.sleep(0)
        self._fault = "not started"

    async def fault(self) -> str | None:
        """Why nothing is listened for, in one line, or None."""
        return f"{self._server.shown}: {self._fault}" if self._fault else None

    async def take(self, letter: Incoming) -> str:
        """Have a letter dealt with; the answer for the mail server."""
        if self._closing:
            return "451 4.3.2 going down, try again"
        # The mail server may hang up meanwhile; what has begun is ended all the same, and is known when it comes again.
        task = asyncio.ensure_future(self._take(letter, len(letter.raw)))
        self._taking.add(task)
        task.add_done_callback(self._taking.discard)
        try:
            await asyncio.shield(task)
        except (Unavailable, Overloaded):
            return "451 4.3.0 cannot be kept right now, try again"
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
            return "451 4.3.2 going down, try again"
        except Exception as fault:  # noqa: BLE001  # the mail server keeps what failed here, whatever it was
            # Not the text of it, which may be the letter's.
            _log.error("a letter of %d bytes could not be dealt with: %s", len(letter.raw), type(fault).__name__)
            return "451 4.3.0 could not be dealt with, try again"
        return "250 2.0.0 taken"


class _Full(asyncio.Protocol):
    """Says no to one connection too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            transport.write(b"421 4.3.2 too many connections, try again\r\n")
            transport.close()


class _Hooks:
    """What aiosmtpd calls by name."""

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's own name and order
        self, server: _Session, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Anybody is a recipient: what an address stands for is judged later, and told to nobody here."""
        del server, session, options
        if len(envelope.rcpt_tos) >= _MOST_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_VRFY(self, server: _Session, session: Session, envelope: Envelope, address: str) -> str:  # noqa: N802  # aiosmtpd's own name and order
        """Nobody is told which addresses there are."""
        del server, session, envelope, address
        return "502 5.5.1 not offered"

    async def handle_DATA(self, server: _Session, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's own name
        """One letter has come."""
        del session
        if server.too_many_lines:
            return "554 5.6.0 too many lines"
        raw = envelope.original_content or b""
        if _BARE.search(raw):
            # Two readers may see two letters in it (SMTP smuggling); none is seen here.
            return "554 5.6.0 a bare CR or LF stands in it"
        sender = "" if envelope.mail_from in (None, "<>") else str(envelope.mail_from)
        return await server.listener.take(Incoming(raw=raw, recipients=tuple(envelope.rcpt_tos), sender=sender))

    async def handle_exception(self, error: Exception) -> str:
        """What went wrong is nobody's business there."""
        _log.error("a conversation failed: %s", type(error).__name__)
        return "451 4.3.0 failed, try again"


class _Session(SMTP):
    """One connection, of SMTP."""

    line_length_limit = _LONGEST_LINE

    def __init__(self, listener: Listener) -> None:
        super().__init__(
            _Hooks(), data_size_limit=LARGEST, enable_SMTPUTF8=True, hostname="sayso", ident="Sayso", timeout=_IDLE_FOR
        )
        self.listener = listener
        self.too_many_lines = False
        self._lines: int | None = None
        self._tail = b""
        self._skipping = False

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's own name
        # As if the line before it had ended: so it has, and a letter may be empty.
        self._lines, self._tail = 0, b"\r\n"
        try:
            await super().smtp_DATA(arg)
        finally:
            self._lines, self._skipping, self.too_many_lines = None, False, False

    def data_received(self, data: bytes) -> None:
        """Count the lines of a letter; what follows too many of them is passed over unread, up to the letter's end."""
        if self._lines is not None:
            known = self._tail + data
            end = known.find(_END)
            self._tail = known[1 - len(_END) :]
            self._lines += data.count(b"\n")
            self.too_many_lines = self._lines > _MOST_LINES
            if end >= 0:
                self._lines = None
                data = known[end:] if self._skipping else data
            elif self._skipping:
                return
            elif self.too_many_lines:
                # A line of its own, so that no piece of an end that was passed on makes one with what follows.
                self._skipping = True
                data = data.rstrip(b"\r\n.") + b"x\r\n"
        super().data_received(data)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.listener.sessions.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.listener.sessions.discard(self)
        super().connection_lost(error)

    def end(self) -> None:
        """Cut it."""
        transport: Any = self.transport
        if transport is not None:
            transport.abort()

    async def _handle_client(self) -> None:
        # The library raises into a task that nobody waits for when a client is gone in the middle of an answer.
        with suppress(ConnectionError):
            await super()._handle_client()

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's own name
        del arg
        await self.push("502 5.5.1 not offered")


class _Lmtp(_Session):
    """One connection, of LMTP (RFC 2033): LHLO, and after a letter an answer for each recipient."""

    def __init__(self, listener: Listener) -> None:
        super().__init__(listener)
        self._answers = 0

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's own name
        await super().smtp_EHLO(arg)

    async def smtp_HELO(self, hostname: str) -> None:  # noqa: N802  # aiosmtpd's own name
        del hostname
        await self.push("500 5.5.1 this is LMTP, say LHLO")

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802  # aiosmtpd's own name
        await self.smtp_HELO(hostname)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's own name
        try:
            await super().smtp_DATA(arg)
        finally:
            self._answers = 0

    async def push(self, status: AnyStr) -> None:
        """Say something; what follows a letter, whatever it is, once for each recipient."""
        for _ in range(max(self._answers, 1)):
            await super().push(status)
        if isinstance(status, str) and status.startswith("354") and self.envelope is not None:
            self._answers = len(self.envelope.rcpt_tos)
