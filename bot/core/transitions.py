"""The law of the lifecycle: `TRANSITIONS` is the whole of what may happen; an absent entry *is* the refusal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.core import errors
from bot.core.model import Decision, Request, State, Verb


class Happening(StrEnum):
    """What can happen to a request."""

    APPROVE = "approve"
    EDIT = "edit"
    REJECT = "reject"
    ASK = "ask"
    INFORM = "inform"
    ESCALATE = "escalate"
    EXPIRE = "expire"
    CANCEL = "cancel"
    ADVISE = "advise"
    BREAK_GLASS = "break_glass"
    UNDO = "undo"


TRANSITIONS: Mapping[tuple[State, Happening], frozenset[State]] = {
    (State.PENDING, Happening.APPROVE): frozenset({State.PENDING, State.APPROVED, State.APPROVED_WITH_EDITS}),
    (State.PENDING, Happening.EDIT): frozenset({State.PENDING, State.APPROVED, State.APPROVED_WITH_EDITS}),
    (State.PENDING, Happening.REJECT): frozenset({State.PENDING, State.REJECTED}),
    (State.PENDING, Happening.ASK): frozenset({State.NEEDS_INFO}),
    (State.PENDING, Happening.ESCALATE): frozenset({State.PENDING}),
    (State.PENDING, Happening.EXPIRE): frozenset({State.EXPIRED, State.REJECTED}),
    (State.PENDING, Happening.CANCEL): frozenset({State.CANCELLED}),
    (State.PENDING, Happening.ADVISE): frozenset({State.PENDING, State.BLOCKED}),
    (State.PENDING, Happening.BREAK_GLASS): frozenset({State.APPROVED, State.APPROVED_WITH_EDITS}),
    (State.APPROVED, Happening.UNDO): frozenset({State.PENDING}),
    (State.APPROVED_WITH_EDITS, Happening.UNDO): frozenset({State.PENDING}),
    (State.NEEDS_INFO, Happening.ADVISE): frozenset({State.NEEDS_INFO, State.BLOCKED}),
    (State.NEEDS_INFO, Happening.BREAK_GLASS): frozenset({State.APPROVED, State.APPROVED_WITH_EDITS}),
    (State.NEEDS_INFO, Happening.INFORM): frozenset({State.PENDING}),
    (State.NEEDS_INFO, Happening.EXPIRE): frozenset({State.EXPIRED, State.REJECTED}),
    (State.NEEDS_INFO, Happening.CANCEL): frozenset({State.CANCELLED}),
}

HAPPENING_OF: Mapping[Verb, Happening] = {
    Verb.APPROVE: Happening.APPROVE,
    Verb.APPROVE_WITH_EDITS: Happening.EDIT,
    Verb.REJECT: Happening.REJECT,
    Verb.ASK: Happening.ASK,
    Verb.ESCALATE: Happening.ESCALATE,
}


def check(request: Request, happening: Happening) -> None:
    """Raise the refusal that fits, unless this may happen now."""
    if (request.state, happening) not in TRANSITIONS:
        raise refusal(request)


def refusal(request: Request) -> errors.Conflict:
    """Why nothing more may be decided, said so that the person knows what happened instead."""
    if request.state is State.NEEDS_INFO:
        return errors.NeedsInfo()
    if request.state is State.PENDING:
        return errors.Conflict("The request is still being reviewed: this is possible only after a question was asked.")
    known: dict[str, Any] = {"state": str(request.state), "decided_at": request.decided_at}
    if request.state is State.EXPIRED:
        return errors.Expired(f"The request expired at {clock(request.decided_at)} without a decision.", **known)
    word = str(request.state).replace("_", " ")
    last = _decider(request)
    if last is None:
        return errors.AlreadyDecided(f"The request is already {word}, since {clock(request.decided_at)}.", **known)
    return errors.AlreadyDecided(
        f"The request was already {word} by {last.by} at {clock(last.at)}.", decided_by=last.by, **known
    )


def _decider(request: Request) -> Decision | None:
    """The vote that ended it; None where the agent, a rule or silence did, whatever was voted before."""
    verbs: tuple[Verb, ...] = ()
    if request.state.approved:
        verbs = (Verb.APPROVE, Verb.APPROVE_WITH_EDITS)
    elif request.state is State.REJECTED:
        verbs = (Verb.REJECT,)
    return next((vote for vote in reversed(request.votes) if vote.decision in verbs), None)


def clock(at: datetime | None) -> str:
    """A time as refusals say it."""
    return "an unknown time" if at is None else f"{at:%Y-%m-%d %H:%M:%S} UTC"
