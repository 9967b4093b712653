"""Whether chains reach whom they ask: somebody is there, anew, at an address."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.model import Person
from bot.core.policy import ChainStep, Policy
from bot.routing.faults import listed, quoted
from bot.routing.lint.reviews import steps_of
from bot.routing.people import CHANNELS

LATER = ("push",)
"""Channels that a file may name already, though this version asks nobody through them."""

_ADDRESS = {"slack": "slack", "email": "email", "push": "ntfy"}
"""The key of a person that gives a channel its address."""


def doubts(policy: Policy) -> Iterator[str]:
    """Every warning of who is asked and how they are reached: chains, their ends, people."""
    for name, chain in policy.chains.items():
        yield from _chain(policy, name, chain.steps)
        for id_ in policy.members(chain.exhausted.notify):
            yield from _unheard(policy, id_, f"the end of the chain {quoted(name)}")
    for person in policy.people.values():
        yield from _preferences(policy, person)
    yield from _later(policy)


def reachable(policy: Policy, person: Person, channel: str) -> bool:
    """Whether the file gives an address at which this channel reaches the person (a shared Slack channel counts)."""
    if channel == "slack":
        return bool(person.slack) or policy.channels.get("slack", {}).get("post_to", "dm") != "dm"
    return bool(person.email if channel == "email" else person.ntfy)


def anyhow(policy: Policy, id_: str) -> bool:
    """Whether anything reaches somebody, of what they wish to be asked through."""
    person = policy.people[id_]
    return any(reachable(policy, person, way) for way in person.channels or CHANNELS)


def _chain(policy: Policy, name: str, steps: tuple[ChainStep, ...]) -> Iterator[str]:
    asked: set[tuple[str, str]] = set()
    for number, step in enumerate(steps, start=1):
        where = steps_of(name, number)
        people = policy.members(step.notify)
        ways = {(person, way) for person in people for way in step.via or CHANNELS}
        moving = any(named in policy.schedules for named in step.notify)
        # Of those who take turns a step asks one, so a later step may well ask the others.
        sure = policy.members(tuple(named for named in step.notify if named not in policy.schedules))
        if not people and not step.fallback:
            yield f"{where} asks nobody: its groups are empty; add people, or remove the step"
        elif people and not moving and ways <= asked:
            yield f"{where} asks only people who were asked before; ask somebody else, or remove it"
        asked |= {(person, way) for person in sure for way in step.via or CHANNELS}
        yield from _addresses(policy, step, where)
        for id_ in policy.members(step.fallback):
            yield from _unheard(policy, id_, f"the fallback of {where}")


def _addresses(policy: Policy, step: ChainStep, where: str) -> Iterator[str]:
    for id_ in policy.members(step.notify):
        person = policy.people[id_]
        ways = step.via or person.channels or CHANNELS
        missing = [way for way in ways if not reachable(policy, person, way)]
        if len(missing) == len(ways):
            how = "through any channel"
            if step.via or person.channels:
                how = f"through {listed(ways)}" + ("" if step.via else f", as {id_} prefers")
            yield f"{where} cannot reach {id_} {how}: there is no address, so {id_} sees it in the inbox only"
        elif step.via:
            for way in missing:
                yield f"{where} asks {id_} through {way}, for which {id_} has no address"


def _unheard(policy: Policy, id_: str, where: str) -> Iterator[str]:
    if not anyhow(policy, id_):
        yield f"{where} cannot reach {id_} through any channel: there is no address, so {id_} sees it in the inbox only"


def _preferences(policy: Policy, person: Person) -> Iterator[str]:
    for way in person.channels:
        if not reachable(policy, person, way):
            yield (
                f"{person.id} prefers {way} and has no address there; "
                f"give {person.id} {_ADDRESS[way]}, or take {way} out of the `channels` of {person.id}"
            )
    for absence in policy.away.get(person.id, ()):
        if absence.delegate is not None and not anyhow(policy, absence.delegate):
            yield (
                f"{absence.delegate} stands in for {person.id} and cannot be reached through any channel; "
                f"give {absence.delegate} an address, or name another delegate"
            )


def _later(policy: Policy) -> Iterator[str]:
    """Steps that name no channel of this version: those asked there would look in the inbox or never know."""
    for name, chain in policy.chains.items():
        for number, step in enumerate(chain.steps, 1):
            if step.via and all(way in LATER for way in step.via):
                yield (
                    f"{steps_of(name, number)} asks through {listed(step.via)}, not available in this "
                    "version, so nobody is told; they see it in the inbox only; add slack or email"
                )
