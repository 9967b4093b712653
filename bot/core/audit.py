"""An audit line as it leaves the house, so that it still verifies outside.

One line of the export is ``{"seq":…,"previous":"…","hash":"…","event":{…}}``, where ``event`` stands exactly as it was
hashed: ``hash`` is SHA-256, hex, over ``previous`` (64 hex digits, ASCII) followed by the bytes of ``event`` (UTF-8).
"""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import DecodeError, Raw, Struct, json

from bot.core.ports import AuditLine


class _When(Struct):
    at: datetime


_when = json.Decoder(_When)


def happened_at(line: AuditLine) -> datetime:
    """When the event of a line happened."""
    return _when.decode(line.body).at


def export_line(line: AuditLine) -> str:
    """The line for an export, without a line end."""
    return f'{{"seq":{line.seq},"previous":"{line.previous}","hash":"{line.hash}","event":{line.body}}}'


_EXPORTED = re.compile(rb'\{"seq":([1-9][0-9]{0,15}),"previous":"([0-9a-f]{64})","hash":"([0-9a-f]{64})","event":')
_value = json.Decoder(Raw)


def exported_line(text: bytes) -> AuditLine:
    """The line that an export says, without its line end; raises ``ValueError`` unless `export_line` writes it so.

    Only that one way of writing is taken: with members in another order, twice or more of them, another reader could
    find another event in the line.
    """
    told = _EXPORTED.match(text)
    if told is None or not text.endswith(b"}"):
        raise ValueError("it is not written as an export writes it")
    event = text[told.end() : -1]
    try:
        _value.decode(event)
        seq, previous, digest = told.groups()
        return AuditLine(seq=int(seq), previous=previous.decode(), hash=digest.decode(), body=event.decode())
    except (DecodeError, UnicodeDecodeError, RecursionError) as fault:
        raise ValueError(f"its event is no JSON ({fault})") from fault


def within(line: AuditLine, *, since: datetime | None, until: datetime | None) -> bool:
    """Whether the event happened at or after ``since`` and before ``until`` (None does not narrow)."""
    if since is None and until is None:
        return True
    at = happened_at(line)
    return (since is None or at >= since) and (until is None or at < until)
