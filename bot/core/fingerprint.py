"""What makes two proposals the same in other clothes (threat T12): spacing, case, width, number forms, empty members.

A rejection leaves the fingerprint of what was rejected; what has the same one goes to a person for a while.
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any

from bot.core.digest import canonical
from bot.core.scrutiny import hidden


def fingerprint(action: str, target: str, arguments: dict[str, Any]) -> str:
    """SHA-256 hex over the action, where it runs, and its arguments as they read to somebody who looks away."""
    return hashlib.sha256(canonical([action, target, _plain(arguments)])).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {_text(name): _plain(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if item not in ("", {}, [])}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).casefold()
    return _text(value) if isinstance(value, str) else _number(value)


def _text(text: str) -> str:
    seen = "".join(c for c in unicodedata.normalize("NFKC", text) if c.isspace() or not hidden(c))
    words = " ".join(seen.casefold().split())
    try:
        return _number(float(words))
    except ValueError:
        return words


def _number(value: float) -> str:
    return f"{value:.12g}"
