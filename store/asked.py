"""By when a request is to be decided, and for whom it waits: what the queue is made of, kept at every change.

Both are derived, so that no event tells of them (`store.audit`): they follow from the request as it stands.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from bot.core.card import next_step_at
from bot.core.model import Request, State
from bot.core.ports import Change
from store import rows

_PENDING = State.PENDING
"""Looked up once: it is asked about again and again, and a member costs ten times a name."""


def whole(change: Change, after: Request) -> Request:
    """The request after a change, its decision among its decisions whether or not ``after`` brings it."""
    known = 0 if change.before is None else len(change.before.decisions)
    if change.decision is None or len(after.decisions) > known:
        return after
    return replace(after, decisions=(*after.decisions, change.decision))


def deadline(request: Request) -> int | None:
    """By what the queue is ordered, in microseconds: when the next step is asked, else when the request expires.

    None once it ended: its last one is left, so that a page can follow on a request that is decided meanwhile.
    """
    return rows.micros(next_step_at(request) or request.expires_at) if request.state.open else None


def waiting(request: Request, assignees: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """For whom a request waits, as `Request.waits_for` says it of each; ``assignees`` are its own, where known."""
    if request.state is not _PENDING:
        return ()
    voted = {vote.by for vote in request.votes}
    asked = request.assignees if assignees is None else assignees
    return tuple([person for person in asked if person not in voted])


def moved(before: Request | None, after: Request) -> list[dict[str, Any]]:
    """Rows of ``assignments`` for whom a change newly asks, and for whom the request waits from now on, or no more.

    Somebody asked anew after an approval was taken back has a row already, so they are to be written over.
    """
    pending = before is not None and before.state is after.state is _PENDING
    if before is not None and pending and not (before.decisions or after.decisions):
        return _asked_more(before.assignees, after.assignees, after)
    already: tuple[str, ...] = ()
    waited: tuple[str, ...] = ()
    if before is not None:
        already = before.assignees
        waited = waiting(before, already)
    now = after.assignees
    waits = waiting(after, now)
    people = dict.fromkeys([person for person in now if person not in already])
    people |= dict.fromkeys([person for person in waited if person not in waits])
    people |= dict.fromkeys([person for person in waits if person not in waited])
    return [_row(after, person, waits=person in waits) for person in people]


def _asked_more(already: tuple[str, ...], now: tuple[str, ...], after: Request) -> list[dict[str, Any]]:
    """As `moved`, where nobody has decided anything: it waits for all who are asked."""
    if already == now:
        return []
    created_at = rows.micros(after.created_at)
    return [
        {"person": person, "request": after.id, "created_at": created_at, "waiting": waiting}
        for person, waiting in _newly(already, now)
    ]


@lru_cache(maxsize=1024)
def _newly(already: tuple[str, ...], now: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    """Who is asked now and was not, and who was and is not: mostly the same for all requests of a rule."""
    more = [(person, 1) for person in now if person not in already]
    return (*more, *((person, 0) for person in already if person not in now))


def _row(request: Request, person: str, *, waits: bool) -> dict[str, Any]:
    return {
        "person": person,
        "request": request.id,
        "created_at": rows.micros(request.created_at),
        "waiting": int(waits),
    }
