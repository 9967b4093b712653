"""Guards of attention at the desk: read in the transaction that counts the decision, and only where one is on."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.core import guards
from bot.core.model import Request
from bot.core.policy import Attention
from bot.core.ports import AccountEntry, Ballot, Tx

_SECONDED = " attention.second_after"
"""The account of approvals that took a second person's. No rule is called so: names of rules begin with no space."""
ALONE = "second_after: nobody else could be asked"


class Looked(Struct, frozen=True):
    """The request on which a decision counts: its stage may take one approval more; and which guard said so."""

    request: Request
    guard: str | None = None


def attentive(tx: Tx, attention: Attention, request: Request, ballot: Ballot, now: datetime) -> Looked:
    """What the guards make of a decision; raises `ReasonNeeded` and `Resting`."""
    if not guards.guarded(request, ballot):
        return Looked(request)
    guards.explained(request, ballot)
    if attention.cool_down is not None:
        guards.rested(attention.cool_down, tx.votes_of(ballot.by, attention.cool_down.after), now)
    if attention.second_after is None or not guards.shows_nothing(request, ballot):
        return Looked(request)
    return _seconded(tx, attention.second_after, request, ballot, now)


def _seconded(tx: Tx, after: int, request: Request, ballot: Ballot, now: datetime) -> Looked:
    acts = tx.acts_on(ballot.by, request.action, after)
    if not guards.in_a_row(acts, after):
        return Looked(request)
    account = f"{ballot.by}\n{request.action}"
    # One of the row was looked at by a second person already, and the count began anew there.
    if tx.spent(_SECONDED, account, acts[-1].at)[0]:
        return Looked(request)
    more = guards.seconded(request, ballot.by, after)
    if more is None:
        return Looked(request, ALONE)
    tx.spend(AccountEntry(rule=_SECONDED, key=account, at=now, amount=0, request=request.id))
    return Looked(more, "second_after")
