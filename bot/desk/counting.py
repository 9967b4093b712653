"""What is counted of a proposal before a rule may approve it: limits, a sample, what was rejected before.

Counting happens in the transaction that keeps the request, so that many at once cannot all be the last one that fits
(threat T11). Whatever is found only takes approvals away.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.core.accounts import Charge, charge_of, over
from bot.core.fingerprint import fingerprint
from bot.core.model import Submission, Then
from bot.core.policy import Bounds, ConditionFailed, Policy, Routing, Rule, TrialOutcome, facts_of, route
from bot.core.ports import AccountEntry, Tx


class Proposal(Struct, frozen=True, kw_only=True):
    """A submission on its way in. ``chance`` (0 to 1) is drawn for it once, and decides about samples.

    ``title`` is the house's, where it asks by itself; else the action's own.
    """

    id: str
    policy: Policy
    submission: Submission
    agent: str
    now: datetime
    chance: float
    title: str | None = None


class Counted(Struct, frozen=True):
    """The routing that stands, and what is written to which accounts."""

    routing: Routing
    entries: tuple[AccountEntry, ...] = ()


def counted(tx: Tx, it: Proposal) -> Counted:
    """The route that stands once all is counted: the walk is repeated without the rules that may not approve."""
    rules = {rule.name: rule for rule in it.policy.rules}
    entries: dict[str, AccountEntry] = {}
    bounds = Bounds(refused=_refused(tx, it))
    while True:
        routing = route(it.policy, it.submission, agent=it.agent, now=it.now, bounds=bounds)
        rule = rules.get(routing.route.rule)
        if rule is None or routing.route.then is not Then.APPROVE:
            return Counted(routing, tuple(entries.values()))
        held_back = _limited(tx, it, rule, entries) or _sampled(it, rule)
        if held_back is None:
            return Counted(routing, tuple(entries.values()))
        bounds = replace(bounds, closed={**bounds.closed, rule.name: held_back})


def _refused(tx: Tx, it: Proposal) -> str | None:
    """An earlier request of the same content, however dressed, that was rejected a short while ago (threat T12)."""
    spec = it.policy.action(it.submission.action)
    if not spec.cooldown or not it.submission.kind.runs:
        return None
    offered = [it.submission.arguments, *(option.arguments for option in it.submission.options)]
    prints = [fingerprint(it.submission.action, spec.execute.target, arguments) for arguments in offered]
    found = [tx.rejected(each, it.now - spec.cooldown) for each in prints]
    return next((request for request in found if request is not None), None)


def _limited(tx: Tx, it: Proposal, rule: Rule, entries: dict[str, AccountEntry]) -> tuple[TrialOutcome, str] | None:
    """Why a rule's limit does not take this, if so; what it adds to the account is noted in ``entries``."""
    if rule.limit is None:
        return None
    try:
        charge = _charge(it, rule)
    except ConditionFailed as failure:
        return TrialOutcome.LIMITED, f"what it adds to the rule's limit cannot be said: {failure}"
    entries[rule.name] = AccountEntry(rule=rule.name, key=charge.key, at=it.now, amount=charge.amount, request=it.id)
    why = over(rule.limit, charge, tx.spent(rule.name, charge.key, it.now - rule.limit.per))
    return None if why is None else (TrialOutcome.LIMITED, why)


def _charge(it: Proposal, rule: Rule) -> Charge:
    if rule.limit is None:
        raise AssertionError("only a limited rule has an account")
    spec = it.policy.action(it.submission.action)
    facts = facts_of(it.submission, agent=it.agent, risk=spec.risk, now=it.now)
    return charge_of(rule.limit, it.submission, agent=it.agent, target=spec.execute.target, facts=facts)


def _sampled(it: Proposal, rule: Rule) -> tuple[TrialOutcome, str] | None:
    if not rule.sample or it.chance >= rule.sample:
        return None
    return TrialOutcome.SAMPLED, f"it is among the {rule.sample * 100:.4g}% that a person looks at all the same"
