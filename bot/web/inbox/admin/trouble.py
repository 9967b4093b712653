"""``/admin/deliveries`` and ``/admin/executions``: what did not arrive, what may have run, and what can be done."""

from __future__ import annotations

import json
from collections.abc import Iterable

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.card import name_of
from bot.core.errors import SaysoError
from bot.core.model import Delivery, Execution, ExecutionState, Request
from bot.core.redaction import shown
from bot.web.inbox.admin.door import page_of
from bot.web.inbox.admin.overview import MOST
from bot.web.inbox.ballots import settlement_of
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import words
from bot.web.inbox.pages import see_other
from bot.web.inbox.site import VIA, Site

EXECUTIONS = "/admin/executions"
_MOST_AMONG_OTHERS = 6000
"""Characters of arguments in a list; longer ones are read on the request's own page."""

HINTS = {
    "email": words(
        "Correct the address in routing.yaml. If the mailbox works again, any mail written from it to the bot says so."
    ),
    "slack": words("Correct the member id or the channel in routing.yaml, and invite the bot to the channel."),
    "push": words("They allow push again on their account page, or their topic is corrected in routing.yaml."),
}
OTHER = words("Correct how they are reached in routing.yaml.")


class Lost(Struct, frozen=True, kw_only=True):
    """One delivery that failed: whom it was for (None: a shared place), of which request, and what can be done."""

    delivery: Delivery
    whom: str | None
    request: Request | None
    hint: str


class Run(Struct, frozen=True, kw_only=True):
    """A request and its execution that went wrong. ``short``: its arguments may stand among those of others."""

    request: Request
    execution: Execution
    short: bool


async def deliveries(site: Site, _http: Http, visitor: Visitor) -> Response:
    """``GET /admin/deliveries``: cards that failed, the newest first."""
    house = site.house
    failed = await house.store.undelivered(MOST)
    known = [await house.store.request(id_) for id_ in dict.fromkeys(d.request for d in failed)]
    requests = {request.id: shown(request) for request in known if request is not None}
    people = house.policy().people
    lost = [
        Lost(
            delivery=delivery,
            whom=name_of(delivery.person, people) if delivery.person else None,
            request=requests.get(delivery.request),
            hint=HINTS.get(delivery.channel, OTHER),
        )
        for delivery in failed
    ]
    return page_of(site, visitor, "deliveries", lost=lost, most=MOST)


async def executions(site: Site, _http: Http, visitor: Visitor) -> Response:
    """``GET /admin/executions``: runs of unknown outcome, and below them those that failed."""
    return await _page(site, visitor)


async def _page(
    site: Site, visitor: Visitor, at: str = "", form: Form | None = None, error: SaysoError | None = None
) -> Response:
    runs = tuple(_runs(map(shown, await site.house.store.troubled(MOST))))
    return page_of(
        site,
        visitor,
        "executions",
        status=error.status if error else 200,
        unknown=[run for run in runs if run.execution.state is ExecutionState.UNKNOWN],
        failed=[run for run in runs if run.execution.state is ExecutionState.FAILED],
        most=MOST,
        at=at,
        sent=form or {},
        refusal=error,
        faults={fault.pointer: fault.detail for fault in error.faults} if error else {},
    )


def _runs(requests: Iterable[Request]) -> Iterable[Run]:
    for request in requests:
        if request.execution is not None:
            size = len(json.dumps(request.content.arguments))
            yield Run(request=request, execution=request.execution, short=size <= _MOST_AMONG_OTHERS)


async def settle(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /admin/executions/{id}``: an admin found out how an execution of unknown outcome ended."""
    request_id = http.path_params["id"]
    try:
        state, note = settlement_of(form)
        await site.house.desk.settle(request_id, by=visitor.actor, via=VIA, state=state, note=note)
    except SaysoError as error:
        return await _page(site, visitor, request_id, form, error)
    return see_other(EXECUTIONS)
