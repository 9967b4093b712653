"""How single facts read: an argument, a confidence, a name, the reason for a route."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from difflib import unified_diff
from typing import Any

from bot.core.model import Edit, Person, Route
from bot.core.redaction import MARK
from bot.core.scrutiny import visible

_QUOTED = re.compile(rf'(?<!\\)"{re.escape(MARK)}"')
"""A mark as JSON writes it; after a backslash the quote is a part of somebody's text."""

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
    text = json.dumps(value, ensure_ascii=False, indent=2 if isinstance(value, dict | list) and value else None)
    if MARK in text and not _forged(value):
        text = _QUOTED.sub(MARK, text)
    return visible(text).replace("⏎\n", "\n")


def _forged(value: Any) -> bool:
    """Whether somebody's own text says what stands for a hidden value; ours is the very object."""
    if isinstance(value, dict):
        return MARK in value or any(map(_forged, value.values()))
    if isinstance(value, list):
        return any(map(_forged, value))
    return isinstance(value, str) and value == MARK and value is not MARK


def edit_text(edit: Edit) -> str:
    """What one change did: the value before, an arrow, the value after; of a long text the lines that differ."""
    if edit.kind == "changed" and _long(edit.before) and isinstance(edit.after, str):
        return _line_changes(edit.before, edit.after)
    before = literal(edit.before) if edit.kind != "added" else "(absent)"
    after = literal(edit.after) if edit.kind != "removed" else "(taken away)"
    return f"{before} → {after}"


def _long(value: Any) -> bool:
    return isinstance(value, str) and (len(value) > _STATE_LENGTH or "\n" in value)


def _line_changes(before: str, after: str) -> str:
    """The lines taken away (-) and added (+), each with a line around it, as in a unified diff without its head."""
    old, new = (visible(text).replace("⏎\n", "\n").split("\n") for text in (before, after))
    # The head is two lines; what was taken away may itself begin with dashes, and must be shown.
    told = list(unified_diff(old, new, lineterm="", n=1))[2:]
    return "\n".join(told) or f"{literal(before)} → {literal(after)}"


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
