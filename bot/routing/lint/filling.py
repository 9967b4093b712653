"""Whether stages can be filled: enough different people for all of them, with those left out who may not review.

One person never fills two stages, so a review needs as many different people as its stages take approvals together,
each one of those whom that stage asks (Hall's marriage theorem): a maximum matching says how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import combinations, islice, product

from bot.core.matching import matched
from bot.core.policy import AgentSpec, Policy, StageSpec
from bot.routing.faults import listed, quoted
from bot.routing.lint.reviews import Review, names, reach, reviews, steps_of

_MOST_CHOICES = 10_000
"""Choices of names that are tried; a file of people has a handful."""
_MOST = 200
"""Approvals of one review that are looked at: beyond that no file means it, and the matching would take long."""


def doubts(policy: Policy, now: datetime) -> Iterator[str]:
    """Every warning of reviews that cannot come to their end, and of steps that are empty for an agent."""
    for review in reviews(policy):
        for stage in review.stages:
            yield from _rejected(policy, review, stage)
        if sum(stage.approvals for stage in review.stages) <= _MOST:
            yield from _short(policy, review, now)
    yield from _owned(policy)


def _rejected(policy: Policy, review: Review, stage: StageSpec) -> Iterator[str]:
    people = len(reach(policy, stage.chain))
    left = people - (stage.rejections - 1)
    if stage.rejections > 1 and left < stage.approvals <= people:
        yield (
            f"the stage {quoted(stage.name)} of {review.where} ends only at {stage.rejections} rejections: after "
            f"{stage.rejections - 1} its chain has {_people(left)} left for {_approvals(stage.approvals)}, and the "
            "request waits for nothing; take fewer rejections, or ask more people"
        )


def _short(policy: Policy, review: Review, now: datetime) -> Iterator[str]:
    if not _filled(policy, review, frozenset()):
        slots = _slots(policy, review, frozenset())
        if matched(slots) == len(slots):
            yield (
                f"{review.where} can never be approved where all its stages are asked: whoever gives the approval of "
                "one name is missing for another stage, since nobody fills two; ask more people"
            )
            return
        yield (
            f"{review.where} can never be approved where all its stages are asked: they take "
            f"{_different(policy, review, frozenset())}; ask more people, or for fewer approvals"
        )
        return
    asked = frozenset[str]().union(*(reach(policy, stage.chain) for stage in review.stages))
    for agent in policy.agents.values() if not review.allow_self else ():
        barred = _barred(agent)
        if barred & asked and not _filled(policy, review, barred):
            yield _why(policy, review, agent, barred)
            continue
        yield from _meanwhile(policy, review, agent, now, asked)


def _why(policy: Policy, review: Review, agent: AgentSpec, barred: frozenset[str]) -> str:
    always = " where all its stages are asked" * any(stage.condition is not None for stage in review.stages)
    where = f"{review.where} can never be approved for the agent {quoted(agent.name)}{always}: without its owner"
    for stage in review.stages:
        left = reach(policy, stage.chain) - barred
        if len(left) < stage.approvals:
            return (
                f"{where} the chain {quoted(stage.chain)} has {_people(len(left))} "
                f"for {_approvals(stage.approvals)}; ask somebody else too"
            )
        if stage.distinct_groups and not _distinct(policy, stage, barred):
            return (
                f"{where} the chain {quoted(stage.chain)} has not {stage.approvals} names that can each give an "
                "approval of their own; ask somebody else too"
            )
    slots = _slots(policy, review, barred)
    if matched(slots) == len(slots):
        return (
            f"{where} its stages cannot all be filled: whoever gives the approval of one name is missing for another "
            "stage, since nobody fills two; ask somebody else too"
        )
    return f"{where} its stages take {_different(policy, review, barred)}; ask somebody else too"


def _meanwhile(policy: Policy, review: Review, agent: AgentSpec, now: datetime, asked: frozenset[str]) -> Iterator[str]:
    """While the owner is away whoever stands in for them may not review either."""
    for absence in policy.away.get(agent.owner or "", ()):
        if absence.delegate not in asked or absence.until <= now:
            continue
        if not _filled(policy, review, _barred(agent) | {absence.delegate}):
            yield (
                f"{review.where} cannot be approved for the agent {quoted(agent.name)} from {absence.since:%Y-%m-%d} "
                f"to {absence.until:%Y-%m-%d}, while {absence.delegate} stands in for its owner {agent.owner} and may "
                "not review either; ask somebody else too, or name another delegate"
            )


def _barred(agent: AgentSpec) -> frozenset[str]:
    return frozenset(name for name in (agent.name, agent.owner) if name is not None)


def _filled(policy: Policy, review: Review, barred: frozenset[str]) -> bool:
    slots = _slots(policy, review, barred)
    return matched(slots) == len(slots) and any(
        matched(seats) == len(seats) for seats in _seatings(policy, review, barred)
    )


def _seatings(policy: Policy, review: Review, barred: frozenset[str]) -> Iterator[list[frozenset[str]]]:
    """Every choice of names for the approvals of stages with `distinct_groups`, as seats of all the review's stages."""
    choices = [_of_stage(policy, stage, barred) for stage in review.stages]
    for chosen in islice(product(*choices), _MOST_CHOICES):
        yield [seat for seats in chosen for seat in seats]


def _of_stage(policy: Policy, stage: StageSpec, barred: frozenset[str]) -> list[tuple[frozenset[str], ...]]:
    if not stage.distinct_groups:
        return [(reach(policy, stage.chain) - barred,) * stage.approvals]
    givers = [frozenset(policy.members((name,))) - barred for name in names(policy.chains[stage.chain])]
    return list(islice(combinations(givers, stage.approvals), _MOST_CHOICES))


def _slots(policy: Policy, review: Review, barred: frozenset[str]) -> list[frozenset[str]]:
    return [reach(policy, stage.chain) - barred for stage in review.stages for _ in range(stage.approvals)]


def _distinct(policy: Policy, stage: StageSpec, barred: frozenset[str]) -> bool:
    """Whether so many of the chain's names can each give an approval by a person of their own."""
    givers = [frozenset(policy.members((name,))) - barred for name in names(policy.chains[stage.chain])]
    return matched(givers) >= stage.approvals


def _different(policy: Policy, review: Review, barred: frozenset[str]) -> str:
    slots = _slots(policy, review, barred)
    found = matched(slots)
    return (
        f"{len(slots)} different people, since nobody fills two, and those asked can fill {found} of "
        f"{'that' if len(slots) == 1 else 'these'}"
    )


def _owned(policy: Policy) -> Iterator[str]:
    """Steps of which nobody is left for an agent."""
    for name, chain in policy.chains.items():
        for number, step in enumerate(chain.steps, start=1):
            people = set(policy.members(step.notify))
            agents = [a for a in policy.agents.values() if people and people <= _barred(a)]
            owned = [agent.name for agent in agents if agent.owner in people]
            if owned and not step.fallback:
                yield (
                    f"{steps_of(name, number)} asks only {listed(sorted(people))}, who owns {listed(owned)} and never "
                    "reviews for it; that step is skipped then"
                )


def _people(count: int) -> str:
    return f"{count or 'no'} {'person' if count == 1 else 'people'}"


def _approvals(count: int) -> str:
    return f"{count} approval{'s' * (count > 1)}"
