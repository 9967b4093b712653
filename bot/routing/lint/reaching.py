"""Whether chains reach whom they ask: somebody is there, anew, at an address."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.core.model import Person, PushWay
from bot.core.policy import ChainStep, Policy
from bot.routing.faults import listed, quoted
from bot.routing.lint.reviews import steps_of
from bot.routing.people import CHANNELS

_PUSH = "push"
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
        yield from _pushed(person)


def reachable(policy: Policy, person: Person, channel: str) -> bool:
    """Whether the file gives an address at which this channel reaches the person (a shared Slack channel counts)."""
    if channel == "slack":
        return bool(person.slack) or policy.channels.get("slack", {}).get("post_to", "dm") != "dm"
    if channel == "email":
        return bool(person.email)
    return _by_push(person)


def _by_push(person: Person) -> bool:
    """Whether push reaches somebody for all that the file says: by a topic, or by a service named elsewhere."""
    return bool(person.ntfy and PushWay.NTFY in (person.push or PushWay)) or PushWay.APPRISE in person.push


def in_browsers(person: Person | None) -> bool:
    """Whether push may reach somebody in a browser; whether they switched that on, no file knows."""
    return person is not None and PushWay.WEB in (person.push or PushWay)


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
    asked = policy.members(step.notify)
    if step.via == (_PUSH,) and asked and all(_only_browsers(policy.people[id_]) for id_ in asked):
        yield (
            f"{where} asks through push only, and nobody it asks has an ntfy topic: they are reached only in browsers "
            "where they switched notifications on (at /account); add `ntfy` to its people, or a channel"
        )
        return
    for id_ in asked:
        person = policy.people[id_]
        ways = step.via or person.channels or CHANNELS
        missing = [way for way in ways if not reachable(policy, person, way)]
        if step.via == (_PUSH,) and _only_browsers(person):
            yield f"{where} reaches {id_} only in browsers where they switched notifications on (at /account)"
        elif len(missing) == len(ways):
            how = "through any channel"
            if step.via or person.channels:
                how = f"through {listed(ways)}" + ("" if step.via else f", as {id_} prefers")
            yield f"{where} cannot reach {id_} {how}: {_seen(person, ways)}"
        elif step.via:
            for way in missing:
                if way != _PUSH or not in_browsers(person):
                    yield f"{where} asks {id_} through {way}, for which {id_} has no address"


def _only_browsers(person: Person) -> bool:
    return in_browsers(person) and not _by_push(person)


def _seen(person: Person, ways: Sequence[str]) -> str:
    """Where somebody without an address sees what they are asked."""
    more = ", and in browsers where they switched notifications on" if _PUSH in ways and in_browsers(person) else ""
    return f"there is no address, so {person.id} sees it in the inbox only{more}"


def _unheard(policy: Policy, id_: str, where: str) -> Iterator[str]:
    if not anyhow(policy, id_):
        person = policy.people[id_]
        yield f"{where} cannot reach {id_} through any channel: {_seen(person, person.channels or CHANNELS)}"


def _pushed(person: Person) -> Iterator[str]:
    """Ways of push that lead nowhere, and topics that nothing uses."""
    if PushWay.NTFY in person.push and not person.ntfy:
        yield (
            f"{person.id} is pushed to by ntfy and has no topic there; give {person.id} `ntfy`, or take ntfy out of "
            f"the `push` of {person.id}"
        )
    if person.ntfy and person.push and PushWay.NTFY not in person.push:
        yield f"{person.id} has an `ntfy` topic that nothing uses; add ntfy to the `push` of {person.id}, or remove it"


def _preferences(policy: Policy, person: Person) -> Iterator[str]:
    for way in person.channels:
        if not reachable(policy, person, way) and not (way == _PUSH and in_browsers(person)):
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
