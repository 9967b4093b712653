r"""The header block, split by ourselves: a line that could be read two ways makes the letter malformed.

Lenient parsers (Python's among them) pass over what they cannot read, or end the headers there. Whoever checked the
signature may have read on, and seen another From. So nothing is passed over (threat T18): NUL, a bare CR, line ends
of both kinds, a name that is none (``From :``, an mbox line, look-alike letters), and a fold of blanks alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from msgspec import Struct

from channels.email.inbound.charsets import decoded, unbase64, unquoted_printable

MOST_BYTES = 256 * 1024
MOST_FIELDS = 1_000
"""Of one header block; Exchange Online takes 256 KiB, and no letter of a person comes near."""

Headers = tuple[tuple[str, bytes], ...]

_END = re.compile(rb"\n\r?\n")
_NAME = re.compile(rb"[!-9;-~]{1,200}")
_LONGEST_DECODED = 8_000
_WORD = re.compile(r"=\?([^?\s]{1,40})\?([bBqQ])\?([^?\s]{0,600})\?=")
_BETWEEN = re.compile(r"(\?=)[ \t]+(?==\?)")
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]{1,400}@[!-;=?A-~]{1,400}>")


class Block(Struct, frozen=True):
    """The fields in their order, where the body begins, and whether something in between could not be read."""

    headers: Headers
    body_at: int
    malformed: bool


def split(raw: bytes) -> Block:
    """The header block of a letter or of one of its parts. Fields that could be read are given even when malformed."""
    if raw.startswith((b"\n", b"\r\n")):  # a part without fields of its own
        return Block((), 1 + raw.startswith(b"\r"), malformed=False)
    end = _END.search(raw, 0, MOST_BYTES)
    if end is None:
        whole = len(raw) <= MOST_BYTES
        headers, readable = _fields(raw[:MOST_BYTES])
        return Block(headers, len(raw), malformed=not (whole and readable))
    block = raw[: end.start() + 1]
    headers, readable = _fields(block)
    # The empty line must end as the others do, and LF must be how all of it is written: for whoever splits at CRLF
    # alone, the block ends elsewhere otherwise.
    crlf = block.endswith(b"\r\n")
    same_end = (end[0] == b"\n\r\n") == crlf and (crlf or raw.find(b"\r\n", end.end()) < 0)
    return Block(headers, end.end(), malformed=not (readable and same_end))


def _fields(block: bytes) -> tuple[Headers, bool]:
    breaks, crlf = block.count(b"\n"), block.count(b"\r\n")
    readable = crlf in (0, breaks) and block.count(b"\r") == crlf and b"\0" not in block
    fields: list[tuple[str, list[bytes]]] = []
    lines = block.removesuffix(b"\n").removesuffix(b"\r").split(b"\n") if block else []
    for line in lines:
        bare = line.removesuffix(b"\r")
        if bare[:1] in (b" ", b"\t"):
            if not fields or not bare.strip():
                readable = False
            else:
                fields[-1][1].append(bare)
            continue
        name, colon, value = bare.partition(b":")
        if not colon or not _NAME.fullmatch(name):
            readable = False
        elif len(fields) >= MOST_FIELDS:
            readable = False
            break
        else:
            fields.append((name.decode("ascii"), [value]))
    return tuple((name, b"\r\n".join(pieces)) for name, pieces in fields), readable


def every(headers: Headers, *names: str) -> Iterator[bytes]:
    """The values under these names (lower case), unfolded, from the top."""
    return (value.replace(b"\r\n", b"").strip(b" \t") for name, value in headers if name.lower() in names)


def plain(headers: Headers, name: str) -> str:
    """The topmost value under a name (lower case) as it stands, or an empty text."""
    return as_text(next(every(headers, name), b""))


def as_text(value: bytes) -> str:
    """A value as text, without decoding words in it; cut where no honest one reaches."""
    return decoded(value[:_LONGEST_DECODED], "")


def visible_line(text: str, most: int) -> str:
    """Text on one line, without control characters, cut to ``most``: nothing out of a header makes another line."""
    clean = "".join(c if c.isprintable() else " " for c in text[: most * 4])
    return " ".join(clean.split())[:most]


def words(value: bytes) -> str:
    """A value with its encoded words (RFC 2047) decoded; neighbours are joined before they are decoded."""
    text = _BETWEEN.sub(r"\1", as_text(value))
    found: list[tuple[str, bytes]] = []
    at = 0
    for word in _WORD.finditer(text):
        if word.start() > at:
            found.append(("utf-8", text[at : word.start()].encode("utf-8", "replace")))
        at = word.end()
        said = word[3].encode("ascii", "replace")
        raw = unbase64(said) if word[2] in "bB" else unquoted_printable(said, header=True)
        charset = word[1].partition("*")[0]
        if found and found[-1][0] == charset and word.start() > 0 and text[word.start() - 2 : word.start()] == "?=":
            found[-1] = (charset, found[-1][1] + raw)
        else:
            found.append((charset, raw))
    found.append(("utf-8", text[at:].encode("utf-8", "replace")))
    return "".join(decoded(raw, charset) for charset, raw in found)


def message_id(headers: Headers) -> str | None:
    """The Message-ID with its angle brackets, where there is one of that shape (RFC 5322, 3.6.4)."""
    values = list(every(headers, "message-id"))
    if len(values) != 1:
        return None
    text = as_text(values[0])
    return text if _MESSAGE_ID.fullmatch(text) else None


def message_ids(text: str) -> list[str]:
    """Every Message-ID in a text, each once."""
    return list(dict.fromkeys(_MESSAGE_ID.findall(text)))


def referred(headers: Headers) -> list[str]:
    """The Message-IDs that a letter answers. A hint, never authority: anybody can write them."""
    values = chain(every(headers, "in-reply-to"), every(headers, "references"))
    return list(dict.fromkeys(name for value in values for name in message_ids(as_text(value))))
