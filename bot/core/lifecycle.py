"""What may happen to a request, and what follows from it.

Every function takes the request as it stands and the moment, asks `bot.core.transitions` whether that may happen, and
returns the request as it is afterwards; nothing here reads a clock or acts. How its stages run is `bot.core.tracks`.
Silence never becomes consent: only a person's vote, or the admin's rule at submission, leads to an approved state.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.core import errors, tracks, votes
from bot.core.model import Assessment, Decision, OnExpiry, OnUndeliverable, Request, Route, State, Then, Verb
from bot.core.ports import Ballot
from bot.core.tracks import Due
from bot.core.transitions import HAPPENING_OF, Happening, check, clock, refusal


class Turn(StrEnum):
    """What came due by itself."""

    ASK = "ask"
    REMIND = "remind"
    NEXT_STEP = "next_step"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"


class Woken(Struct, frozen=True):
    """A request after something came due, what that was, and in which stage (None: in all of it)."""

    request: Request
    turn: Turn
    stage: int | None = None


def begin(request: Request, now: datetime) -> Request:
    """A new request on its route: decided at once by rule, or its first stages asked (once advisors have spoken)."""
    if request.route.then is Then.BLOCK:
        return _end(request, State.BLOCKED, now)
    if request.route.then is Then.APPROVE:
        return _end(request, State.APPROVED, now)
    if request.route.advisors and request.route.advice_within:
        return tracks.held(request, now + request.route.advice_within)
    return tracks.enter(request, 0, now)


def _end(request: Request, state: State, now: datetime) -> Request:
    return replace(request, state=state, decided_at=now, due_at=None)


def authorise(request: Request, ballot: Ballot, now: datetime) -> None:
    """Whether this person may decide this revision now; raises the refusal otherwise (law 3)."""
    if not request.state.open:
        if not any(ballot.by in stage.people for stage in request.route.stages):
            raise errors.NotAssigned
        raise refusal(request)
    if ballot.by in request.route.excluded:
        raise errors.SelfReview
    if any(v.by == ballot.by for v in request.votes) and ballot.decision.is_vote:
        raise errors.AlreadyVoted
    if ballot.by not in request.assignees:
        raise errors.NotAssigned
    _in_time(request, now)
    # Before the content: while a question is open, a stale card is no reason that helps anybody.
    check(request, HAPPENING_OF[ballot.decision])
    check_current(request, ballot, now)
    if ballot.decision in (Verb.APPROVE, Verb.APPROVE_WITH_EDITS) and not ballot.fully_shown:
        raise errors.NotFullyShown


def check_current(request: Request, ballot: Ballot, now: datetime) -> None:
    """Refuse what comes too late, or is about another revision."""
    _in_time(request, now)
    if ballot.revision != request.revision or ballot.digest != request.digest:
        raise stale(request, ballot.revision)


def stale(request: Request, seen: int) -> errors.Stale:
    """The refusal of what is not about the newest content, in words that are true of it: ``seen`` is what was named."""
    detail = None
    if seen > request.revision:
        detail = f"There is no revision {seen} of this request; the newest is {request.revision}: look at that one."
    elif seen == request.revision:
        detail = f"That is not the digest of revision {seen}: look at what it shows and decide again."
    return errors.Stale(detail, revision=request.revision, digest=request.digest)


def _in_time(request: Request, now: datetime) -> None:
    if now >= request.expires_at:
        raise errors.Expired(f"The request expired at {clock(request.expires_at)}, before this decision.")


def place_of(request: Request, person: str) -> dict[str, Any]:
    """In which stage somebody's decision counts (`votes.place`), and as whom they were asked, as `Decision` has it."""
    track = votes.place(request, person)
    if track is None:
        return {"stage": 0, "stage_name": ""}
    asking = votes.steps_asking(request, track, person)
    instead_of = asking[-1].stands_for.get(person) if asking else None
    names = tuple(dict.fromkeys(name for step in asking for name in step.names.get(person, ())))
    plan = request.route.stages[track.stage]
    return {"stage": track.stage, "stage_name": plan.name, "instead_of": instead_of, "names": names}


def approve(request: Request, decision: Decision, now: datetime) -> Request:
    """Count an approval: the stage may be full, and with it the review."""
    check(request, Happening.APPROVE)
    after = replace(request, decisions=(*request.decisions, decision))
    if after.open_tracks:
        return tracks.timed(after)
    # Not simply the next: an advisor's word may have made a stage that was full ask for more.
    short = next((index for index in range(len(after.route.stages)) if not after.full(index)), None)
    if short is not None:
        return tracks.enter(after, short, now)
    return _end(after, _approved_state(after), now)


def _approved_state(request: Request) -> State:
    """An approval of what a person edited says so, whoever gave it."""
    return State.APPROVED if request.content.proposed is None else State.APPROVED_WITH_EDITS


def edit(request: Request, edited: Request, decision: Decision, now: datetime) -> Request:
    """An edit (or the choice of an option) makes the next revision, and is its author's approval of it.

    ``edited`` is the request with its new content and its route, which is never laxer. It is decided at once where one
    approval was needed and no other vote was given; else the review starts over, the author's approval counting where
    that person is asked.
    """
    check(request, Happening.EDIT)
    sole = not request.votes and _single(request.route) and _single(edited.route)
    first = not request.tracks or request.tracks[0].stage == 0
    if edited.route.stages != request.route.stages or not (sole or first):
        edited = tracks.enter(edited, 0, now)
    elif request.votes and len(request.tracks) > 1:
        # A stage that was full waits again, and who voted in one may now be asked in another.
        edited = tracks.restarted(edited, now)
    if decision.by not in edited.assignees:
        kept = replace(decision, revision=request.revision, digest=request.digest)
        return tracks.timed(replace(edited, decisions=(*request.decisions, kept)))
    counted = replace(decision, **place_of(edited, decision.by))
    return approve(edited, counted, now)


def _single(route: Route) -> bool:
    return len(route.stages) == 1 and route.stages[0].approvals == 1


def reject(request: Request, decision: Decision, now: datetime) -> Request:
    """One rejection ends it, unless its stage takes more."""
    check(request, Happening.REJECT)
    after = replace(request, decisions=(*request.decisions, decision))
    plan = after.route.stages[decision.stage]
    against = sum(v.stage == decision.stage and v.decision is Verb.REJECT for v in after.votes)
    return _end(after, State.REJECTED, now) if against >= plan.rejections else after


def break_glass(request: Request, decision: Decision, now: datetime) -> Request:
    """In an emergency somebody approves past the review; the decision says so for ever."""
    check(request, Happening.BREAK_GLASS)
    after = replace(request, decisions=(*request.decisions, replace(decision, broke_glass=True)))
    return _end(after, _approved_state(after), now)


def advise(request: Request, advised: Request, assessment: Assessment, now: datetime) -> Request:
    """An advisor's opinion: no vote. ``advised`` is the request on the route that it gets for it, never laxer."""
    check(request, Happening.ADVISE)
    after = replace(advised, advice=(*request.advice, assessment))
    if after.route.then is Then.BLOCK:
        # The tracks still say who had been asked, and where.
        asked = replace(after.route, stages=request.route.stages)
        return _end(replace(after, route=asked), State.BLOCKED, now)
    after = tracks.followed(after, request, now)
    return tracks.timed(after) if after.advice_missing else tracks.released(after, now)


def ask(request: Request, decision: Decision) -> Request:
    """The agent has to answer; until then nobody is reminded and nothing escalates, but the request still expires."""
    check(request, Happening.ASK)
    return tracks.timed(replace(request, decisions=(*request.decisions, decision), state=State.NEEDS_INFO))


def inform(request: Request, informed: Request, now: datetime) -> Request:
    """The agent answered: the next revision, votes cleared, the same people asked again, their clocks anew."""
    check(request, Happening.INFORM)
    informed = replace(informed, state=State.PENDING)
    if informed.route.stages != request.route.stages or (request.tracks and request.tracks[0].stage):
        return tracks.enter(informed, 0, now)
    return tracks.restarted(informed, now)


def undo(request: Request, undone: Request, now: datetime) -> Request:
    """An approval is taken back before anything ran: ``undone`` is the request with its next revision, asked anew."""
    check(request, Happening.UNDO)
    return tracks.enter(replace(undone, state=State.PENDING, decided_at=None, answer=None), 0, now)


def escalate(request: Request, decision: Decision, now: datetime) -> Request:
    """Ask the next step of the chain now, because a person said so."""
    check(request, Happening.ESCALATE)
    decided = replace(request, decisions=(*request.decisions, decision))
    track = next((t for t in decided.open_tracks if t.stage == decision.stage), None)
    further = None if track is None else tracks.advanced(decided, track, now)
    if further is None:
        raise errors.ChainEnded
    return further


def move_on(request: Request, stage: int, now: datetime) -> Request | None:
    """Ask the next step of a stage now because nobody of its newest can be reached; None where that may not be."""
    track = next((t for t in request.open_tracks if t.stage == stage), None)
    if request.state is not State.PENDING or track is None or track.held_until is not None:
        return None
    step = request.route.stages[stage].steps[track.step]
    return tracks.advanced(request, track, now) if step.on_undeliverable is OnUndeliverable.NEXT else None


def cancel(request: Request, now: datetime) -> Request:
    """The agent withdraws it."""
    check(request, Happening.CANCEL)
    return _end(request, State.CANCELLED, now)


def wake(request: Request, now: datetime) -> Woken | None:
    """The earliest thing that came due, or None.

    Called again until None, so that after downtime each step happens once and in order; the steps count from when
    they were due, so lateness shifts nothing.
    """
    if not request.state.open or request.due_at is None or request.due_at > now:
        return None
    turned = tracks.turned(request, now)
    if turned is not None and turned.at < request.expires_at:
        return _turned(request, turned, now)
    if now >= request.expires_at:
        check(request, Happening.EXPIRE)
        return Woken(_silent(request, request.route.on_expiry, now), Turn.EXPIRED)
    reminded = tracks.reminded(request, now)
    return None if reminded is None else Woken(reminded[0], Turn.REMIND, reminded[1])


def _turned(request: Request, due: Due, now: datetime) -> Woken:
    """A stage whose time has come: what was held is asked, else the next step, else its chain has ended."""
    track, at = due.track, due.at
    if track.held_until is not None:
        return Woken(tracks.opened(request, track, at), Turn.ASK, track.stage)
    further = tracks.advanced(request, track, at)
    if further is not None:
        return Woken(further, Turn.NEXT_STEP, track.stage)
    ending = request.route.stages[track.stage].ending
    ended = tracks.exhausted(request, track)
    if ending is not None:
        ended = _silent(ended, ending.then, now)
    return Woken(ended, Turn.EXHAUSTED, track.stage)


def _silent(request: Request, said: OnExpiry, now: datetime) -> Request:
    return _end(request, State.REJECTED if said is OnExpiry.REJECT else State.EXPIRED, now)
