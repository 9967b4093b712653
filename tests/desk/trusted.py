"""What the tests of trust at the desk share: a file with trust, and grants as admins gave them."""

from __future__ import annotations

import json
import random
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from bot.core.insight.fact import Fact
from bot.core.model import Request, State, Verb
from bot.core.policy.terms import terms
from bot.core.ports import Filter
from bot.core.trust.drift import baseline_of
from bot.core.trust.grants import Grant, GrantState, terms_of
from store.rows import json_text, micros
from tests.desk.filed import enforce, other_people
from tests.desk.house import House

PEOPLE = other_people("""
    lea: {name: Lea Marsh, email: lea@example.com, role: admin}
    dan: {name: Dan Reyes, email: dan@example.com, role: admin}
""")
ACTIONS = """
actions:
  refund.issue:
    risk: reversible
    execute: {webhook: RECEIVER/refunds, timeout: 2s}
    undo_window: 30s
"""
CHAINS = """
chains:
  finance: [{notify: [finance]}]
  admins: [{notify: [lea, dan, ana], via: [email]}]
"""
RULES = """
rules:
  - name: refunds
    when: action == "refund.issue"
    stages: [{chain: finance}]
    trust: {ask: admins, bands: {arguments.amount: [50, 200]}, sample: 10%}
"""
DEFAULT = """
default: {stages: [{chain: finance}]}
"""


def trusting(house: House, rules: str = RULES) -> None:
    """Put the file in force, and draw lots from a real spread."""
    enforce(house, PEOPLE, ACTIONS, CHAINS, rules, DEFAULT)
    house.ledger.entropy = random.Random(3).randbytes  # noqa: S311  # a test's, and the same each time


def grant_for(house: House, **told: Any) -> Grant:
    """A grant in force from now on: refunds of billing, of up to 50, of which nothing is sampled."""
    now = house.clock.now()
    rule = house.policy.rules[0]
    usual: dict[str, Any] = {
        "id": "grt_1",
        "rule": rule.name,
        "terms": terms_of(house.policy, rule, "refund.issue"),
        "above": terms(house.policy, rule, "refund.issue")[1:],
        "agent": "billing",
        "action": "refund.issue",
        "ceilings": {"/amount": 50.0},
        "level": 0,
        "confidence": None,
        "irreversible": False,
        "sample": 0.0,
        "per_day": 100,
        "lasts": timedelta(days=30),
        "ask": "admins",
        "target": house.policy.action("refund.issue").execute.target,
        "request": "req_1",
        "proposed_at": now,
        "state": GrantState.IN_FORCE,
        "by": "lea",
        "granted_at": now,
        "until": now + timedelta(days=30),
        "baseline": baseline_of(
            [now + timedelta(hours=n) for n in range(100)],
            {"/amount": [float(n % 40) for n in range(100)]},
            [None] * 100,
            [True] * 100,
        ),
    }
    return Grant(**(usual | told))


async def put(house: House, grant: Grant) -> None:
    """Keep a grant as it is told, whatever the desk remembers."""
    await house.store.write(lambda tx: tx.put_grant(grant))


async def granted(house: House, **told: Any) -> Grant:
    """The same, in the store, and known to the desk."""
    made = grant_for(house, **told)
    await put(house, made)
    await house.desk.keep_trust()
    return made


async def refund(house: House, amount: float, **content: Any) -> Request:
    """A refund, an hour after the one before."""
    house.clock.move(hours=1)
    number = len(await house.store.requests(Filter(limit=200)))
    return await house.submit(arguments={"order": f"order {number}", "amount": amount}, **content)


async def now(house: House, grant: Grant) -> Grant:
    """The grant as its row has it."""
    return next(g for g in await house.store.grants() if g.id == grant.id)


async def trail(house: House, kind: str) -> list[dict[str, Any]]:
    """The data of every audit line of a kind."""
    lines = [json.loads(line.body) for line in await house.store.audit_lines(0, 10_000)]
    return [dict(line["data"]) for line in lines if line["type"] == kind]


async def asked_about(house: House, action: str) -> Request:
    """The newest request of the house's own of this action."""
    return (await house.store.requests(Filter(action=action)))[0]


async def decided(house: House, request: Request, verb: Verb = Verb.APPROVE, by: str = "ana", **more: Any) -> State:
    """A person decides; the state after it."""
    return (await house.decide(request, by, verb, **more)).state


def measured(house: House, facts: Sequence[Fact]) -> None:
    """Facts as the follower leaves them, without the requests that they are of: those take a while to make.

    Those of a rule with trust that say no terms were decided under those of now.
    """
    known = {rule.name: rule for rule in house.policy.rules if rule.trust is not None}
    facts = [
        replace(f, terms=terms(house.policy, known[f.rule], f.action)) if f.rule in known and not f.terms else f
        for f in facts
    ]
    rows = [
        (
            f.request,
            f.agent,
            f.action,
            f.rule,
            json_text(f),
            micros(f.created_at),
            int(f.by_person),
            int(f.practice),
        )
        for f in facts
    ]
    columns = "request, agent, action, rule, body, created_at, decided, practice"
    with closing(sqlite3.connect(house.path, timeout=5)) as connection, connection:
        connection.executemany(f"insert or replace into facts ({columns}) values (?, ?, ?, ?, ?, ?, ?, ?)", rows)  # noqa: S608  # names of ours
