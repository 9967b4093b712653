"""What a policy names and nothing asks: chains, groups, schedules, calendars, people."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.model import PersonRole
from bot.core.policy import Policy
from bot.routing.faults import quoted
from bot.routing.lint.reviews import reviews


def doubts(policy: Policy) -> Iterator[str]:
    """Every warning of what is not used."""
    used = {stage.chain for review in reviews(policy) for stage in review.stages}
    for name in policy.chains:
        if name not in used:
            yield f"no rule uses the chain {quoted(name)}; remove it, or use it in a stage"
    named = _named(policy)
    yield from _names(policy, named)
    clocks = {step.clock for chain in policy.chains.values() for step in chain.steps}
    for name in policy.calendars:
        if name not in clocks:
            yield f"no step runs by the calendar {quoted(name)}; remove it, or say clock: {name} in a step"
    asked = set(policy.members(tuple(named))) | _elsewhere(policy)
    for person in policy.people:
        if person not in asked and policy.people[person].role is PersonRole.REVIEWER:
            yield f"nobody ever asks {person}; add {person} to a chain, or remove the person"


def _names(policy: Policy, named: dict[str, None]) -> Iterator[str]:
    for name, members in policy.groups.items():
        if not members:
            yield f"the group {quoted(name)} is empty; add people, or remove it"
        if name not in named:
            yield f"no chain notifies the group {quoted(name)}"
    for name in policy.schedules:
        if name not in named:
            yield f"no chain notifies the schedule {quoted(name)}; remove it, or name it in a step"


def _named(policy: Policy) -> dict[str, None]:
    """Every name that some chain asks or tells, in order."""
    glass = policy.break_glass
    chains = policy.chains.values()
    found = [name for chain in chains for step in chain.steps for name in (*step.notify, *step.fallback)]
    found += [name for chain in chains for name in chain.exhausted.notify]
    return dict.fromkeys([*found, *(glass.notify if glass else ())])


def _elsewhere(policy: Policy) -> set[str]:
    """People who have something to do though no chain names them: owners, delegates, who may break the glass."""
    owners = {agent.owner for agent in policy.agents.values() if agent.owner is not None}
    delegates = {a.delegate for absences in policy.away.values() for a in absences if a.delegate is not None}
    return owners | delegates | set(policy.break_glass.people if policy.break_glass else ())
