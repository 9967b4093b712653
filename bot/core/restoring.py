"""What a reviewer sends back with marks in it, made whole again (threat T23)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.core.errors import Invalid
from bot.core.pointers import below
from bot.core.redaction import ANY, MARK, Path, at, masked


def restored(new: Any, old: Any, paths: Sequence[Path]) -> Any:
    """``new`` with the ``old`` value wherever a hidden one came back as the mark that a person was shown.

    A list has no names that would say which mark is whose. `Invalid` (``moved``) where one with marks got longer or
    shorter, or where anything shown beside a mark in it is not what it was: account B would run with A's token.
    """
    shown, was = masked(new, paths), masked(old, paths)
    for path in paths:
        _stands(new, shown, was, path, "/arguments")
    for path in paths:
        new = _unmarked(new, old, path)
    return new


def _stands(new: Any, shown: Any, was: Any, path: Path, pointer: str) -> None:
    """Refuse a list with marks whose items are not the ones that it had; ``shown`` and ``was`` are masked."""
    if not path:
        return
    name, rest = path[0], path[1:]
    if isinstance(new, dict):
        for key in new if isinstance(was, dict) else ():
            if key in was and name in (ANY, key):
                _stands(new[key], shown[key], was[key], rest, below(pointer, key))
    elif isinstance(new, list) and any(value == MARK for value in at(new, path)):
        if not isinstance(was, list) or len(was) != len(new):
            raise Invalid.at(pointer, "moved", "a list with redacted values keeps its length")
        for index, item in enumerate(new):
            held = name in (ANY, str(index)) and any(value == MARK for value in at(item, rest))
            if held and shown[index] != was[index]:
                detail = "beside a redacted value in a list nothing may be moved or changed"
                raise Invalid.at(f"{pointer}/{index}", "moved", detail)


def _unmarked(new: Any, old: Any, path: Path) -> Any:
    if not path:
        return old if new == MARK else new
    name, rest = path[0], path[1:]
    if isinstance(new, dict) and isinstance(old, dict):
        return {**new, **{k: _unmarked(new[k], old[k], rest) for k in new if k in old and name in (ANY, k)}}
    if isinstance(new, list) and isinstance(old, list):
        both = min(len(new), len(old))
        return [_unmarked(v, old[i], rest) if i < both and name in (ANY, str(i)) else v for i, v in enumerate(new)]
    return new
