"""One connection to the fake of SMTP: aiosmtpd, with what it lacks, and with what goes wrong on order."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.fakes.email.smtp_values import Mail, Stage

if TYPE_CHECKING:
    from tests.fakes.email.smtp import FakeSmtp

_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_LONGEST = 998
_ONCE = ("Date", "From", "Message-ID")


class _Hooks:
    """What aiosmtpd calls by name."""

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's own name
        self, server: SmtpSession, session: Session, envelope: Envelope, hostname: str, lines: list[str]
    ) -> list[str]:
        """The lines of the answer to EHLO, with what aiosmtpd does not know of."""
        del envelope
        session.host_name = hostname
        extra = ["250-ENHANCEDSTATUSCODES", *(["250-DSN"] if server.fake.dsn else [])]
        return [lines[0], *extra, *lines[1:]]

    async def handle_DATA(self, server: SmtpSession, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's own name
        """Take a letter, or say what is wrong with it."""
        del session
        return await server.take(envelope)


class SmtpSession(SMTP):
    """One connection to the fake."""

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
        """Count it."""
        if self.number == 0:
            self.fake.connections += 1
            self.number = self.fake.connections
            self.fake.open.add(self)
            self.fake.most_open = max(self.fake.most_open, len(self.fake.open))
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        """Forget it."""
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
        """As ordered, or as it is."""
        self.fake.commands.append(f"EHLO {hostname}")
        if not await self._goes_wrong(Stage.EHLO):
            await super().smtp_EHLO(hostname)

    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's own name
        """As ordered, or as it is."""
        if not await self._goes_wrong(Stage.STARTTLS):
            await super().smtp_STARTTLS(arg)

    async def smtp_AUTH(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's own name
        """As ordered, or as it is."""
        if not await self._goes_wrong(Stage.AUTH):
            await super().smtp_AUTH(arg)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802  # aiosmtpd's own name
        """As ordered, or as it is; the options of DSN are kept."""
        self.fake.commands.append(f"MAIL {arg}")
        if await self._goes_wrong(Stage.MAIL):
            return
        kept, self._dsn = self._without_dsn(arg or "", ("RET", "ENVID"))
        self._eight_bit = "BODY=8BITMIME" in kept.upper()
        await super().smtp_MAIL(kept)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802  # aiosmtpd's own name
        """As ordered, or as it is; the options of DSN are kept."""
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
        """As ordered, or as it is."""
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
