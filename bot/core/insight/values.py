"""What of a request's values is measured: bounded in how many and how long, and nothing that a card hides."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any

from bot.core.card import claims_of, literal
from bot.core.card.notes import options_of
from bot.core.edits import differences
from bot.core.insight.fact import Correction
from bot.core.model import Request
from bot.core.pointers import below, names
from bot.core.redaction import ANY, MARK, Path, paths_of, shown

MOST = 16
"""Labels, numbers and corrections of one request."""

_NAME = 60
_VALUE = 80
_POINTER = 200
_DEEPEST = 5
_GREATEST = 1e300


def labels_of(request: Request) -> dict[str, str]:
    """The agent's labels that are one value each, as text, without what is hidden or says whose data it is."""
    found: dict[str, str] = {}
    subject = _subject(request)
    for name, value in shown(request).content.labels.items():
        text = value if isinstance(value, str) else json.dumps(value) if isinstance(value, bool | int | float) else ""
        if text and MARK not in text and MARK not in name and text != subject and len(found) < MOST:
            found[name[:_NAME]] = text[:_VALUE]
    return found


def numbers_of(request: Request) -> dict[str, float]:
    """The numbers among the arguments as they were proposed, by pointer, in order; lists are not looked into."""
    content = request.content
    hidden = _hidden(request)
    found: dict[str, float] = {}
    for pointer, value in _numbers(content.proposed or content.arguments, "", 0):
        if len(found) == MOST:
            break
        if not any(_leads(path, names(pointer)) for path in hidden):
            found[pointer] = value
    return found


def corrections_of(request: Request) -> tuple[Correction, ...]:
    """What people changed, from the arguments as proposed to those that run; the values of bare numbers alone."""
    content = request.content
    if content.proposed is None:
        return ()
    hidden = _hidden(request)
    found: dict[str, Correction] = {}
    for edit in differences(content.proposed, content.arguments):
        place = () if edit.pointer == "/" else names(edit.pointer)
        # Held by what is hidden, or around it: either way the values would show it.
        covered = next((path for path in hidden if _along(path, place)), None)
        if covered is None:
            made = Correction(edit.pointer[:_POINTER], _number(edit.before), _number(edit.after))
        else:
            made = Correction(_spelt(covered)[:_POINTER])
        if len(found) < MOST:
            found.setdefault(made.pointer, made)
    return tuple(found.values())


def length_of(request: Request) -> int:
    """How many characters of its card somebody has to read who decides about it.

    Only of what was proposed and what the house warns of: what a card says of its later fate was not there to read.
    """
    seen = shown(request)
    content = seen.content
    lines = [(name, literal(value)) for name, value in content.arguments.items()]
    lines += [(line.label, line.text) for line in (*options_of(seen), *claims_of(content))]
    said = sum(len(label) + len(text) for label, text in lines)
    return len(seen.title) + said + sum(map(len, seen.route.warnings))


def _hidden(request: Request) -> tuple[Path, ...]:
    """The paths of arguments that no card shows, and of the one which says whose data the request carries."""
    subject = request.route.subject
    return paths_of(request.route) + (() if subject is None else (names(subject),))


def _subject(request: Request) -> str | None:
    if request.route.subject is None:
        return None
    value: Any = request.content.arguments
    for name in names(request.route.subject):
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, str) else json.dumps(value) if value is not None else None


def _numbers(value: Any, pointer: str, depth: int) -> Iterator[tuple[str, float]]:
    if isinstance(value, dict) and depth < _DEEPEST:
        for name, item in value.items():
            yield from _numbers(item, below(pointer, name), depth + 1)
    elif pointer and len(pointer) <= _POINTER and (number := _number(value)) is not None:
        yield pointer, number


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -_GREATEST <= value <= _GREATEST and not math.isnan(value) else None


def _leads(path: Path, place: Path) -> bool:
    """Whether what is hidden at a path holds a place."""
    return len(path) <= len(place) and _along(path, place)


def _along(path: Path, place: Path) -> bool:
    """Whether one of the two holds the other."""
    return all(one in (ANY, other) for one, other in zip(path, place, strict=False))


def _spelt(path: Path) -> str:
    pointer = ""
    for name in path:
        pointer = below(pointer, name)
    return pointer or "/"
