"""A batch: what an agent put together, looked at together and decided together, each request by its own digest.

Only plain approvals of what can be undone stand in the form, each with all that it would run. What is irreversible,
what asks for an answer, what the house warns of and what is long is listed apart: it gets a look of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.card import KINDS
from bot.core.errors import AlreadyDecided, Conflict, Fault, Invalid, NotFound, SaysoError, Stale
from bot.core.links import batch_path
from bot.core.model import Kind, Opinion, Person, Request, Risk, Verb
from bot.core.ports import Ballot
from bot.web.inbox import wording
from bot.web.inbox.ballots import MAX_COMMENT, long_text, number
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.record import state_text
from bot.web.inbox.site import VIA, Site
from bot.web.inbox.summary import Summary, lengths, summary_of
from bot.web.inbox.view import version_of

MOST = 200
"""Requests in one form: more than anybody reads at a time, and no larger a page than a browser likes."""

LONG = 8000
"""Characters of arguments from which on a request is read on its own page."""

TICK = "tick:"
"""A ticked box is ``tick:<request>`` = ``<revision>:<digest>``: its very name and value bind it to what was shown."""


class Row(Struct, frozen=True, kw_only=True):
    """One request in the form: the box's name and value, and whether it is ticked.

    ``changed``: what was ticked before stood otherwise.
    """

    request: Request
    key: str
    bound: str
    ticked: bool
    changed: bool = False


class Apart(Struct, frozen=True):
    """One request that is decided on its own page, and why."""

    request: Request
    why: str


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one request: ``said`` where it stands now, or ``refused`` why nothing was counted."""

    id: str
    title: str
    said: str
    tone: str
    refused: str = ""


class Together(Struct, frozen=True, kw_only=True):
    """A whole batch as one person sees it. ``further``: so many more come once these are decided."""

    name: str
    path: str
    rows: tuple[Row, ...]
    apart: tuple[Apart, ...]
    further: int
    summary: tuple[Summary, ...]
    version: str


def why_apart(request: Request) -> str:
    """Why a request is not decided together with others, or nothing."""
    if request.kind is not Kind.APPROVAL:
        return f"{KINDS[request.kind].lower()}: it needs an answer of its own"
    doubted = any(given.opinion is not Opinion.AGREE for given in request.advice)
    failed = any(not check.passed for check in request.route.checks)
    if request.route.warnings or request.route.refused or failed or doubted:
        return "it needs a close look"
    if request.risk is Risk.IRREVERSIBLE:
        return "irreversible"
    return "long" if lengths(request.content.arguments) > LONG else ""


def together(batch: str, waiting: Sequence[Request], sent: Form | None = None) -> Together:
    """The batch as it is shown: with every box ticked, or ticked as it was sent."""
    mine = [request for request in waiting if not why_apart(request)]
    rows = tuple(_row(request, sent) for request in mine[:MOST])
    apart = tuple(Apart(r, why) for r in waiting if (why := why_apart(r)))
    return Together(
        name=batch,
        path=batch_path(batch) or "/inbox",
        rows=rows,
        apart=apart,
        further=len(mine) - len(rows),
        summary=summary_of([row.request.content.arguments for row in rows]),
        version=str(hash(tuple((r.id, version_of(r)) for r in waiting))),
    )


def _row(request: Request, sent: Form | None) -> Row:
    key, bound = TICK + request.id, f"{request.revision}:{request.digest}"
    was = None if sent is None else sent.get(key)
    changed = was is not None and was != bound
    return Row(request=request, key=key, bound=bound, ticked=sent is None or was == bound, changed=changed)


async def show(site: Site, http: Http, visitor: Visitor) -> Response:
    """``GET /inbox/batches/{batch}``."""
    batch = http.path_params["batch"]
    waiting = await site.house.desk.batch(batch, visitor.person.id)
    if not waiting:
        raise NotFound(wording.NO_BATCH)
    return _page(site, visitor, together(batch, waiting))


def _page(
    site: Site, visitor: Visitor, whole: Together, error: SaysoError | None = None, form: Form | None = None
) -> Response:
    faults = {fault.pointer: fault.detail for fault in error.faults} if error else {}
    return site.pages.show(
        "batch.html",
        now=site.house.clock.now(),
        visitor=visitor,
        status=error.status if error else 200,
        whole=whole,
        refusal=error,
        faults=faults,
        sent=form or {},
    )


async def decide(site: Site, http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /inbox/batches/{batch}``: each ticked request by itself; what was not ticked stays as it is."""
    batch, desk = http.path_params["batch"], site.house.desk
    try:
        ballots = _ballots(visitor, form)
    except Invalid as error:
        waiting = await desk.batch(batch, visitor.person.id)
        return _page(site, visitor, together(batch, waiting, form), error, form)
    known = {ballot.request: await desk.request(ballot.request) for ballot in ballots}
    alone = {id_ for id_, request in known.items() if request and _by_itself(batch, request)}
    for id_ in alone:
        await desk.refused(request_id=id_, actor=f"person:{visitor.person.id}", via=VIA, reason="decided_by_itself")
    counted = [ballot for ballot in ballots if ballot.request not in alone]
    answers: dict[str, Request | SaysoError] = dict.fromkeys(alone, Conflict(wording.BY_ITSELF))
    answers |= zip((b.request for b in counted), await desk.decide_batch(batch, counted), strict=True)
    people = site.house.policy().people
    outcomes = [_outcome(b.request, known[b.request], answers[b.request], batch, people) for b in ballots]
    waiting = await desk.batch(batch, visitor.person.id)
    refused = sum(bool(outcome.refused) for outcome in outcomes)
    return site.pages.show(
        "batch_done.html",
        now=site.house.clock.now(),
        visitor=visitor,
        status=409 if refused == len(outcomes) else 200,
        batch=batch,
        path=batch_path(batch) or "/inbox",
        outcomes=sorted(outcomes, key=lambda outcome: not outcome.refused),
        refused=refused,
        left=len(waiting),
    )


def _by_itself(batch: str, request: Request) -> bool:
    """Whether a form of somebody's own making names what no form of ours would."""
    return request.batch == batch and request.state.open and bool(why_apart(request))


def _ballots(visitor: Visitor, form: Form) -> list[Ballot]:
    """What the form says; raises `Invalid` with a fault beside each field that has to be filled in otherwise."""
    verb, comment = form.get("decision", ""), long_text(form, "comment")
    if verb not in (Verb.APPROVE, Verb.REJECT):
        raise Invalid(wording.UNKNOWN_DECISION if verb else wording.NO_BUTTON)
    ticked = {key.removeprefix(TICK): value for key, value in form.items() if key.startswith(TICK)}
    faults: list[Fault] = []
    if not ticked:
        faults.append(Fault("/ticks", "required", wording.NONE_TICKED))
    if verb == Verb.REJECT and form.get("category") not in wording.CATEGORIES:
        faults.append(Fault("/category", "required", wording.NO_CATEGORY))
    if verb == Verb.REJECT and not comment:
        faults.append(Fault("/comment", "required", wording.NO_REASON))
    if len(comment) > MAX_COMMENT:
        faults.append(Fault("/comment", "too_long", wording.TOO_LONG.format(limit=MAX_COMMENT)))
    if faults:
        raise Invalid(faults[0].detail, faults=tuple(faults))
    return [_ballot(visitor, form, Verb(verb), id_, bound) for id_, bound in ticked.items()]


def _ballot(visitor: Visitor, form: Form, verb: Verb, request: str, bound: str) -> Ballot:
    revision, _, digest = bound.partition(":")
    return Ballot(
        request=request,
        decision=verb,
        by=visitor.person.id,
        channel=VIA,
        revision=number(revision),
        digest=digest,
        comment=long_text(form, "comment") or None,
        category=form["category"] if verb is Verb.REJECT else None,
    )


def _outcome(
    id_: str, before: Request | None, after: Request | SaysoError, batch: str, people: Mapping[str, Person]
) -> Outcome:
    """What became of one; a request of another batch is not told of, not even by its title."""
    title = before.title if before and before.batch == batch else id_
    if isinstance(after, Request):
        return Outcome(id=id_, title=title, said=_stands(after), tone=wording.TONES[after.state])
    if isinstance(after, Stale):
        return Outcome(id=id_, title=title, said="", tone="bad", refused=wording.CHANGED_SINCE)
    if isinstance(after, AlreadyDecided) and before and before.votes:
        last = before.votes[-1]
        who = people[last.by].name if last.by in people else last.by
        said = wording.DECIDED_ALREADY.format(state=state_text(before).lower(), who=who)
        return Outcome(id=id_, title=title, said="", tone="bad", refused=said)
    return Outcome(id=id_, title=title, said="", tone="bad", refused=after.detail)


def _stands(request: Request) -> str:
    """Where a request stands after one's vote."""
    return wording.VOTE_COUNTED if request.state.open else state_text(request)
