"""Requests that somebody picked in the queue: looked at whole on one page, and decided together with exceptions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence

from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import Invalid, SaysoError
from bot.core.model import Request
from bot.core.redaction import shown
from bot.core.scrutiny import visible
from bot.web.inbox.gathered import Apart, Gathered, gather, why_not
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import words
from bot.web.inbox.outcomes import left_of, perform, picks_of, told
from bot.web.inbox.site import Site
from bot.web.inbox.ticks import address_of, ballots_of, limited

_ID = re.compile(r"[A-Za-z0-9_-]{1,80}")
_NOTHING_PICKED = words("No request was picked. Tick some in the inbox, then decide them together.")


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /inbox/together?pick=req_a&pick=req_b``: the ids in the order in which they are to be shown."""
    picks = limited(http.query_params.getlist("pick"))
    if not picks:
        raise Invalid(_NOTHING_PICKED)
    return page(site, visitor, "together.html", await _whole(site, visitor, picks), address=address_of(picks))


async def decide(site: Site, _http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /inbox/together``: each ticked request by itself; what was not ticked stays as it is."""
    try:
        ballots = ballots_of(visitor, form)
    except Invalid as error:
        picks = picks_of(form)
        whole = await _whole(site, visitor, picks, form)
        return page(site, visitor, "together.html", whole, error=error, form=form, address=address_of(picks))
    outcomes = await perform(site, visitor, ballots)
    return told(site, visitor, outcomes, left_out=await left_of(site, visitor, form, ballots))


async def _whole(site: Site, visitor: Visitor, picks: Sequence[str], sent: Form | None = None) -> Gathered:
    waiting: list[Request] = []
    beside: list[Apart] = []
    known = await asyncio.gather(*(site.house.desk.request(id_) for id_ in picks if _ID.fullmatch(id_)))
    there = {request.id: shown(request) for request in known if request}
    for id_ in picks:
        request = there.get(id_)
        why = why_not(request, visitor.person.id)
        if request is None:
            beside.append(Apart("", visible(id_[:80]), why))
        elif why:
            beside.append(Apart(request.id, visible(request.title), why, request.risk))
        else:
            waiting.append(request)
    return gather(waiting, sent, beside)


def page(
    site: Site,
    visitor: Visitor,
    template: str,
    whole: Gathered,
    *,
    error: SaysoError | None = None,
    form: Form | None = None,
    path: str = "/inbox/together",
    address: str = "",
    **more: object,
) -> Response:
    """A page of requests to decide together. ``path`` takes its form; at ``address`` it is shown anew."""
    faults = {fault.pointer: fault.detail for fault in error.faults} if error else {}
    return site.pages.show(
        template,
        now=site.house.clock.now(),
        visitor=visitor,
        place="inbox",
        status=error.status if error else 200,
        whole=whole,
        path=path,
        address=address or path,
        picks=" ".join(row.request.id for row in whole.rows),
        refusal=error,
        faults=faults,
        sent=form or {},
        **more,
    )
