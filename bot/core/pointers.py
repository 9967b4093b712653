"""JSON Pointers (RFC 6901), as edits, faults and scrutiny name places in a value."""

from __future__ import annotations


def below(pointer: str, name: str) -> str:
    """The pointer of an object's member."""
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def names(pointer: str) -> tuple[str, ...]:
    """The keys and indices that a pointer walks through, as text; ``below`` undone."""
    # ~1 first, or "~01", which is the name "~1", would come out as "/".
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
