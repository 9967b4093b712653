"""From a chain as written to the stages of one request: who sits where, in whose time, for as long as it can wait."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.core.calendars import opens_at
from bot.core.duty import shifts
from bot.core.model import Absence, Calendar, Ending, IfEmpty, Route, Seat, Stage, Step, within
from bot.core.policy.chains import OWN_CLOCK, ChainStep, StageSpec
from bot.core.policy.people import LONGEST_VIEW, WorkTime
from bot.core.policy.whole import Policy
from bot.core.seating import seated

_DAY = timedelta(days=1)


def staffed(policy: Policy, route: Route, specs: Iterable[StageSpec], now: datetime) -> Route:
    """The route with these stages, as they ask people at ``now``; ``excluded`` and ``expires`` are the route's."""
    until = now + min(route.expires, LONGEST_VIEW)
    stages = tuple([_stage(policy, route, spec, now, until) for spec in specs])
    asked = {person for stage in stages for person in stage.people}
    away = absences(policy, asked, now, until)
    own = any(step.own_clock for stage in stages for step in stage.steps)
    # A delegate's hours count while they stand in for somebody.
    asked |= {absence.delegate for known in away.values() for absence in known if absence.delegate is not None}
    hours = _hours(policy, asked, now, until) if own else {}
    standing = replace(route, stages=stages, absences=away, hours=hours)
    return replace(standing, stages=tuple([_seated(standing, stage, now) for stage in stages]))


def absences(policy: Policy, people: Iterable[str], now: datetime, until: datetime) -> dict[str, tuple[Absence, ...]]:
    """When they are away in that time, and so on for those who stand in for them."""
    found: dict[str, tuple[Absence, ...]] = {}
    left = list(people) if policy.away else []
    while left:
        person = left.pop()
        known = within(policy.away.get(person, ()), now, until)
        if known and person not in found:
            found[person] = known
            left += [absence.delegate for absence in known if absence.delegate is not None]
    return found


def with_delegates(policy: Policy, people: Iterable[str], now: datetime, until: datetime) -> set[str]:
    """These people, and whoever stands in for one of them in that time (threat T10)."""
    found = set(people)
    for known in absences(policy, found & policy.people.keys(), now, until).values():
        found |= {absence.delegate for absence in known if absence.delegate is not None}
    return found


def told_from(policy: Policy, person: str, step: Step | None, now: datetime) -> datetime | None:
    """When somebody may be told of what a step asks: now, or where they are outside their hours, when those begin.

    None: they never do. At once where they have no hours, or where the step tells people at any time.
    """
    time = policy.hours.get(person)
    if time is None or (step is not None and step.anytime):
        return now
    return opens_at((calendar(time, now, now + LONGEST_VIEW),), now)


def calendar(time: WorkTime, now: datetime, until: datetime) -> Calendar:
    """A calendar with the holidays of that time, a day more on either side for zones beyond UTC."""
    days = time.holidays((now - _DAY).date(), (until + _DAY).date()) if time.holidays else ()
    return Calendar(time.name, time.timezone, time.week, days)


def _hours(policy: Policy, people: Iterable[str], now: datetime, until: datetime) -> dict[str, Calendar]:
    return {p: calendar(policy.hours[p], now, until) for p in sorted(people) if p in policy.hours}


def _stage(policy: Policy, route: Route, spec: StageSpec, now: datetime, until: datetime) -> Stage:
    chain = policy.chains[spec.chain]
    steps = [_step(policy, route, step, now, until, named=spec.distinct_groups) for step in chain.steps]
    end = chain.exhausted
    told = tuple([person for person in policy.members(end.notify) if person not in route.excluded])
    if end.notify and end.then is None:
        # The request waits on, and whoever is told of it may decide it: they are the chain's last step.
        last = ChainStep(notify=end.notify)
        steps.append(_step(policy, route, last, now, until, named=spec.distinct_groups))
    return Stage(
        name=spec.name,
        chain=spec.chain,
        steps=tuple(steps),
        approvals=spec.approvals,
        rejections=spec.rejections,
        distinct_groups=spec.distinct_groups,
        parallel=spec.parallel,
        repeat=chain.repeat,
        ending=None if end.then is None else Ending(end.then, told),
    )


def _step(policy: Policy, route: Route, written: ChainStep, now: datetime, until: datetime, *, named: bool) -> Step:
    members = policy.members(written.notify)
    moving = [name for name in written.notify if name in policy.schedules]
    away = any(within(policy.away.get(person, ()), now, until) for person in members) if policy.away else False
    # With a fallback, too: who was asked instead must give way again where an edit clears the votes.
    seats = _seats(policy, written, now, until) if named or moving or away or written.fallback else ()
    holds = any(policy.schedules[name].gaps is IfEmpty.HOLD for name in moving)
    clock = policy.calendars.get(written.clock or "")
    return Step(
        notify=written.notify,
        people=() if seats else tuple([p for p in members if p not in route.excluded]),
        via=written.via,
        wait=written.wait,
        remind=written.remind,
        digest=written.digest,
        seats=seats,
        if_empty=IfEmpty.HOLD if holds else written.if_empty,
        fallback=policy.members(written.fallback),
        wishes={} if written.via else _wishes(policy, members),
        on_undeliverable=written.on_undeliverable,
        clock=() if clock is None else (calendar(clock, now, until),),
        own_clock=written.clock == OWN_CLOCK,
        anytime=written.anytime,
    )


def _wishes(policy: Policy, members: tuple[str, ...]) -> dict[str, str]:
    known = [(person, policy.people.get(person)) for person in members]
    return {person: found.channels[0] for person, found in known if found is not None and found.channels}


def _seats(policy: Policy, written: ChainStep, now: datetime, until: datetime) -> tuple[Seat, ...]:
    found: list[Seat] = []
    for name in written.notify:
        schedule = policy.schedules.get(name)
        if schedule is not None:
            found.append(Seat(name, shifts=shifts(schedule, now, until), fallback=schedule.fallback))
        else:
            found += [Seat(name, person) for person in policy.groups.get(name, (name,))]
    return tuple(found)


def _seated(route: Route, stage: Stage, now: datetime) -> Stage:
    if not any(step.seats or step.fallback for step in stage.steps):
        return stage
    return replace(stage, steps=tuple([seated(route, step, now) for step in stage.steps]))
