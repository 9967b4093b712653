"""How stages run: whom a track asks, until when, what comes next. `bot.core.lifecycle` says when that may happen.

A track is a stage under way. Whom a step asks is settled when it is asked and written into the request's own route, so
the trail says who was asked though the schedule has long moved on. Steps count from when they were due, not from when
somebody looked.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.core.model import IfEmpty, Request, State, Step, Track
from bot.core.seating import clock_of, next_chance, runs_until, seated

_NOBODY: frozenset[str] = frozenset()
_PENDING = State.PENDING
"""Looked up once: it is asked about again and again, and a member costs ten times a name."""


class Due(Struct, frozen=True):
    """A track whose time came, and when."""

    track: Track
    at: datetime


def enter(request: Request, first: int, now: datetime) -> Request:
    """Ask a stage, and with it those that run beside it."""
    begun = replace(request, tracks=tuple(Track(stage=index) for index in request.route.beside(first)))
    for track in begun.tracks:
        begun = opened(begun, track, now)
    return begun


def held(request: Request, until: datetime) -> Request:
    """The first stages, asked only at ``until``."""
    begun = enter(request, 0, until)
    waiting = tuple(Track(stage=track.stage, held_until=until) for track in begun.tracks)
    return timed(replace(request, tracks=waiting))


def released(request: Request, now: datetime) -> Request:
    """Stages that only waited for advice are asked now."""
    for track in request.tracks:
        if track.held_until is not None and track.step_at is None:
            request = opened(request, track, now)
    return timed(request)


def opened(request: Request, track: Track, at: datetime) -> Request:
    """Ask a track's step at ``at``; where it asks nobody, the first after it that does, or is held until it does."""
    found = _asking(request, track, at, track.step)
    if found is None:
        # Nobody can be asked at all: the track stands at its last step, and its chain has ended at once.
        last = len(_steps(request, track)) - 1
        nobody = seated(request.route, _steps(request, track)[last], at, _voted(request))
        settled = _settled(request, track.stage, last, nobody)
        # Nor reminded: a moment that was set for other steps would come due for ever and move nothing.
        return _put(settled, track, replace(track, step=last, step_at=at, remind_at=None, held_until=None))
    return _put(found[0], track, found[1])


def _asking(request: Request, track: Track, at: datetime, first: int) -> tuple[Request, Track] | None:
    """The first step from ``first`` on that asks somebody at ``at``, or that is held until it does."""
    barred = _voted(request)
    for index in range(first, len(_steps(request, track))):
        standing = _steps(request, track)[index]
        step = seated(request.route, standing, at, barred)
        if step.people:
            # Who voted elsewhere stays in a step without seats: once an edit has cleared their vote they are asked.
            whole = step is not standing and not standing.seats and set(step.people) <= set(standing.people)
            settled = _settled(request, track.stage, index, seated(request.route, standing, at) if whole else step)
            reminded = None if step.remind is None else runs_until(clock_of(request.route, step), at, step.remind)
            return settled, replace(track, step=index, step_at=at, remind_at=reminded, held_until=None, exhausted=False)
        chance = _chance(request, step, at, barred)
        if chance is not None:
            return request, replace(
                track, step=index, step_at=chance, held_until=chance, remind_at=None, exhausted=False
            )
        if standing.seats:
            # Passed over: whoever would have sat here at submission was not asked after all.
            request = _settled(request, track.stage, index, step)
    return None


def _chance(request: Request, step: Step, at: datetime, barred: frozenset[str]) -> datetime | None:
    if step.if_empty is not IfEmpty.HOLD:
        return None
    return next_chance(request.route, step, at, request.expires_at, barred)


def _voted(request: Request) -> frozenset[str]:
    """Who has had their say on this revision: nobody fills two places, so nobody is asked for a second."""
    return frozenset([vote.by for vote in request.votes]) if request.decisions else _NOBODY


def _steps(request: Request, track: Track) -> tuple[Step, ...]:
    return request.route.stages[track.stage].steps


def _settled(request: Request, stage: int, index: int, step: Step) -> Request:
    """The request with a step as it was asked; who voted when it was asked before was asked all the same."""
    plan = request.route.stages[stage]
    if not request.decisions and plan.steps[index] is step:
        return request
    voted = {vote.by for vote in request.votes if vote.stage == stage}
    kept = [person for person in plan.steps[index].people if person in voted and person not in step.people]
    if kept:
        step = replace(step, people=(*step.people, *kept))
    if plan.steps[index] is step:
        return request
    steps = (*plan.steps[:index], step, *plan.steps[index + 1 :])
    stages = request.route.stages
    changed = (*stages[:stage], replace(plan, steps=steps), *stages[stage + 1 :])
    return replace(request, route=replace(request.route, stages=changed))


def _put(request: Request, old: Track, new: Track, *, further: int = 0) -> Request:
    tracks = tuple([new if track.stage == old.stage else track for track in request.tracks])
    return timed(replace(request, tracks=tracks, escalation_level=request.escalation_level + further))


def advanced(request: Request, track: Track, at: datetime) -> Request | None:
    """Ask a track's next step, or its chain from the beginning where it is to be repeated; None at its end.

    A step is passed over where it asks nobody anew, or would once it is held no more: a second word to the same people
    is what reminders are for.
    """
    plan = request.route.stages[track.stage]
    index = plan.following(track.step)
    while index is not None:
        found = _asking(request, track, at, index)
        if found is None:
            break
        moved, there = found
        coming = _steps(moved, there)[there.step]
        if there.held_until is not None:
            coming = seated(moved.route, coming, there.held_until, _voted(moved))
        if _anew(moved, track, coming):
            return _further(moved, track, there)
        # Settled all the same: whoever had this seat at submission, and has it no more, was never asked.
        request, index = _settled(moved, track.stage, there.step, coming), plan.following(there.step)
    if track.round >= plan.repeat:
        return None
    again = _asking(request, replace(track, round=track.round + 1), at, 0)
    return None if again is None else _further(again[0], track, again[1])


def _anew(request: Request, track: Track, step: Step) -> bool:
    """Whether a step asks somebody, or through a channel, that the steps up to the track's own do not."""
    asked, voted = request.route.stages[track.stage].ways_up_to[track.step + 1], _voted(request)
    for way in step.ways:  # noqa: SIM110  # a generator costs three times as much
        if way not in asked and (way[0], "") not in asked and way[0] not in voted:
            return True
    return False


def _further(request: Request, old: Track, new: Track) -> Request:
    return _put(request, old, new, further=1)


def exhausted(request: Request, track: Track) -> Request:
    """The track's chain has come to its end."""
    return _put(request, track, replace(track, exhausted=True))


def restarted(request: Request, now: datetime) -> Request:
    """Every track's newest step asks again, its clock from now."""
    for track in request.tracks:
        if track.held_until is None:
            request = opened(request, track, now)
    return timed(request)


def followed(request: Request, before: Request, now: datetime) -> Request:
    """The request after its route changed under way: a stage whose steps are now others asks from its first one."""
    for track in before.tracks:
        old, new = before.route.stages[track.stage].steps, request.route.stages[track.stage].steps
        if new != old and track.step_at is not None:
            request = opened(request, replace(track, step=0, round=0), now)
    return request


def ends_at(request: Request, track: Track) -> datetime | None:
    """When a track's newest step has waited long enough (or is asked at last), or None where it waits for ever."""
    if request.state is not _PENDING or track.exhausted:
        return None
    if track.held_until is not None or track.step_at is None:
        return track.held_until
    step = _steps(request, track)[track.step]
    if not step.people:
        return track.step_at
    return runs_until(clock_of(request.route, step), track.step_at, step.wait)


def timed(request: Request) -> Request:
    """The request with the moment at which something next happens by itself."""
    due = request.expires_at
    if request.state is _PENDING:
        for track in request.open_tracks:
            ends, reminded = ends_at(request, track), track.remind_at
            if ends is not None and ends < due:
                due = ends
            if reminded is not None and reminded < due:
                due = reminded
    return replace(request, due_at=due)


def turned(request: Request, now: datetime) -> Due | None:
    """The track whose step ended (or is to be asked) first, up to ``now``."""
    if request.state is not _PENDING:
        return None
    first: Due | None = None
    for track in request.open_tracks:
        at = ends_at(request, track)
        if at is not None and at <= now and (first is None or at < first.at):
            first = Due(track, at)
    return first


def reminded(request: Request, now: datetime) -> tuple[Request, int] | None:
    """The request after a reminder that came due, the ones that were missed left out; and in which stage."""
    for track in request.open_tracks if request.state is _PENDING else ():
        step = _steps(request, track)[track.step]
        if track.remind_at is None or track.remind_at > now or step.remind is None:
            continue
        clock = clock_of(request.route, step)
        if clock:
            coming = runs_until(clock, now, step.remind)
        else:
            coming = track.remind_at + step.remind * ((now - track.remind_at) // step.remind + 1)
        return _put(request, track, replace(track, remind_at=coming)), track.stage
    return None


def next_step_at(request: Request) -> datetime | None:
    """When the next step of the track that a single line speaks of is asked too, or None."""
    track = request.track
    if track is None or request.state is not _PENDING or track.exhausted:
        return None
    plan = request.route.stages[track.stage]
    if plan.following(track.step) is None and track.round >= plan.repeat:
        return None
    return ends_at(request, track)
