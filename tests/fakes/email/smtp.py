"""An SMTP server that is strict about letters and misbehaves on order, at every stage.

It listens on the test's own loop (aiosmtpd). A letter that a careful server would refuse is refused: bare CR or LF,
lines over 998 bytes (RFC 5322, 2.1.1), 8-bit bytes that were not announced, more or less than one Date, From and
Message-ID.
"""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
import ssl
from email.message import EmailMessage
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from msgspec import Struct

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LONGEST = 998
_ONCE = ("Date", "From", "Message-ID")


class Stage(StrEnum):
    """Where in the conversation something goes wrong."""

    CONNECT = "connect"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    CONTENT = "content"


class Mail(Struct, frozen=True, kw_only=True):
    """One letter as it was taken. ``connection`` counts from 1; ``options`` are those of MAIL and RCPT."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    parsed: EmailMessage
    options: tuple[str, ...]
    connection: int
    encrypted: bool
    user: str | None


class _Knob(Struct):
    """What happens at a stage, for so many times (None: for ever)."""

    answer: str | None = None
    cut: bool = False
    delay: float = 0.0
    times: int | None = None


class FakeSmtp:
    """Use as ``async with FakeSmtp(...) as smtp``, then ``smtp.url``.

    ``tls`` is offered by STARTTLS, or from the first byte where ``implicit``. ``user`` makes AUTH required, in the
    clear only where ``auth_in_clear``. ``per_recipient`` answers RCPT for an address; ``greylist`` refuses so many
    letters for now. ``dsn`` and ``utf8``: whether these extensions are offered.
    """

    def __init__(
        self,
        *,
        tls: ssl.SSLContext | None = None,
        implicit: bool = False,
        user: tuple[str, str] | None = None,
        auth_in_clear: bool = False,
        dsn: bool = True,
        utf8: bool = True,
        largest: int = 1_000_000,
        port: int = 0,
    ) -> None:
        self.tls, self.implicit, self.user, self.auth_in_clear = tls, implicit, user, auth_in_clear
        self.dsn, self.utf8, self.largest, self.port = dsn, utf8, largest, port
        self.mails: list[Mail] = []
        self.commands: list[str] = []
        self.credentials: list[tuple[str, bool]] = []
        self.connections = 0
        self.open: set[_Session] = set()
        self.most_open = 0
        self.greylist = 0
        self.per_recipient: dict[str, str] = {}
        self._knobs: dict[Stage, _Knob] = {}
        self._server: asyncio.Server | None = None

    def refuse(self, stage: Stage, answer: str, *, times: int | None = None) -> None:
        """Answer a stage with this line (``550 5.1.1 no such user``)."""
        self._knobs[stage] = _Knob(answer=answer, times=times)

    def cut(self, stage: Stage, *, times: int | None = None) -> None:
        """Cut the connection at a stage without a word; after the content, the letter has been taken."""
        self._knobs[stage] = _Knob(cut=True, times=times)

    def delay(self, stage: Stage, seconds: float, *, times: int | None = None) -> None:
        """Answer a stage late."""
        self._knobs[stage] = _Knob(delay=seconds, times=times)

    def behave(self) -> None:
        """Take every order back."""
        self._knobs.clear()
        self.per_recipient.clear()
        self.greylist = 0

    def taken(self, stage: Stage) -> _Knob:
        """What happens at this stage now."""
        knob = self._knobs.get(stage, _Knob())
        if knob.times is not None:
            knob.times -= 1
            if knob.times <= 0:
                del self._knobs[stage]
        return knob

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
        loop = asyncio.get_running_loop()
        implicit = self.tls if self.implicit else None
        self._server = await loop.create_server(lambda: _Session(self), "127.0.0.1", self.port, ssl=implicit)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, and cut every connection."""
        if self._server is not None:
            self._server.close()
        self.kill_connections()
        await asyncio.sleep(0)

    def kill_connections(self) -> None:
        """Cut every connection without a word."""
        for session in tuple(self.open):
            session.cut()

    @property
    def url(self) -> str:
        """Where it is, with the user where one is asked for."""
        scheme = "smtps" if self.implicit else "smtp"
        user = f"{self.user[0]}:{self.user[1]}@" if self.user else ""
        return f"{scheme}://{user}localhost:{self.port}"


class _Hooks:
    """What aiosmtpd calls by name."""

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's own name
        self, server: _Session, session: Session, envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        """The lines of the answer to EHLO, with what aiosmtpd does not know of."""
        del envelope
        session.host_name = hostname
        extra = ["250-ENHANCEDSTATUSCODES", *(["250-DSN"] if server.fake.dsn else [])]
        return [lines[0], *extra, *lines[1:]]

    async def handle_DATA(self, server: _Session, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's own name
        """Take a letter, or say what is wrong with it."""
        del session
        return await server.take(envelope)


class _Session(SMTP):
    """One connection."""

    def __init__(self, fake: FakeSmtp) -> None:
        super().__init__(
            _Hooks(),
            data_size_limit=fake.largest,
            enable_SMTPUTF8=fake.utf8,
            hostname="fake.test",
            ident="fake",
            tls_context=None if fake.implicit else fake.tls,
            auth_require_tls=not (fake.auth_in_clear or fake.implicit or fake.user is None),
            authenticator=self._judge,
        )
        # Said here, since aiosmtpd warns of a password in the clear as it is made, and some tests mean that.
        self._auth_required = fake.user is not None
        self.fake = fake
        self.number = 0
        self._dsn: list[str] = []
        self._eight_bit = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.number == 0:
            self.fake.connections += 1
            self.number = self.fake.connections
            self.fake.open.add(self)
            self.fake.most_open = max(self.fake.most_open, len(self.fake.open))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self.fake.open.discard(self)
        super().connection_lost(error)

    def cut(self) -> None:
        """End it without a word."""
        transport: Any = self._original_transport or self.transport
        if transport is not None:
            transport.abort()

    async def _handle_client(self) -> None:
        if await self._goes_wrong(Stage.CONNECT):
            if self.transport is not None:
                self.transport.close()
            return
        await super()._handle_client()

    async def _goes_wrong(self, stage: Stage) -> bool:
        """Whether the stage has been dealt with by a knob."""
        knob = self.fake.taken(stage)
        if knob.delay:
            await asyncio.sleep(knob.delay)
        if knob.cut:
            self.cut()
            return True
        if knob.answer is not None:
            await self.push(knob.answer)
            return True
        return False

    def _judge(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        del server, session, envelope, mechanism
        encrypted = self._tls_protocol is not None or self.fake.implicit
        login = data.login.decode() if isinstance(data, LoginPassword) else ""
        self.fake.credentials.append((login, encrypted))
        right = self.fake.user is not None and data == tuple(part.encode() for part in self.fake.user)
        return AuthResult(success=right, handled=False, auth_data=data)

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802  # aiosmtpd's own name
        self.fake.commands.append(f"EHLO {hostname}")
        if not await self._goes_wrong(Stage.EHLO):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's own name
        if not await self._goes_wrong(Stage.STARTTLS):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's own name
        if not await self._goes_wrong(Stage.AUTH):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802  # aiosmtpd's own name
        self.fake.commands.append(f"MAIL {arg}")
        if await self._goes_wrong(Stage.MAIL):
            return
        kept, self._dsn = self._without_dsn(arg or "", ("RET", "ENVID"))
        self._eight_bit = "BODY=8BITMIME" in kept.upper()
        await super().smtp_MAIL(kept)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802  # aiosmtpd's own name
        self.fake.commands.append(f"RCPT {arg}")
        if await self._goes_wrong(Stage.RCPT):
            return
        if self.fake.greylist > 0:
            self.fake.greylist -= 1
            await self.push("451 4.7.1 greylisted, come back later")
            return
        kept, options = self._without_dsn(arg or "", ("NOTIFY", "ORCPT"))
        for address, answer in self.fake.per_recipient.items():
            if f"<{address}>" in kept:
                await self.push(answer)
                return
        self._dsn += options
        await super().smtp_RCPT(kept)

    def _without_dsn(self, arg: str, names: tuple[str, ...]) -> tuple[str, list[str]]:
        """The command without its options of RFC 3461, which aiosmtpd does not know, and those options."""
        if not self.fake.dsn:
            return arg, []
        words = arg.split(" ")
        options = [word for word in words if word.partition("=")[0].upper() in names]
        return " ".join(word for word in words if word not in options), options

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's own name
        self.fake.commands.append("DATA")
        if not await self._goes_wrong(Stage.DATA):
            await super().smtp_DATA(arg)

    async def take(self, envelope: Envelope) -> str:
        """Take a letter, or say what is wrong with it."""
        raw = envelope.original_content or b""
        wrong = self._wrong_with(raw)
        if wrong is not None:
            return wrong
        knob = self.fake.taken(Stage.CONTENT)
        if knob.delay:
            await asyncio.sleep(knob.delay)
        if knob.answer is not None:
            return knob.answer
        login = self.session.auth_data.login.decode() if self.session and self.session.auth_data else None
        mail = Mail(
            sender="" if envelope.mail_from in (None, "<>") else str(envelope.mail_from),
            recipients=tuple(envelope.rcpt_tos),
            raw=raw,
            parsed=email.message_from_bytes(raw, policy=email.policy.default),
            options=(*envelope.mail_options, *self._dsn),
            connection=self.number,
            encrypted=self._tls_protocol is not None or self.fake.implicit,
            user=login,
        )
        self.fake.mails.append(mail)
        if knob.cut:
            self.cut()
        return "250 2.0.0 taken"

    def _wrong_with(self, raw: bytes) -> str | None:
        if _BARE.search(raw):
            return "554 5.6.0 bare CR or LF"
        if any(len(line) > _LONGEST for line in raw.split(b"\r\n")):
            return "554 5.6.0 a line is longer than 998 bytes"
        if not raw.isascii() and not self._eight_bit:
            return "554 5.6.1 8-bit bytes were not announced"
        parsed = email.message_from_bytes(raw)
        odd = [name for name in _ONCE if len(parsed.get_all(name, [])) != 1]
        return f"550 5.6.0 exactly one {odd[0]} is needed" if odd else None
