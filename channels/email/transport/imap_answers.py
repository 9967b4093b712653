"""What an IMAP server's answers hold, as imaplib hands them on: a list of lines, and of pairs of a head and a literal.

Nothing here trusts them: what is not as it should be is not there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_UID = re.compile(rb"UID (\d+)")
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_EMPTY = re.compile(rb'BODY\[[^\]]*\]\S* (""|NIL)', re.IGNORECASE)


def size_in(found: Sequence[Any]) -> int | None:
    """RFC822.SIZE, in bytes."""
    return next((int(seen[1]) for item in found if (seen := _SIZE.search(head_of(item)))), None)


def words_of(refused: Exception) -> str:
    """What the server said as it refused something."""
    result = getattr(refused, "command_result", None)
    said = result[1] if result else refused.args
    return " ".join(part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part) for part in said or ())


def number_in(said: Any) -> int:
    """The number that an answer is; 0 where it is none."""
    value = said[-1] if said else None
    digits = value if isinstance(value, bytes) and value.isdigit() else b"0"
    return int(digits[:20])


def head_of(item: Any) -> bytes:
    """A part of an answer without its literal."""
    head = item[0] if isinstance(item, tuple) else item
    return head if isinstance(head, bytes) else b""


def is_about(item: Any, uid: int, found: Sequence[Any]) -> bool:
    """Whether a part of an answer is about this letter; a literal's UID may stand behind it, in the next part."""
    named = _UID.search(head_of(item))
    if named is None and isinstance(item, tuple):
        at = next(number for number, other in enumerate(found) if other is item)
        named = _UID.search(head_of(found[at + 1])) if at + 1 < len(found) else None
    return named is not None and int(named[1]) == uid


def literal_in(found: Sequence[Any]) -> bytes | None:
    """What was fetched of a letter; None where nothing came."""
    for item in found:
        if isinstance(item, tuple) and b"BODY[" in item[0].upper():
            return bytes(item[1])
        if isinstance(item, bytes) and _EMPTY.search(item):
            return b""
    return None
