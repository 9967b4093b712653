"""Tables for a spreadsheet: CSV (RFC 4180), of which it takes no cell for a formula."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

MEDIA_TYPE = "text/csv; charset=utf-8; header=present"
_BEGINS_A_FORMULA = frozenset("=+-\u2212@\t\r\n\0")
"""With what a spreadsheet begins to reckon (OWASP, "CSV Injection"); full-width signs are read as these, too."""
_BEGINS_A_CELL = re.compile("([;\t\r\n][ \u3000\ufeff\xa0'\"]*)(?=[=+\\-\u2212@\uff1d\uff0b\uff0d\uff20])")
"""In half of Europe a spreadsheet parts cells at semicolons, and then knows none of the quotes around ours."""


_OBEYED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]|\r(?!\n)")
"""What a terminal obeys, on which a table is printed, too, and what turns a cell's direction."""


def harmless(cell: str) -> str:
    """A cell of which no spreadsheet takes a piece for a formula: an apostrophe stands before what begins like one.

    What nobody sees and a terminal obeys is shown as its code point.
    """
    begins = unicodedata.normalize("NFKC", cell.lstrip(" \u3000\ufeff\xa0")[:1])
    inside = _BEGINS_A_CELL.sub(r"\1'", cell)
    plain = _OBEYED.sub(lambda found: f"⟦U+{ord(found[0]):04X}⟧", inside)
    return f"'{plain}" if begins in _BEGINS_A_FORMULA else plain


def table(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV, the head among them; numbers stay numbers, None is an empty cell."""
    text = io.StringIO(newline="")
    written = csv.writer(text, lineterminator="\r\n")
    written.writerows([[harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows])
    return text.getvalue()
