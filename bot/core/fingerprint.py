"""What makes two proposals the same in other clothes (threat T12): spacing, case, width, number forms, empty members.

A rejection leaves the fingerprint of what was rejected; what has the same one goes to a person for a while.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from decimal import MAX_EMAX, MIN_EMIN, Context, Decimal, InvalidOperation
from typing import Any

from bot.core.digest import canonical
from bot.core.model import Arguments, Kind, Option, Request
from bot.core.scrutiny import unhidden

_EXACT = Context(prec=1 << 20, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
"""Keeps every digit of a whole number: order and account numbers differ at their end."""
_ROUNDED = Context(prec=12, Emax=MAX_EMAX, Emin=MIN_EMIN, traps=[])
_PLAIN = 16
"""Whole numbers of so many digits are written out; JSON's are never longer."""
_DIGIT = re.compile(r"\d")


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


def fingerprints_in(request: Request, target: str) -> tuple[str, ...]:
    """Of all that a request put to people, where ``target`` runs it."""
    content = request.content
    return fingerprints(
        request.kind,
        content.action,
        target,
        arguments=content.arguments,
        options=content.options,
        proposed=content.proposed,
    )


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
    seen = text
    if not (text.isascii() and text.isprintable()):
        seen = unhidden(unicodedata.normalize("NFKC", text))
        seen = unicodedata.normalize("NFKC", seen.casefold())
    # Numbers of accounts and cards are written in groups as well as in one.
    words = ("" if _DIGIT.search(seen) else " ").join(seen.casefold().split())
    if not _DIGIT.search(words):
        return words
    try:
        value = Decimal(words)
    except InvalidOperation:
        return words
    return _number(value) if value.is_finite() else words


def _number(value: float | Decimal) -> str:
    """A whole number to its last digit, any other to twelve; one text for however it was written."""
    if isinstance(value, int):
        return str(value)
    exact = _EXACT.normalize(value if isinstance(value, Decimal) else Decimal(repr(value)))
    known = exact if exact == _EXACT.to_integral_value(exact) else _ROUNDED.normalize(exact)
    if not known:
        return "0"
    return f"{known:f}" if 0 <= known.adjusted() < _PLAIN else str(known)
