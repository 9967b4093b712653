"""A post office: an SMTP server that keeps what is sent, a listener that takes what comes, and the channel between."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from typing import Any

from msgspec import Struct

from bot.core.model import Delivery, Request, Risk
from bot.core.servers import MAIL_LISTEN, MAIL_OUT, server_of
from channels.email import EmailChannel, EmailSettings
from tests.channels.letters import LetterHouse
from tests.fakes.email import FakeSmtp, Mail, lmtp_send
from tests.stories.program import free_port

SECRETS = ("new secret", "old secret")
AUTHSERV_ID = "mx.sayso.example"
REPLY_TO = "approvals+{token}@sayso.example"


class Post(Struct):
    """Everything together: letters go out to ``smtp``, and come in at ``port``."""

    smtp: FakeSmtp
    house: LetterHouse
    channel: EmailChannel
    port: int

    def letters_to(self, delivery: Delivery) -> list[Mail]:
        """The letters about this delivery's request to its person, oldest first."""
        return [
            mail
            for mail in self.smtp.mails
            if mail.recipients == (delivery.to,) and mail.parsed["X-Sayso-Request"] == delivery.request
        ]

    @staticmethod
    def text(mail: Mail) -> str:
        """The text part, as a terminal shows it."""
        body = mail.parsed.get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    async def answer(self, delivery: Delivery, text: str, **changes: Any) -> str:
        """Write back to the newest letter about this delivery, from its person, proved; what the server said."""
        mail = self.letters_to(delivery)[-1]
        return await self.deliver(reply_to(mail, text, **changes))

    async def deliver(self, raw: bytes, rcpt: str | None = None, sender: str = "ana@corp.example") -> str:
        """Hand a letter in at the listener; what the server said."""
        to = rcpt or re.findall(rb"approvals\+[a-z2-7]{26}@sayso\.example", raw)[0].decode()
        (said,) = await lmtp_send(self.port, raw, sender, to)
        return said


def reply_to(mail: Mail, text: str, *, headers: Mapping[str, str] = {}, result: str = "dmarc=pass") -> bytes:
    """An answer to a letter as its recipient's mail program would write it, as our own server hands it over."""
    letter = mail.parsed
    (recipient,) = mail.recipients
    written = EmailMessage(policy=SMTP)
    written["Delivered-To"] = str(letter["Reply-To"])
    written["Authentication-Results"] = f"{AUTHSERV_ID}; {result}"
    written["From"] = recipient
    written["To"] = str(letter["Reply-To"])
    written["Subject"] = f"Re: {letter['Subject']}"
    written["Date"] = formatdate()
    written["Message-ID"] = make_msgid(domain="corp.example")
    written["In-Reply-To"] = str(letter["Message-ID"])
    for name, value in headers.items():
        del written[name]
        written[name] = value
    quoted = "\n".join(f"> {line}" for line in Post.text(mail).splitlines())
    written.set_content(f"{text}\n\nOn Thu, 20 Nov 2026 at 15:14, Sayso <sayso@sayso.example> wrote:\n\n{quoted}\n")
    return bytes(written)


@asynccontextmanager
async def opened(house: LetterHouse | None = None, **settings: Any) -> AsyncIterator[Post]:
    """The channel with an SMTP server and an LMTP listener; ``settings`` change the account."""
    house, port = house or LetterHouse(), free_port()
    async with FakeSmtp() as smtp:
        account = {
            "smtp": server_of(smtp.url, MAIL_OUT),
            "sender": "Sayso <sayso@sayso.example>",
            "reply_to": REPLY_TO,
            "listen": server_of(f"lmtp://127.0.0.1:{port}", MAIL_LISTEN),
            "authserv_id": AUTHSERV_ID,
            **settings,
        }
        section: dict[str, Any] = account.pop("section", {})
        secrets = account.pop("secrets", SECRETS)
        channel = EmailChannel(
            EmailSettings(**account), house, clock=house.clock, secrets=secrets, section=lambda: section
        )
        house.channel = channel
        await channel.start()
        try:
            yield Post(smtp, house, channel, port)
        finally:
            await channel.stop()


async def asked(post: Post, **changes: Any) -> tuple[Request, Delivery]:
    """A request that a reply may approve, and Ana's letter about it."""
    request = post.house.submit(**{"risk": Risk.REVERSIBLE, **changes})
    return request, await post.house.send(request)


def now(post: Post, request: Request) -> Request:
    """The request as it stands."""
    return post.house.requests[request.id]


def bounce_of(
    mail: Mail, *, sender: str = "MAILER-DAEMON@mx.corp.example", why: str = "550 5.1.1 no such user"
) -> bytes:
    """What a server writes that could not deliver a letter, in words."""
    said = f"Message-ID: {mail.parsed['Message-ID']}"
    head = f"Return-Path: <>\r\nFrom: {sender}\r\nTo: sayso@sayso.example\r\nSubject: Undelivered Mail\r\n"
    return f"{head}\r\nDelivery has failed: {why}\r\n\r\n{said}\r\n".encode()
