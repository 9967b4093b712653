"""Who is asked about what, wherever a file says it: rules, second looks, exceptions, broken glass."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from msgspec import Struct

from bot.core.policy import REVIEW_LASTS, TRUST_LASTS, Chain, Policy, Rule, StageSpec
from bot.routing.faults import quoted


class Review(Struct, frozen=True):
    """Stages as something asks them: ``where`` says what, as a sentence begins; ``expires`` when the request does."""

    where: str
    stages: tuple[StageSpec, ...]
    expires: timedelta
    allow_self: bool = False


def reviews(policy: Policy) -> Iterator[Review]:
    """Every review that a request may get, in the order of the file."""
    for rule in (*policy.rules, policy.default):
        if rule.stages:
            yield Review(called(rule), rule.stages, rule.expires, rule.allow_self)
        if rule.second_look:
            look = (StageSpec(name=rule.second_look, chain=rule.second_look),)
            yield Review(f"the second look of {called(rule)}", look, rule.expires, rule.allow_self)
        if rule.review_chain:
            later = (StageSpec(name=rule.review_chain, chain=rule.review_chain),)
            yield Review(f"the review afterwards of {called(rule)}", later, REVIEW_LASTS)
        if rule.trust:
            asked = (StageSpec(name=rule.trust.ask, chain=rule.trust.ask),)
            yield Review(f"the trust of {called(rule)}", asked, TRUST_LASTS)
    if policy.exceptions:
        yield Review("exceptions", policy.exceptions, policy.default.expires)
    if policy.break_glass:
        after = (StageSpec(name=policy.break_glass.review, chain=policy.break_glass.review),)
        yield Review("the review of break_glass", after, policy.break_glass.within)
    if policy.practice:
        asked = (StageSpec(name=policy.practice.chain, chain=policy.practice.chain),)
        yield Review("practice", asked, policy.default.expires)


def called(rule: Rule) -> str:
    """A rule, as a sentence begins with it."""
    return f"the rule {quoted(rule.name)}"


def names(chain: Chain) -> tuple[str, ...]:
    """Every name under which a chain may ask somebody who can then decide, each once, in order.

    Whom its end tells may decide only where the request waits on after that.
    """
    told = chain.exhausted.notify if chain.exhausted.then is None else ()
    asked = [name for step in chain.steps for name in (*step.notify, *step.fallback)]
    return tuple(dict.fromkeys((*asked, *told)))


def reach(policy: Policy, chain: str) -> frozenset[str]:
    """Everybody whom a chain can ask."""
    return frozenset(policy.members(names(policy.chains[chain])))


def steps_of(name: str, number: int) -> str:
    """A step, as a sentence begins with it."""
    return f"step {number} of the chain {quoted(name)}"
