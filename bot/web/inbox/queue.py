"""The queue: what waits for me, and below it what was decided lately and what nobody knows the end of."""

from __future__ import annotations

from collections import Counter

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.card import Card
from bot.core.links import batch_path
from bot.core.model import Request, State
from bot.core.ports import Filter, Unreachable
from bot.web.inbox.guard import Visitor
from bot.web.inbox.house import Desk
from bot.web.inbox.reach import of_person
from bot.web.inbox.site import Site
from bot.web.inbox.view import is_unknown, version_of

_CLOSED = tuple(state for state in State if not state.open)
_LOOKED_AT = 100
"""How many of the newest closed requests are looked through for unknown outcomes."""

_RECENT = 12


class Heap(Struct, frozen=True):
    """One row of the queue: a card, or the cards of one batch, whose page is at ``path`` (None: a card alone)."""

    cards: tuple[Card, ...]
    path: str | None


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
        heaps=await _heaps(house.desk, waiting),
        asked=asked,
        unknown=unknown,
        recent=recent,
        names={person.id: person.name for person in house.policy().people.values()},
        unreached=unreached,
        version=_version(tuple(card.request for card in waiting), (*asked, *recent, *unknown), unreached),
    )


async def _heaps(desk: Desk, waiting: tuple[Card, ...]) -> tuple[Heap, ...]:
    """The queue with the cards of each batch in one row, where the first of them stood."""
    sizes = Counter(card.batch for card in waiting if card.batch)
    heaps: list[Heap] = []
    seen: set[str] = set()
    for card in waiting:
        if card.batch is None or sizes[card.batch] == 1:
            heaps.append(Heap((card,), None))
        elif card.batch not in seen:
            seen.add(card.batch)
            heaps += await _heap(desk, tuple(c for c in waiting if c.batch == card.batch))
    return tuple(heaps)


async def _heap(desk: Desk, cards: tuple[Card, ...]) -> tuple[Heap, ...]:
    """One batch's cards in a row; each by itself where its name cannot stand in an address.

    A card says the name with nothing hidden in it; the page is found by the name as the agent wrote it.
    """
    first = await desk.request(cards[0].request)
    path = batch_path(first.batch) if first else None
    return (Heap(cards, path),) if path else tuple(Heap((card,), None) for card in cards)


def _version(waiting: tuple[str, ...], others: tuple[Request, ...], unreached: Unreachable | None) -> str:
    """Changes whenever the page would list something else."""
    return str(hash((waiting, tuple((r.id, version_of(r)) for r in others), unreached)))
