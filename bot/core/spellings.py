"""How a text may come back from somewhere else: escaped for JSON, for an address or by Python, or in another case."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus


def spellings(text: str) -> frozenset[str]:
    """The text, and how JSON (with escapes of what is not ASCII, and without), Python and an address would write it."""
    found = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1]}
    # A lone surrogate, which JSON may carry, has no bytes that could be quoted.
    found |= {quote(text, errors="replace"), quote(text, safe="", errors="replace"), quote_plus(text, errors="replace")}
    return frozenset(found)


def without(text: str, hidden: Iterable[str], mark: str) -> str:
    """The text with a mark for each of what is hidden, in whatever case; ``hidden`` has the longest first."""
    low = text.lower()
    # Looked for first: an expression of all of them would walk through each at every character of a long text.
    there = [secret for secret in hidden if secret in text or secret.lower() in low]
    if not there:
        return text
    return re.sub("|".join(map(re.escape, there)), lambda _: mark, text, flags=re.IGNORECASE)
