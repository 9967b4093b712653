"""The parts of a letter, by a walk of our own: Python's parser goes as deep as the sender likes, and back again.

Only what could be text of the sender's is ever read out: no attached letter, no attachment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from channels.email.inbound.charsets import unbase64, unquoted_printable
from channels.email.inbound.headers import Headers, plain, split

_DEEPEST = 10
_MOST_PARTS = 100
_LONGEST_FIELD = 4_000
_KIND = re.compile(r"\s*([\w.+-]{1,80}/[\w.+-]{1,120})")
_PARAMETER = re.compile(r';\s*+([\w.-]{1,40})(?:\*(\d{1,2}))?\*?\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]++))')
_ESCAPE = re.compile(r"\\(.)")


class Part(Struct, frozen=True):
    """One part: its type in lower case, the parameters of that, and what it holds, still encoded."""

    kind: str
    parameters: dict[str, str]
    attached: bool
    encoding: str
    body: bytes
    parts: tuple[Part, ...] = ()

    def content(self, most: int) -> bytes:
        """What it holds, decoded; no more than ``most`` bytes of the encoded form are looked at."""
        if self.encoding == "base64":
            return unbase64(self.body[:most])
        if self.encoding == "quoted-printable":
            return unquoted_printable(self.body[:most])
        return self.body[:most]

    def walk(self) -> Iterator[Part]:
        """This part and all below it, in their order."""
        yield self
        for part in self.parts:
            yield from part.walk()


def tree(headers: Headers, body: bytes) -> Part:
    """The parts of a letter. What lies deeper than ten levels, or after a hundred parts, is not there."""
    return _part(headers, body, _DEEPEST, [_MOST_PARTS])


def fields(value: str) -> tuple[str, dict[str, str]]:
    """What stands before the first semicolon, in lower case, and the parameters after it, the first of each name.

    One that is written in pieces (RFC 2231, 3), as BlackBerry's boundaries are, is put together where none is whole.
    """
    value = value[:_LONGEST_FIELD]
    found: dict[str, str] = {}
    pieces: dict[str, dict[int, str]] = {}
    for parameter in _PARAMETER.finditer(value):
        said = _ESCAPE.sub(r"\1", parameter[3]) if parameter[3] is not None else parameter[4]
        if parameter[2] is None:
            found.setdefault(parameter[1].lower(), said)
        else:
            pieces.setdefault(parameter[1].lower(), {}).setdefault(int(parameter[2]), said)
    for name, parts in pieces.items():
        found.setdefault(name, "".join(said for _, said in sorted(parts.items())))
    return value.partition(";")[0].strip().lower(), found


def _part(headers: Headers, body: bytes, depth: int, left: list[int]) -> Part:
    """``left`` holds how many parts may still be made, in all branches together."""
    left[0] -= 1
    written, parameters = fields(plain(headers, "content-type"))
    kind = written if _KIND.fullmatch(written) else "text/plain"
    disposition, named = fields(plain(headers, "content-disposition"))
    parts: tuple[Part, ...] = ()
    boundary = parameters.get("boundary", "")
    if kind.startswith("multipart/") and kind != "multipart/digest" and boundary and depth:
        below: list[Part] = []
        for piece in _pieces(body, boundary.encode("utf-8", "replace")):
            if left[0] <= 0:
                break
            block = split(piece)
            below.append(_part(block.headers, piece[block.body_at :], depth - 1, left))
        parts = tuple(below)
    return Part(
        kind=kind,
        parameters=parameters,
        attached=disposition not in ("", "inline") or "filename" in named or "name" in parameters,
        encoding=plain(headers, "content-transfer-encoding").strip().lower(),
        body=body,
        parts=parts,
    )


def _pieces(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """What stands between the delimiter lines (RFC 2046, 5.1.1); a part that is never closed reaches to the end."""
    mark = b"--" + boundary
    begun: int | None = None
    at = body.find(mark)
    while at >= 0:
        after = at + len(mark)
        end = body.find(b"\n", after, after + 200)
        line = body[after : end if end >= 0 else after + 200].strip()
        if (at == 0 or body[at - 1] == 0x0A) and line in (b"", b"--"):  # noqa: PLR2004  # a line feed
            if begun is not None:
                yield body[begun:at].removesuffix(b"\n").removesuffix(b"\r")
            if line == b"--" or end < 0:
                return
            begun = after = end + 1
        at = body.find(mark, after)
    if begun is not None:
        yield body[begun:]
