"""T23 over time: what is hidden, and whose data it is, in all that follows a decision: undone, reviewed, measured."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from msgspec.structs import replace

from bot.core.edits import tightened
from bot.core.examples import ExampleQuery
from bot.core.insight.asking import Question
from bot.core.model import Request, Route, Severity, Then, Verb
from bot.core.policy import GLASS_REVIEW
from bot.core.ports import Filter, OutcomeKind
from bot.core.ports.insight import FactQuery
from bot.core.ports.reports import ReportAsked
from bot.core.trust.drift import baseline_of
from bot.core.trust.grants import Grant
from bot.desk.erasing import erase
from bot.desk.examples import examples
from bot.insight import Follower
from bot.insight.reading import Reading
from bot.reports.report import Reports
from bot.web.measured import shown as measured
from bot.web.measured import table_of
from bot.web.view import request_view
from store.scrubbing import scrub
from tests.desk.filed import DEFAULT, enforce
from tests.desk.house import House, edits, open_house
from tests.desk.remedied import ACTIONS, CHAINS, RULES, concluded, reviews
from tests.desk.trusted import grant_for
from tests.erasure.hidden import CARD, CUSTOMER, HIDDEN, ODD, ORDER, OTHER, SUBJECTS, TEAM, TOKEN, found
from tests.erasure.test_t23_canaries import files_of

WHYS = ACTIONS.replace("order {{ order }} is off", "of card {{ card }}, order {{ order }}").replace(
    "{{ card | default('none') }}", "none"
)
"""The rollback says the card in the midst of another text, and nowhere else."""
LIMITED = RULES.replace("then: approve", "then: approve\n    limit: {sum: arguments.amount, max: 500, per: 24h}", 1)
GLASS = "break_glass: {people: [ben, kim], review: audit, notify: [eva], within: 48h}"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A desk whose refunds hide a card, belong to a customer, can be reversed, and are looked at afterwards."""
    async with open_house(tmp_path / "sayso.db") as opened:
        enforce(opened, WHYS, CHAINS, LIMITED, DEFAULT, GLASS)
        yield opened


def given(**more: Any) -> dict[str, Any]:
    """The arguments of a refund that says all of it."""
    return {"card": CARD, "customer": CUSTOMER, "order": ORDER, "amount": 313.3725, ODD: 4.0625} | more


async def refund(house: House, **more: Any) -> Request:
    """A refund with everything that may hide somewhere."""
    labels = {"token": TOKEN, "team": TEAM}
    context = {"seen": [{"token": TOKEN}]}
    return await house.submit(arguments=given(**more), reason=f"for {CARD}", labels=labels, context=context)


async def told_of(house: House) -> tuple[Request, ...]:
    """A refund that is edited, fails to please, and is taken back in vain; one past the review; one looked at after."""
    first = await refund(house)
    changed = edits(first, card=OTHER, amount=310.0)
    first = await house.decide(first, verb=Verb.APPROVE_WITH_EDITS, arguments=changed, comment=f"not {CARD}")
    first = await concluded(house, first, result={"id": "re_7", "token": TOKEN, "echo": [f"of {OTHER}"]})
    note = f"{OTHER} was the wrong one, {CARD} the right one"
    await house.desk.report_incident(first.id, by="person:kim", via="api", severity=Severity.HIGH, note=note)
    back, _ = await house.desk.roll_back(first.id, by="person:kim", via="api", reason=f"{OTHER} is not theirs")
    back = await house.decide(back, "ben", comment=f"yes, {OTHER}, not {CARD}")
    back = await concluded(house, back, OutcomeKind.EXECUTED, result={"gone": f"{OTHER} is paid"})
    small = await refund(house, amount=4.1875)
    small = await concluded(house, small, result={"id": "re_9", "token": TOKEN, "echo": CARD})
    (review,) = await reviews(house)
    review = await house.decide(review, "lea", Verb.REJECT, comment=f"{CARD} was paid twice, says {CUSTOMER}")
    broken = await house.decide(await refund(house), "ben", break_glass=True, comment=f"{CARD} waits at the airport")
    (glass,) = await house.store.requests(Filter(action=GLASS_REVIEW))
    return first, back, small, review, broken, glass


async def earned(house: House) -> Grant:
    """What agents earned, by the amounts of this subject and of others."""
    at, amounts = house.clock.now(), [313.3725, *(float(number) for number in range(60)), 4.1875]
    baseline = baseline_of([at + timedelta(hours=n) for n in range(62)], {"/amount": amounts}, [None] * 62, [True] * 62)
    grant = grant_for(house, baseline=baseline, proposed_at=at + timedelta(days=1))
    await house.store.write(lambda tx: tx.put_grant(grant))
    return grant


async def follow(house: House) -> None:
    """What happened is measured."""
    follower = Follower(house.store, house.clock, lambda: house.policy, pause=0.0)
    await follower.level()


async def everything(house: House, requests: tuple[Request, ...]) -> dict[str, str]:
    """All that is said to anybody but the agent itself, by where it stands."""
    said: dict[str, str] = {}
    for number, one in enumerate(requests):
        stored = await house.now(one)
        view = to_builtins(request_view(stored, await house.store.deliveries(stored.id), "http://x"))
        lines = [line.body for line in await house.store.told(stored)]
        name = f"{number} {stored.action}"
        said |= {f"{name} card": str(house.desk.card_of(stored)), f"{name} view": json.dumps(view, default=str)}
        said |= {f"{name} fields": str(house.desk.fields(stored)), f"{name} trail": "\n".join(lines)}
    said["audit"] = "\n".join([line.body for line in await house.store.audit_lines(0, 100_000)])
    said["facts"] = str([*await house.store.facts_of(FactQuery())])
    now = house.clock.now()
    for by in ("", "label:token", "label:team", "agent", "action", "rule", "reviewer", "correction"):
        question = Question(since=now - timedelta(days=9), until=now + timedelta(hours=1), by=by)
        if question.wrong() is None:
            figures = await Reading(house.store, house.clock).figures(question)
            said[f"figures {by}"] = str(measured(figures, None)) + str(table_of(figures))
    asked = ExampleQuery(labels=True, people=True)
    said["examples"] = "".join([one.line().decode() async for one in examples(house.store, asked)])
    reports = Reports(house.store, lambda: house.policy, house.clock)
    report = [piece async for piece in reports.document(ReportAsked(until=now + timedelta(hours=1)))]
    said["report"] = b"".join(report).decode()
    said["grants"] = str(await house.store.grants())
    said["limits"] = str(house.sql("select amount from accounts"))
    return said


async def test_t23_what_comes_after_a_decision_tells_nothing_hidden(house: House) -> None:
    """Rollback, incident, review afterwards, broken glass, facts, figures, examples, report: 0 hits; it still ran."""
    requests = await told_of(house)
    await follow(house)
    said = await everything(house, requests)
    assert {where: found(text) for where, text in said.items() if found(text)} == {}
    assert [place for place in ("facts", "figures label:team", "examples") if TEAM not in said[place]] == []
    assert "313.3725" in said["facts"]
    assert OTHER in (await house.now(requests[1])).content.arguments["why"]


def test_t23_what_an_opinion_blocks_hides_what_it_hid() -> None:
    """A route that a block takes the place of keeps what is hidden, whose it is, and what it is about."""
    old = Route(then=Then.STAGES, rule="some", why="", hidden=("/arguments/why",), unsaid=(CARD,), of="req_1")
    blocked = tightened(
        replace(old, asked="person:kim"), Route(then=Then.BLOCK, rule="never", why="", hidden=("/labels/pin",))
    )
    assert (blocked.then, blocked.rule, blocked.asked) == (Then.BLOCK, "never", "person:kim")
    assert (blocked.hidden, blocked.unsaid, blocked.of) == (("/arguments/why", "/labels/pin"), (CARD,), "req_1")


async def test_t23_what_was_measured_of_a_subject_is_forgotten_to_the_last_byte(tmp_path: Path) -> None:
    """All of it that is left in the rows, the figures and the bytes of the files: nothing, in no spelling."""
    path = tmp_path / "sayso.db"
    async with open_house(path) as house:
        enforce(house, WHYS, CHAINS, LIMITED, DEFAULT, GLASS)
        requests = await told_of(house)
        grant = await earned(house)
        await follow(house)
        assert "313.3725" in str(await house.store.grants())
        assert "4187500" in str(house.sql("select amount from accounts"))
        assert found(path.read_bytes() + path.with_name("sayso.db-wal").read_bytes(), SUBJECTS + HIDDEN)
        await erase(house.ledger, CUSTOMER, by="cli:test", via="cli", cancel=True)
        await follow(house)
        said = await everything(house, requests)
        assert {where: hits for where, text in said.items() if (hits := found(text, SUBJECTS + HIDDEN))} == {}
        (left,) = await house.store.grants()
        assert left.baseline.numbers["/amount"] == tuple(float(number) for number in range(60))
        assert replace(left, baseline=grant.baseline) == grant, "nothing else of it is touched"
    scrub(path, busy_timeout=5)
    bytes_left = {file.name: found(file.read_bytes(), SUBJECTS + HIDDEN) for file in files_of(tmp_path)}
    assert {name: hits for name, hits in bytes_left.items() if hits} == {}
