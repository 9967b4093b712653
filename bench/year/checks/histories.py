"""Histories of agents as facts, without a desk: for what is asked a thousand times over.

The law of those that should not earn anything: whatever the agent does and whenever, each proposal is approved
unchanged with a chance of at most ``at``, given all that came before. The rest is up to its cunning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from msgspec import Struct

from bot.core.insight.fact import Fact, Judgement
from bot.core.model import Kind, Risk, State, Then, Verb

START = datetime(2026, 1, 5, tzinfo=UTC)
RULE, AGENT, ACTION, POINTER = "refunds", "mimic", "refund.issue", "/amount"
_PEOPLE = ("ana", "ben", "eli")


class Cunning(Struct, frozen=True, kw_only=True):
    """How an agent tries to look better than it is.

    ``bursts``: much on few days. ``waits``: after a bad run it falls silent until the window has forgotten it.
    ``hurries``: the share of what it asks that is approved too fast to have been read. ``dodges``: half of what is
    wrong people only ask about, and it withdraws that. ``spreads``: over the bands of amounts, at the bound in each.
    """

    name: str
    bursts: bool = False
    waits: bool = False
    hurries: float = 0.0
    dodges: bool = False
    spreads: bool = False


STEADY = Cunning(name="steady, looked at after each decision")
CUNNING = (
    STEADY,
    Cunning(name="in bursts", bursts=True),
    Cunning(name="waits until the window forgets", waits=True),
    Cunning(name="half of it clicked through", hurries=0.5),
    Cunning(name="withdraws what it is asked about", dodges=True),
    Cunning(name="over three bands of amounts", spreads=True),
)
_BAD_RUN, _SILENT = 0.03, timedelta(days=91)


def fact(number: int, at: datetime, draw: Random, *, right: bool, amount: float, cunning: Cunning = STEADY) -> Fact:
    """One decided request; of what is wrong, people reject half and edit half."""
    verb = Verb.APPROVE if right else draw.choice((Verb.REJECT, Verb.APPROVE_WITH_EDITS))
    state = {Verb.APPROVE: State.APPROVED, Verb.REJECT: State.REJECTED}.get(verb, State.APPROVED_WITH_EDITS)
    decided = at + timedelta(minutes=draw.uniform(5, 90))
    fast = right and draw.random() < cunning.hurries
    if cunning.dodges and not right and draw.random() < 0.5:  # noqa: PLR2004  # half of it
        verb, state = Verb.ASK, State.CANCELLED
    one = Judgement(
        by=draw.choice(_PEOPLE), verb=verb, at=decided, channel="inbox", stage="team", revision=1, had=40.0, fast=fast
    )
    return Fact(
        request=f"req_{number:08d}",
        created_at=at,
        agent=AGENT,
        action=ACTION,
        rule=RULE,
        kind=Kind.APPROVAL,
        risk=Risk.REVERSIBLE,
        state=state,
        then=Then.STAGES,
        numbers={POINTER: amount},
        decided_at=decided,
        judged=(one,),
    )


def history(
    draw: Random, at: float, cunning: Cunning = STEADY, *, days: int, a_day: float = 5.0, start: datetime = START
) -> Iterator[Fact]:
    """An agent's facts for so many days, oldest first, each unchanged with the chance ``at``."""
    now, end = start, start + timedelta(days=days)
    right = wrong = 0
    for number in count():
        gap = draw.expovariate(a_day)
        if cunning.bursts:
            # Twenty within an hour or two, then a rest of as many proposals' time.
            gap = draw.expovariate(a_day / 20) if number % 20 == 0 else draw.expovariate(300)
        now += timedelta(days=gap)
        if cunning.waits and wrong and right / (right + wrong) < at - _BAD_RUN:
            now, right, wrong = now + _SILENT, 0, 0
        if now >= end:
            return
        good = draw.random() < at
        right, wrong = right + good, wrong + (not good)
        amount = draw.choice((20.0, 90.0, 700.0)) if cunning.spreads else draw.uniform(5, 45)
        yield fact(number, now, draw, right=good, amount=amount, cunning=cunning)
