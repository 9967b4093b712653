"""An SMTP server that is strict about letters and misbehaves on order, at every stage.

It listens on the test's own loop (aiosmtpd). A letter that a careful server would refuse is refused: bare CR or LF,
lines over 998 bytes (RFC 5322, 2.1.1), 8-bit bytes that were not announced, more or less than one Date, From and
Message-ID.
"""

from __future__ import annotations

import asyncio
import ssl
from types import TracebackType
from typing import Self

from tests.fakes.email.smtp_session import SmtpSession
from tests.fakes.email.smtp_values import Knob, Mail, Stage


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
        self.open: set[SmtpSession] = set()
        self.most_open = 0
        self.greylist = 0
        self.per_recipient: dict[str, str] = {}
        self._knobs: dict[Stage, Knob] = {}
        self._server: asyncio.Server | None = None

    def refuse(self, stage: Stage, answer: str, *, times: int | None = None) -> None:
        """Answer a stage with this line (``550 5.1.1 no such user``)."""
        self._knobs[stage] = Knob(answer=answer, times=times)

    def cut(self, stage: Stage, *, times: int | None = None) -> None:
        """Cut the connection at a stage without a word; after the content, the letter has been taken."""
        self._knobs[stage] = Knob(cut=True, times=times)

    def delay(self, stage: Stage, seconds: float, *, times: int | None = None) -> None:
        """Answer a stage late."""
        self._knobs[stage] = Knob(delay=seconds, times=times)

    def behave(self) -> None:
        """Take every order back."""
        self._knobs.clear()
        self.per_recipient.clear()
        self.greylist = 0

    def taken(self, stage: Stage) -> Knob:
        """What happens at this stage now."""
        knob = self._knobs.get(stage, Knob())
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
        self._server = await loop.create_server(lambda: SmtpSession(self), "127.0.0.1", self.port, ssl=implicit)
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
