"""The difference of two values as rows to draw side by side: what went, what came, word by word within a line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct

from bot.core.alignment import Aligned, Effort
from bot.core.card import literal
from bot.core.model import Edit
from bot.core.scrutiny import visible

_AROUND = 2
"""Lines that are alike, kept around what differs."""

_LONGEST = 2_000
"""Characters of a line that is compared word by word; telling words apart costs the square of their number."""

_MOST = 400
"""Lines of one value that are compared word by word."""

_ROWS = 10_000
"""Lines that one page shows of what changed; all of what would run stands on it, too."""

EFFORT = 5_000_000
"""Steps for one page (`bot.core.alignment`): 0.3 s at the very worst, a thousand times what honest ones take."""

# A mark of `visible` is one word: half of one would say nothing.
_WORDS = re.compile(r"⟦U\+[0-9A-F]{4,6}⟧|[␠⏎]×[0-9]+|\d+(?:[.,]\d+)*(?![\w])|\w+|\s+|.", re.DOTALL)


class Piece(Struct, frozen=True):
    """Part of a line, already `visible`; ``changed``: not in the other one."""

    text: str
    changed: bool


Side = tuple[Piece, ...]


class Row(Struct, frozen=True):
    """One line before and after. ``kind`` is same, changed, gone (nothing after), new (nothing before), or a gap.

    Of a gap, ``at`` is the number of the line with which it goes on, before and after; 0 where only line ends differ.
    """

    kind: str
    old: Side = ()
    new: Side = ()
    at: tuple[int, int] = (0, 0)


def rows_of(change: Edit, effort: Effort | None = None) -> tuple[Row, ...]:
    """What a change did, line by line; long texts with the lines around what differs alone.

    ``effort`` is what all that is drawn with it may take together.
    """
    if change.kind == "added":
        return tuple(Row("new", new=_whole(line)) for line in literal(change.after).split("\n"))
    if change.kind == "removed":
        return tuple(Row("gone", old=_whole(line)) for line in literal(change.before).split("\n"))
    old, new = _lines(change.before, change.after)
    effort = effort or Effort(EFFORT)
    shown = tuple(islice(_rows(old, new, effort), max(_ROWS - effort.lines, 0)))
    effort.lines += len(shown)
    if not shown and effort.lines < _ROWS:
        return (Row("gap"),)
    # What is cut off ends in a gap, as what is alike does.
    return (*shown, Row("gap", at=_next(shown))) if effort.lines >= _ROWS else shown


def _next(rows: Sequence[Row]) -> tuple[int, int]:
    """The numbers of the lines that come after these."""
    old = new = 1
    for row in rows:
        old, new = row.at if row.kind == "gap" else (old + (row.kind != "new"), new + (row.kind != "gone"))
    return old, new


def _lines(before: Any, after: Any) -> tuple[list[str], list[str]]:
    """Both values as lines; texts of several lines without the quotes, which would stand at the two ends alone."""
    if isinstance(before, str) and isinstance(after, str) and ("\n" in before or "\n" in after):
        return visible(before).split("\n"), visible(after).split("\n")
    return literal(before).split("\n"), literal(after).split("\n")


def _rows(old: Sequence[str], new: Sequence[str], effort: Effort) -> Iterator[Row]:
    left = _MOST
    for group in Aligned(old, new, effort).get_grouped_opcodes(_AROUND):
        _, first, _, start, _ = group[0]
        if first or start:
            yield Row("gap", at=(first + 1, start + 1))
        for tag, a, b, c, d in group:
            if tag == "equal":
                yield from (Row("same", _whole(line), _whole(line)) for line in old[a:b])
                continue
            paired = min(b - a, d - c)
            for before, after in zip(old[a : a + paired], new[c : c + paired], strict=True):
                yield Row("changed", *(_told_apart(before, after, effort) if left > 0 else _apart(before, after)))
                left -= 1
            yield from (Row("gone", old=_whole(line)) for line in old[a + paired : b])
            yield from (Row("new", new=_whole(line)) for line in new[c + paired : d])


def _apart(before: str, after: str) -> tuple[Side, Side]:
    return _whole(before), _whole(after)


def _told_apart(before: str, after: str, effort: Effort) -> tuple[Side, Side]:
    if max(len(before), len(after)) > _LONGEST:
        return _apart(before, after)
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    matcher = Aligned(old, new, effort)
    left: list[Piece] = []
    right: list[Piece] = []
    for tag, a, b, c, d in matcher.get_opcodes():
        if b > a:
            left.append(Piece("".join(old[a:b]), tag != "equal"))
        if d > c:
            right.append(Piece("".join(new[c:d]), tag != "equal"))
    if not any(piece.text.strip(' "') for piece in left if not piece.changed):
        # Nothing stayed: a mark on all of it would say no more than the line does.
        return _apart(before, after)
    return tuple(left), tuple(right)


def _whole(line: str) -> Side:
    return (Piece(line, changed=False),)
