"""The route that stands once all is counted: limits, a sample, what was rejected before.

Whatever is found only takes approvals away, so the walk is repeated until one stands. It does no counting itself: what
an account has spent is asked of whoever keeps it, the store at submission and a simulation in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.core.accounts import Charge, charge_of, over
from bot.core.fingerprint import fingerprints
from bot.core.model import Submission, Then
from bot.core.policy import Bounds, ConditionFailed, Policy, Routing, Rule, TrialOutcome, facts_of, route

Spent = Callable[[Rule, Charge], tuple[int, int]]
"""How many requests, and how much in millionths, an account of a rule's limit holds in its window."""


class Counted(Struct, frozen=True):
    """A routing that stands, and what the request adds to which accounts."""

    routing: Routing
    charges: tuple[tuple[Rule, Charge], ...] = ()


def counted(
    policy: Policy, submission: Submission, *, agent: str, now: datetime, bounds: Bounds, chance: float, spent: Spent
) -> Counted:
    """Walk the rules until a route stands; ``chance`` (0 to 1) says whether the request is among a sample."""
    charges: dict[str, tuple[Rule, Charge]] = {}
    rules: dict[str, Rule] = {}
    while True:
        routing = route(policy, submission, agent=agent, now=now, bounds=bounds)
        approved = routing.route.then is Then.APPROVE
        # Both rules bound it, or a label could move it from a full account to another rule's (threats T11 and T14).
        names = (routing.route.rule if approved else None, routing.also)
        rules = rules or {rule.name: rule for rule in policy.rules} if any(names) else rules
        closed: dict[str, tuple[TrialOutcome, str]] = {}
        for rule in [rules[name] for name in names if name in rules and name not in bounds.closed]:
            charge, held_back = _limited(policy, rule, submission, agent=agent, now=now, spent=spent)
            if approved and charge is not None:
                charges[rule.name] = (rule, charge)
            if approved and held_back is None and rule.sample and chance < rule.sample:
                share = f"{rule.sample * 100:.4g}%"
                held_back = TrialOutcome.SAMPLED, f"it is among the {share} that a person looks at all the same"
            if held_back is not None:
                closed[rule.name] = held_back
        if not closed:
            return Counted(_told(routing, bounds, rules), tuple(charges.values()))
        bounds = replace(bounds, closed={**bounds.closed, **closed})


def _told(routing: Routing, bounds: Bounds, rules: Mapping[str, Rule]) -> Routing:
    """The routing, whose route says of what share it is a sample, if it is one."""
    for name, (outcome, _) in bounds.closed.items():
        if outcome is TrialOutcome.SAMPLED and routing.route.then is Then.STAGES and name in rules:
            return replace(routing, route=replace(routing.route, sampled=rules[name].sample))
    return routing


def _limited(
    policy: Policy, rule: Rule, submission: Submission, *, agent: str, now: datetime, spent: Spent
) -> tuple[Charge | None, tuple[TrialOutcome, str] | None]:
    """What it adds to the account of a rule's limit, and why that does not take it, if so."""
    if rule.limit is None:
        return None, None
    spec = policy.action(submission.action)
    facts = facts_of(submission, agent=agent, risk=spec.risk, now=now)
    try:
        charge = charge_of(rule.limit, submission, agent=agent, target=spec.execute.target, facts=facts)
    except ConditionFailed as failure:
        return None, (TrialOutcome.LIMITED, f"what it adds to the rule's limit cannot be said: {failure}")
    why = over(rule.limit, charge, spent(rule, charge))
    return charge, None if why is None else (TrialOutcome.LIMITED, why)


def prints_of(policy: Policy, submission: Submission) -> tuple[str, ...]:
    """The fingerprints of all that a submission may run; none where a rejection of it is not remembered."""
    spec, asked = policy.action(submission.action), submission
    if not spec.cooldown:
        return ()
    target = spec.execute.target
    return fingerprints(asked.kind, asked.action, target, arguments=asked.arguments, options=asked.options)
