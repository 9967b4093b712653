"""What is said of a change beside the request's own columns: what must still be so, and what the audit tells."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from bot.core.model import Event, Request
from store import rows

_TOLD = frozenset({"request", "before", "revision", "decision", "execution", "deliveries", "sealed"})
"""What an event's data says of the tables; `store.audit` takes it at its word, so only the store may write it."""

_FIELDS = tuple([n for n in Request.__struct_fields__ if n not in ("content", "decisions", "execution")])
_VALUES = attrgetter(*_FIELDS)
_WRITTEN_ONCE = frozenset({"id", "kind", "agent", "action", "created_at", "batch", "revises"})


def own_data(event: Event) -> dict[str, Any]:
    """An event's data, to be completed by what the tables took. Raises ``ValueError`` where it says that itself."""
    if not _TOLD.isdisjoint(event.data):
        raise ValueError(
            f"{event.type}: {', '.join(_TOLD.intersection(event.data))} in an event's data is the store's own"
        )
    return dict(event.data)


def seen(before: Request, tracks: str) -> dict[str, Any]:
    """What must still be so (`store.shapes.GUARDED`); ``tracks`` are the tracks of before as JSON."""
    return {
        "was_state": str(before.state),
        "was_revision": before.content.number,
        "was_tracks": tracks,
        "was_due_at": rows.micros_or_none(before.due_at),
        "was_advice": rows.advice_text(before.advice),
        "was_decisions": len(before.decisions),
    }


def difference(before: Request | None, after: Request) -> dict[str, Any]:
    """The request's changed fields after and before, ``revision`` standing for the content; all where it is new."""
    if before is None:
        whole = {name: getattr(after, name) for name in _FIELDS}
        return {"request": whole | {"revision": after.content.number}}
    now, was = differing(before, after, _FIELDS, _VALUES)
    for name in _WRITTEN_ONCE.intersection(now):
        raise ValueError(f"{name} of {before.id} is written once and cannot change")
    if after.content.number != before.content.number:
        now["revision"], was["revision"] = after.content.number, before.content.number
    return {"request": now, "before": was}


def differing(
    before: Request, after: Request, names: tuple[str, ...], values: Callable[[Request], Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of these fields those that changed, after and before; ``values`` gets all of them, in order."""
    now: dict[str, Any] = {}
    was: dict[str, Any] = {}
    for name, new, old in zip(names, values(after), values(before), strict=True):
        if new is not old and new != old:
            now[name], was[name] = new, old
    return now, was
