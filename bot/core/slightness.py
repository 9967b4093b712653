"""Whether an edit changed anything of weight: by one that does not, nobody shows that they looked.

What is taken for slight too readily costs a second look at one request; what is not would be a way around it. So
where the two are in doubt an edit is slight: another order of a list is, and some hundredths of a number near zero.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

from bot.core.model import Edit

SHARE = 0.01
"""By what share of the greater one two numbers may differ and weigh the same."""
LEAST = 0.01
"""By so much they may differ whatever they are: near zero a share of them is next to nothing, and a cent is a cent."""

_EMPTY: tuple[Any, ...] = (None, "", [], {})
_DEEPEST = 64
"""Levels that are looked into; a hostile value must not exhaust the stack."""
_Bare = tuple[Any, list[str], list[float]]
_HAIR = 1e-9
"""What binary fractions are off by: 0.03 is a cent more than 0.02."""


def slight(edits: Iterable[Edit]) -> bool:
    """Whether these edits, all together, changed nothing of weight; none did not either."""
    return all(_alike(edit.before, edit.after) or _alike(_bare(edit.before)[0], _bare(edit.after)[0]) for edit in edits)


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
        return bool(abs(one - other) <= max(SHARE * max(abs(one), abs(other)), LEAST) + _HAIR)
    return type(one) is type(other) and (one == other or (isinstance(one, str) and _folded(one) == _folded(other)))


def _bare(value: Any, depth: int = 0) -> _Bare:
    """The value without empty members and items, each list in one order whatever it was; and its texts, and numbers.

    That order is by the items' texts, then by their numbers, so that of two lists that are alike each item meets its
    like, though it weighs some hundredths more.
    """
    if isinstance(value, dict | list) and depth > _DEEPEST:
        return value, [], []
    if isinstance(value, dict):
        return _object({name: _bare(value[name], depth + 1) for name in sorted(value)})
    if isinstance(value, list):
        return _list([_bare(item, depth + 1) for item in value])
    if _number(value):
        return value, [], [value]
    return value, [_folded(value) if isinstance(value, str) else str(value)], []


def _object(members: dict[str, _Bare]) -> _Bare:
    kept = {name: bare for name, bare in members.items() if not _nothing(bare[0])}
    texts = [text for name, (_, said, _) in kept.items() for text in (name, *said)]
    return {name: bare[0] for name, bare in kept.items()}, texts, [n for *_, given in kept.values() for n in given]


def _list(items: list[_Bare]) -> _Bare:
    kept = sorted((bare for bare in items if not _nothing(bare[0])), key=lambda bare: bare[1:])
    texts = [str(len(kept)), *(text for _, said, _ in kept for text in said)]
    return [bare[0] for bare in kept], texts, [n for *_, given in kept for n in given]


def _nothing(value: Any) -> bool:
    return value in _EMPTY and not isinstance(value, bool | int | float)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _folded(text: str) -> str:
    """Its letters and digits alone, whatever their case and width."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))
