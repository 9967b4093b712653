"""What questions are asked with, beside their texts: their shapes, and how many things one text asks for at once.

Nothing here needs SQLAlchemy, which a start on SQLite does without (`store.kept`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from bot.core.ports import Wanted
from store import patterns

CHANGING = (
    *("state", "title", "risk", "answer", "revision", "tracks", "advice", "escalation_level"),
    *("expires_at", "due_at", "decided_at", "open"),
)
"""What a request's later changes may write; the rest is written once. ``rule`` and ``route`` go with a new route."""

MOVING = ("tracks", "escalation_level", "due_at")
"""What a step of a chain may write, or a vote that leaves the request open. Where no more is changed, no more is given:
SQLite writes anew every index that has a column which is given, whether its value is another or not."""

GUARDED = ("state", "revision", "tracks", "due_at", "advice", "decisions")
"""What must still be as it was read (`bot.core.ports.Change`)."""

HALF = 1 << 32
"""By what amounts are split to be summed: a sum of whole 64-bit numbers would overflow, and fail, at two large ones."""

LOTS = (20, 300)
"""Of how many requests one statement asks for their cards, or decisions: few texts for all counts (`lots`)."""

TOLD_AT_ONCE = 100
"""Requests whose lines one statement finds."""

LANES_ASKED = 32
"""Lanes that `ReplicaStatements.lanes` asks about: one text for all counts, the last one given again to fill it up."""

ASKED_AT_ONCE = 64
"""Rows that one statement asks for by key: one text for all counts, the last key given again to fill it up."""

_EQUAL = ("agent", "action", "kind", "risk")


def asked(keys: Sequence[str]) -> dict[str, Any]:
    """The parameters of such a statement; at least one key and at most `ASKED_AT_ONCE`."""
    return {f"key_{index}": keys[min(index, len(keys) - 1)] for index in range(ASKED_AT_ONCE)}


def lots(request_ids: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Of each statement that asks of these requests: its size, one of `LOTS`, and its parameters; the last fills up."""
    most = LOTS[-1]
    for first in range(0, len(request_ids), most):
        some = request_ids[first : first + most]
        count = next(count for count in LOTS if count >= len(some))
        yield count, {f"request_{index}": some[min(index, len(some) - 1)] for index in range(count)}


class QueueShape(NamedTuple):
    """What the text of a question about the queue depends on, whatever the values are."""

    equal: tuple[str, ...]
    asked: int | None
    waits_for: bool
    unread_by: bool
    text: bool
    escalated: bool | None


def shape_of(wanted: Wanted) -> tuple[QueueShape, dict[str, Any]]:
    """The shape of what is wanted, and its values by parameter."""
    given = {name: getattr(wanted, name) for name in _EQUAL}
    values: dict[str, Any] = {name: str(value) for name, value in given.items() if value is not None}
    equal = tuple(values)
    people = None if wanted.asked is None else tuple(dict.fromkeys(wanted.asked))
    values |= {f"asked_{index}": person for index, person in enumerate(people or ())}
    values |= {"waits_for": wanted.waits_for, "unread_by": wanted.unread_by}
    if wanted.text:
        values |= patterns.patterns(wanted.text)
    shape = QueueShape(
        equal=equal,
        asked=None if people is None else len(people),
        waits_for=wanted.waits_for is not None,
        unread_by=wanted.unread_by is not None,
        text=bool(wanted.text),
        escalated=wanted.escalated,
    )
    return shape, values


class TrailShape(NamedTuple):
    """What the text of a search of the trail depends on, whatever the values are."""

    actor: bool
    type: str | None
    request: bool
    text: bool
    bounds: tuple[str, ...]
