"""What no rule may approve whatever it says: a sample, what is critical, failed checks, what looks suspicious."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from bot.core.model import Request, Risk, State
from tests.desk.filed import DEFAULT, FINANCE, SENT, enforce
from tests.desk.house import House

SAMPLED = """
rules:
  - name: small
    when: action == "refund.issue" && arguments.amount <= 500
    then: approve
    sample: {share}
"""
BLOCK = "\n  - {name: none at all, when: 'action == \"refund.issue\"', then: block}\n"
OPEN = """
rules:
  - {name: all of it, then: approve}
"""


def chances(house: House, seed: int = 7) -> None:
    """Draw from a real spread, the same each time."""
    house.ledger.entropy = random.Random(seed).randbytes  # noqa: S311  # a test's, and the same each time


async def outcomes(house: House, request: Request) -> list[str]:
    """How the rules fared, as the trail keeps it."""
    first = json.loads((await house.store.audit(request.id))[0].body)
    return [trial["outcome"] for trial in first["data"]["trials"]]


async def test_half_of_them_go_to_a_person(house: House) -> None:
    """Over 400, about half, each to a person who can decide it; the others run by rule."""
    chances(house)
    enforce(house, SENT, FINANCE, SAMPLED.format(share=0.5), DEFAULT)
    found = [await house.submit(arguments={"amount": 1, "order": n}) for n in range(400)]
    waiting = [request for request in found if request.state is State.PENDING]
    assert 160 < len(waiting) < 240
    assert all(request.state in (State.PENDING, State.APPROVED) for request in found)
    assert {request.assignees for request in waiting} == {("ana", "ben")}
    assert await outcomes(house, waiting[0]) == ["sampled", "held"]
    assert "it is among the 50% that a person looks at all the same" in str(await house.store.audit(waiting[0].id))


@pytest.mark.parametrize(("share", "least", "most"), [("100%", 50, 50), ("5%", 0, 8)])
async def test_the_share_is_what_it_says(house: House, share: str, least: int, most: int) -> None:
    """All, or about one in twenty."""
    chances(house)
    enforce(house, SENT, FINANCE, SAMPLED.format(share=share), DEFAULT)
    found = [await house.submit(arguments={"amount": 1, "order": n}) for n in range(50)]
    assert least <= sum(request.state is State.PENDING for request in found) <= most


async def test_t15_a_sample_is_never_blocked_or_let_through_by_a_later_rule(house: House) -> None:
    """It was good enough for the rule: chance puts it before a person, and no other rule answers instead."""
    for later in (BLOCK, "\n  - {name: too, then: approve}\n"):
        enforce(house, SENT, FINANCE, SAMPLED.format(share="100%") + later, DEFAULT)
        request = await house.submit(arguments={"amount": 1})
        assert (request.state, request.assignees) == (State.PENDING, ("ana", "ben"))
        assert await outcomes(house, request) == ["sampled", "needs_person", "held"]
        assert (await house.submit(arguments={"amount": 501})).state in (State.BLOCKED, State.APPROVED)


async def test_a_sample_goes_to_the_second_look(house: House) -> None:
    """Where the rule names one."""
    chains = FINANCE + "  careful: [{notify: [lea]}]\n"
    enforce(house, SENT, chains, SAMPLED.format(share=1) + "    second_look: careful\n" + BLOCK, DEFAULT)
    request = await house.submit(arguments={"amount": 1})
    assert (request.route.rule, request.assignees, await outcomes(house, request)) == ("small", ("lea",), ["sampled"])


async def test_one_draw_a_request(house: House) -> None:
    """A unit of work that is done again, and rules one after another, do not throw the dice anew until one fits."""
    chances(house)
    rule = SAMPLED.format(share=0.5)
    again = rule.replace("rules:\n", "").replace("small", "again").rstrip() + "\n"
    enforce(house, SENT, FINANCE, rule.rstrip() + again, DEFAULT)
    found = [await house.submit(arguments={"amount": 1, "order": n}) for n in range(100)]
    assert 35 < sum(request.state is State.PENDING for request in found) < 65


@pytest.mark.parametrize("how", ["it waits", "withdrawn", "expired"])
async def test_t15_who_was_drawn_is_not_drawn_anew(house: House, how: str) -> None:
    """An agent does not get around the sample by proposing the same again, until a person has approved it."""
    chances(house)
    enforce(house, SENT, FINANCE, SAMPLED.format(share="100%"), DEFAULT)
    first = await house.submit(arguments={"amount": 1, "order": "10428"})
    enforce(house, SENT, FINANCE, SAMPLED.format(share="0.01%"), DEFAULT)
    if how == "withdrawn":
        await house.desk.cancel(first.id, agent="billing", reason="never mind")
    elif how == "expired":
        await house.later(days=1)
    again = [await house.submit(arguments={"amount": 1.0, "order": " 10428"}) for _ in range(20)]
    other = await house.submit(arguments={"amount": 1, "order": "10429"})
    assert ({request.state for request in again}, other.state) == ({State.PENDING}, State.APPROVED)
    await house.decide(again[-1])
    assert (await house.submit(arguments={"amount": 1, "order": "10428"})).state is State.APPROVED


async def test_what_is_critical_goes_to_a_person(house: House) -> None:
    """Whatever a rule says, or its limit or sample."""
    critical = SENT.replace("{risk: irreversible", "{critical: true, risk: irreversible")
    enforce(house, critical, FINANCE, OPEN, DEFAULT)
    request = await house.submit(arguments={"amount": 1}, confidence=1.0)
    assert (request.state, await outcomes(house, request)) == (State.PENDING, ["needs_person", "held"])
    enforce(house, SENT, FINANCE, OPEN, DEFAULT)
    assert (await house.submit(arguments={"amount": 1})).state is State.APPROVED


def checked(*checks: str) -> str:
    """The action with these checks."""
    return SENT.replace("{risk: irreversible", "{checks: [" + ", ".join(checks) + "], risk: irreversible")


WITHIN = "{name: within reason, that: arguments.amount < 100.0}"
KNOWN = '{name: known place, that: arguments.country == "PT", otherwise: block}'


@pytest.mark.parametrize(
    ("arguments", "state", "passed"),
    [
        ({"amount": 5, "country": "PT"}, State.APPROVED, [True, True]),
        ({"amount": 500, "country": "PT"}, State.PENDING, [False, True]),
        ({"country": "PT"}, State.PENDING, [None, True]),
        ({"amount": "5", "country": "PT"}, State.PENDING, [None, True]),
        ({"amount": 5, "country": "KP"}, State.BLOCKED, [True, False]),
        ({"amount": 5}, State.BLOCKED, [True, None]),
        ({}, State.BLOCKED, [None, None]),
    ],
    ids=json.dumps,
)
async def test_the_houses_own_checks(
    house: House, arguments: dict[str, Any], state: State, passed: list[bool | None]
) -> None:
    """One that fails, or cannot be answered, takes the approval away or blocks; each stands on the card."""
    enforce(house, checked(WITHIN, KNOWN), FINANCE, OPEN, DEFAULT)
    request = await house.submit(arguments=arguments)
    assert (request.state, [check.passed for check in request.route.checks]) == (state, passed)
    card = await house.desk.card(request.id)
    assert card is not None
    lines = [line for line in card.notes if line.label.startswith("Checked: ")]
    assert [line.label for line in lines] == ["Checked: within reason", "Checked: known place"]
    words = {True: "passed", False: "failed", None: "could not be answered"}
    assert [line.text.startswith(words[way]) for line, way in zip(lines, passed, strict=True)] == [True, True]


async def test_a_failed_check_raises_the_risk(house: House) -> None:
    """What fails is taken for irreversible, whatever the file and the agent say; what passes is as the file says."""
    enforce(house, checked(WITHIN).replace("irreversible", "reversible"), FINANCE, OPEN, DEFAULT)
    failed = await house.submit(arguments={"amount": 500}, risk=Risk.READ_ONLY)
    passed = await house.submit(arguments={"amount": 5})
    assert (failed.risk, failed.route.risk, passed.risk) == (Risk.IRREVERSIBLE, Risk.IRREVERSIBLE, Risk.REVERSIBLE)


async def test_t04_suspicious_arguments_raise_the_risk(house: House) -> None:
    """Mixed scripts and hidden characters make it irreversible and a person's, and stand on the card."""
    enforce(house, SENT.replace("irreversible", "read_only"), FINANCE, OPEN, DEFAULT)
    for odd in ("https://p\u0430ypal.com/x", "a\u200bb", "\u202eevil", "dana@ex\u0430mple.com"):
        request = await house.submit(arguments={"to": odd})
        assert (request.state, request.risk) == (State.PENDING, Risk.IRREVERSIBLE), odd
        card = await house.desk.card(request.id)
        assert card is not None
        assert card.marks
    assert (await house.submit(arguments={"to": "https://paypal.com/x"})).state is State.APPROVED


async def test_t23_sensitive_arguments_go_to_a_person(house: House) -> None:
    """What the schema calls sensitive raises the risk where it is given, and nothing where it is not."""
    schema = """
actions:
  refund.issue:
    risk: reversible
    schema: {type: object, properties: {iban: {type: string, x-sensitive: true}, amount: {type: number}}}
    execute: {webhook: RECEIVER/refunds}
"""
    enforce(house, schema, FINANCE, OPEN, DEFAULT)
    given = await house.submit(arguments={"iban": "PT50", "amount": 1})
    assert (given.state, given.risk) == (State.PENDING, Risk.IRREVERSIBLE)
    assert given.route.warnings == ("/iban is sensitive, as its schema says",)
    bare = await house.submit(arguments={"amount": 1})
    assert (bare.state, bare.risk) == (State.APPROVED, Risk.REVERSIBLE)


@pytest.mark.parametrize("claim", [{"risk": Risk.READ_ONLY}, {"labels": {"safe": True}}, {"confidence": 1.0}], ids=str)
async def test_t14_what_an_agent_says_of_itself_changes_none_of_it(house: House, claim: dict[str, Any]) -> None:
    """No claim takes a sample, a check, a mark or a critical action away from people."""
    chances(house)
    risky = checked(WITHIN).replace("{checks", "{critical: true, checks")
    for actions, sample, arguments in (
        (SENT, "100%", {"amount": 1}),
        (checked(WITHIN), "0.0001%", {"amount": 400}),
        (risky, "0.0001%", {"amount": 1}),
        (SENT, "0.0001%", {"amount": 1, "to": "a\u200bb"}),
    ):
        enforce(house, actions, FINANCE, SAMPLED.format(share=sample), DEFAULT)
        assert (await house.submit(arguments=arguments, **claim)).state is State.PENDING
