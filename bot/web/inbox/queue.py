"""The queue: what waits for me or for others, and below it what was decided lately and what nobody knows the end of."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from datetime import datetime

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.model import Request, State
from bot.core.ports import Filter, Unreachable
from bot.core.redaction import shown
from bot.web.inbox.guard import Visitor
from bot.web.inbox.queue_view import (
    PAGE,
    Row,
    Scope,
    Search,
    heaps_of,
    outcome_of,
    scoped,
    search_of,
    undo_until,
)
from bot.web.inbox.reach import of_person
from bot.web.inbox.site import Site
from bot.web.inbox.view import fingerprint, is_unknown, version_of

_CLOSED = tuple(state for state in State if not state.open)
_LOOKED_AT = 40
"""How many of the newest closed requests are looked through for those that were decided last."""

_RECENT = 12
_OFFERED = 200
"""Names in one list to pick from; the search finds the others."""

_TROUBLED = 50
"""Executions that failed or whose outcome is unknown; the unknown among them are shown."""


class Done(Struct, frozen=True):
    """A request that is closed, or that the reader just decided: what to say of it, until when it may be undone."""

    request: Request
    said: str
    undo_until: datetime | None


class Lists(Struct, frozen=True):
    """What stands below the queue."""

    asked: tuple[Request, ...]
    unknown: tuple[Request, ...]
    recent: tuple[Done, ...]


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """The page at ``/inbox``."""
    house, person, search = site.house, visitor.person.id, search_of(http.query_params)
    policy, now = house.policy(), house.clock.now()
    wanted = search.wanted(person, policy)
    found, (agents, actions), unreachable = await asyncio.gather(
        house.store.queue(wanted), house.store.open_names(), house.store.unreachable()
    )
    counted = await asyncio.gather(*(house.store.queued(scoped(scope, person, policy)) for scope in Scope))
    counts = dict(zip(Scope, counted, strict=True))
    rows = await _rows(site, visitor, tuple(map(shown, found[:PAGE])))
    lists, done = await _lists(site, person, now), await _done(site, person, http.query_params.get("done"), now)
    unreached, paused = of_person(visitor.person, unreachable), await house.desk.paused()
    return site.pages.show(
        "queue.html",
        now=now,
        visitor=visitor,
        place="inbox",
        search=search,
        scopes=Scope,
        counts=counts,
        count=await house.store.queued(wanted) if search.narrows else counts[search.scope],
        agents=_offered(agents, search.agent, policy.agents),
        actions=_offered(actions, search.action, policy.actions),
        heaps=heaps_of(rows, search.scope),
        more=search.address(after=found[PAGE - 1].id) if len(found) > PAGE else None,
        lists=lists,
        done=done,
        names={known.id: known.name for known in policy.people.values()},
        unreached=unreached,
        paused=paused,
        announced=house.desk.announced(),
        version=_version(search, rows, tuple(counted), lists, (unreached, paused)),
    )


async def _rows(site: Site, visitor: Visitor, requests: tuple[Request, ...]) -> tuple[Row, ...]:
    """The rows of one page; nothing is looked at that is not on it."""
    seen = await site.house.store.seen(visitor.person.id, [request.id for request in requests])
    cards = await site.house.desk.cards(requests)
    return tuple(
        Row(
            request=request,
            card=card,
            mine=request.state is State.PENDING and request.waits_for(visitor.person.id),
            unread=seen.get(request.id, 0) < request.revision,
        )
        for request, card in zip(requests, cards, strict=True)
    )


async def _lists(site: Site, person: str, now: datetime) -> Lists:
    store = site.house.store
    asked, troubled, closed = await asyncio.gather(
        store.requests(Filter(states=(State.NEEDS_INFO,), reviewer=person, spoilt=True)),
        store.troubled(_TROUBLED),
        store.requests(Filter(states=_CLOSED, limit=_LOOKED_AT, spoilt=True)),
    )
    recent = sorted(closed, key=lambda r: r.decided_at or r.created_at, reverse=True)[:_RECENT]
    return Lists(
        tuple(map(shown, asked)),
        tuple(shown(request) for request in troubled if is_unknown(request.execution)),
        tuple(Done(shown(request), "", undo_until(request, person, now)) for request in recent),
    )


async def _done(site: Site, person: str, request_id: str | None, now: datetime) -> Done | None:
    """What became of a request that this person has just decided."""
    request = await site.house.store.request(request_id) if request_id else None
    said = outcome_of(request, person) if request else None
    return Done(shown(request), said, undo_until(request, person, now)) if request and said else None


def _offered(names: tuple[str, ...], chosen: str, known: Container[str]) -> tuple[str, ...]:
    """What may be picked, of very many those that the rules know first; what is picked stays, whatever is open."""
    if len(names) > _OFFERED:
        # Agents name actions as they like: thousands of them would make each look at the queue a page of megabytes.
        names = tuple(sorted(sorted(names, key=lambda name: name not in known)[:_OFFERED]))
    return names if not chosen or chosen in names else (*names, chosen)


def _version(
    search: Search,
    rows: tuple[Row, ...],
    counts: tuple[int, ...],
    lists: Lists,
    told: tuple[Unreachable | None, bool],
) -> str:
    """Changes whenever the page would list something else."""
    below = (*lists.asked, *lists.unknown, *(done.request for done in lists.recent))
    undos = tuple(done.undo_until for done in lists.recent)
    listed = tuple((row.request.id, row.version) for row in rows)
    return fingerprint(search, listed, counts, [(r.id, version_of(r)) for r in below], undos, told)
