"""Whether guards of attention guard, and whether practices could be taken for what they are not."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.policy import Attention, Policy, Practice
from bot.routing.faults import listed, quoted
from bot.routing.lint.reviews import reach, reviews
from bot.routing.spans import span_text


def doubts(policy: Policy) -> Iterator[str]:
    """Every warning of ``attention:`` and ``practice:``."""
    yield from _guards(policy, policy.attention)
    if policy.practice is not None:
        yield from _practice(policy, policy.practice)


def _guards(policy: Policy, attention: Attention) -> Iterator[str]:
    if attention.second_after is not None:
        for review in reviews(policy):
            for stage in review.stages:
                people = reach(policy, stage.chain)
                if 0 < len(people) <= stage.approvals:
                    yield (
                        f"attention.second_after asks for one more person, and {review.where} has nobody else: the "
                        f"chain {quoted(stage.chain)} asks {listed(sorted(people))} alone, so there it asks nobody; "
                        "add somebody to the chain"
                    )
    cool_down = attention.cool_down
    if cool_down is not None and cool_down.rest >= cool_down.per:
        yield (
            f"attention.cool_down rests for {span_text(cool_down.rest)} after decisions within "
            f"{span_text(cool_down.per)}: a rest is usually the shorter of the two"
        )


def _practice(policy: Policy, practice: Practice) -> Iterator[str]:
    for request in practice.requests:
        known = policy.agents.get(request.agent)
        if known is None:
            yield (
                f"the practice {quoted(request.name)} seems to be from the agent {quoted(request.agent)}, which is not "
                "listed under agents; name one whose requests people know"
            )
        if policy.actions and request.action not in policy.actions:
            yield (
                f"the practice {quoted(request.name)} seems to ask for {request.action}, which is not listed under "
                "actions: its card looks unlike the others; name one of those"
            )
        owner = known.owner if known is not None else None
        if owner is not None and not reach(policy, practice.chain) - {owner}:
            yield (
                f"the practice {quoted(request.name)} asks nobody: the chain {quoted(practice.chain)} asks {owner} "
                f"alone, who owns the agent {quoted(request.agent)}; ask somebody else, too"
            )
