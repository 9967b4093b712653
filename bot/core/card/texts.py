"""How single facts read: an argument, a confidence, a name, the reason for a route."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from bot.core.alignment import Aligned, Effort
from bot.core.model import Edit, Person, Route
from bot.core.redaction import MARK
from bot.core.scrutiny import visible

_QUOTED = re.compile(rf'(?<!\\)"{re.escape(MARK)}"')
"""A mark as JSON writes it; after a backslash the quote is a part of somebody's text."""

_LARGE, _DEEP = 10_000, 8
"""Of more characters, what is nested deeper is not indented: 250 KB of brackets would be 7 MB on each card (T22)."""
_STATE_LENGTH = 300
"""From how many characters on a text states its length."""


def literal(value: Any) -> str:
    """An argument as it is: JSON, strings in quotes, nothing hidden, its length stated where it is long.

    What stands for a hidden value has no quotes, for it is no text of theirs; an agent's text of the same words has.
    """
    if value is MARK:
        return str(value)
    if isinstance(value, str):
        shown = visible(value)
        lines = value.count("\n") + 1
        counted = "1 line" if lines == 1 else f"{lines} lines"
        size = f"\n({len(value)} characters, {counted})" if lines > 1 or len(value) > _STATE_LENGTH else ""
        return f'"{shown}"{size}'
    text = json.dumps(value, ensure_ascii=False)
    if isinstance(value, dict | list) and value and not (len(text) > _LARGE and _deeper(value, _DEEP)):
        text = _indented(text)
    if MARK in text and not _forged(value):
        text = _QUOTED.sub(MARK, text)
    return visible(text).replace("⏎\n", "\n")


def _indented(text: str) -> str:
    """JSON a value a line, as `json.dumps` writes it, ten times as fast."""
    try:
        return msgspec.json.format(text, indent=2)
    except (UnicodeEncodeError, msgspec.DecodeError):
        # A result need be no JSON: it may hold NaN, or half a character.
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)


def _deeper(value: Any, levels: int) -> bool:
    """Whether lists and objects stand in each other more than so many levels deep."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return items is not None and (levels == 0 or any(_deeper(item, levels - 1) for item in items))


def _forged(value: Any) -> bool:
    """Whether somebody's own text says what stands for a hidden value; ours is the very object."""
    if isinstance(value, dict):
        return MARK in value or any(map(_forged, value.values()))
    if isinstance(value, list):
        return any(map(_forged, value))
    return isinstance(value, str) and value == MARK and value is not MARK


def edit_text(edit: Edit, effort: Effort | None = None) -> str:
    """What one change did: the value before, an arrow, the value after; of a long text the lines that differ.

    ``effort`` is what all that is drawn with it may take together.
    """
    if edit.kind == "changed" and _long(edit.before) and isinstance(edit.after, str):
        return _line_changes(edit.before, edit.after, effort or Effort())
    before = literal(edit.before) if edit.kind != "added" else "(absent)"
    after = literal(edit.after) if edit.kind != "removed" else "(taken away)"
    return f"{before} → {after}"


def _long(value: Any) -> bool:
    return isinstance(value, str) and (len(value) > _STATE_LENGTH or "\n" in value)


def _line_changes(before: str, after: str, effort: Effort) -> str:
    """The lines taken away (-) and added (+), each with a line around it, as in a unified diff without its head."""
    old, new = (visible(text).replace("⏎\n", "\n").split("\n") for text in (before, after))
    return "\n".join(_unified(old, new, effort)) or f"{literal(before)} → {literal(after)}"


def _unified(old: list[str], new: list[str], effort: Effort) -> Iterator[str]:
    """As `difflib.unified_diff` does, in bounded time."""
    for group in Aligned(old, new, effort).get_grouped_opcodes(1):
        (_, a, _, c, _), (_, _, b, _, d) = group[0], group[-1]
        yield f"@@ -{_range(a, b)} +{_range(c, d)} @@"
        for tag, i, j, k, m in group:
            yield from (f" {line}" for line in old[i:j] if tag == "equal")
            yield from (f"-{line}" for line in old[i:j] if tag in ("replace", "delete"))
            yield from (f"+{line}" for line in new[k:m] if tag in ("replace", "insert"))


def _range(start: int, end: int) -> str:
    """Lines as a unified diff counts them: from one on, and of none the line before."""
    if end - start == 1:
        return str(end)
    return f"{start + 1 if end > start else start},{end - start}"


def confidence_text(confidence: float | None, gate: float | None) -> tuple[str, bool]:
    """``72% (below 85% gate)`` and whether it is below; a confidence that was not given is below every gate."""
    if confidence is None:
        return ("not given", False) if gate is None else (f"not given (gate {_percent(gate)})", True)
    if gate is None:
        return _percent(confidence), False
    below = confidence < gate
    return f"{_percent(confidence)} ({'below' if below else 'above'} {_percent(gate)} gate)", below


def why_text(route: Route) -> str:
    """A route's named reason in a sentence."""
    named, _, detail = route.why.partition(": ")
    if named == "held":
        return f"the rule {route.rule!r} holds: {detail}"
    if named == "condition_failed":
        return f"the rule {route.rule!r} could not be answered ({detail}), so its strict answer counts"
    if named == "default":
        return "no rule holds, so the default counts"
    return detail or route.why


def _percent(share: float) -> str:
    return f"{share * 100:.4g}%"


def name_of(person: str, people: Mapping[str, Person]) -> str:
    """A person's display name; their id where the file no longer knows them."""
    known = people.get(person)
    return known.name if known else person
