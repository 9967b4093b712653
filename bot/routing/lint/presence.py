"""Whether somebody is there: turns of duty with gaps, absences, delegates who are away themselves or may not review.

What is told is the first such time from now on, within a year.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.core.duty import boundaries, shifts, standing_in
from bot.core.model import Absence, IfEmpty, Schedule
from bot.core.policy import LONGEST_VIEW, ChainStep, Policy
from bot.routing.faults import listed, quoted
from bot.routing.lint.reviews import names, steps_of

_YEAR = timedelta(days=366)
_Gap = tuple[datetime, datetime]


class _Year:
    """Who is there in the year from ``now`` on; what many steps share is looked up once."""

    def __init__(self, policy: Policy, now: datetime) -> None:
        self.policy = policy
        self.now = now
        self.until = now + LONGEST_VIEW
        self.turns = {name: shifts(schedule, now, self.until) for name, schedule in policy.schedules.items()}
        self._changes: dict[str, tuple[datetime, ...]] = {}
        self._gaps: dict[tuple[str, ...], _Gap | None] = {}

    def gap(self, notify: tuple[str, ...]) -> _Gap | None:
        """The first time in which none of these names is there."""
        if notify not in self._gaps:
            self._gaps[notify] = self._first(notify)
        return self._gaps[notify]

    def _first(self, notify: tuple[str, ...]) -> _Gap | None:
        schedules = [name for name in notify if name in self.policy.schedules]
        held = [shift for name in schedules for shift in self.turns[name]]
        fallbacks = [self.policy.schedules[name].fallback for name in schedules]
        fixed = {*_people(self.policy, notify), *(person for person in fallbacks if person is not None)}
        edges = {self.now, *(edge for shift in held for edge in (shift.since, shift.until))}
        for person in fixed | {shift.person for shift in held}:
            edges.update(self._boundaries(person))
        since: datetime | None = None
        for at in sorted(edge for edge in edges if self.now <= edge < self.until):
            there = fixed | {shift.person for shift in held if shift.since <= at < shift.until}
            if any(standing_in(self.policy.away, person, at) is not None for person in there):
                if since is not None:
                    return since, at
            elif since is None:
                since = at
        return None if since is None else (since, self.until)

    def _boundaries(self, person: str) -> tuple[datetime, ...]:
        if person not in self._changes:
            self._changes[person] = boundaries(self.policy.away, person, self.now, self.until)
        return self._changes[person]


def _people(policy: Policy, notify: tuple[str, ...]) -> tuple[str, ...]:
    """Whom the names mean at any time."""
    return policy.members(tuple(name for name in notify if name not in policy.schedules))


def doubts(policy: Policy, now: datetime) -> Iterator[str]:
    """Every warning of schedules, of steps that are empty at times, of absences."""
    for schedule in policy.schedules.values():
        yield from _schedule(schedule, now)
    year = _Year(policy, now)
    for name, chain in policy.chains.items():
        for number, step in enumerate(chain.steps, start=1):
            yield from _empty(year, step, steps_of(name, number))
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
        yield f"{where} begins on {schedule.start}, until when nobody has its turn; begin earlier, or add a fallback"


def _empty(year: _Year, step: ChainStep, where: str) -> Iterator[str]:
    """A step that is passed over at some time because nobody of it is there."""
    policy = year.policy
    schedules = [policy.schedules[name] for name in step.notify if name in policy.schedules]
    people = _people(policy, step.notify)
    held = step.if_empty is IfEmpty.HOLD or any(schedule.gaps is IfEmpty.HOLD for schedule in schedules)
    if held or step.fallback or not (people or schedules) or any(person not in policy.away for person in people):
        return
    gap = year.gap(step.notify)
    if gap is None:
        return
    since, ends = gap
    when = f"from {_clock(since)} on" if ends >= year.until else f"from {_clock(since)} to {_clock(ends)}"
    nobody = f"{listed(people)} {'are' if len(people) > 1 else 'is'} away"
    if schedules:
        nobody = "nobody is on duty, or whoever would be asked is away" if people else "nobody is on duty"
    fix = "add gaps to the schedule, or" if schedules else "name a delegate, or add"
    yield (f"{where} asks nobody {when}, since {nobody} then, and is passed over; {fix} if_empty or somebody else")


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
