"""Writes ``sqlite.json``, the texts that `store.kept` reads: ``python -m store.keeping`` after a statement changed."""

from __future__ import annotations

from typing import Any

from msgspec import json

from store.kept import FILE, sources
from store.prepared import Prepared
from store.question import Question
from store.statements import Statements, statements_for


def texts() -> bytes:
    """What the file holds where it is as new as the statements."""
    # New ones, for those that were used have forgotten what they were compiled from.
    made: Statements = statements_for.__wrapped__("sqlite")
    told = {"sources": sources(), "statements": _told(made)}
    return json.format(json.encode(told, order="sorted"), indent=1) + b"\n"


def _told(part: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in vars(part).items():
        if isinstance(value, Question):
            found[name] = value.told()
        elif isinstance(value, Prepared):
            found[name] = _text(value)
        elif isinstance(value, tuple) and all(isinstance(one, Prepared) for one in value):
            found[name] = [_text(one) for one in value]
        elif isinstance(value, dict) and all(isinstance(one, Prepared) for one in value.values()):
            found[name] = {str(count): _text(one) for count, one in value.items()}
        elif type(value).__name__.endswith("Statements"):
            found[name] = _told(value)
    return found


def _text(statement: Prepared) -> dict[str, Any]:
    sql, order, given = statement.made()
    return {"sql": sql, "order": order, "given": given}


if __name__ == "__main__":
    FILE.write_bytes(texts())
