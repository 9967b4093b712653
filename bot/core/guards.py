"""Guards of attention, decided from values: a reason that is missing, a pause that is due, a second pair of eyes.

They only ever make a review stricter. Nobody is kept from rejecting, asking or escalating.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from msgspec.structs import replace

from bot.core import errors, lifecycle, tracks
from bot.core.edits import differences
from bot.core.errors import Fault
from bot.core.model import Kind, Request, State, Track, Verb
from bot.core.policy import HOUSE, CoolDown
from bot.core.ports import Act, Ballot
from bot.core.redaction import paths_of
from bot.core.restoring import restored
from bot.core.slightness import slight
from bot.core.transitions import clock

_APPROVALS = (Verb.APPROVE, Verb.APPROVE_WITH_EDITS)
SECOND = "A second person looks at this one"
"""What the card's note is called."""


def guarded(request: Request, ballot: Ballot) -> bool:
    """Whether guards look at this decision at all: approvals of what agents ask for."""
    return ballot.decision in _APPROVALS and not ballot.break_glass and not request.action.startswith(HOUSE)


def explained(request: Request, ballot: Ballot) -> None:
    """Refuse an approval that has to say why and does not."""
    if request.route.needs_reason and not (ballot.comment or "").strip():
        why = f"say why you approve it: what is {request.risk} needs a reason here"
        raise errors.ReasonNeeded(f"/comment: {why}", faults=(Fault("/comment", "required", why),))


def rests_until(cool_down: CoolDown, votes: Sequence[datetime], now: datetime) -> datetime | None:
    """Until when somebody approves nothing more; None: they may. ``votes`` are when they decided, newest first.

    So many votes within ``per`` count as one stretch only where no pause between two of them was a rest already.
    """
    stretch = votes[: cool_down.after]
    if len(stretch) < cool_down.after or stretch[0] - stretch[-1] > cool_down.per:
        return None
    if any(later - earlier >= cool_down.rest for later, earlier in pairwise(stretch)):
        return None
    until = stretch[0] + cool_down.rest
    return until if now < until else None


def rested(cool_down: CoolDown, votes: Sequence[datetime], now: datetime) -> None:
    """Refuse an approval by who is due a rest."""
    until = rests_until(cool_down, votes, now)
    if until is not None:
        raise errors.Resting(
            f"You decided {cool_down.after} requests without a pause. Approve again from {clock(until)} on; you may "
            "reject, ask and escalate meanwhile.",
            until=until.isoformat(),
            retry_after=max(1, round((until - now).total_seconds())),
        )


def in_a_row(acts: Sequence[Act], after: int) -> bool:
    """Whether somebody's newest ``after`` acts about an action (escalations left out) were all approvals.

    An edit that changed nothing of weight is one: whoever makes it has not shown that they looked.
    """
    return len(acts) >= after and all(act.verb in _APPROVALS and slight(act.edits) for act in acts[:after])


def shows_nothing(request: Request, ballot: Ballot) -> bool:
    """Whether a decision is an approval by which nobody shows that they looked: as proposed, or as good as that."""
    if ballot.decision is not Verb.APPROVE_WITH_EDITS:
        return ballot.decision is Verb.APPROVE
    old, new = request.content.arguments, ballot.arguments
    # What is amiss with an edit is said where it is made.
    return new is not None and slight(differences(old, restored(new, old, paths_of(request.route))))


def seconded(request: Request, person: str, after: int) -> Request | None:
    """The request, its stage taking one approval more than it did; None where nobody else could ever give it."""
    index = lifecycle.place_of(request, person)["stage"]
    stage = request.route.stages[index]
    voted = {vote.by for vote in request.votes}
    others = stage.people - set(request.route.excluded) - voted - {person}
    # This approval is one of those that it takes already.
    if request.kind is not Kind.APPROVAL or len(others) < stage.approvals - request.given(index):
        return None
    named = {name for step in stage.steps for name in step.notify}
    if stage.distinct_groups and len(named) <= stage.approvals:
        return None
    note = (SECOND, f"After {after} approvals of {request.action} in a row the house asks for another pair of eyes.")
    more = replace(stage, approvals=stage.approvals + 1)
    stages = (*request.route.stages[:index], more, *request.route.stages[index + 1 :])
    return replace(request, route=replace(request.route, stages=stages, notes=(*request.route.notes, note)))


def handed_on(request: Request, stage: int, now: datetime) -> Request:
    """The request with further people of a stage's chain asked at once, where of those asked everybody has voted."""
    track = next((t for t in request.open_tracks if t.stage == stage), None)
    while track is not None and track.held_until is None and not _awaited(request, track):
        further = tracks.advanced(request, track, now)
        if further is None:
            break
        request = further
        track = next((t for t in request.open_tracks if t.stage == stage), None)
    return request


def _awaited(request: Request, track: Track) -> bool:
    return any(request.waits_for(person) for person in request.asked(track))


def ended_by_question(request: Request, now: datetime) -> Request:
    """A practice that somebody asked about has ended: it was noticed, and there is no agent that could answer."""
    return lifecycle.cancel(request, now) if request.state is State.NEEDS_INFO else request
