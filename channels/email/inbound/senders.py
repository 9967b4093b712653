"""Who a letter says it is from: exactly one From with exactly one mailbox, by a grammar with no second reading.

RFC 5322 allows groups, lists, comments and quoted local parts, and every parser sees another address in the odd ones
(T18). None of them is an honest client's From, so they are refused. The display name never matters.
"""

from __future__ import annotations

import re

from channels.email.inbound.headers import Headers, as_text, every
from channels.email.inbound.values import Reason

_LONGEST = 2_000
_LONGEST_LOCAL = 64
_LONGEST_ADDRESS = 254
"""Octets (RFC 5321, 4.5.3.1, as corrected by erratum 1690)."""

_ATOM = r"[\w!#$%&'*+/=?^`{|}~-]"
_PLAIN_ATOM = r"[A-Za-z0-9_!#$%&'*+/=?^`{|}~-]"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = rf"{_PLAIN_ATOM}+(?:\.{_PLAIN_ATOM}+)*+@{_LABEL}(?:\.{_LABEL})*+"
_NAME = rf"""(?:{_ATOM}|\.|[ \t]|[^\x00-\x9f\u2028\u2029]|"(?:[^"\\\x00-\x1f]|\\[ -~])*+")*+"""
_COMMENT = r"(?:[ \t]*+\([^()<>@,;:\\\"\x00-\x1f]*+\))?"
_BARE = re.compile(rf"({_ADDRESS}){_COMMENT}[ \t]*+")
_ANGLE = re.compile(rf"{_NAME}<({_ADDRESS})>{_COMMENT}[ \t]*+")
_ASIDE = re.compile(r"\"(?:[^\"\\]|\\.)*+\"?|\([^()]*+\)?")
"""A quoted string or a comment; what is never closed reaches to the end, and is not looked at again."""
_PIECE = re.compile(r"[^\s<>,;:\"()\\\[\]]++")


def sender_of(headers: Headers) -> str | None:
    """The address of the one From mailbox, in lower case; None where it is not exactly one, plainly written."""
    values = list(every(headers, "from"))
    if len(values) != 1 or len(values[0]) > _LONGEST:
        return None
    text = as_text(values[0])
    found = _BARE.fullmatch(text) or _ANGLE.fullmatch(text)
    if found is None or "=?" in found[1]:
        return None
    address = found[1].lower()
    local = address.partition("@")[0]
    return address if len(local) <= _LONGEST_LOCAL and len(address) <= _LONGEST_ADDRESS else None


def sender_fault(sender: str | None) -> Reason | None:
    """Why there is no sender."""
    return Reason.FROM_NOT_ONE if sender is None else None


def pieces_with_at(text: str) -> list[str]:
    """Whatever in a text could be an address, wherever it stands: in names and comments too. Linear."""
    return [piece for piece in _PIECE.findall(text) if "@" in piece]


def addresses_in(text: str) -> list[str]:
    """The addresses of a list (To, Cc), without names and comments. It finds, it proves nothing."""
    boxes = re.split("[,;:]", _ASIDE.sub(" ", text))
    return [box.partition("<")[2].partition(">")[0] if "<" in box else box.strip() for box in boxes]
