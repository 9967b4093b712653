"""One request in full, and the forms that decide it. The desk decides; this parses, and says what came of it."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.edits import differences
from bot.core.errors import AlreadyDecided, AlreadyVoted, Forbidden, NotFound, SaysoError, Stale
from bot.core.forms import Field
from bot.core.model import Request, Verb
from bot.core.policy import HOUSE, Policy
from bot.core.ports import Ballot
from bot.core.redaction import shown
from bot.desk.switch import whose
from bot.web.house import page_url
from bot.web.inbox import remedies, wording
from bot.web.inbox.ballots import ballot_of, number, settlement_of
from bot.web.inbox.changes import compared, seen_since
from bot.web.inbox.earlier import earlier_of
from bot.web.inbox.edits import boxes, edited, unplaced
from bot.web.inbox.exactly import sent_of
from bot.web.inbox.guard import Form, Visitor, typed_in
from bot.web.inbox.pages import see_other
from bot.web.inbox.remedies import remedies_of
from bot.web.inbox.rights import may_settle
from bot.web.inbox.running import running_of
from bot.web.inbox.site import VIA, Site
from bot.web.inbox.trail import Entry, entries, veiled
from bot.web.inbox.view import View, view_of


class Attempt(Struct, frozen=True):
    """A form that was refused: what was sent, why not, and what is wrong with which field.

    ``panel`` is which of the page's forms it was: a decision's name, settle, undo, rollback or incident.
    """

    form: Form
    error: SaysoError
    panel: str

    def fault(self, name: str) -> str:
        """What is wrong with a field, or nothing."""
        return next((f.detail for f in self.error.faults if f.pointer == f"/{name}"), "")

    def sent(self, name: str) -> str:
        """What stood in a field."""
        return self.form.get(name, "")


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /requests/{id}``; ``?compare=1..3`` (or ``compare=1&with=3``) shows two revisions against each other."""
    asked = http.query_params
    pair = (asked.get("compare", ""), asked.get("with", ""))
    return await _page(site, visitor, await _request(site, http), pair=pair)


async def _request(site: Site, http: Http) -> Request:
    request = await site.house.desk.request(http.path_params["id"])
    if request is None:
        raise NotFound(wording.NO_SUCH_REQUEST)
    return shown(request)


async def _seen(
    site: Site,
    visitor: Visitor,
    request: Request,
    trail: tuple[Entry, ...],
    *,
    policy: Policy,
    now: datetime,
    editable: bool,
) -> View:
    house = site.house
    return view_of(
        request,
        policy=policy,
        person=visitor.person,
        url=page_url(house.public_url, request.id),
        editable=editable,
        deliveries=await house.store.deliveries(request.id),
        unreachable=await house.store.unreachable(),
        trail=trail,
        now=now,
        glass=house.desk.may_break_glass(visitor.person.id),
    )


async def _page(
    site: Site, visitor: Visitor, request: Request, attempt: Attempt | None = None, pair: tuple[str, str] = ("", "")
) -> Response:
    house = site.house
    fields = house.desk.fields(request)
    policy, now = house.policy(), house.clock.now()
    trail = veiled(request, entries(await house.store.told(request), policy.people))
    view = await _seen(site, visitor, request, trail, policy=policy, now=now, editable=bool(fields))
    names = {person.id: person.name for person in policy.people.values()}
    stale = attempt is not None and isinstance(attempt.error, Stale)
    seen = number(attempt.form.get("revision")) if attempt and stale else 0
    # What was typed for another revision is not put back: it was meant for what stood there then.
    kept = None if stale else attempt
    edits = kept if kept and kept.panel == Verb.APPROVE_WITH_EDITS else None
    stopped = await house.desk.stopped()
    paused = stopped.holds(*whose(request, by_agent=view.run.spec.execute.agent))
    return site.pages.show(
        "request.html",
        now=now,
        visitor=visitor,
        status=attempt.error.status if attempt else 200,
        view=view,
        names=names,
        running=running_of(request, trail, person=visitor.person, now=now, paused=paused),
        paused=paused,
        stopped=stopped,
        after=await remedies_of(site, request, visitor.person),
        categories=wording.categories_of(request),
        sent=sent_of(request, view.run.spec),
        # No agent may ask for the house's own actions (`bot.desk.intake`): what such a request says is Sayso's word.
        ours=request.action.startswith(HOUSE),
        earlier=await earlier_of(house.store, request, names),
        compared=compared(view.versions, *pair),
        asked_pair=any(pair),
        boxes=boxes(fields, edits.form if edits else None, edits.error.faults if edits else ()),
        unplaced=_unplaced(fields, edits),
        refusal=attempt.error if attempt else None,
        refused=attempt.panel if attempt else "",
        attempt=kept,
        # Where the form of a decision stands here no more, what was typed into it would be gone.
        typed=typed_in(attempt.form) if attempt and (stale or attempt.panel in set(Verb) - set(view.buttons)) else (),
        since=seen_since(request, trail, seen) if stale else None,
    )


def _unplaced(fields: tuple[Field, ...], edits: Attempt | None) -> tuple[str, ...]:
    if edits is None:
        return ()
    return unplaced(fields, tuple(f for f in edits.error.faults if f.pointer != "/comment"))


async def decide(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /requests/{id}/decisions``."""
    request = await _request(site, http)
    try:
        ballot = ballot_of(site, request, visitor, form)
        try:
            await site.house.desk.decide(ballot)
        except (AlreadyDecided, AlreadyVoted, Stale):
            current = await _request(site, http)
            if not (_counted(current, ballot) or _edited(site, current, ballot, form)):
                raise
    except SaysoError as error:
        current = await _request(site, http)
        return await _page(site, visitor, current, Attempt(form, error, form.get("decision", "")))
    return see_other(f"/requests/{request.id}")


def _counted(request: Request, ballot: Ballot) -> bool:
    """Whether this very form was counted: pressed twice while its answer was on the way, it is no decision refused."""
    said = (ballot.by, ballot.decision, ballot.revision, ballot.digest, ballot.comment, ballot.category, ballot.answer)
    return any(said == (v.by, v.decision, v.revision, v.digest, v.comment, v.category, v.answer) for v in request.votes)


def _edited(site: Site, request: Request, ballot: Ballot, form: Form) -> bool:
    """Whether this very edit was counted: its revision is the one before, and what it asks for is what stands now."""
    shown = (ballot.revision, ballot.revision + 1)
    said = (ballot.by, ballot.decision, ballot.comment)
    if ballot.decision is not Verb.APPROVE_WITH_EDITS or request.revision != shown[1]:
        return False
    if not any(said == (d.by, d.decision, d.comment) and d.revision in shown for d in request.decisions):
        return False
    arguments, faults = edited(site.house.desk.fields(request), form, request.content.arguments)
    return not faults and not differences(request.content.arguments, arguments)


async def undo(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /requests/{id}/undo``: somebody who approved it takes that back before anything runs."""
    request = await _request(site, http)
    person = visitor.person.id
    try:
        await site.house.desk.undo(request.id, by=person, via=VIA, revision=number(form.get("revision")))
    except SaysoError as error:
        return await _page(site, visitor, await _request(site, http), Attempt(form, error, "undo"))
    return see_other(f"/requests/{request.id}")


async def roll_back(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /requests/{id}/rollback``: propose what takes it back."""
    await _request(site, http)
    try:
        return await remedies.roll_back(site, http, visitor, form)
    except SaysoError as error:
        return await _page(site, visitor, await _request(site, http), Attempt(form, error, "rollback"))


async def report(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /requests/{id}/incidents``: say that what ran did harm."""
    await _request(site, http)
    try:
        return await remedies.report(site, http, visitor, form)
    except SaysoError as error:
        return await _page(site, visitor, await _request(site, http), Attempt(form, error, "incident"))


async def settle(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /requests/{id}/resolution``: somebody who was asked (or an admin) says how an unknown run ended."""
    request = await _request(site, http)
    try:
        if not may_settle(request, visitor.person, await site.house.store.deliveries(request.id)):
            await site.record(visitor, http, "not_assigned")
            raise Forbidden(wording.NOT_YOURS_TO_SETTLE)
        state, note = settlement_of(form)
        await site.house.desk.settle(request.id, by=visitor.actor, via=VIA, state=state, note=note)
    except SaysoError as error:
        return await _page(site, visitor, await _request(site, http), Attempt(form, error, "settle"))
    return see_other(f"/requests/{request.id}")
