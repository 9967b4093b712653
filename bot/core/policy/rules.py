"""What the rules say: what a rule answers and its bounds, the tests that stand beside them."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec import Struct

from bot.core.model import OnExpiry, OnIrreversible, Replies, Submission, Then
from bot.core.policy.chains import StageSpec
from bot.core.policy.expressions import Amount, Condition
from bot.core.policy.trust import Trust

DEFAULT_EXPIRES = timedelta(hours=24)
ADVICE_WITHIN = timedelta(minutes=1)


class Limit(Struct, frozen=True, kw_only=True):
    """How much a rule may approve in any window of ``per``: a ``sum`` of at most ``max``, or ``count`` requests.

    What it approved counts, and what waits for people or was approved by them because of it. ``by`` keeps the account
    apart: ``agent``, ``action``, ``target`` or ``arguments.<name>``.
    """

    per: timedelta
    by: tuple[str, ...] = ("agent", "action", "target")
    sum: Amount | None = None
    max: float | None = None
    count: int | None = None


class Rule(Struct, frozen=True, kw_only=True):
    """One rule; ``when`` None holds always. ``gate`` is the confidence below which a rule does not approve.

    ``replies`` and ``irreversible``: what a letter written back may decide (None: as `Policy` says for all).
    Of a rule that approves: ``limit`` bounds it, ``sample`` is the share (0 to 1) that goes to a person all the same,
    and ``second_look`` the chain that is asked where it held and yet does not approve (None: the walk goes on).
    ``advisors`` are agents asked for their opinion before people are, for ``advice_within`` at most.
    ``review_after`` is the share (0 to 1) of what it approves that is put before people once it ran: the chain
    ``review_chain``, or else ``second_look``. ``trust`` of a rule that asks people: on what evidence some of it may run
    by rule; ``grant`` of a rule that such evidence earned: the id of what was granted.
    """

    name: str
    then: Then
    when: Condition | None = None
    stages: tuple[StageSpec, ...] = ()
    gate: float | None = None
    expires: timedelta = DEFAULT_EXPIRES
    on_expiry: OnExpiry = OnExpiry.EXPIRE
    allow_self: bool = False
    replies: Replies | None = None
    irreversible: OnIrreversible | None = None
    limit: Limit | None = None
    sample: float = 0.0
    second_look: str | None = None
    advisors: tuple[str, ...] = ()
    advice_within: timedelta = ADVICE_WITHIN
    review_after: float = 0.0
    review_chain: str | None = None
    trust: Trust | None = None
    grant: str | None = None


class Asking(Struct, frozen=True, kw_only=True):
    """One line of an expected timeline: who is asked so long after the submission, and in which stage (None: any)."""

    after: timedelta
    people: tuple[str, ...]
    stage: str | None = None


class Expectation(Struct, frozen=True, kw_only=True):
    """One entry of ``tests:``: a submission and what must come of it (None: not checked), as at ``at`` (None: now)."""

    name: str
    given: Submission
    agent: str
    rule: str | None = None
    then: Then | None = None
    stages: tuple[str, ...] | None = None
    at: datetime | None = None
    timeline: tuple[Asking, ...] | None = None


class BreakGlass(Struct, frozen=True, kw_only=True):
    """``break_glass:``: who may approve past the review in an emergency, who is told, and who reviews it afterwards.

    ``review`` is a chain; its review is due ``within``.
    """

    people: tuple[str, ...]
    review: str
    notify: tuple[str, ...] = ()
    within: timedelta = timedelta(hours=24)


class Flood(Struct, frozen=True, kw_only=True):
    """``flood:``: from how many cards in ``per`` to one place on they are gathered for ``digest`` into one."""

    cards: int = 20
    per: timedelta = timedelta(minutes=1)
    digest: timedelta = timedelta(minutes=2)
