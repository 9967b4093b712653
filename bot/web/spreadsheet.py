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


def harmless(cell: str) -> str:
    """A cell of which no spreadsheet takes a piece for a formula: an apostrophe stands before what begins like one."""
    begins = unicodedata.normalize("NFKC", cell.lstrip(" \u3000\ufeff\xa0")[:1])
    inside = _BEGINS_A_CELL.sub(r"\1'", cell)
    return f"'{inside}" if begins in _BEGINS_A_FORMULA else inside


def table(rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV, the head among them; numbers stay numbers, None is an empty cell."""
    text = io.StringIO(newline="")
    written = csv.writer(text, lineterminator="\r\n")
    written.writerows([[harmless(cell) if isinstance(cell, str) else cell for cell in row] for row in rows])
    return text.getvalue()
