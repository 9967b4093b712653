"""Whether an edit changed anything of weight: by one that does not, nobody shows that they looked.

What is taken for slight too readily costs a second look at one request; what is not would be a way around it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

from bot.core.model import Edit

SHARE = 0.01
"""By what share of the greater one two numbers may differ and weigh the same."""

_EMPTY: tuple[Any, ...] = (None, "", [], {})
_DEEPEST = 64
"""Levels that are looked into; a hostile value must not exhaust the stack."""


def slight(edits: Iterable[Edit]) -> bool:
    """Whether these edits, all together, changed nothing of weight; none did not either."""
    return all(_alike(edit.before, edit.after) for edit in edits)


def _alike(one: Any, other: Any, depth: int = 0) -> bool:
    if _nothing(one) or _nothing(other):
        return _nothing(one) and _nothing(other)
    if depth > _DEEPEST:
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_alike(one.get(name), other.get(name), depth + 1) for name in one | other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(_alike(a, b, depth + 1) for a, b in zip(one, other, strict=True))
    if _number(one) and _number(other):
        return bool(abs(one - other) <= SHARE * max(abs(one), abs(other)))
    return type(one) is type(other) and (one == other or (isinstance(one, str) and _folded(one) == _folded(other)))


def _nothing(value: Any) -> bool:
    return value in _EMPTY and not isinstance(value, bool | int | float)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _folded(text: str) -> str:
    """Its letters and digits alone, whatever their case and width."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))
