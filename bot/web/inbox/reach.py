"""Addresses at which nobody is reached, as the inbox tells of them: to their owner, and on the pages of requests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from bot.core.model import Delivery, Person, Request
from bot.core.ports import Unreachable

MAIL = "email"


def _place(channel: str, to: str) -> tuple[str, str]:
    """One address, however its letters are written."""
    return channel, to.casefold()


def of_person(person: Person, unreachable: Iterable[Unreachable]) -> Unreachable | None:
    """Why this person's own mail address reaches nobody, if that is known."""
    own = _place(MAIL, person.email or "")
    return next((u for u in unreachable if person.email and _place(u.channel, u.to) == own), None)


def around(
    request: Request,
    people: Mapping[str, Person],
    deliveries: Iterable[Delivery],
    unreachable: Iterable[Unreachable],
) -> tuple[Unreachable, ...]:
    """The unreachable addresses that a request's cards went to, or that belong to somebody who is asked now."""
    asked = (people[id_].email for id_ in request.assignees if id_ in people) if request.state.open else ()
    places = {_place(d.channel, d.to) for d in deliveries} | {_place(MAIL, address) for address in asked if address}
    return tuple(u for u in unreachable if _place(u.channel, u.to) in places)
