"""Watching the watchers: how decisions are made, so that the team can see where attention fails, and help.

It measures conditions before people: how long queues are, at what hours, how fast one has to be. About a person stands
only what has a number, an interval, and what else would explain it; who may read that is for the caller to hold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from math import sqrt

from msgspec import Struct

from bot.core.insight.fact import Fact, Judgement
from bot.core.insight.likeness import SURE, Likeness, Voice, likenesses
from bot.core.insight.stretches import Stretch, stretch
from bot.core.insight.weighing import FEW, Share, holm, plain, two_sided
from bot.core.model import State, Verb
from bot.core.policy import HOUSE
from bot.core.practice import Practised

BLOCK = 4
"""Hours that are looked at together: six parts of a day."""
DAYS_TO_CLEAR = 3.0
SHORT_QUEUE = 5
"""A queue is too long for a person where it would take them so many days, unless there are so few in it."""
_CHANGED = (Verb.APPROVE_WITH_EDITS, Verb.REJECT)
_GROWS = 1.96


class Block(Struct, frozen=True, kw_only=True):
    """Decisions of some hours of the day (``hour``: 0, 4, …) or of a day of the week (``day``: 0 Monday), local time.

    ``differs``: the share of edits and rejections there is other than at other times, corrected for how many times are
    compared.
    """

    hour: int | None = None
    day: int | None = None
    changed: Share
    fast: Share
    differs: bool


class Practices(Struct, frozen=True, kw_only=True):
    """Declared practices that have ended: how many were ``caught`` of those decided, how many nobody decided."""

    caught: Share
    unanswered: int


class Queue(Struct, frozen=True, kw_only=True):
    """What waits for one person now, beside what they decide a day in the period; ``long``: too much for a person."""

    person: str
    waiting: int
    per_day: float

    @property
    def days(self) -> float | None:
        """How many days it would take them; None where they decided nothing."""
        return self.waiting / self.per_day if self.per_day else None

    @property
    def long(self) -> bool:
        """Whether that is too long."""
        days = self.days
        return self.waiting >= SHORT_QUEUE and (days is None or days > DAYS_TO_CLEAR)


class Flow(Struct, frozen=True, kw_only=True):
    """What came before people and what they decided of it, per day; ``grows``: more came than chance explains."""

    arrived: float
    decided: float
    grows: bool


class Person(Struct, frozen=True, kw_only=True):
    """One reviewer: decisions, those too fast to have been read, the longest rows, likeness to others, practices."""

    person: str
    votes: int
    fast: Share
    stretches: tuple[Stretch, ...]
    likeness: Likeness | None
    practices: Practices
    queue: Queue


class Watched(Struct, frozen=True, kw_only=True):
    """The whole report: the team first, then each person by name."""

    days: float
    votes: int
    fast: Share
    stretches: int
    practices: Practices
    blocks: tuple[Block, ...]
    flow: Flow
    queues: tuple[Queue, ...]
    people: tuple[Person, ...]

    def of(self, person: str) -> Person | None:
        """What stands about one person."""
        return next((each for each in self.people if each.person == person), None)


def watched(
    facts: Iterable[Fact],
    *,
    since: datetime,
    until: datetime,
    waiting: Mapping[str, int],
    local: Callable[[str, datetime], datetime],
) -> Watched:
    """The report of the facts of a period, oldest first.

    ``waiting`` is how many requests wait for each person now; ``local`` gives a moment by somebody's own clock.
    """
    days = max((until - since).total_seconds() / 86400, 1 / 24)
    votes: dict[str, list[tuple[Fact, Judgement]]] = defaultdict(list)
    practised: list[Fact] = []
    arrived = decided = 0
    for fact in facts:
        if fact.action.startswith(HOUSE):
            continue
        if fact.practice:
            practised.append(fact)
        else:
            arrived += bool(fact.judged) or fact.state.open or fact.state is State.EXPIRED
            decided += fact.by_person
        for judgement in fact.judged:
            if judgement.verb.is_vote and not judgement.broke_glass:
                votes[judgement.by].append((fact, judgement))
    real = {who: [(f, j) for f, j in own if not f.practice] for who, own in votes.items()}
    alike = {each.person: each for each in likenesses(_voices(real))}
    queues = tuple(
        Queue(person=who, waiting=waiting.get(who, 0), per_day=len(votes.get(who, ())) / days)
        for who in sorted({*votes, *(who for who, count in waiting.items() if count)})
    )
    people = tuple([_person(queue, real, practised, alike) for queue in queues])
    cast = [j for own in real.values() for _, j in own]
    return Watched(
        days=days,
        votes=len(cast),
        fast=_fast(cast),
        stretches=sum(each.far for person in people for each in person.stretches),
        practices=_practices(practised),
        blocks=_blocks([(local(j.by, j.at), j) for own in real.values() for _, j in own]),
        flow=Flow(
            arrived=arrived / days,
            decided=decided / days,
            grows=arrived > decided and (arrived - decided) / sqrt(arrived + decided) > _GROWS,
        ),
        queues=queues,
        people=people,
    )


def _voices(real: Mapping[str, Sequence[tuple[Fact, Judgement]]]) -> list[Voice]:
    return [
        Voice(who, (fact.agent, fact.action, fact.rule), judgement.verb in _CHANGED)
        for who, own in real.items()
        for fact, judgement in own
    ]


def _fast(cast: Sequence[Judgement]) -> Share:
    return plain(sum(judgement.fast for judgement in cast), len(cast))


def _person(
    queue: Queue,
    real: Mapping[str, Sequence[tuple[Fact, Judgement]]],
    practised: Sequence[Fact],
    alike: Mapping[str, Likeness],
) -> Person:
    own = sorted(real.get(queue.person, ()), key=lambda pair: pair[1].at)
    rows: dict[str, list[bool]] = defaultdict(list)
    for fact, judgement in own:
        rows[fact.action].append(judgement.verb is Verb.APPROVE)
    found = sorted((stretch(a, row) for a, row in rows.items()), key=lambda each: -each.longest)
    mine = [
        fact for fact in practised if any(j.by == queue.person and j.verb is not Verb.ESCALATE for j in fact.judged)
    ]
    return Person(
        person=queue.person,
        votes=len(own),
        fast=_fast([judgement for _, judgement in own]),
        stretches=tuple(found),
        likeness=alike.get(queue.person),
        practices=_practices(mine),
        queue=queue,
    )


def _practices(practised: Sequence[Fact]) -> Practices:
    ended = [practice_of(fact) for fact in practised if not fact.state.open]
    decided = [each for each in ended if each is not Practised.UNANSWERED]
    caught = sum(each is Practised.CAUGHT for each in decided)
    return Practices(caught=plain(caught, len(decided)), unanswered=len(ended) - len(decided))


def practice_of(fact: Fact) -> Practised:
    """What an ended practice came to, as `bot.core.practice.outcome_of` has it of the request."""
    if fact.state in (State.REJECTED, State.CANCELLED, State.APPROVED_WITH_EDITS) and fact.judged:
        return Practised.CAUGHT
    return Practised.PASSED if fact.state.approved else Practised.UNANSWERED


def _blocks(cast: Sequence[tuple[datetime, Judgement]]) -> tuple[Block, ...]:
    """Six parts of the day and seven days, those in which somebody decided, each beside all the other times."""
    parts: dict[tuple[str, int], list[Judgement]] = defaultdict(list)
    for at, judgement in cast:
        parts["hour", at.hour // BLOCK * BLOCK].append(judgement)
        parts["day", at.weekday()].append(judgement)
    every, changed = len(cast), sum(judgement.verb in _CHANGED for _, judgement in cast)
    keys = sorted(parts, key=lambda key: (key[0] == "day", key[1]))
    apart = [_apart(parts[key], every, changed) for key in keys]
    found = []
    for (kind, begins), chance in zip(keys, holm(apart), strict=True):
        own = parts[kind, begins]
        found.append(
            Block(
                hour=begins if kind == "hour" else None,
                day=begins if kind == "day" else None,
                changed=plain(sum(judgement.verb in _CHANGED for judgement in own), len(own)),
                fast=_fast(own),
                differs=chance < SURE,
            )
        )
    return tuple(found)


def _apart(own: Sequence[Judgement], every: int, changed: int) -> float:
    """How often chance alone makes a part of the time so different from the rest (two shares, pooled)."""
    here, rest = len(own), every - len(own)
    pooled = changed / every
    if min(here, rest) < FEW or not 0 < pooled < 1:
        return 1.0
    mine = sum(judgement.verb in _CHANGED for judgement in own)
    difference = mine / here - (changed - mine) / rest
    return two_sided(difference / sqrt(pooled * (1 - pooled) * (1 / here + 1 / rest)))
