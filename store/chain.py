"""The audit's hash chain: appending to it inside the transaction of what a line tells, and verifying it.

Lines gather while a transaction runs and go to the table in one piece before it commits. `verify` needs nothing but
lines, so it serves an export as well as the table. What it can know by itself is that every line follows from the one
before; that the tail or the whole was replaced is found against a number and hash kept elsewhere: the head row, or a
checkpoint that somebody wrote down.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import msgspec

from bot.core.model import Event
from bot.core.ports import AuditLine, Store
from store import queries, rows
from store.cursor import Cursor

_PAGE = 2000


class _Body(msgspec.Struct, frozen=True):
    """What is hashed, beside the previous hash."""

    seq: int
    type: str
    at: Any
    actor: str
    via: str
    request: str | None
    data: dict[str, Any]


Mark = tuple[int, int, str]


class Chain:
    """The tail of the audit inside one transaction. The head is read from its row first, for others append too."""

    def __init__(self, cursor: Cursor) -> None:
        """Nothing is read before the first line."""
        self._cursor = cursor
        self._seq = -1
        self._hash = ""
        self._lines: list[dict[str, Any]] = []

    def append(self, event: Event, data: dict[str, Any], request: str | None) -> None:
        """Add a line; ``data`` is the event's, completed by what the tables took."""
        if self._seq < 0:
            self._seq, self._hash = queries.head(self._cursor)
        seq = self._seq + 1
        body = rows.json_text(_Body(seq, event.type, event.at, event.actor, event.via, request, data))
        digest = rows.chained(self._hash, body)
        self._lines.append(
            {
                "seq": seq,
                "previous": self._hash,
                "hash": digest,
                "type": event.type,
                "body": body,
                "request": request,
                "at": rows.micros(event.at),
            }
        )
        self._seq, self._hash = seq, digest

    def mark(self) -> Mark:
        """Where the tail ends now, for `cut`."""
        return len(self._lines), self._seq, self._hash

    def cut(self, mark: Mark) -> None:
        """Forget what was appended since ``mark`` and not yet written."""
        length, self._seq, self._hash = mark
        del self._lines[length:]

    def flush(self) -> None:
        """Write the lines and the head."""
        if self._lines:
            self._cursor.change_many(self._cursor.say.add_event, self._lines)
            self._cursor.change(self._cursor.say.move_head, {"seq": self._seq, "hash": self._hash})
            self._lines = []


class _Number(msgspec.Struct):
    seq: int


_number = msgspec.json.Decoder(_Number)


class ChainReport(msgspec.Struct, frozen=True, kw_only=True):
    """How far a chain holds: the last good line's number and hash, and what is wrong after it (None: nothing)."""

    ok: bool = True
    lines: int = 0
    seq: int = 0
    hash: str = rows.GENESIS
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


def verify(
    lines: Iterable[AuditLine], *, since: ChainReport = START, known: Mapping[int, str] | None = None
) -> ChainReport:
    """Re-compute the chain over ``lines``, which follow on from ``since``; stops at the first fault.

    ``known`` are hashes by line number that were kept elsewhere; one on the way that differs is a fault.
    """
    if not since.ok:
        return since
    count, seq, previous = since.lines, since.seq, since.hash
    for line in lines:
        fault = _fault(line, seq, previous, known or {})
        if fault is not None:
            return ChainReport(ok=False, lines=count, seq=seq, hash=previous, fault=fault)
        count, seq, previous = count + 1, line.seq, line.hash
    return ChainReport(lines=count, seq=seq, hash=previous)


def _fault(line: AuditLine, seq: int, previous: str, known: Mapping[int, str]) -> str | None:
    if line.seq != seq + 1:
        return f"line {seq + 1} is missing or out of place, {line.seq} stands there."
    if line.previous != previous:
        return f"line {line.seq} does not follow from the line before it."
    if rows.chained(previous, line.body) != line.hash:
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


@runtime_checkable
class Headed(Protocol):
    """A store that keeps the head of its chain apart from the lines."""

    async def audit_head(self) -> tuple[int, str]:
        """Number and hash of the newest line, as the head row says."""


async def verify_store(store: Store, known: Mapping[int, str] | None = None) -> ChainReport:
    """Verify every line of a store against its own head row and against ``known``; more may be appended meanwhile.

    Raises ``TypeError`` for a store that keeps no head, for nothing would say whether its tail was cut off.
    """
    if not isinstance(store, Headed):
        raise TypeError(f"{type(store).__name__} keeps no head of its audit chain")
    seq, digest = await store.audit_head()
    kept = dict(known or {})
    if kept.get(seq, digest) != digest:
        return ChainReport(ok=False, fault=f"line {seq} is not the one whose hash was kept.")
    if seq:
        kept[seq] = digest
    report = START
    while report.ok and (lines := await store.audit_lines(report.seq, _PAGE)):
        report = verify(lines, since=report, known=kept)
    return conclude(report, kept)
