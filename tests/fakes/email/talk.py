"""The other side of a listener: SMTP and LMTP line by line, so that anything can be said."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Self


class Talk:
    """One conversation: ``async with Talk(port) as talk``. ``greeting`` is what the server said first."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.greeting = ""

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self.greeting = await self.answer()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        del kind, fault, trace
        self._writer.transport.abort()

    async def answer(self) -> str:
        """The next answer, its lines joined by newlines; empty where the connection has ended."""
        lines: list[str] = []
        while True:
            line = (await self._reader.readline()).decode()
            lines.append(line.rstrip("\r\n"))
            if line[3:4] != "-":
                return "\n".join(lines)

    async def send(self, raw: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(raw)
        await self._writer.drain()

    async def say(self, line: str) -> str:
        """Say a line, and hear the answer."""
        await self.send(line.encode() + b"\r\n")
        return await self.answer()

    async def envelope(self, hello: str, sender: str, recipients: Sequence[str]) -> None:
        """Everything up to DATA, which must all be taken."""
        heard = [await self.say(f"{hello} client.test"), await self.say(f"MAIL FROM:<{sender}>")]
        heard += [await self.say(f"RCPT TO:<{recipient}>") for recipient in recipients]
        heard.append(await self.say("DATA"))
        refused = [line for line in heard if line[:1] not in ("2", "3")]
        if refused:
            raise ValueError(refused[0])


async def lmtp_send(port: int, raw: bytes, mail_from: str, rcpt: str | Sequence[str]) -> list[str]:
    """Deliver a letter by LMTP; the answer for each recipient, in order (RFC 2033, 4.2)."""
    recipients = [rcpt] if isinstance(rcpt, str) else list(rcpt)
    return await _deliver(port, raw, mail_from, recipients, hello="LHLO", answers=len(recipients))


async def smtp_send(port: int, raw: bytes, mail_from: str, rcpt: str | Sequence[str]) -> str:
    """Deliver a letter by SMTP; the answer."""
    recipients = [rcpt] if isinstance(rcpt, str) else list(rcpt)
    return (await _deliver(port, raw, mail_from, recipients, hello="EHLO", answers=1))[0]


async def _deliver(
    port: int, raw: bytes, mail_from: str, recipients: Sequence[str], *, hello: str, answers: int
) -> list[str]:
    async with Talk(port) as talk:
        await talk.envelope(hello, mail_from, recipients)
        stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in raw.split(b"\r\n"))
        await talk.send(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return [await talk.answer() for _ in range(answers)]
