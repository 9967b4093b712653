"""Whether lines of the audit follow from one another: the hash chain, re-computed from nothing but the lines.

What the lines can show by themselves is that each follows from the one before. That the tail was cut off, or all of it
chained anew, shows against a number and hash that were kept elsewhere: the head row, a checkpoint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from bot.core.ports import AuditLine

GENESIS = "0" * 64
"""What stands for the previous hash of the first audit line."""


class _Number(msgspec.Struct):
    seq: int


_number = msgspec.json.Decoder(_Number)


class ChainReport(msgspec.Struct, frozen=True, kw_only=True):
    """How far a chain holds: the last good line's number and hash, and what is wrong after it (None: nothing)."""

    ok: bool = True
    lines: int = 0
    seq: int = 0
    hash: str = GENESIS
    fault: str | None = None

    def text(self) -> str:
        """The report as a person reads it."""
        if self.fault is None:
            lines = "1 line" if self.lines == 1 else f"{self.lines} lines"
            return f"The audit trail holds: {lines}, the last is {self.seq} ({self.hash})."
        return (
            f"The audit trail is broken: {self.fault} It holds up to line {self.seq}."
            " Compare with an export or a backup to see what was there."
        )


START = ChainReport()
"""Before the first line."""


def chained(previous: str, body: str) -> str:
    """An event's hash: SHA-256 hex over the previous one's (hex, ASCII) followed by the body (UTF-8)."""
    return linked(previous.encode(), body.encode())


def linked(previous: bytes, body: bytes | bytearray) -> str:
    """As `chained`, of what is encoded."""
    return hashlib.sha256(previous + body).hexdigest()


def verify(
    lines: Iterable[AuditLine], *, since: ChainReport = START, known: Mapping[int, str] | None = None
) -> ChainReport:
    """Re-compute the chain over ``lines``, which follow on from ``since``; stops at the first fault.

    ``known`` are hashes by line number that were kept elsewhere; one on the way that differs is a fault.
    """
    if not since.ok:
        return since
    kept, sha256 = known or {}, hashlib.sha256
    begun, seq, previous = since.seq, since.seq, since.hash
    for line in lines:
        number, body = seq + 1, line.body
        # The same questions as `_fault` asks, in the order of their price: a trail is millions of lines that hold.
        if (
            line.seq != number
            or line.previous != previous
            or not body.startswith(f'{{"seq":{number},')
            or sha256(previous.encode() + body.encode()).hexdigest() != line.hash
            or number in kept
        ):
            fault = _fault(line, seq, previous, kept)
            if fault is not None:
                count = since.lines + seq - begun
                return ChainReport(ok=False, lines=count, seq=seq, hash=previous, fault=fault)
        seq, previous = number, line.hash
    return ChainReport(lines=since.lines + seq - begun, seq=seq, hash=previous)


def _fault(line: AuditLine, seq: int, previous: str, known: Mapping[int, str]) -> str | None:
    if line.seq != seq + 1:
        return f"line {seq + 1} is missing or out of place, {line.seq} stands there."
    if line.previous != previous:
        return f"line {line.seq} does not follow from the line before it."
    if chained(previous, line.body) != line.hash:
        return f"line {line.seq} was changed after it was written."
    if known.get(line.seq, line.hash) != line.hash:
        return f"line {line.seq} is not the one whose hash was kept: it or an earlier line was rewritten."
    try:
        told = _number.decode(line.body).seq
    except msgspec.DecodeError:
        return f"line {line.seq} is no event."
    return None if told == line.seq else f"line {line.seq} tells the event of line {told}."


def conclude(report: ChainReport, known: Mapping[int, str]) -> ChainReport:
    """The report once there are no more lines: a kept number that was not reached means that the tail was cut off."""
    last = max(known, default=0)
    if not report.ok or report.seq >= last:
        return report
    fault = f"lines {report.seq + 1} to {last} were cut off."
    return msgspec.structs.replace(report, ok=False, fault=fault)
