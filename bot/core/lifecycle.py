"""What may happen to a request, and what follows from it.

Every function takes the request as it stands and the moment, asks `bot.core.transitions` whether that may happen, and
returns the request as it is afterwards; nothing here reads a clock or acts.
Silence never becomes consent: only a person's vote, or the admin's rule at submission, leads to an approved state.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from bot.core import errors
from bot.core.model import Decision, OnExpiry, Request, Route, Stage, State, Step, Then, Verb
from bot.core.ports import Ballot
from bot.core.transitions import HAPPENING_OF, Happening, check, clock, refusal


class Turn(StrEnum):
    """What came due by itself."""

    REMIND = "remind"
    NEXT_STEP = "next_step"
    EXHAUSTED = "exhausted"
    EXPIRED = "expired"


class Woken(Struct, frozen=True):
    """A request after something came due, and what that was."""

    request: Request
    turn: Turn


def begin(request: Request, now: datetime) -> Request:
    """A new request on its route: decided at once by rule, or its first stage asked."""
    if request.route.then is Then.BLOCK:
        return _end(request, State.BLOCKED, now)
    if request.route.then is Then.APPROVE:
        return _end(request, State.APPROVED, now)
    return _enter(request, 0, now)


def _end(request: Request, state: State, now: datetime) -> Request:
    return replace(request, state=state, decided_at=now, due_at=None, remind_at=None)


def _enter(request: Request, stage: int, now: datetime) -> Request:
    """Ask a stage from its first step that has anybody in it."""
    steps = request.route.stages[stage].steps
    first = next((i for i, step in enumerate(steps) if step.people), len(steps) - 1)
    return _timed(replace(request, stage=stage, step=first, exhausted=False), now)


def _timed(request: Request, at: datetime) -> Request:
    """Set the newest step's clock, counted from ``at``."""
    step = _step(request)
    remind_at = at + step.remind if step.remind and step.people else None
    return _due(replace(request, step_at=at, remind_at=remind_at))


def _stage(request: Request) -> Stage:
    return request.route.stages[request.stage]


def _step(request: Request) -> Step:
    return _stage(request).steps[request.step]


def step_ends_at(request: Request) -> datetime | None:
    """When the newest step has waited long enough, or None where it waits for ever (or nobody is being waited for)."""
    if request.state is not State.PENDING or request.exhausted or request.step_at is None:
        return None
    wait = _step(request).wait
    return None if wait is None else request.step_at + wait


def _due(request: Request) -> Request:
    moments = [request.expires_at]
    if request.state is State.PENDING:
        moments += [m for m in (step_ends_at(request), request.remind_at) if m is not None]
    return replace(request, due_at=min(moments))


def authorise(request: Request, ballot: Ballot, now: datetime) -> None:
    """Whether this person may decide this revision now; raises the refusal otherwise (law 3)."""
    plan_people = {p for stage in request.route.stages for step in stage.steps for p in step.people}
    if not request.state.open:
        if ballot.by not in plan_people:
            raise errors.NotAssigned
        raise refusal(request)
    if ballot.by in request.route.excluded:
        raise errors.SelfReview
    if ballot.by not in request.assignees:
        raise errors.NotAssigned
    if now >= request.expires_at:
        raise errors.Expired(f"The request expired at {clock(request.expires_at)}, before this decision.")
    check(request, HAPPENING_OF[ballot.decision])
    if ballot.revision != request.revision or ballot.digest != request.digest:
        raise errors.Stale(revision=request.revision, digest=request.digest)
    if ballot.decision.is_vote and any(v.by == ballot.by for v in request.votes):
        raise errors.AlreadyVoted
    if ballot.decision in (Verb.APPROVE, Verb.APPROVE_WITH_EDITS) and not ballot.fully_shown:
        raise errors.NotFullyShown


def approve(request: Request, decision: Decision, now: datetime) -> Request:
    """Count an approval: the stage may be full, and with it the review."""
    check(request, Happening.APPROVE)
    after = replace(request, decisions=(*request.decisions, decision))
    given = sum(v.stage == request.stage and v.decision is not Verb.REJECT for v in after.votes)
    if given < _stage(request).approvals:
        return after
    if request.stage + 1 < len(request.route.stages):
        return _enter(after, request.stage + 1, now)
    return _end(after, _approved_state(after), now)


def _approved_state(request: Request) -> State:
    """An approval of what a person edited says so, whoever gave it."""
    return State.APPROVED if request.content.proposed is None else State.APPROVED_WITH_EDITS


def edit(request: Request, edited: Request, decision: Decision, now: datetime) -> Request:
    """An edit makes the next revision, on a route never laxer, and is its editor's approval of it.

    ``edited`` is the request with its new content and route. It is decided at once where one approval was needed and
    no other vote was given; else the review starts over, the editor's approval counting where that person is asked.
    """
    check(request, Happening.EDIT)
    sole = not request.votes and _single(request.route) and _single(edited.route)
    if edited.route.stages != request.route.stages:
        edited = _enter(edited, 0, now)
    elif not sole:
        edited = _enter(edited, 0, now) if request.stage else edited
    if decision.by not in edited.assignees:
        kept = replace(decision, decision=Verb.APPROVE_WITH_EDITS, revision=request.revision, digest=request.digest)
        return replace(edited, decisions=(*request.decisions, kept))
    counted = replace(decision, stage=edited.stage, stage_name=_stage(edited).name)
    return approve(edited, counted, now)


def _single(route: Route) -> bool:
    return len(route.stages) == 1 and route.stages[0].approvals == 1


def reject(request: Request, decision: Decision, now: datetime) -> Request:
    """One rejection ends it."""
    check(request, Happening.REJECT)
    return _end(replace(request, decisions=(*request.decisions, decision)), State.REJECTED, now)


def ask(request: Request, decision: Decision) -> Request:
    """The agent has to answer; until then nobody is reminded and nothing escalates, but the request still expires."""
    check(request, Happening.ASK)
    asked = replace(request, decisions=(*request.decisions, decision), state=State.NEEDS_INFO, remind_at=None)
    return _due(asked)


def inform(request: Request, informed: Request, now: datetime) -> Request:
    """The agent answered: the next revision, votes cleared, the same people asked again, their clocks anew."""
    check(request, Happening.INFORM)
    informed = replace(informed, state=State.PENDING)
    if informed.route.stages != request.route.stages or request.stage:
        return _enter(informed, 0, now)
    return _timed(informed, now)


def escalate(request: Request, decision: Decision, now: datetime) -> Request:
    """Ask the next step of the chain now, because a person said so."""
    check(request, Happening.ESCALATE)
    step = _stage(request).following(request.step)
    if step is None:
        raise errors.ChainEnded
    return _advance(replace(request, decisions=(*request.decisions, decision)), step, now)


def move_on(request: Request, now: datetime) -> Request | None:
    """Ask the next step now because nobody of the newest can be reached; None where there is none."""
    step = _stage(request).following(request.step) if request.state is State.PENDING else None
    return None if step is None else _advance(request, step, now)


def _advance(request: Request, step: int, at: datetime) -> Request:
    return _timed(replace(request, step=step, escalation_level=request.escalation_level + 1), at)


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
    ends = step_ends_at(request)
    if ends is not None and ends <= now and ends < request.expires_at:
        step = _stage(request).following(request.step)
        if step is None:
            return Woken(_due(replace(request, exhausted=True)), Turn.EXHAUSTED)
        return Woken(_advance(request, step, ends), Turn.NEXT_STEP)
    if now >= request.expires_at:
        check(request, Happening.EXPIRE)
        reject_it = request.route.on_expiry is OnExpiry.REJECT
        return Woken(_end(request, State.REJECTED if reject_it else State.EXPIRED, now), Turn.EXPIRED)
    every = _step(request).remind
    if request.remind_at is not None and request.remind_at <= now and every is not None:
        missed = (now - request.remind_at) // every
        return Woken(_due(replace(request, remind_at=request.remind_at + every * (missed + 1))), Turn.REMIND)
    return None
