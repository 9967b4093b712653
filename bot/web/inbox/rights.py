"""Who may do what with one request: decide it, break the glass over it, say how its run ended."""

from __future__ import annotations

from datetime import datetime

from bot.core.card import Card
from bot.core.errors import NeedsInfo, OnlyReads, SelfReview
from bot.core.model import Delivery, Person, PersonRole, Request, State, Verb
from bot.core.policy import Policy
from bot.web.inbox import wording


def may_break(request: Request, person: Person, policy: Policy, now: datetime) -> bool:
    """Whether there is a glass to break: something that would run, whose time is not over, and no vote of theirs.

    An answer runs nothing, and of several options nobody but a reviewer can say which one is meant.
    """
    if person.role is PersonRole.AUDITOR or policy.action(request.action).execute.nothing:
        return False
    voted = any(vote.by == person.id for vote in request.votes)
    return request.state.open and request.names_what_runs and not voted and now < request.expires_at


def standing_of(request: Request, card: Card, person: Person, now: datetime) -> tuple[str, tuple[Verb, ...]]:
    """Why this reader may not decide, and what they may press."""
    if not request.state.open:
        return "", ()
    looks_only = _looks_only(request, person, now)
    if looks_only:
        return looks_only, ()
    if any(vote.by == person.id for vote in request.votes):
        return wording.VOTED, tuple(b for b in card.buttons if not b.is_vote)
    return "", card.buttons


def _looks_only(request: Request, person: Person, now: datetime) -> str:
    if person.role is PersonRole.AUDITOR:
        return OnlyReads.__doc__ or ""
    if person.id in request.route.excluded:
        return SelfReview.__doc__ or ""
    if person.id not in request.assignees:
        later = any(person.id in stage.people for stage in request.route.stages)
        return wording.NOT_YET if later else wording.NOT_ASKED
    if now >= request.expires_at:
        return wording.TIME_OVER
    return (NeedsInfo.__doc__ or "") if request.state is State.NEEDS_INFO else ""


def may_settle(request: Request, person: Person, deliveries: tuple[Delivery, ...]) -> bool:
    """Whether this person may say how it ended: who was asked about it, and whoever runs the house."""
    if person.role is PersonRole.AUDITOR:
        return False
    return person.role is PersonRole.ADMIN or person.id in asked_ever(request, deliveries)


def asked_ever(request: Request, deliveries: tuple[Delivery, ...]) -> frozenset[str]:
    """Everybody who was asked at any stage so far, or decided."""
    asked = {d.by for d in request.decisions} | {d.person for d in deliveries if d.person}
    for track in request.tracks:
        asked |= set(request.asked(track))
    begun = min((track.stage for track in request.tracks), default=0)
    for stage in request.route.stages[:begun]:
        # How far an earlier stage's chain went is not kept; its first step was asked for certain.
        asked |= {p for step in stage.steps[:1] for p in step.people}
    return frozenset(asked)
