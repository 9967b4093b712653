"""What makes two proposals the same in other clothes (threat T12): spacing, case, width, number forms, empty members.

A rejection leaves the fingerprint of what was rejected; what has the same one goes to a person for a while.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable
from typing import Any

from bot.core.digest import canonical
from bot.core.model import Arguments, Kind, Option
from bot.core.scrutiny import hidden

_EXACT = 2**53
"""From here on a float no longer tells neighbouring whole numbers apart."""
_EXACT_DIGITS = 15
"""So many decimal digits are always below that."""


def fingerprint(action: str, target: str, arguments: dict[str, Any]) -> str:
    """SHA-256 hex over the action, where it runs, and its arguments as they read to somebody who looks away."""
    return hashlib.sha256(canonical([action, target, undressed(arguments)])).hexdigest()


def fingerprints(
    kind: Kind,
    action: str,
    target: str,
    *,
    arguments: Arguments,
    options: Iterable[Option] = (),
    proposed: Arguments | None = None,
) -> tuple[str, ...]:
    """Of all that a proposal may run: its arguments, the agent's own where a person edited them, a choice's options."""
    if not kind.runs:
        return ()
    offered = [option.arguments for option in options] if kind is Kind.CHOICE else [arguments]
    every = offered if proposed is None else [*offered, proposed]
    return tuple(dict.fromkeys(fingerprint(action, target, each) for each in every))


def undressed(value: Any) -> Any:
    """A JSON value without its clothes: equal for what reads the same. Numbers and truths are texts in it."""
    if isinstance(value, dict):
        return _members(value)
    if isinstance(value, list):
        return [undressed(item) for item in value]
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).casefold()
    return _text(value) if isinstance(value, str) else _number(value)


def _members(value: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, list[Any]] = {}
    for name, item in value.items():
        plain = undressed(item)
        if plain not in ("", {}, []):
            kept.setdefault(_text(name), []).append(plain)
    # Names that become one keep all that they held, in whatever order they came.
    return {name: items[0] if len(items) == 1 else sorted(items, key=canonical) for name, items in kept.items()}


def _text(text: str) -> str:
    seen = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isspace() or not hidden(c))
    words = " ".join(seen.casefold().split())
    if words.isdecimal() and len(words) > _EXACT_DIGITS:
        return words
    try:
        return _number(float(words))
    except ValueError:
        return words


def _number(value: float) -> str:
    """A whole number to its last digit, any other to twelve."""
    if isinstance(value, int) or (value.is_integer() and abs(value) < _EXACT):
        return str(int(value))
    return f"{value:.12g}"
