"""Who lives the year: agents with a truth of their own, people who look well, badly, late or not at all.

All that is drawn comes from one seeded stream, so a seed is a year.
"""

from __future__ import annotations

import math
from random import Random
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

_STEEP = 3
"""Mistakes are crowded where a case is hard: the chance of one grows with the cube of how hard it is."""


class Temper(Struct, frozen=True, kw_only=True):
    """How an agent is at a time: proposals a working day, amounts (median, and sigma of their logarithm), mistakes.

    ``wrong`` is the chance that a proposal would do harm, ``fixable`` the share of those that another amount puts
    right.
    """

    rate: float
    amount: float
    sigma: float = 0.8
    wrong: float = 0.01
    fixable: float = 0.4


class Agent(Struct, frozen=True, kw_only=True):
    """One agent. ``number`` names the argument that is an amount.

    ``claims``: ``knows`` (its confidence says how hard the case was), ``boasts`` (it says it is sure, and is a little
    less so where it should be), ``guesses`` (its confidence has nothing to do with the case).
    From the share ``turns_at`` of the life on, the first time that its requests run by rule, it is ``turned`` for good.
    ``sly``: small and right while it is
    watched, and ``turned`` while its last requests ran by rule (threat T15).
    """

    name: str
    action: str
    number: str
    temper: Temper
    claims: str = "knows"
    kind: str = "approval"
    turns_at: float | None = None
    turned: Temper | None = None
    sly: bool = False


class Truth(Struct, frozen=True):
    """What a request is in truth: whether it would do harm as proposed, and the amount that would be right, if any."""

    wrong: bool
    right: float | None = None


class Proposal(Struct, frozen=True, kw_only=True):
    """What an agent comes to propose, and the truth of it."""

    agent: str
    action: str
    kind: str
    arguments: dict[str, Any]
    labels: dict[str, str]
    confidence: float | None
    truth: Truth


class Person(Struct, frozen=True, kw_only=True):
    """One reviewer. Times are means in seconds of working time.

    ``zeal`` is the chance that they look at what they are asked, ``notices`` that they see what is wrong with it.
    ``delay`` is until they look, ``glance`` from opening to deciding, at most, for who does not read; who ``reads``
    takes the time that the card takes. ``doubts`` is the chance that they reject what is good, ``asks`` that they ask
    first; ``against`` is an agent whose good proposals they reject with the chance ``bias``. ``slack``: the share that
    they decide from a card in Slack, without opening the page.
    """

    id: str
    zeal: float
    delay: float
    notices: float
    reads: bool = True
    glance: float = 1.2
    doubts: float = 0.003
    asks: float = 0.02
    against: str | None = None
    bias: float = 0.0
    slack: float = 0.2


BILLING = Agent(name="billing", action="refund.issue", number="amount", temper=Temper(rate=6, amount=30, wrong=0.002))
SALES = Agent(
    name="sales", action="discount.grant", number="percent", temper=Temper(rate=4, amount=12, sigma=0.5, wrong=0.18)
)
OPS = Agent(
    name="ops",
    action="deploy.start",
    number="instances",
    temper=Temper(rate=2.5, amount=4, sigma=0.6, wrong=0.13, fixable=0.3),
    claims="boasts",
)
SHIPPING = Agent(
    name="shipping",
    action="address.change",
    number="value",
    temper=Temper(rate=6, amount=80, sigma=0.7, wrong=0.002, fixable=0.2),
    turns_at=0.3,
    turned=Temper(rate=12, amount=160, sigma=0.7, wrong=0.2, fixable=0.2),
)
MIMIC = Agent(
    name="mimic",
    action="refund.issue",
    number="amount",
    temper=Temper(rate=5, amount=25, sigma=0.7, wrong=0.0),
    turned=Temper(rate=5, amount=60, sigma=0.7, wrong=0.35, fixable=0.2),
    claims="boasts",
    sly=True,
)
NOTES = Agent(name="notes", action="note.write", number="lines", temper=Temper(rate=7, amount=8, wrong=0.03))
MAILER = Agent(
    name="mailer",
    action="mail.send",
    number="recipients",
    temper=Temper(rate=2, amount=3, wrong=0.06),
    claims="guesses",
)
HELPDESK = Agent(
    name="helpdesk", action="ticket.ask", number="tickets", temper=Temper(rate=1, amount=2), kind="question"
)
AGENTS = (BILLING, SALES, OPS, SHIPPING, MIMIC, NOTES, MAILER, HELPDESK)

ANA = Person(id="ana", zeal=0.55, delay=1500, notices=0.96)
BEN = Person(id="ben", zeal=0.5, delay=2400, notices=0.94, slack=0.3)
CEM = Person(id="cem", zeal=0.35, delay=700, notices=0.2, reads=False, doubts=0.0, asks=0.0, slack=0.0)
DEE = Person(id="dee", zeal=0.12, delay=9000, notices=0.9)
ELI = Person(id="eli", zeal=0.45, delay=1800, notices=0.92, against="sales", bias=0.25)
LEA = Person(id="lea", zeal=0.92, delay=3600, notices=0.97)
PEOPLE = {person.id: person for person in (ANA, BEN, CEM, DEE, ELI, LEA)}
"""Careful: ana, ben and lea (who is admin); hurried: cem; asleep: dee; biased: eli."""

_TIERS = ("gold", "silver", "none")
_PLACES = ("PT", "DE", "SE", "US")


def proposal(agent: Agent, temper: Temper, draw: Random, number: int) -> Proposal:
    """One proposal of an agent in this temper; the ``number``-th of the life, so that no two are the same."""
    hard = draw.random()
    amount = _rounded(agent, temper.amount * math.exp(draw.gauss(0, temper.sigma)))
    chance = min(1.0, temper.wrong * (_STEEP + 1) * hard**_STEEP)
    wrong = draw.random() < chance
    right = None
    if wrong and draw.random() < temper.fixable:
        right = _rounded(agent, amount * draw.uniform(0.3, 0.8))
        right = None if right == amount else right
    return Proposal(
        agent=agent.name,
        action=agent.action,
        kind=agent.kind,
        arguments={"subject": f"{agent.action.partition('.')[0]} {number:06d}", agent.number: amount},
        labels={"tier": draw.choice(_TIERS), "country": draw.choice(_PLACES)},
        confidence=_claim(agent, chance, draw),
        truth=Truth(wrong, right),
    )


def in_temper(agent: Agent, *, turned: bool, trusted: bool) -> Temper:
    """How an agent is; ``trusted``: its last requests ran by rule."""
    if agent.turned is None:
        return agent.temper
    if agent.sly:
        return replace(agent.turned, rate=agent.temper.rate) if trusted else agent.temper
    return agent.turned if turned else agent.temper


def _claim(agent: Agent, chance: float, draw: Random) -> float:
    if agent.claims == "knows":
        said = 1 - chance + draw.gauss(0, 0.04)
    elif agent.claims == "boasts":
        said = 0.97 - 0.1 * chance + draw.gauss(0, 0.01)
    else:
        said = draw.uniform(0.5, 1.0)
    return round(min(max(said, 0.0), 1.0), 2)


def _rounded(agent: Agent, amount: float) -> float:
    return round(max(amount, 0.5), 2) if agent.number in ("amount", "value") else float(max(round(amount), 1))
