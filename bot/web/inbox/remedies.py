"""What can be done about what ran, on a request's page: roll it back, report an incident; and what was done already."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import Fault, Invalid
from bot.core.model import Person, PersonRole, Request, Severity
from bot.core.policy import REVIEW_AFTER, Policy
from bot.desk.incidents import may_have_harmed
from bot.desk.rollbacks import may_be_rolled_back, under_way
from bot.web.inbox import wording
from bot.web.inbox.ballots import MAX_COMMENT, long_text
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import Said
from bot.web.inbox.pages import see_other
from bot.web.inbox.record import state_text
from bot.web.inbox.site import VIA, Site
from bot.web.inbox.trail import who_of


class Linked(Struct, frozen=True):
    """Another request that belongs to this one: its id, and in words where it stands."""

    request: str
    state: str


class Reported(Struct, frozen=True):
    """One incident. ``agent``: the agent itself reported it, in its own words; ``note`` is raw."""

    severity: Severity
    who: str
    agent: bool
    at: datetime
    note: str


class Remedies(Struct, frozen=True, kw_only=True):
    """What may be done (``may_…``), with what it is rolled back, and what is linked already.

    ``takes_back`` is the request that this one rolls back; ``looks_at`` the one that this is a review of afterwards.
    """

    may_roll_back: bool
    may_report: bool
    back_with: str
    rollback: Linked | None
    review: Linked | None
    takes_back: str | None
    looks_at: str | None
    incidents: tuple[Reported, ...]


async def remedies_of(site: Site, request: Request, person: Person) -> Remedies:
    """What this reader may do about a request."""
    policy, run = site.house.policy(), request.execution
    rollback = await site.house.desk.request(run.rollback) if run is not None and run.rollback else None
    review = await site.house.desk.request(run.review) if run is not None and run.review else None
    acts = person.role is not PersonRole.AUDITOR
    spec = policy.action(request.action)
    free = rollback is None or not under_way(rollback)
    return Remedies(
        may_roll_back=acts and free and may_be_rolled_back(policy, request),
        may_report=acts and may_have_harmed(run),
        back_with=spec.rollback.action if spec.rollback is not None else "",
        rollback=_linked(rollback),
        review=_linked(review),
        takes_back=request.content.takes_back,
        looks_at=request.route.of if request.action == REVIEW_AFTER else None,
        incidents=_reported(request, policy),
    )


def _linked(other: Request | None) -> Linked | None:
    return None if other is None else Linked(other.id, state_text(other))


def _reported(request: Request, policy: Policy) -> tuple[Reported, ...]:
    run = request.execution
    found = run.incidents if run is not None else ()
    whose = [(one, who_of(one.by, policy.people)) for one in found]
    return tuple([Reported(one.severity, by.name, by.kind == "agent", one.at, one.note) for one, by in whose])


async def roll_back(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /requests/{id}/rollback``: on to the request that is to take it back. Raises `SaysoError`."""
    reason = long_text(form, "reason")
    if len(reason) > MAX_COMMENT:
        _faulty("reason", Said(wording.TOO_LONG, limit=MAX_COMMENT))
    by = visitor.actor
    rollback, _ = await site.house.desk.roll_back(http.path_params["id"], by=by, via=VIA, reason=reason or None)
    return see_other(f"/requests/{rollback.id}")


async def report(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /requests/{id}/incidents``: keep that it did harm. Raises `SaysoError`."""
    note, severity = long_text(form, "note"), form.get("severity", "")
    if severity not in wording.SEVERITIES:
        _faulty("severity", wording.NO_SEVERITY)
    if not note:
        _faulty("note", wording.NO_HARM)
    if len(note) > MAX_COMMENT:
        _faulty("note", Said(wording.TOO_LONG, limit=MAX_COMMENT))
    await site.house.desk.report_incident(
        http.path_params["id"], by=visitor.actor, via=VIA, severity=Severity(severity), note=note
    )
    return see_other(f"/requests/{http.path_params['id']}")


def _faulty(name: str, detail: str) -> None:
    raise Invalid(detail, faults=(Fault(f"/{name}", "required", detail),))
