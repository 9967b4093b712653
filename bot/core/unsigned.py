"""When the lines happened that come after a signed one: whoever chains a tail anew cannot sign it (threat T24).

Which checkpoint is the newest that counts is known at the end alone, so the times are kept from each signed line to the
next. Of a tail the earliest and the latest count and not its first and last line: a forger dates lines as they please.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from bot.core.audit import happened_at
from bot.core.ports import AuditLine

_NEVER = datetime.max.replace(tzinfo=UTC)


class Span(msgspec.Struct):
    """Lines that carry no checkpoint, ``first`` to ``last``; when they happened; one that does not say so."""

    first: int
    last: int
    earliest: datetime
    latest: datetime
    unread: int | None = None


class _Line(msgspec.Struct, frozen=True):
    seq: int
    at: datetime | None


class Tail:
    """Takes lines, oldest first, and knows the span of those after each signed line."""

    def __init__(self, back: int) -> None:
        """``back`` is how many lines may stand between the signed line and the one that carries its checkpoint."""
        self._recent: deque[_Line | None] = deque(maxlen=back)
        self._between: dict[int, tuple[list[_Line], int]] = {}
        self._spans: list[Span | None] = [None]

    def take(self, lines: Iterable[AuditLine]) -> None:
        """The next lines, none of which carries a checkpoint."""
        for line in lines:
            told = _Line(line.seq, _time_of(line))
            self._recent.append(told)
            self._spans[-1] = _with(self._spans[-1], told)

    def carried(self) -> None:
        """The next line carries a checkpoint."""
        self._recent.append(None)

    def signed(self, seq: int, back: int) -> None:
        """Line ``seq`` is signed, ``back`` lines before the next one to come."""
        if seq in self._between:
            return
        between = list(self._recent)[-back:] if back else []
        self._spans.append(None)
        self._between[seq] = ([line for line in between if line is not None], len(self._spans) - 1)

    def after(self, seq: int, until: int | None = None) -> Span | None:
        """All lines after a signed one but those that carry checkpoints; None where there are none.

        ``until`` is another signed line: then those alone that stand before its checkpoint.
        """
        between, begins = self._between.get(seq, ([], len(self._spans)))
        ends = len(self._spans) if until is None else self._between.get(until, ([], 0))[1]
        found: Span | None = None
        for line in between:
            found = _with(found, line)
        for span in self._spans[begins:ends]:
            found = _joined(found, span)
        return found


def _time_of(line: AuditLine) -> datetime | None:
    try:
        at = happened_at(line)
    except msgspec.DecodeError:
        return None
    # A forger's may have no zone, and then it cannot be held against another.
    return at if at.tzinfo else None


def _with(span: Span | None, line: _Line) -> Span:
    at, unread = line.at or _NEVER, None if line.at else line.seq
    if span is None:
        return Span(line.seq, line.seq, at, at, unread)
    span.last = line.seq
    span.earliest, span.latest = min(span.earliest, at), max(span.latest, at)
    span.unread = span.unread or unread
    return span


def _joined(one: Span | None, other: Span | None) -> Span | None:
    if one is None or other is None:
        return one or other
    return Span(
        one.first,
        other.last,
        min(one.earliest, other.earliest),
        max(one.latest, other.latest),
        one.unread or other.unread,
    )
