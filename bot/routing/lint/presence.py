"""Whether somebody is there: turns of duty with gaps, absences, delegates who are away themselves or may not review.

What is told is the first such time from now on, within a year.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from bot.core.duty import boundaries, shifts, standing_in
from bot.core.model import Absence, IfEmpty, Schedule, Shift
from bot.core.policy import LONGEST_VIEW, ChainStep, Policy
from bot.routing.faults import listed, quoted
from bot.routing.lint.reviews import names, steps_of

_YEAR = timedelta(days=366)
_Turns = Mapping[str, tuple[Shift, ...]]


def doubts(policy: Policy, now: datetime) -> Iterator[str]:
    """Every warning of schedules, of steps that are empty at times, of absences."""
    until = now + LONGEST_VIEW
    for schedule in policy.schedules.values():
        yield from _schedule(schedule, now)
    turns = {name: shifts(schedule, now, until) for name, schedule in policy.schedules.items()}
    for name, chain in policy.chains.items():
        for number, step in enumerate(chain.steps, start=1):
            yield from _empty(policy, turns, step, steps_of(name, number), now)
    asked = set(policy.members(tuple(name for chain in policy.chains.values() for name in names(chain))))
    told: set[frozenset[str]] = set()
    for person, absences in policy.away.items():
        for absence in absences:
            if absence.until > now and person in asked and absence.delegate is not None:
                yield from _owner(policy, person, absence.delegate)
                yield from _lost(policy, person, absence, now, told)


def _schedule(schedule: Schedule, now: datetime) -> Iterator[str]:
    where = f"the schedule {quoted(schedule.name)}"
    for shift in schedule.overrides:
        if shift.until < now - _YEAR:
            yield (
                f"{where} has an override for {shift.person} that ended on {shift.until:%Y-%m-%d}, more than a year "
                "ago; remove it"
            )
    if schedule.people and schedule.start > (now + timedelta(days=1)).date() and schedule.fallback is None:
        yield f"{where} begins on {schedule.start}, and until then nobody has its turn; begin earlier, or add gaps"


def _empty(policy: Policy, turns: _Turns, step: ChainStep, where: str, now: datetime) -> Iterator[str]:
    """A step that is passed over at some time because nobody of it is there."""
    schedules = [policy.schedules[name] for name in step.notify if name in policy.schedules]
    held = step.if_empty is IfEmpty.HOLD or any(schedule.gaps is IfEmpty.HOLD for schedule in schedules)
    people = policy.members(tuple(name for name in step.notify if name not in policy.schedules))
    if held or step.fallback or not (people or schedules):
        return
    if any(person not in policy.away for person in people):
        return
    until = now + LONGEST_VIEW
    gap = _gap(policy, turns, step, people, now)
    if gap is None:
        return
    since, ends = gap
    nobody = "nobody is on duty" if schedules and not people else f"{listed(people)} {_are(people)} away"
    if schedules and people:
        nobody = "nobody is on duty, or whoever would be asked is away"
    when = f"from {_clock(since)} on" if ends >= until else f"from {_clock(since)} to {_clock(ends)}"
    yield (
        f"{where} asks nobody {when}, since {nobody} then, and is passed over; "
        f"{'add gaps to the schedule, or' if schedules else 'name a delegate, or add'} if_empty or somebody else"
    )


def _are(people: tuple[str, ...]) -> str:
    return "are" if len(people) > 1 else "is"


def _gap(
    policy: Policy, turns: _Turns, step: ChainStep, people: tuple[str, ...], now: datetime
) -> tuple[datetime, datetime] | None:
    """The first time, from now on, in which the step asks nobody."""
    until = now + LONGEST_VIEW
    scheduled = [name for name in step.notify if name in policy.schedules]
    held = [shift for name in scheduled for shift in turns[name]]
    fallbacks = [policy.schedules[name].fallback for name in scheduled]
    fixed = {*people, *(person for person in fallbacks if person is not None)}
    edges = {now, *(edge for shift in held for edge in (shift.since, shift.until))}
    for person in fixed | {shift.person for shift in held}:
        edges |= {*boundaries(policy.away, person, now, until)}
    since: datetime | None = None
    for at in sorted(edge for edge in edges if now <= edge < until):
        there = any(standing_in(policy.away, person, at) is not None for person in fixed)
        there = there or any(
            shift.since <= at < shift.until and standing_in(policy.away, shift.person, at) is not None for shift in held
        )
        if not there and since is None:
            since = at
        elif there and since is not None:
            return since, at
    return None if since is None else (since, until)


def _owner(policy: Policy, person: str, delegate: str) -> Iterator[str]:
    owned = [agent.name for agent in policy.agents.values() if agent.owner == delegate]
    if owned:
        yield (
            f"{delegate} stands in for {person} and owns {listed(owned)}: what that asks of {person} then, "
            f"{delegate} never reviews; name another delegate"
        )


def _lost(policy: Policy, person: str, absence: Absence, now: datetime, told: set[frozenset[str]]) -> Iterator[str]:
    """Delegates who are not there themselves; a circle is told once, whoever of it is away first."""
    since = max(absence.since, now)
    moments = (since, *boundaries(policy.away, person, since, absence.until))
    lost = next((at for at in moments if standing_in(policy.away, person, at) is None), None)
    path = [] if lost is None else _path(policy, person, lost)
    if lost is None or frozenset(path) in told:
        return
    told.add(frozenset(path))
    if path[-1] in path[:-1]:
        yield (
            f"{person} is away on {lost:%Y-%m-%d}, and those who stand in lead in a circle: {' -> '.join(path)}; "
            "name a delegate who is there"
        )
    else:
        yield (
            f"{path[-1]} stands in for {path[-2]} and is away on {lost:%Y-%m-%d}, too, so that nobody is asked instead "
            f"of {person}; name another delegate"
        )


def _path(policy: Policy, person: str, at: datetime) -> list[str]:
    """Who stands in for whom at a moment, until nobody does or it leads back."""
    path = [person]
    while len(path) == len(set(path)):
        away = next((a for a in policy.away.get(path[-1], ()) if a.since <= at < a.until), None)
        if away is None or away.delegate is None:
            break
        path.append(away.delegate)
    return path


def _clock(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
