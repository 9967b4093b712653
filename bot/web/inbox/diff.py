"""The difference of a long text as lines to draw: what went, what came, and the lines around it."""

from __future__ import annotations

import re

from msgspec import Struct

from bot.core.card import edit_text
from bot.core.model import Edit

_GAP = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,\d+)? @@")
_KINDS = {"-": "gone", "+": "new", " ": "same"}


class DiffLine(Struct, frozen=True):
    """One line, already `visible`. ``kind`` is gone, new, same, or gap, whose text says where the next lines stand."""

    kind: str
    text: str


def diff_of(change: Edit | str) -> tuple[DiffLine, ...]:
    """The lines of a change (or of a card's line about one) that the core tells line by line; else nothing.

    What is not a difference of lines begins with a literal, which never begins with ``@@``.
    """
    text = edit_text(change) if isinstance(change, Edit) else change
    if not _GAP.match(text):
        return ()
    return tuple(_line(line) for line in text.split("\n"))


def _line(line: str) -> DiffLine:
    gap = _GAP.fullmatch(line)
    if gap is not None:
        return DiffLine("gap", f"from line {int(gap[1]):,}")
    return DiffLine(_KINDS.get(line[:1], "same"), line[1:])
