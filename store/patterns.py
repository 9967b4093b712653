"""What is looked for by its text, as patterns that both databases match alike: whatever the case of ASCII letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from store import rows

if TYPE_CHECKING:
    import sqlalchemy as sa

ESCAPE = "/"

_MOST = 500
"""Characters that are looked for; SQLite refuses patterns of 50,000 bytes, and nobody types as many."""


def patterns(text: str) -> dict[str, str]:
    """The text as a pattern, as it stands (``text``) and as it stands in JSON (``quoted``), nothing in it special.

    A NUL stands in JSON only, and there escaped; in a pattern it would end it.
    """
    cut = text[:_MOST]
    quoted = rows.json_text(cut)[1:-1]
    return {"text": within(quoted if "\0" in cut else cut), "quoted": within(quoted)}


def within(text: str) -> str:
    """The pattern of what holds a text."""
    return f"%{_literal(text)}%"


def beginning(text: str) -> str:
    """The pattern of what begins with a text."""
    return f"{_literal(text)}%"


def _literal(text: str) -> str:
    for special in (ESCAPE, "%", "_"):
        text = text.replace(special, ESCAPE + special)
    return text


def holds(column: Any, pattern: str) -> sa.ColumnElement[bool]:
    """Whether a column holds the pattern given under this name. ``lower`` on both sides: LIKE minds case on one."""
    import sqlalchemy as sa  # noqa: PLC0415  # only what is not kept as text needs it (`store.kept`)

    return sa.func.lower(column).like(sa.func.lower(sa.bindparam(pattern, type_=sa.Text())), escape=ESCAPE)
