"""An audit line as it leaves the house, so that it still verifies outside.

One line of the export is ``{"seq":…,"previous":"…","hash":"…","event":{…}}``, where ``event`` stands exactly as it was
hashed: ``hash`` is SHA-256, hex, over ``previous`` (64 hex digits, ASCII) followed by the bytes of ``event`` (UTF-8).
"""

from __future__ import annotations

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


class _Exported(Struct, forbid_unknown_fields=True):
    seq: int
    previous: str
    hash: str
    event: Raw


_exported = json.Decoder(_Exported)


def exported_line(text: bytes) -> AuditLine:
    """The line that an export says, without its line end; raises ``ValueError`` unless `export_line` writes it so."""
    try:
        told = _exported.decode(text)
        line = AuditLine(seq=told.seq, previous=told.previous, hash=told.hash, body=bytes(told.event).decode())
    except (DecodeError, UnicodeDecodeError) as fault:
        raise ValueError(str(fault)) from fault
    if export_line(line).encode() != text:
        # A member given twice, say, which another reader would take otherwise.
        raise ValueError("it is not written as an export writes it")
    return line


def within(line: AuditLine, *, since: datetime | None, until: datetime | None) -> bool:
    """Whether the event happened at or after ``since`` and before ``until`` (None does not narrow)."""
    if since is None and until is None:
        return True
    at = happened_at(line)
    return (since is None or at >= since) and (until is None or at < until)
