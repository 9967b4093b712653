"""The shapes that many keys share, as JSON Schema: text, names, durations, one or a list, mappings of known keys.

Every shape is at most as strict as its reader: what the schema refuses, the reader refuses too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any

from bot.core import durations
from bot.routing import conditions, evaluating, moments, people, values
from bot.routing.spans import span_text

Shape = dict[str, Any]

MAX_TEXT = 10_000
"""Characters that `bot.routing.values.Reader.text` takes where nothing else is said."""


def whole(pattern: str) -> str:
    """A pattern that the whole text has to match: JSON Schema searches."""
    return f"^(?:{pattern})$"


def closed(keys: Iterable[str], members: Mapping[str, Shape], *, required: Iterable[str] = (), **more: Any) -> Shape:
    """A mapping of exactly these keys, in their order, each described.

    ``keys`` is the reader's own table. Raises ``ValueError`` where a key is not described, or is not the reader's.
    """
    names = tuple(keys)
    apart = set(names) ^ set(members)
    if apart:
        raise ValueError(f"the reader and the schema know different keys: {', '.join(sorted(apart))}")
    shape: Shape = {
        "type": "object",
        "properties": {name: members[name] for name in names},
        "required": [*required],
        "additionalProperties": False,
        **more,
    }
    if not shape["required"]:
        del shape["required"]
    return shape


def named(item: Shape, said: str, names: str = values.ID.pattern, taken: Shape | None = None) -> Shape:
    """A mapping whose keys the file makes up, each a name that others refer to, and none that is ``taken``."""
    return {
        "description": said,
        "type": "object",
        "propertyNames": {"pattern": whole(names)} | ({"not": taken} if taken else {}),
        "additionalProperties": item,
    }


def text(said: str, *, longest: int = MAX_TEXT, pattern: str = "", **more: Any) -> Shape:
    """Text that is not empty; ``pattern`` is of all of it."""
    shaped = whole(pattern) if pattern else r"\S"
    return {"description": said, "type": "string", "minLength": 1, "maxLength": longest, "pattern": shaped, **more}


def name(said: str) -> Shape:
    """A name for people to read."""
    return text(said, longest=values.MAX_NAME, pattern=values.NAME.pattern)


def flag(said: str) -> Shape:
    """``true`` or ``false``; where it is left out, it is false."""
    return {"description": said, "type": "boolean", "default": False}


def count(said: str, lowest: int, highest: int, **more: Any) -> Shape:
    """A whole number within bounds, both included."""
    return {"description": said, "type": "integer", "minimum": lowest, "maximum": highest, **more}


def share(said: str) -> Shape:
    """A number from 0 to 1."""
    return {"description": said, "type": "number", "minimum": 0, "maximum": 1}


def duration(said: str, *, zero: bool = False, otherwise: timedelta | None = None) -> Shape:
    """A duration, more than nothing unless ``zero``; ``otherwise`` is what holds where it is left out.

    ``patternErrorMessage`` is what editors say instead of showing the pattern; validators take it as a note.
    """
    shape: Shape = {"description": said, "type": "string", "pattern": whole(durations.PATTERN)}
    if not zero:
        shape["not"] = {"pattern": "^0+[a-z]"}
    shape["patternErrorMessage"] = "a whole number and a unit: 500ms, 30s, 15m, 8h, 2d"
    shape["examples"] = ["15m", "8h"]
    if otherwise is not None:
        shape["default"] = span_text(otherwise)
    return shape


def words(said: str, known: Iterable[str] | type[StrEnum], *, otherwise: str = "") -> Shape:
    """One of these words; ``otherwise`` is what holds where it is left out."""
    shape: Shape = {"description": said, "enum": [str(word) for word in known]}
    if otherwise:
        shape["default"] = str(otherwise)
    return shape


def several(item: Shape, said: str, *, empty: bool = False, twice: bool = False) -> Shape:
    """One, or a list of them."""
    listed: Shape = {"type": "array", "items": item}
    if not empty:
        listed["minItems"] = 1
    if not twice:
        listed["uniqueItems"] = True
    return {"description": said, "anyOf": [item, listed]}


def rows(item: Shape, said: str, *, least: int = 0) -> Shape:
    """A list."""
    shape: Shape = {"description": said, "type": "array", "items": item}
    if least:
        shape["minItems"] = least
    return shape


def reference(said: str) -> Shape:
    """The name of something that stands elsewhere in the file; whether it does, only the reader knows."""
    return {"description": said, "type": "string", "minLength": 1}


def references(said: str) -> Shape:
    """One such name, or a list of them."""
    return several({"type": "string", "minLength": 1}, said)


def condition(said: str) -> Shape:
    """A CEL condition; whether it compiles, only the reader knows."""
    names = ", ".join(evaluating.NAMES)
    shape: Shape = {"type": ["string", "boolean"], "minLength": 1, "maxLength": conditions.MAX_CONDITION}
    return {"description": f"{said} CEL over {names}.", **shape, "examples": ['action == "refund.issue"']}


def day(said: str) -> Shape:
    """A date."""
    return text(said, longest=moments.LONGEST, pattern=moments.DATE.pattern)


def moment(said: str) -> Shape:
    """A date, or a date and a time."""
    return text(said, longest=moments.LONGEST, pattern=moments.MOMENT.pattern)


def timezone(said: str) -> Shape:
    """A zone of the tz database."""
    return text(said, longest=people.MAX_ZONE, examples=["Europe/Lisbon"], default="UTC")
