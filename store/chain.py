"""The audit's hash chain: appending to it inside the transaction of what a line tells, and verifying the table.

Lines gather while a transaction runs and go to the table in one piece before it commits. Whether lines follow from one
another says `bot.core.chain`; here they are held against the head row, and against numbers and hashes kept elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import msgspec

from bot.core.chain import START, ChainReport, conclude, linked, verify
from bot.core.model import Event
from bot.core.ports import Store
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
        # Written into again and again, which costs half of a new one a line.
        self._body = bytearray()

    def append(self, event: Event, data: dict[str, Any], request: str | None) -> None:
        """Add a line; ``data`` is the event's, completed by what the tables took."""
        self.extend(((event, data, request),))

    def extend(self, told: Iterable[tuple[Event, dict[str, Any], str | None]]) -> None:
        """As `append`, of each in turn."""
        body, encode, micros = self._body, rows.encoder.encode_into, rows.micros
        for event, data, request in told:
            if self._seq < 0:
                self._seq, self._hash = queries.head(self._cursor)
            seq, previous = self._seq + 1, self._hash
            encode(_Body(seq, event.type, event.at, event.actor, event.via, request, data), body)
            digest = linked(previous.encode(), body)
            self._lines.append(
                {
                    "seq": seq,
                    "previous": previous,
                    "hash": digest,
                    "type": event.type,
                    "body": body.decode(),
                    "request": request,
                    "at": micros(event.at),
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
            self._cursor.presume(self._cursor.say.move_head, {"seq": self._seq, "hash": self._hash})
            self._lines = []


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
