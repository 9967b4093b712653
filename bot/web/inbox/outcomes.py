"""Many decisions of one form, each by itself, and the page that tells what became of each; taking them back again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request as Http
from starlette.responses import Response

from bot.core.errors import AlreadyDecided, Conflict, Invalid, SaysoError, Stale
from bot.core.model import Person, Request
from bot.core.ports import Ballot
from bot.core.redaction import shown
from bot.web.inbox import wording
from bot.web.inbox.ballots import number
from bot.web.inbox.gathered import why_apart, why_not
from bot.web.inbox.guard import Form, Visitor
from bot.web.inbox.language import Said, words
from bot.web.inbox.queue_view import undo_until
from bot.web.inbox.record import state_text
from bot.web.inbox.site import VIA, Site
from bot.web.inbox.ticks import address_of, limited

UNDO = "undo:"
"""An approval to take back is ``undo:<request>`` = ``<revision>``."""

_AT_ONCE = 25
"""Decisions on their way to the writer at one time; it commits together what has gathered."""

_TAKEN_BACK = words("Taken back")
_NOTHING_TO_UNDO = words("The form does not say what to take back, so nothing was changed.")


class Outcome(Struct, frozen=True, kw_only=True):
    """What became of one request: ``said`` where it stands now, or ``refused`` why nothing was counted.

    ``undo_until``: until when its approval of ``revision`` may be taken back (None: not at all).
    """

    id: str
    title: str
    said: str
    tone: str
    refused: str = ""
    revision: int = 0
    undo_until: datetime | None = None


class Left(Struct, frozen=True):
    """What else waits, at ``path``: ``count`` of the same batch or kind."""

    count: int
    path: str


async def perform(site: Site, visitor: Visitor, ballots: Sequence[Ballot], batch: str | None = None) -> list[Outcome]:
    """Decide each by itself, in the order given; of a ``batch`` only what is in it, and nothing else is told of."""
    desk = site.house.desk
    known = {ballot.request: await desk.request(ballot.request) for ballot in ballots}
    alone = {id_ for id_, request in known.items() if request and _by_itself(request, batch)}
    for id_ in alone:
        await desk.refused(request_id=id_, actor=visitor.actor, via=VIA, reason="decided_by_itself")
    counted = [ballot for ballot in ballots if ballot.request not in alone]
    answers: dict[str, Request | SaysoError] = dict.fromkeys(alone, Conflict(wording.BY_ITSELF))
    each = _each([desk.decide(ballot) for ballot in counted]) if batch is None else desk.decide_batch(batch, counted)
    answers |= zip((b.request for b in counted), await each, strict=True)
    shown = {id_: r for id_, r in known.items() if r and batch in (None, r.batch)}
    people, now = site.house.policy().people, site.house.clock.now()
    found = [_outcome(b.request, shown.get(b.request), answers[b.request], people) for b in ballots]
    return [_undoable(outcome, answers[outcome.id], visitor, now) for outcome in found]


def _by_itself(request: Request, batch: str | None) -> bool:
    """Whether a form of somebody's own making names what no form of ours would."""
    return batch in (None, request.batch) and request.state.open and bool(why_apart(request))


async def _each(works: Sequence[Awaitable[Request]]) -> tuple[Request | SaysoError, ...]:
    """What each gave, or why it was refused, in order; a few at a time."""

    async def one(work: Awaitable[Request]) -> Request | SaysoError:
        try:
            return await work
        except SaysoError as refused:
            return refused

    found: list[Request | SaysoError] = []
    for start in range(0, len(works), _AT_ONCE):
        found += await asyncio.gather(*map(one, works[start : start + _AT_ONCE]))
    return tuple(found)


def _outcome(id_: str, before: Request | None, after: Request | SaysoError, people: Mapping[str, Person]) -> Outcome:
    title = before.title if before else id_
    if isinstance(after, Request):
        said = wording.VOTE_COUNTED if after.state.open else state_text(after)
        return Outcome(id=id_, title=title, said=said, tone=wording.TONES[after.state], revision=after.revision)
    refused = after.detail
    if isinstance(after, Stale):
        refused = wording.CHANGED_SINCE
    elif isinstance(after, AlreadyDecided) and before and before.votes:
        last = before.votes[-1]
        who = people[last.by].name if last.by in people else last.by
        refused = Said(wording.DECIDED_ALREADY, state=state_text(before).lower(), who=who)
    return Outcome(id=id_, title=title, said="", tone="bad", refused=refused)


def _undoable(outcome: Outcome, after: Request | SaysoError, visitor: Visitor, now: datetime) -> Outcome:
    until = undo_until(after, visitor.person.id, now) if isinstance(after, Request) else None
    return replace(outcome, undo_until=until)


def told(
    site: Site,
    visitor: Visitor,
    outcomes: Sequence[Outcome],
    *,
    name: str = "",
    left_out: Sequence[Request] = (),
    more: Left | None = None,
    taken_back: bool = False,
) -> Response:
    """The page after a form: what was refused first. ``name`` is a batch's, ``left_out`` what the form left alone."""
    refused = sum(bool(outcome.refused) for outcome in outcomes)
    undoable = [outcome for outcome in outcomes if outcome.undo_until]
    return site.pages.show(
        "together_done.html",
        now=site.house.clock.now(),
        visitor=visitor,
        place="inbox",
        status=409 if refused == len(outcomes) else 200,
        name=name,
        outcomes=sorted(outcomes, key=lambda outcome: not outcome.refused),
        refused=refused,
        undoable=undoable,
        undo_until=min((outcome.undo_until for outcome in undoable if outcome.undo_until), default=None),
        left_out=left_out,
        left_at=address_of(tuple(request.id for request in left_out)),
        again_at=address_of(tuple(outcome.id for outcome in outcomes if not outcome.refused)),
        more=more,
        taken_back=taken_back,
    )


async def left_of(site: Site, visitor: Visitor, form: Form, ballots: Sequence[Ballot]) -> tuple[Request, ...]:
    """What stood in the form, was not decided by it, and still can be decided together with others."""
    decided = {ballot.request for ballot in ballots}
    ids = [id_ for id_ in picks_of(form) if id_ not in decided]
    found = [await site.house.desk.request(id_) for id_ in ids]
    return tuple(shown(r) for r in found if r and not why_not(r, visitor.person.id) and not why_apart(r))


def picks_of(form: Form) -> tuple[str, ...]:
    """Which requests stood in the form, ticked or not."""
    return limited(form.get("picks", "").split())


async def undo(site: Site, _http: Http, visitor: Visitor, form: Form) -> Response:
    """``POST /inbox/together/undo``: each approval named is taken back by itself, while nothing of it ran."""
    named = {key.removeprefix(UNDO): number(value) for key, value in form.items() if key.startswith(UNDO)}
    if not named:
        raise Invalid(_NOTHING_TO_UNDO)
    limited(list(named))
    desk, person = site.house.desk, visitor.person.id
    known = {id_: await desk.request(id_) for id_ in named}
    works = [desk.undo(id_, by=person, via=VIA, revision=revision) for id_, revision in named.items()]
    answers = dict(zip(named, await _each(works), strict=True))
    return told(site, visitor, [_back(id_, known[id_], answers[id_]) for id_ in named], taken_back=True)


def _back(id_: str, before: Request | None, after: Request | SaysoError) -> Outcome:
    title = before.title if before else id_
    if isinstance(after, Request):
        return Outcome(id=id_, title=title, said=_TAKEN_BACK, tone="wait")
    return Outcome(id=id_, title=title, said="", tone="bad", refused=after.detail)
