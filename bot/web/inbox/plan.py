"""The way of a request through its stages: whom each step asks and for whom, what is held and why, how chains end.

Worked out from the route that the request itself carries, so the page says what holds for this request, whatever
routing.yaml says by now.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from bot.core.card import name_of
from bot.core.model import OnExpiry, Person, Request, Stage, State, Step, Track, Verb
from bot.core.tracks import ends_at
from bot.web.inbox.language import Said, words


class Phase(StrEnum):
    """Where a stage or a step stands."""

    DONE = "done"
    ASKED = "asked"
    HELD = "held"
    NEXT = "next"
    COMING = "coming"
    PASSED = "passed"
    NOT_REACHED = "not_reached"


class Asking(Struct, frozen=True):
    """Somebody whom a step asks: display name, id, and the name and id of whoever they stand in for (None: nobody)."""

    name: str
    person: str
    stands_for: str | None = None
    holder: str | None = None


class StepPart(Struct, frozen=True, kw_only=True):
    """One step of a chain. ``by_schedule``: who it is shows only when it is asked; ``people`` are as things stood."""

    phase: Phase
    people: tuple[Asking, ...]
    wait: timedelta | None
    by_schedule: bool


class Vote(Struct, frozen=True):
    """Somebody's approval (or rejection) that counts in a stage, and the name of whom they stood in for."""

    name: str
    instead_of: str | None
    against: bool
    broke_glass: bool


class StagePart(Struct, frozen=True, kw_only=True):
    """One stage: ``number`` from 1, approvals given and needed, rejections given and how many end the request.

    ``next_at`` is when its newest step has waited long enough, ``ends`` whether its chain ends with that or begins
    ``again``. ``begun`` counts how often the chain began, ``begins`` how often it will at most. ``held_for`` says why
    nobody is asked yet, ``then`` what becomes of the request when the chain has ended, ``told`` who is told of that.
    """

    number: int
    name: str
    phase: Phase
    given: int
    needed: int
    against: int
    allowed: int
    distinct: bool
    steps: tuple[StepPart, ...]
    votes: tuple[Vote, ...]
    next_at: datetime | None
    ends: bool
    again: bool
    begun: int
    begins: int
    held_until: datetime | None
    held_for: str
    exhausted: bool
    then: str
    told: tuple[str, ...]


HELD_FOR_ADVICE = words("so that {advisors} can give an opinion first")
HELD_FOR_PEOPLE = words("because nobody whom it asks is there before then")
REJECTED, EXPIRES = words("is rejected"), words("expires")


def plan_of(request: Request, people: Mapping[str, Person]) -> tuple[tuple[StagePart, ...], ...]:
    """Every stage in order; those that are asked together stand in one group."""
    groups: list[list[StagePart]] = []
    before = 0
    for index, stage in enumerate(request.route.stages):
        part = _stage(request, index, stage, people)
        if stage.parallel and stage.parallel == before:
            groups[-1].append(part)
        else:
            groups.append([part])
        before = stage.parallel
    return tuple(tuple(group) for group in groups)


def _stage(request: Request, index: int, stage: Stage, people: Mapping[str, Person]) -> StagePart:
    track = next((t for t in request.tracks if t.stage == index), None)
    phase = _phase(request, index, track)
    waits = track is not None and phase is Phase.ASKED
    votes = [v for v in request.votes if v.stage == index]
    against = sum(v.decision is Verb.REJECT for v in votes)
    following = stage.following(track.step) if track else None
    ending = stage.ending
    return StagePart(
        number=index + 1,
        name=stage.name,
        phase=phase,
        given=request.given(index),
        needed=stage.approvals,
        against=against,
        allowed=stage.rejections,
        distinct=stage.distinct_groups,
        steps=_steps(stage, track, people, frozenset(v.by for v in request.votes if v.stage != index)),
        votes=tuple(
            Vote(name_of(v.by, people), _named(v.instead_of, people), v.decision is Verb.REJECT, v.broke_glass)
            for v in votes
        ),
        next_at=ends_at(request, track) if track and waits else None,
        ends=track is not None and following is None and track.round >= stage.repeat,
        again=track is not None and following is None and track.round < stage.repeat,
        begun=track.round + 1 if track else 0,
        begins=stage.repeat + 1,
        held_until=track.held_until if track and phase is Phase.HELD else None,
        held_for=_held_for(request, track) if track and phase is Phase.HELD else "",
        exhausted=track is not None and track.exhausted and request.state.open,
        then="" if ending is None else REJECTED if ending.then is OnExpiry.REJECT else EXPIRES,
        told=tuple(name_of(p, people) for p in ending.notify) if ending else (),
    )


def _named(person: str | None, people: Mapping[str, Person]) -> str | None:
    return None if person is None else name_of(person, people)


def _phase(request: Request, index: int, track: Track | None) -> Phase:
    if track is None:
        if index < max((t.stage for t in request.tracks), default=-1):
            return Phase.DONE
        return Phase.COMING if request.state.open else Phase.NOT_REACHED
    if request.full(index):
        return Phase.DONE
    if not request.state.open:
        return Phase.NOT_REACHED
    return Phase.ASKED if track.held_until is None or request.asked(track) else Phase.HELD


def _held_for(request: Request, track: Track) -> str:
    """A stage that was never begun waits for advisors; any other for somebody to be there."""
    if track.step_at is None and request.route.advisors:
        return Said(HELD_FOR_ADVICE, advisors=" and ".join(request.route.advisors))
    return HELD_FOR_PEOPLE


def _steps(
    stage: Stage, track: Track | None, people: Mapping[str, Person], elsewhere: frozenset[str]
) -> tuple[StepPart, ...]:
    """The steps of a stage. Who voted ``elsewhere`` is not asked here, since nobody fills two places."""
    following = stage.following(track.step) if track else None
    parts = []
    for index, step in enumerate(stage.steps):
        phase = _step_phase(index, track)
        asks = tuple(person for person in step.people if person not in elsewhere)
        if phase is Phase.COMING and index == following:
            phase = Phase.NEXT
        elif phase is Phase.ASKED and not asks:
            phase = Phase.PASSED
        parts.append(
            StepPart(
                phase=phase,
                people=tuple(_asking(step, person, people) for person in asks),
                wait=step.wait,
                by_schedule=phase in (Phase.NEXT, Phase.COMING) and any(seat.shifts for seat in step.seats),
            )
        )
    return tuple(parts)


def _step_phase(index: int, track: Track | None) -> Phase:
    if track is None or (index > track.step and not track.round):
        return Phase.COMING
    return Phase.HELD if index == track.step and track.held_until is not None else Phase.ASKED


def _asking(step: Step, person: str, people: Mapping[str, Person]) -> Asking:
    holder = step.stands_for.get(person)
    return Asking(name_of(person, people), person, _named(holder, people), holder)


def next_people(request: Request, plan: tuple[tuple[StagePart, ...], ...], person: str) -> tuple[str, ...]:
    """Who is asked too when this person escalates: the next step of a stage in which they are asked."""
    if request.state is not State.PENDING:
        return ()
    mine = {t.stage + 1 for t in request.open_tracks if person in request.asked(t)}
    for stage in (part for group in plan for part in group if part.number in mine):
        for step in stage.steps:
            if step.phase is Phase.NEXT and step.people:
                return tuple(asking.name for asking in step.people)
    return ()
