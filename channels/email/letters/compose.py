"""A drawn letter as the bytes that are sent: RFC 5322, with nothing in its header that came in uninvited.

It is put together here, and read back with the standard library in the tests: that library's own folding writes a
long Message-ID, as Outlook makes them, as an encoded word, and then no thread holds; and it takes ten times as long.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import Literal

from channels.email.letters.sheets import Drawn

Kind = Literal["auto-generated", "auto-replied"]

LETTER = "X-Sayso-Letter"
"""The field that holds our Message-ID once more."""

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
_NAME, _SUBJECT = 100, 400


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
    headers = [
        ("Date", format_datetime(at.astimezone(UTC))),
        ("From", mailbox(*parseaddr(sender))),
        ("To", mailbox(*to)),
        ("Subject", _unstructured(("Re: " if thread or answers else "") + drawn.subject)),
        ("Message-ID", own),
    ]
    if before:
        headers += [("In-Reply-To", before[-1]), ("References", "\r\n ".join(before))]
    if reply_to is not None:
        headers.append(("Reply-To", mailbox("", reply_to)))
    # Not All: that would suppress bounces too, which have to reach us.
    headers += [("Auto-Submitted", kind), ("X-Auto-Response-Suppress", "OOF, AutoReply")]
    if request is not None and _TOKEN.fullmatch(request):
        headers.append(("X-Sayso-Request", request))
    # Amazon's and others' services put a Message-ID of their own in the place of ours, and bounces quote that.
    headers.append((LETTER, own))
    headers += [("MIME-Version", "1.0"), ("Content-Type", f'multipart/alternative;\r\n boundary="{_BOUNDARY}"')]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    text, html = _part("plain", drawn.text), _part("html", drawn.html)
    return f"{head}\r\n--{_BOUNDARY}\r\n{text}\r\n--{_BOUNDARY}\r\n{html}\r\n--{_BOUNDARY}--\r\n".encode("ascii")


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
    text = _CONTROL.sub(" ", text).strip()[:_SUBJECT] or "Sayso"
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


def _part(subtype: str, text: str) -> str:
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace")
    body = b2a_qp(lines, istext=True).decode("ascii").replace("\n", "\r\n")
    kind = f'Content-Type: text/{subtype}; charset="utf-8"'
    return f"{kind}\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{body}"
