"""Whether safeguards guard: limits, samples, second looks, cool-downs, advice, broken glass, floods."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bot.core.accounts import KEPT
from bot.core.model import Risk
from bot.core.policy import ActionSpec, BreakGlass, Policy, Rule
from bot.routing.faults import listed, quoted
from bot.routing.lint.order import never
from bot.routing.lint.reaching import anyhow
from bot.routing.lint.reviews import called, reach
from bot.routing.spans import span_text


def doubts(policy: Policy) -> Iterator[str]:
    """Every warning of safeguards: rules, actions, breaking the glass, floods."""
    dead = never(policy)
    for rule in (*policy.rules, policy.default):
        yield from _rule(rule, dead=rule.name in dead)
    for spec in policy.actions.values():
        yield from _action(spec)
    if policy.break_glass is not None:
        yield from _glass(policy, policy.break_glass)
    if policy.flood.cards == 1:
        yield (
            f"flood.cards is 1: from the first card in {span_text(policy.flood.per)} on every one is gathered for "
            f"{span_text(policy.flood.digest)}, and nobody is told at once; write 2 or more"
        )


def _rule(rule: Rule, *, dead: bool) -> Iterator[str]:
    where = called(rule)
    if rule.limit is not None and rule.limit.per > KEPT:
        yield (
            f"the limit of {where} counts over {span_text(rule.limit.per)}, and what was approved is kept for "
            f"{span_text(KEPT)} only; shorten `per`"
        )
    if dead and rule.sample:
        yield f"the sample of {where} takes nothing, since the rule never answers; remove it, or mend the rule"
    if dead and rule.second_look is not None:
        yield f"the second_look of {where} is never asked, since the rule never answers; remove it, or mend the rule"
    if dead and rule.review_after:
        yield f"review_after of {where} takes nothing, since the rule never answers; remove it, or mend the rule"
    if rule.advisors and rule.advice_within >= rule.expires:
        yield (
            f"{where} waits {span_text(rule.advice_within)} for advice and expires after {span_text(rule.expires)}, so "
            "without advice nobody is ever asked; shorten `within`, or lengthen `expires`"
        )


def _action(spec: ActionSpec) -> Iterator[str]:
    if spec.cooldown <= timedelta(0) and spec.risk is Risk.IRREVERSIBLE and not spec.critical:
        yield (
            f"the action {spec.name} cannot be undone and has cooldown: 0s, so a rule may approve what a person has "
            "just rejected; lengthen it"
        )


def _glass(policy: Policy, glass: BreakGlass) -> Iterator[str]:
    if not any(anyhow(policy, person) for person in glass.people):
        yield (
            f"nobody who may break the glass can be reached: {listed(glass.people)} "
            f"{'has' if len(glass.people) == 1 else 'have'} no address, and nobody is told of an emergency; give one"
        )
    reviewers = reach(policy, glass.review)
    if reviewers <= set(glass.people):
        yield (
            f"break_glass is reviewed by those alone who may use it: the chain {quoted(glass.review)} asks "
            f"{listed(sorted(reviewers))}; ask somebody else, too"
        )
    for agent in policy.agents.values():
        barred = {agent.name, agent.owner}
        alone = [who for who in glass.people if reviewers - {who} and not reviewers - {who} - barred]
        if alone:
            yield (
                f"where {_either(alone)} breaks the glass for the agent {quoted(agent.name)}, nobody can review it: "
                f"the chain {quoted(glass.review)} asks {listed(sorted(reviewers))}, and neither who broke it nor the "
                "agent's owner reviews it; ask somebody else, too"
            )


def _either(people: list[str]) -> str:
    return listed(people).replace(" and ", " or ")
