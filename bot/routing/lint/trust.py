"""Whether what is to be earned can be, and is bounded by what its author means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.core.model import PersonRole, Risk
from bot.core.pointers import names
from bot.core.policy import ActionSpec, Policy, Rule
from bot.core.policy.trust import Trust
from bot.core.trust.bound import flawless
from bot.routing.faults import listed, quoted
from bot.routing.lint.reviews import called, reach

_MANY = ("integer", "number")


def doubts(policy: Policy) -> Iterator[str]:
    """Every warning of ``trust:``."""
    for rule in policy.rules:
        if rule.trust is not None:
            yield from _deciders(policy, rule, rule.trust)
            yield from _evidence(rule, rule.trust)
            yield from _actions(policy, rule, rule.trust)


def _deciders(policy: Policy, rule: Rule, trust: Trust) -> Iterator[str]:
    people = reach(policy, trust.ask)
    admins = {name for name in people if policy.people[name].role is PersonRole.ADMIN}
    if not admins:
        yield (
            f"nothing is ever proposed under {called(rule)}: trust asks the chain {quoted(trust.ask)}, and none of "
            f"{listed(sorted(people))} is an admin; give one of them role: admin, or ask another chain"
        )
    for agent in policy.agents.values():
        if admins and admins <= {agent.owner}:
            yield (
                f"nothing is ever proposed for the agent {quoted(agent.name)} under {called(rule)}: its owner is the "
                f"only admin whom the chain {quoted(trust.ask)} asks, and may not decide about it; ask another admin"
            )


def _evidence(rule: Rule, trust: Trust) -> Iterator[str]:
    needed = flawless(error=trust.error, toward=trust.unchanged)
    if trust.at_least < needed:
        yield (
            f"the trust of {called(rule)} asks for at least {trust.at_least} decisions, and a share of "
            f"{trust.unchanged:g} takes {needed} without a fault to show; write at_least: {needed}"
        )
    if rule.advisors:
        yield (
            f"{called(rule)} asks {listed(rule.advisors)} for advice, and what runs by what was earned is not shown to "
            "them; leave out trust, or advice"
        )


def _actions(policy: Policy, rule: Rule, trust: Trust) -> Iterator[str]:
    for name in trust.irreversible:
        spec = policy.actions.get(name)
        if spec is None:
            yield f"the trust of {called(rule)} names the irreversible action {quoted(name)}, which is not in actions"
        elif spec.risk is not Risk.IRREVERSIBLE:
            yield f"the trust of {called(rule)} names {quoted(name)} as irreversible, and that can be undone; remove it"
        elif spec.critical:
            yield f"the trust of {called(rule)} names {quoted(name)}, which is critical, so that no rule approves it"
    only = rule.when.actions if rule.when is not None else None
    if only is None and not trust.bands:
        yield (
            f"the trust of {called(rule)} has no bands, and the rule names no action, so that whatever is earned has "
            "no ceiling; name its actions in when, or write bands: {arguments.amount: [50]}"
        )
    for name in sorted(only or ()):
        yield from _ceilings(policy.action(name), rule, trust)


def _ceilings(spec: ActionSpec, rule: Rule, trust: Trust) -> Iterator[str]:
    if spec.schema is None:
        if not trust.bands:
            yield (
                f"the trust of {called(rule)} has no bands, and {spec.name} has no schema, so that what is earned has "
                "no ceiling on any number of it; write bands: {arguments.amount: [50]}, or give the action a schema"
            )
        return
    document = spec.schema.document
    for pointer in trust.bands:
        found = _at(document, names(pointer))
        if found is None:
            yield (
                f"the trust of {called(rule)} has a band of {pointer}, which the schema of {spec.name} does not have, "
                "so that nothing of it is ever earned; name an argument of it"
            )
        elif found.get("type") not in (*_MANY, None):
            yield f"the trust of {called(rule)} has a band of {pointer}, which is no number in {spec.name}"
    listed_there = document.get("properties")
    properties = listed_there if isinstance(listed_there, Mapping) else {}
    amounts = [name for name, part in properties.items() if isinstance(part, Mapping) and part.get("type") in _MANY]
    if amounts and not trust.bands:
        yield (
            f"the trust of {called(rule)} has no bands, so that what is earned has no ceiling on {listed(amounts)} of "
            f"{spec.name}; write bands: {{arguments.{amounts[0]}: [50]}}"
        )


def _at(document: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any] | None:
    """What a schema says of an argument, as far as it lists properties; empty where it does not say."""
    part: Any = document
    for name in path:
        properties = part.get("properties")
        if not isinstance(properties, Mapping):
            return {}
        if name not in properties:
            return None
        part = properties[name]
        if not isinstance(part, Mapping):
            return {}
    return part if isinstance(part, Mapping) else {}
