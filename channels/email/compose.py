"""A drawn letter as the bytes that are sent: RFC 5322, with nothing in its header that came in uninvited.

Headers are put in already encoded. The library's own folding writes a long Message-ID, as Outlook makes them, as an
encoded word (CPython issue 35805 and kin), and then no thread holds; nor would it be fast.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import Literal

from channels.email.sheets import Drawn

Kind = Literal["auto-generated", "auto-replied"]

_AS_WRITTEN = SMTP.clone(refold_source="none")
_LINE = 76
"""Characters of a line of encoded words (RFC 2047, section 2)."""
_BOUNDARY = "=_sayso_alternative"
"""No part can hold it: in quoted-printable an equals sign is never followed by an underscore (RFC 2045, 6.7)."""
_ADDRESS = re.compile(r"[!#-'*+\-/-9=?A-Z^-~.]{1,64}@[A-Za-z0-9.-]{1,253}")
"""A plain ``local@domain`` (RFC 5322, dot-atom); nothing that could be two of them."""
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_PLAIN = re.compile(r"[ -~]*")
_TOKEN = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_NAME = 100


def compose(
    drawn: Drawn,
    *,
    sender: str,
    to: tuple[str, str],
    message_id: str,
    at: datetime,
    reply_to: str | None = None,
    thread: str | None = None,
    answers: str | None = None,
    kind: Kind = "auto-generated",
    request: str | None = None,
) -> bytes:
    """The letter as bytes with CRLF, ASCII throughout, every line within 998 bytes.

    ``sender`` is written as in EMAIL_FROM; ``to`` is a name and an address. ``thread`` is the Message-ID of the
    thread's first letter, ``answers`` that of the letter this answers; one that is malformed is left out, since it may
    be a stranger's. Raises ValueError where an address, or our own Message-ID, is none.
    """
    own = _message_id(message_id)
    if own is None:
        raise ValueError("the Message-ID is malformed")
    before = tuple(dict.fromkeys(known for known in map(_message_id, (thread, answers)) if known and known != own))
    letter = EmailMessage(policy=_AS_WRITTEN)
    put = letter.set_raw
    put("Date", format_datetime(at.astimezone(UTC)))
    put("From", mailbox(*parseaddr(sender)))
    put("To", mailbox(*to))
    put("Subject", _unstructured(("Re: " if thread or answers else "") + drawn.subject))
    put("Message-ID", own)
    if before:
        put("In-Reply-To", before[-1])
        put("References", "\r\n ".join(before))
    if reply_to is not None:
        put("Reply-To", mailbox("", reply_to))
    put("Auto-Submitted", kind)
    # Not All: that would suppress bounces too, which have to reach us.
    put("X-Auto-Response-Suppress", "OOF, AutoReply")
    if request is not None and _TOKEN.fullmatch(request):
        put("X-Sayso-Request", request)
    put("MIME-Version", "1.0")
    put("Content-Type", f'multipart/alternative;\r\n boundary="{_BOUNDARY}"')
    letter.set_payload([_part("plain", drawn.text), _part("html", drawn.html)])
    return letter.as_bytes()


@lru_cache(maxsize=2048)
def mailbox(name: str, address: str) -> str:
    """One name and address as a header holds them; nothing in either can be a second recipient, or a header.

    An international domain is written in ASCII (IDNA). Raises ValueError where the address is no plain one.
    """
    local, _, domain = address.rpartition("@")
    if domain and not domain.isascii():
        address = f"{local}@{domain.encode('idna').decode('ascii')}"
    if not _ADDRESS.fullmatch(address):
        raise ValueError("the address is not a plain local@domain")
    name = _CONTROL.sub(" ", name).strip()[:_NAME]
    if not name:
        return address
    if _PLAIN.fullmatch(name) and "=?" not in name:
        quoted = name.replace("\\", r"\\").replace('"', r"\"")
        return f'"{quoted}" <{address}>'
    return f"{_encoded(name)}\r\n <{address}>"


def _unstructured(text: str) -> str:
    text = _CONTROL.sub(" ", text).strip()
    # What looks like an encoded word would be decoded by whoever reads it, and hide what it says until then.
    return text if _PLAIN.fullmatch(text) and "=?" not in text else _encoded(text)


def _encoded(text: str) -> str:
    return Header(text, "utf-8", maxlinelen=_LINE, header_name="Subject").encode(linesep="\r\n")


def _message_id(given: str | None) -> str | None:
    """A Message-ID in its angle brackets, or None where it is none."""
    if given is None:
        return None
    given = given.strip()
    bracketed = given if given.startswith("<") else f"<{given}>"
    return bracketed if _MESSAGE_ID.fullmatch(bracketed) else None


def _part(subtype: str, text: str) -> EmailMessage:
    part = EmailMessage(policy=_AS_WRITTEN)
    part.set_raw("Content-Type", f'text/{subtype}; charset="utf-8"')
    part.set_raw("Content-Transfer-Encoding", "quoted-printable")
    lines = text.replace("\r\n", "\n").encode("utf-8", "replace")
    part.set_payload(b2a_qp(lines, istext=True).decode("ascii"))
    return part
