"""``/admin/trust``: what was granted, what is proposed, what each agent's action has shown, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import Conflict, Fault, Invalid, SaysoError
from bot.core.trust.grants import Ending, GrantState
from bot.web.inbox.admin.door import page_of
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import words
from bot.web.inbox.pages import see_other
from bot.web.inbox.site import VIA, Site

TRUST = "/admin/trust"
_MOST = 50
"""Of grants that ended, the newest that are shown."""
_LONGEST_WHY = 2000

ENDINGS = {
    Ending.REFUSED: words("refused"),
    Ending.UNDECIDED: words("nobody decided"),
    Ending.WITHDRAWN: words("withdrawn"),
    Ending.REPLACED: words("replaced"),
    Ending.EXPIRED: words("its time was up"),
    Ending.CHANGED: words("the file changed"),
    Ending.SAMPLE: words("the sample"),
    Ending.INCIDENT: words("an incident"),
    Ending.DRIFT: words("drift"),
    Ending.ADMIN: words("an admin"),
}
"""Why a grant ended, in a word or two."""

_NO_WHY = words("Say why; it stays on record.")
_OVER = words("There is nothing of it to end any more.")


async def show(site: Site, _http: Http, visitor: Visitor) -> Response:
    """``GET /admin/trust``."""
    return await _page(site, visitor)


async def _page(
    site: Site, visitor: Visitor, at: str = "", form: Form | None = None, error: SaysoError | None = None
) -> Response:
    house = site.house
    grants = await house.store.grants()
    as_of, earnings = await house.desk.earnings_lately()
    ended = sorted((g for g in grants if g.state is GrantState.ENDED), key=lambda g: g.ended_at or g.proposed_at)
    return page_of(
        site,
        visitor,
        "trust",
        status=error.status if error else 200,
        in_force=[grant for grant in grants if grant.state is GrantState.IN_FORCE],
        proposed=[grant for grant in grants if grant.state is GrantState.PROPOSED],
        ended=ended[: -_MOST - 1 : -1],
        endings=ENDINGS,
        earnings=earnings,
        as_of=as_of,
        rules=[rule.name for rule in house.policy().rules if rule.trust is not None],
        people=house.policy().people,
        upto=_upto,
        at=at,
        sent=form or {},
        refusal=error,
        faults={fault.pointer: fault.detail for fault in error.faults} if error else {},
    )


def _upto(ceilings: Mapping[str, float]) -> str:
    """Ceilings in a line."""
    return ", ".join(f"{pointer} ≤ {ceiling:g}" for pointer, ceiling in ceilings.items())


async def end(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /admin/trust/{grant}/end``: people are asked again from now on."""
    grant_id, why = http.path_params["grant"], form.get("why", "").strip()[:_LONGEST_WHY]
    try:
        if not why:
            raise Invalid(_NO_WHY, faults=(Fault("/why", "required", _NO_WHY),))
        if await site.house.desk.end_trust(grant_id, by=visitor.actor, via=VIA, why=why) is None:
            raise Conflict(_OVER)
    except SaysoError as error:
        return await _page(site, visitor, grant_id, form, error)
    return see_other(TRUST)
