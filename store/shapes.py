"""What questions are asked with, beside their texts: their shapes, and how many things one text asks for at once.

Nothing here needs SQLAlchemy, which a start on SQLite does without (`store.kept`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import repeat
from typing import Any

from bot.core.model import State
from bot.core.ports import AuditQuery, Filter, Wanted
from bot.core.ports.insight import FactQuery
from store import patterns, rows
from store.question import COUNTED

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

_LOT_NAMES = {count: tuple([f"request_{index}" for index in range(count)]) for count in LOTS}

EQUAL = ("agent", "action", "kind", "risk")
"""Columns of a request by which the queue is narrowed to one value."""

_OPEN_STATES = {state.value for state in State if state.open}


def asked(keys: Sequence[str]) -> dict[str, Any]:
    """The parameters of such a statement; at least one key and at most `ASKED_AT_ONCE`."""
    return {f"key_{index}": keys[min(index, len(keys) - 1)] for index in range(ASKED_AT_ONCE)}


def lots(request_ids: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Of each statement that asks of these requests: its size, one of `LOTS`, and its parameters; the last fills up."""
    most = LOTS[-1]
    for first in range(0, len(request_ids), most):
        some = request_ids[first : first + most]
        count = next(count for count in LOTS if count >= len(some))
        yield count, dict(zip(_LOT_NAMES[count], (*some, *repeat(some[-1], count - len(some))), strict=True))


Names = tuple[str, ...]
"""The pieces that narrow a `store.question.Question`, in their order."""

OPEN = "open"
MINE: Names = (OPEN, "waits_for")
"""What waits for one person, whatever it is: counted without a look at the requests."""

AFTER = "after"
"""A page that comes after another."""


def queue_of(wanted: Wanted) -> tuple[Names, dict[str, Any]]:
    """What narrows the questions about the queue, but for `AFTER`, and the values by parameter."""
    given = {name: getattr(wanted, name) for name in EQUAL}
    values: dict[str, Any] = {name: str(value) for name, value in given.items() if value is not None}
    names = [OPEN, *values, *_level(wanted.escalated)]
    for name in ("waits_for", "unread_by"):
        if getattr(wanted, name) is not None:
            names.append(name)
            values[name] = getattr(wanted, name)
    if wanted.asked is not None:
        people = tuple(dict.fromkeys(wanted.asked))
        names.append(f"asked{COUNTED}{len(people)}")
        values |= {f"asked_{index}": person for index, person in enumerate(people)}
    if wanted.text:
        names.append("text")
        values |= patterns.patterns(wanted.text)
    return tuple(names), values


def listing_of(query: Filter, after: tuple[int, str] | None) -> tuple[Names, dict[str, Any]]:
    """What narrows a listing, and the values by parameter; ``after`` is the (created_at, id) that the page follows."""
    narrow = [name for name in ("agent", "action", "batch", "reviewer") if getattr(query, name) is not None]
    values: dict[str, Any] = {name: getattr(query, name) for name in narrow} | {"limit": query.limit}
    names = [*narrow, *_level(query.escalated)]
    if query.states is not None:
        states = tuple(dict.fromkeys(state.value for state in query.states))
        if set(states) != _OPEN_STATES:
            names.append(f"states{COUNTED}{len(states)}")
            values |= {f"state_{index}": state for index, state in enumerate(states)}
        if all(state.open for state in query.states):
            names.append(OPEN)  # where these are all that are open, it says it all; its index is in the page's order
    names += _bounds(query.since, query.until, values)
    if not query.practices:
        names.append("real")
    if after is not None:
        names.append(AFTER)
        values["cursor_at"], values["cursor_id"] = after
    return tuple(names), values


def measured_of(query: FactQuery, after_at: int | None) -> tuple[Names, dict[str, Any]]:
    """What narrows a page of facts, and the values; ``after_at`` is when the last of the page before began."""
    narrow = [name for name in ("agent", "action", "rule") if getattr(query, name) is not None]
    values: dict[str, Any] = {name: getattr(query, name) for name in narrow}
    values |= {"practice": int(query.practice), "limit": query.limit}
    names = ["practice", *narrow, *_bounds(query.since, query.until, values)]
    if query.decided:
        names.append("decided")
    if after_at is not None:
        names.append(AFTER)
        values |= {"after_at": after_at, "after": query.after}
    return tuple(names), values


def trail_of(query: AuditQuery) -> tuple[Names, dict[str, Any]]:
    """What narrows a search of the trail, and the values, but for ``first``, ``before`` and ``limit``."""
    values: dict[str, Any] = {}
    names = ["between"]
    if query.request is not None:
        names.append("request")
        values["request"] = query.request
    if query.type is not None:
        begins = query.type.endswith("*")
        names.append("type*" if begins else "type")
        values["type"] = patterns.beginning(query.type[:-1]) if begins else query.type
    names += _bounds(query.since, query.until, values)
    if query.actor is not None:
        # The line begins with its actor, but an agent's arguments may say the same: who asks looks at the line itself.
        names.append("actor")
        values["actor"] = patterns.within(f'"actor":{rows.json_text(query.actor)}')
    if query.text:
        names.append("text")
        values |= patterns.patterns(query.text)
    return tuple(names), values


def _level(escalated: bool | None) -> Names:  # noqa: FBT001  # None is neither
    return () if escalated is None else ("escalated",) if escalated else ("level",)


def _bounds(since: datetime | None, until: datetime | None, values: dict[str, Any]) -> list[str]:
    found = {name: rows.micros(at) for name, at in (("since", since), ("until", until)) if at is not None}
    values.update(found)
    return list(found)
