"""Makes letters for these tests, byte by byte: what the standard library would mend must stay as it is."""

from __future__ import annotations

from channels.email.addresses import ReplyAddress
from channels.email.inbound.read import read
from channels.email.inbound.text import new_text
from channels.email.inbound.values import Incoming, Mail

REPLIES = ReplyAddress("approvals+{token}@sayso.example")
TOKEN = "ana2" + "a" * 22
OTHER = "ben3" + "b" * 22
ANA = "ana@corp.example"
OURS = ("sayso@sayso.example", REPLIES.of(TOKEN))


def letter(
    *headers: str, body: str = "approve\r\n", sender: str | None = f"Ana Silva <{ANA}>", to: str = TOKEN
) -> bytes:
    """A reply of Ana's with these header lines more; ``sender`` None leaves From out."""
    lines = [f"To: {REPLIES.of(to)}", "Subject: Re: Refund", "Message-ID: <1@corp.example>", *headers]
    lines = lines if sender is None else [f"From: {sender}", *lines]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "surrogateescape")


def mail(*headers: str, body: str = "approve\r\n", sender: str | None = f"Ana Silva <{ANA}>", to: str = TOKEN) -> Mail:
    """The same, read."""
    return of(letter(*headers, body=body, sender=sender, to=to))


def of(raw: bytes, *recipients: str, sender: str | None = None) -> Mail:
    """A letter read, with what its envelope said."""
    return read(Incoming(raw=raw, recipients=recipients, sender=sender), REPLIES)


def said(body: str, kind: str = "text/plain; charset=utf-8", *headers: str) -> str:
    """The new text of a reply with this body."""
    return new_text(mail(f"Content-Type: {kind}", *headers, body=body.replace("\n", "\r\n")), OURS)
