"""Declared practices: put before people at a moment nobody knows, never run, seen by no agent, explained afterwards."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.core import errors
from bot.core.model import Execution, ExecutionState, Request, State, Verb
from bot.core.policy import GLASS_REVIEW
from bot.core.ports import Filter
from bot.core.practice import NOTHING
from bot.desk.attempts import mismatch
from tests.desk.filed import DEFAULT, FINANCE, SENT, enforce
from tests.desk.house import House

LESSON = "The order was paid by card."
PRACTICE = f"""
practice:
  announced: Told at the meeting of 2 March.
  chain: finance
  every: 7d
  requests:
    - name: a stranger's account
      agent: billing
      action: refund.issue
      arguments: {{order: "1", amount: 980.0}}
      reason: Customer asked for another account
      confidence: 0.97
      lesson: {LESSON}
"""
NAME = "a stranger's account"


@pytest.fixture(autouse=True)
def practice(house: House) -> None:
    """A team that practises, and an agent that listens."""
    agents = "agents:\n  billing: {owner: dan, webhook: RECEIVER/events}\n  other: {}"
    enforce(house, SENT, FINANCE, DEFAULT, PRACTICE, agents)


async def _one(house: House) -> Request:
    return await house.desk.practise_now(NAME, by="admin:root")


async def test_it_comes_about_once_in_its_time_and_nobody_knows_when(house: House) -> None:
    """The moment is drawn and kept; after downtime there is one and not many; the next is drawn anew."""
    assert await house.desk.practise() is None
    first = datetime.fromisoformat(str(house.sql("select value from kept where name = 'practice'")[0][0]))
    assert house.clock.now() <= first <= house.clock.now() + timedelta(days=14)
    house.clock.at = first + timedelta(days=60)
    found = await house.desk.practise()
    assert found is not None
    assert (found.agent, found.route.practice, found.content.target, found.state) == (
        "billing", NAME, NOTHING, State.PENDING,
    )  # fmt: skip
    assert await house.desk.practise() is None
    assert len(await house.store.requests(Filter())) == 1
    lot = [datetime.fromisoformat(str(house.sql("select value from kept where name = 'practice'")[0][0]))]
    assert lot[0] >= house.clock.now()


async def test_it_looks_like_any_other_until_it_is_decided(house: House) -> None:
    """Its card, rule and gate are those of the agent's own; once it has ended the card explains, and blames nobody."""
    real = await house.submit(arguments={"order": "1", "amount": 980.0})
    request = await _one(house)
    card, other = house.desk.card_of(request), house.desk.card_of(real)
    same = ("title", "action", "agent", "risk", "arguments", "why", "stage", "buttons", "notes", "undo")
    assert {name: getattr(card, name) for name in same} == {name: getattr(other, name) for name in same}
    passed = await house.decide(request)
    notes = house.desk.card_of(passed).notes
    assert [line.label for line in notes] == ["This was a practice", "What was wrong with it"]
    assert notes[1].text == LESSON
    assert "Ana" not in notes[0].text
    for verb in (Verb.REJECT, Verb.ASK):
        ended = await house.decide(await _one(house), verb=verb, comment="which account?")
        assert not ended.state.open
        assert "noticed" in house.desk.card_of(ended).notes[0].text
    said = [json.loads(line.body) for line in await house.store.audit(passed.id)]
    assert [(e["actor"], e["data"]["outcome"]) for e in said if e["type"] == "practice.ended"] == [("sayso", "passed")]


async def test_a_broken_glass_ends_it_on_record_and_runs_nothing(house: House) -> None:
    """Who approves past the review has not noticed either, and what they did is reviewed like any other emergency."""
    enforce(house, SENT, FINANCE, DEFAULT, PRACTICE, "break_glass: {people: [lea], review: finance}")
    done = await house.decide(await _one(house), "lea", break_glass=True, comment="it cannot wait")
    assert (done.state, done.execution) == (State.APPROVED, None)
    said = [json.loads(line.body) for line in await house.store.audit(done.id)]
    assert [e["data"]["outcome"] for e in said if e["type"] == "practice.ended"] == ["passed"]
    assert len(await house.store.requests(Filter(action=GLASS_REVIEW))) == 1


async def test_p05_it_never_runs(house: House) -> None:
    """An approval plans nothing; and a claim refuses where somebody laid hands on the rows."""
    courier = await house.work()
    assert courier is not None
    done = await house.decide(await _one(house))
    await house.rest()
    assert (done.state, done.execution) == (State.APPROVED, None)
    assert house.sql("select count(*) from executions") == [(0,)]
    run = Execution(
        id="exe_forged", request=done.id, revision=1, digest=done.digest, state=ExecutionState.WAITING, due_at=None
    )
    how = house.policy.action("refund.issue").execute
    assert str(mismatch(replace(done, execution=run), run, how)).startswith("practice")
    with pytest.raises(errors.Conflict):
        await house.desk.undo(done.id, by="ana", via="inbox", revision=1)


async def test_t10_no_agent_hears_of_it_nor_is_held_to_it(house: House) -> None:
    """No webhook is owed, its key finds nothing, and what was rejected as a practice is no rejection of the agent's."""
    request = await _one(house)
    for act in (
        house.desk.cancel(request.id, agent="billing", reason=None),
        house.desk.inform(request.id, agent="billing", text="so it is"),
    ):
        with pytest.raises(errors.NotFound):
            await act
    rejected = await house.decide(request, verb=Verb.REJECT)
    assert house.sql("select kind from effects where kind = 'webhook'") == []
    assert house.sql("select count(*) from rejections") == [(0,)]
    again = await house.submit(arguments={"order": "1", "amount": 980.0})
    assert (again.route.refused, rejected.state) == (None, State.REJECTED)


@pytest.mark.parametrize("limit", ["pending", "per_minute"])
async def test_t10_it_counts_against_no_limit_of_the_agent(house: House, limit: str) -> None:
    """Else an agent that is refused one too early knows; nor can it say that it revises one."""
    enforce(house, SENT, FINANCE, DEFAULT, PRACTICE, f"agents:\n  billing: {{owner: dan, {limit}: 2}}\n  other: {{}}")
    practice = await _one(house)
    with pytest.raises(errors.Invalid, match="no request of this agent"):
        await house.submit(revises=practice.id)
    for _ in range(2):
        await house.submit()
    with pytest.raises(errors.Overloaded):
        await house.submit()


async def test_an_unknown_one_is_named_with_those_there_are(house: House) -> None:
    """And without practices there are none, and nothing is announced."""
    with pytest.raises(errors.Invalid, match="there are: a stranger's account"):
        await house.desk.practise_now("another", by="admin:root")
    assert house.desk.announced() == "Told at the meeting of 2 March."
    enforce(house, SENT, FINANCE, DEFAULT)
    assert await house.desk.practise() is None
    assert house.desk.announced() is None
