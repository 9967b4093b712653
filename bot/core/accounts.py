"""What a limited rule has let through: under which key an account is kept, and when it is full (threat T11).

Amounts are kept in millionths, rounded up, so that sums are exact; an amount below nothing, or one too large to be
kept, cannot be counted, and what cannot be counted is not approved.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from msgspec import Struct

from bot.core.digest import canonical
from bot.core.fingerprint import undressed
from bot.core.model import Submission
from bot.core.policy import ConditionFailed, Limit

MICRO = 1_000_000
KEPT = timedelta(days=400)
"""For how long what a limit counts is kept, longer than a window of a whole year; so is what was rejected."""
_MOST = 2**62
_ARGUMENT = "arguments."
_LONGEST = 512
"""Of an account's key; what an agent gives to be told apart by may be as long as a body, and an index keeps it."""


class Charge(Struct, frozen=True):
    """What one request adds to an account: the account's key, and the amount in millionths (0 where none is summed)."""

    key: str
    amount: int


def charge_of(limit: Limit, submission: Submission, *, agent: str, target: str, facts: Mapping[str, Any]) -> Charge:
    """What this request would add; raises `ConditionFailed` where that cannot be said."""
    known = {"agent": agent, "action": submission.action, "target": target}
    key = {name: known[name] if name in known else _argument(name, submission) for name in limit.by}
    account = canonical(key).decode()
    if len(account) > _LONGEST:
        account = "sha256:" + hashlib.sha256(account.encode()).hexdigest()
    if limit.sum is None:
        return Charge(account, 0)
    amount = limit.sum.amount(facts)
    if not math.isfinite(amount) or not 0 <= amount * MICRO < _MOST:
        raise ConditionFailed(f"the amount {amount:g} cannot be counted")
    return Charge(account, math.ceil(round(amount * MICRO, 3)))


def _argument(name: str, submission: Submission) -> Any:
    """The value of ``arguments.<name>``, however it is written; what is not there has an account of its own.

    Otherwise an agent would begin a new account with every spelling of the same name.
    """
    return undressed(submission.arguments.get(name.removeprefix(_ARGUMENT)))


def over(limit: Limit, charge: Charge, spent: tuple[int, int]) -> str | None:
    """Why the account does not take this charge after ``spent`` (how many, how much in millionths), or None."""
    count, amount = spent
    if limit.count is not None and count + 1 > limit.count:
        return f"{limit.count} of these were let through in the window already, or wait for people"
    if limit.max is not None and amount + charge.amount > limit.max * MICRO:
        return f"{amount / MICRO:g} of {limit.max:g} in the window is used up, and this adds {charge.amount / MICRO:g}"
    return None
