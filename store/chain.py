"""Appending to the audit: lines gather while a transaction runs and go to the table in one piece before it commits."""

from __future__ import annotations

from typing import Any

import msgspec

from bot.core.model import Event
from store import queries, rows
from store.cursor import Cursor


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
        """Add a line; ``data`` is the event's, completed."""
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
