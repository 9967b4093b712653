"""One SMTP connection, by aiosmtplib: opened as configured, and what each refusal means.

The order is kept here, not in the library: encryption before anything is said, credentials after it, and each stage
known by its name when something goes wrong in it.
"""

from __future__ import annotations

import asyncio
import functools
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiosmtplib
from aiosmtplib import SMTPResponseException
from msgspec import Struct

from bot.core.scrutiny import visible
from bot.core.servers import Server, Tls
from channels.email.codes import coded
from channels.email.transport.tls import context_for

CONNECT_WITHIN = 20.0
REPLY_WITHIN = 20.0
TAKEN_WITHIN = 120.0
"""For a letter's end: servers look through it before they answer, and Exchange delivers it first, for 30 s."""
_WORDS = 200
_NUMERALS = 16
_NAME_WITHIN = 3.0
_GOODBYE = 421
_PERMANENT = range(500, 600)
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\d)")
_OF_PROTOCOL = frozenset({500, 501, 502, 503, 504, 530, 555})
"""Answers to RCPT that are about the command, not the address (RFC 5321, 4.2.3; RFC 4954)."""
_NOT_THE_ADDRESS = frozenset({(1, 7), (1, 8), (2, 3)})
"""Of X.1 and X.2 (RFC 3463): the sender's syntax, the sender's domain, a letter too long for this mailbox."""
_CONGESTED = (4, 5)
"""How Gmail says that the account has sent enough for today, with 550: never for good, and about no address."""
_OF_ADDRESS, _OF_MAILBOX = 1, 2
_OF_SYSTEM, _OF_COMMANDS, _OF_POLICY = 3, 5, 7


class Refused(Exception):
    """A stage did not succeed; the text is the stage and why, in one line, in the server's own words where it said so.

    Those are for whoever looks at the server just now. What is kept of a letter that failed is ``kept``: codes alone,
    for the words may quote the letter. ``stale``: the connection ended before the letter was sent, so another one may
    carry it.
    """

    def __init__(self, stage: str, words: str, *, code: int = 0, stale: bool = False, theirs: bool = False) -> None:
        """``code`` is the server's; 0 where it said nothing. ``theirs``: so are the words."""
        one_line = visible(" ".join(words.split()))
        shown = one_line if len(one_line) <= _WORDS else one_line[: _WORDS - 1] + "…"
        super().__init__(f"{stage}: {code} {shown}" if code else f"{stage}: {shown}")
        self.kept = f"{stage}: {coded(words, code) or 'an answer that is none'}" if theirs else str(self)
        self.stale = stale
        said = _ENHANCED.match(words)
        congested = theirs and said is not None and (int(said[2]), int(said[3])) == _CONGESTED
        self.temporary = congested or code not in _PERMANENT or stage not in ("MAIL", "RCPT", "DATA")
        self.unreachable = not self.temporary and stage != "MAIL" and _is_the_address(stage, code, words)


def _is_the_address(stage: str, code: int, words: str) -> bool:
    found = _ENHANCED.match(words)
    if found is None:
        return stage == "RCPT" and code not in _OF_PROTOCOL
    subject, detail = int(found[2]), int(found[3])
    if subject in (_OF_ADDRESS, _OF_MAILBOX):
        return (subject, detail) not in _NOT_THE_ADDRESS
    return stage == "RCPT" and code not in _OF_PROTOCOL and subject not in (_OF_SYSTEM, _OF_COMMANDS, _OF_POLICY)


class Envelope(Struct, frozen=True):
    """One letter on its way: bare addresses, its bytes, and the name that comes back in a report of its failure."""

    sender: str
    to: str
    message: bytes
    envelope_id: str | None = None


class SmtpConnection:
    """One connection; `open` before the first letter. ``letters`` counts what was tried over it."""

    def __init__(self, server: Server) -> None:
        """Nothing is connected yet."""
        self._server = server
        self._client = aiosmtplib.SMTP(timeout=REPLY_WITHIN)
        self._greeting = ""
        self.letters = 0
        self.idle_since = 0.0

    @property
    def usable(self) -> bool:
        """Whether it still stands, as far as can be seen from here."""
        return self._client.is_connected

    async def open(self) -> None:
        """Connect, encrypt and sign in, as configured. Raises `Refused`."""
        server = self._server
        name = await _own_name()
        context = await asyncio.to_thread(context_for, verify=server.verify)
        self._client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            timeout=REPLY_WITHIN,
            local_hostname=name,
            use_tls=server.tls is Tls.IMPLICIT,
            start_tls=False,
            tls_context=context,
        )
        try:
            async with self._at("connect"):
                self._greeting = (await self._client.connect(timeout=CONNECT_WITHIN)).message
            await self._hello()
            await self._encrypt()
            await self._sign_in()
        except BaseException:
            self.drop()
            raise

    async def _hello(self) -> None:
        async with self._at("EHLO"):
            try:
                await self._client.ehlo()
            except aiosmtplib.SMTPHeloError as refused:
                # A server from before ESMTP says 500 or 502 (RFC 5321, 3.2).
                if refused.code not in _OF_PROTOCOL or not self._client.is_connected:
                    raise
                await self._client.helo()

    async def _encrypt(self) -> None:
        offered = self._client.supports_extension("starttls")
        if self._server.tls is Tls.STARTTLS or (self._server.tls is Tls.OFFERED and offered):
            async with self._at("STARTTLS"):
                if not offered:
                    raise Refused("STARTTLS", "the server does not offer it, so nothing was sent")
                await self._client.starttls(server_hostname=self._server.host)
            await self._hello()

    async def _sign_in(self) -> None:
        if not self._server.user:
            return
        async with self._at("AUTH"):
            if self._server.tls in (Tls.IMPLICIT, Tls.STARTTLS) and not self._encrypted:
                raise Refused("AUTH", "the connection is not encrypted, so no password was sent")
            if not self._client.supports_extension("auth"):
                raise Refused("AUTH", "the server does not offer it")
            await self._client.login(self._server.user, self._server.password)

    @property
    def _encrypted(self) -> bool:
        return self._client.get_transport_info("sslcontext") is not None

    async def send(self, letter: Envelope) -> None:
        """Send one letter. Raises `Refused`; whether the connection can go on is `usable`."""
        reused, self.letters = self.letters > 0, self.letters + 1
        sender, to = _in_ascii(letter.sender), _in_ascii(letter.to)
        options = self._options(letter, ascii_only=(sender + to).isascii())
        encoding = "utf-8" if "SMTPUTF8" in options else "ascii"
        notify = ["NOTIFY=FAILURE"] if self._offers("dsn") else []
        try:
            async with self._at("MAIL", reused=reused):
                await self._client.mail(sender, options=options, encoding=encoding)
            async with self._at("RCPT", reused=reused):
                await self._client.rcpt(to, options=notify, encoding=encoding)
            async with self._at("DATA"):
                await self._client.data(letter.message, timeout=TAKEN_WITHIN)
        except Refused:
            await self._start_over()
            raise

    async def try_sender(self, sender: str) -> None:
        """Ask whether letters from this address would be taken, and send none. Raises `Refused`."""
        async with self._at("MAIL"):
            await self._client.mail(sender)
        await self._start_over()

    def _options(self, letter: Envelope, *, ascii_only: bool) -> list[str]:
        options = [f"SIZE={len(letter.message)}"] if self._offers("size") else []
        if not ascii_only:
            if not self._offers("smtputf8"):
                raise Refused("RCPT", "5.6.7 the server takes no address that is not ASCII", code=553)
            options.append("SMTPUTF8")
        if not letter.message.isascii():
            if not self._offers("8bitmime"):
                raise Refused("DATA", "5.6.3 the server takes no letter that is not ASCII", code=554)
            options.append("BODY=8BITMIME")
        if self._offers("dsn"):
            options.append("RET=HDRS")
            if letter.envelope_id is not None:
                options.append(f"ENVID={_xtext(letter.envelope_id)}")
        return options

    def _offers(self, extension: str) -> bool:
        return self._client.supports_extension(extension)

    async def _start_over(self) -> None:
        """Forget the letter that was refused, so that the next one can follow; or give the connection up."""
        if not self._client.is_connected:
            return
        try:
            await self._client.rset()
        except (aiosmtplib.SMTPException, OSError):
            self.drop()

    @asynccontextmanager
    async def _at(self, stage: str, *, reused: bool = False) -> AsyncIterator[None]:
        """One stage: whatever goes wrong in it is `Refused`. After anything but a clear answer the line is given up."""
        try:
            yield
        except SMTPResponseException as refused:
            if refused.code == _GOODBYE or not 400 <= refused.code < 600:  # noqa: PLR2004 - SMTP's own numbers
                self.drop()
            stale = reused and refused.code == _GOODBYE
            raise Refused(stage, refused.message, code=max(refused.code, 0), stale=stale, theirs=True) from None
        except TimeoutError:
            self.drop()
            raise Refused(stage, "no answer in time") from None
        except (aiosmtplib.SMTPException, OSError) as fault:
            self.drop()
            lost = isinstance(fault, ConnectionError)
            words = "the connection was cut" if isinstance(fault, aiosmtplib.SMTPServerDisconnected) else str(fault)
            raise Refused(stage, words, stale=reused and lost) from None
        except ValueError as fault:
            # The library's own refusals of what it would have to say (RFC 5321's characters, a base64 challenge).
            self.drop()
            raise Refused(stage, type(fault).__name__) from None

    def told(self) -> tuple[str, ...]:
        """What was found, a line each."""
        client, server = self._client, self._server
        lines = [str(Refused("greeting", self._greeting))]
        if self._encrypted:
            cipher = client.get_transport_info("cipher")
            checked = f"the certificate is good for {server.host}" if server.verify else "no certificate was asked for"
            lines.append(f"encryption: {cipher[1]}, {checked}")
        else:
            lines.append("encryption: none")
        lines.append(f"sign-in: accepted for {visible(server.user)}" if server.user else "sign-in: none is configured")
        size = client.esmtp_extensions.get("size", "")
        limited = size.isascii() and size.isdigit() and len(size) < _NUMERALS and int(size) > 0
        lines.append(f"size: letters up to {int(size):,} bytes" if limited else "size: no limit is named")
        offered = "reported by name" if self._offers("dsn") else "reported as the server likes (it offers no DSN)"
        lines.append(f"undeliverable letters: {offered}")
        return tuple(lines)

    async def close(self, within: float) -> None:
        """Take leave, for at most so many seconds."""
        with suppress(aiosmtplib.SMTPException, OSError):
            async with asyncio.timeout(within):
                await self._client.quit()
        self.drop()

    def drop(self) -> None:
        """Give the connection up without a word."""
        transport = self._client.transport
        self._client.close()
        if transport is not None:
            # A TLS transport that is merely closed waits for the other side to take leave, and it may never do so.
            transport.abort()  # type: ignore[attr-defined]  # both loops' transports have it


@functools.cache
def _full_name() -> str:
    # Asks the DNS, which may take its time.
    return socket.getfqdn()


async def _own_name() -> str:
    """What this machine is called in EHLO; an address where it has no full name (RFC 5321, 4.1.4)."""
    try:
        async with asyncio.timeout(_NAME_WITHIN):
            name = await asyncio.to_thread(_full_name)
    except TimeoutError:
        name = ""
    return name if re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", name) else "[127.0.0.1]"


def _in_ascii(address: str) -> str:
    """The address with its domain in ASCII where that is all it takes; as it is where it cannot be."""
    local, _, domain = address.rpartition("@")
    if address.isascii() or not local.isascii():
        return address
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return address


def _xtext(text: str) -> str:
    """RFC 3461, 4: what is not plain is ``+HH``; at most 100 characters."""
    plain = "".join(c if "!" <= c <= "~" and c not in "+=" else f"+{ord(c):02X}" for c in text if c.isascii())
    return plain[:100]
