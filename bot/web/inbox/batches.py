"""A batch: what an agent put together, looked at together and decided together, each request by its own digest."""

from __future__ import annotations

from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import Invalid, NotFound
from bot.core.links import batch_path
from bot.web.inbox import wording
from bot.web.inbox.gathered import gather
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.outcomes import Left, left_of, perform, told
from bot.web.inbox.site import Site
from bot.web.inbox.ticks import ballots_of
from bot.web.inbox.together import page


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /inbox/batches/{batch}``."""
    batch = http.path_params["batch"]
    waiting = await site.house.desk.batch(batch, visitor.person.id)
    if not waiting:
        raise NotFound(wording.NO_BATCH)
    return page(site, visitor, "batch.html", gather(waiting), path=_path(batch), name=batch)


async def decide(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /inbox/batches/{batch}``: each ticked request by itself; what was not ticked stays as it is."""
    batch, desk = http.path_params["batch"], site.house.desk
    try:
        ballots = ballots_of(visitor, form)
    except Invalid as error:
        whole = gather(await desk.batch(batch, visitor.person.id), form)
        return page(site, visitor, "batch.html", whole, error=error, form=form, path=_path(batch), name=batch)
    outcomes = await perform(site, visitor, ballots, batch)
    left_out = await left_of(site, visitor, form, ballots)
    waiting = len(await desk.batch(batch, visitor.person.id))
    return told(site, visitor, outcomes, name=batch, left_out=left_out, more=Left(waiting, _path(batch)))


def _path(batch: str) -> str:
    return batch_path(batch) or "/inbox"
