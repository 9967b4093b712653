"""JSON Pointers (RFC 6901), as edits, faults and scrutiny name places in a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def below(pointer: str, name: str) -> str:
    """The pointer of an object's member."""
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def names(pointer: str) -> tuple[str, ...]:
    """The keys and indices that a pointer walks through, as text; ``below`` undone."""
    # ~1 first, or "~01", which is the name "~1", would come out as "/".
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def value_at(value: Any, path: Iterable[str]) -> Any:
    """What stands at the end of a path of keys and indices, as `names` gives it; None where nothing does."""
    for name in path:
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isascii() and name.isdigit() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value
