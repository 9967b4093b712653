"""What is counted of a proposal before a rule may approve it: limits, a sample, what was rejected before.

Counting happens in the transaction that keeps the request, so that many at once cannot all be the last one that fits
(threat T11). Whatever is found only takes approvals away.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.core import counting
from bot.core.accounts import Charge
from bot.core.model import Submission
from bot.core.policy import Bounds, Policy, Routing, Rule
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
    """The route that stands once all is counted, and what it adds to which accounts."""

    def spent(rule: Rule, charge: Charge) -> tuple[int, int]:
        if rule.limit is None:
            raise AssertionError("only a limited rule has an account")
        return tx.spent(rule.name, charge.key, it.now - rule.limit.per)

    standing = counting.counted(
        it.policy,
        it.submission,
        agent=it.agent,
        now=it.now,
        bounds=Bounds(refused=_refused(tx, it)),
        chance=it.chance,
        spent=spent,
    )
    entries = [
        AccountEntry(rule=rule.name, key=charge.key, at=it.now, amount=charge.amount, request=it.id)
        for rule, charge in standing.charges
    ]
    return Counted(standing.routing, tuple(entries))


def _refused(tx: Tx, it: Proposal) -> str | None:
    """An earlier request of the same content, however dressed, that was rejected a short while ago (threat T12)."""
    since = it.now - it.policy.action(it.submission.action).cooldown
    found = [tx.rejected(each, since) for each in counting.prints_of(it.policy, it.submission)]
    return next((request for request in found if request is not None), None)
