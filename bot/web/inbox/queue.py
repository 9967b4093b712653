"""The queue: what waits for me, and below it what was decided lately and what nobody knows the end of."""

from __future__ import annotations

from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.model import Request, State
from bot.core.ports import Filter, Unreachable
from bot.web.inbox.guard import Visitor
from bot.web.inbox.reach import of_person
from bot.web.inbox.site import Site
from bot.web.inbox.view import is_unknown, version_of

_CLOSED = tuple(state for state in State if not state.open)
_LOOKED_AT = 100
"""How many of the newest closed requests are looked through for unknown outcomes."""

_RECENT = 12


async def show(site: Site, _http: Http, visitor: Visitor) -> Response:
    """The page at ``/inbox``."""
    house = site.house
    waiting = await house.desk.queue(visitor.person.id)
    asked = await house.store.requests(Filter(states=(State.NEEDS_INFO,), reviewer=visitor.person.id))
    closed = await house.store.requests(Filter(states=_CLOSED, limit=_LOOKED_AT))
    unknown = tuple(r for r in closed if is_unknown(r.execution))
    recent = sorted(closed, key=lambda r: r.decided_at or r.created_at, reverse=True)[:_RECENT]
    unreached = of_person(visitor.person, await house.store.unreachable())
    return site.pages.show(
        "queue.html",
        now=house.clock.now(),
        visitor=visitor,
        waiting=waiting,
        asked=asked,
        unknown=unknown,
        recent=recent,
        names={person.id: person.name for person in house.policy().people.values()},
        unreached=unreached,
        version=_version(tuple(card.request for card in waiting), (*asked, *recent, *unknown), unreached),
    )


def _version(waiting: tuple[str, ...], others: tuple[Request, ...], unreached: Unreachable | None) -> str:
    """Changes whenever the page would list something else."""
    return str(hash((waiting, tuple((r.id, version_of(r)) for r in others), unreached)))
