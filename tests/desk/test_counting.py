"""Windowed limits over the real store: many small actions never add up to more than the rule says (threat T11)."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bot.core import errors
from bot.core.model import Request, State, Submission, Verb
from bot.core.ports import Filter, Overtaken
from tests.desk.filed import DEFAULT, FINANCE, SENT, enforce
from tests.desk.house import House

RULES = """
rules:
  - name: small
    when: action == "refund.issue" && arguments.amount <= 500
    then: approve
    limit: {sum: arguments.amount, max: 2000, per: 24h}
"""


def sums(**bounds: str) -> str:
    """The rule with more, or other, of a limit."""
    known = {"sum": "arguments.amount", "max": "2000", "per": "24h"} | bounds
    return RULES.replace("{sum: arguments.amount, max: 2000, per: 24h}", "{" + _line(known) + "}")


def _line(bounds: dict[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in bounds.items() if value)


@pytest.fixture(autouse=True)
def limited(house: House) -> None:
    """Small refunds run by rule, 2,000 a day."""
    enforce(house, SENT, FINANCE, RULES, DEFAULT)


async def refund(house: House, amount: Any = 499, agent: str = "billing", **more: Any) -> Request:
    """Submit a refund; each is another order."""
    return await house.submit(agent=agent, arguments={"amount": amount} | more)


def told(requests: list[Request]) -> Counter[str]:
    """How many stand where."""
    return Counter(str(request.state) for request in requests)


async def test_t11_twenty_at_once(house: House) -> None:
    """20 x 499 with 2,000 a day: four run by rule, all others go to people, and say why."""
    found = await asyncio.gather(*(refund(house, order=f"{n}") for n in range(20)))
    assert told(found) == {"approved": 4, "pending": 16}
    over = [request for request in found if request.state is State.PENDING]
    assert all(request.assignees == ("ana", "ben") for request in over)
    assert all(request.route.rule == "default" for request in over)
    assert len(house.sql("select * from executions")) == 4
    trail = json.loads((await house.store.audit(over[-1].id))[0].body)["data"]["trials"]
    assert trail[0]["outcome"] == "limited"
    assert trail[0]["detail"].endswith("of 2000 in the window is used up, and this adds 499")


async def test_t11_many_agents_at_once_each_have_their_own(house: House) -> None:
    """An agent's account is not another's, however they are mixed."""
    found = await asyncio.gather(*(refund(house, agent=("billing", "other", "third")[n % 3]) for n in range(30)))
    for agent in ("billing", "other", "third"):
        assert told([r for r in found if r.agent == agent]) == {"approved": 4, "pending": 6}


@pytest.mark.parametrize(
    "amount", [-1, -499.0, -1e308, 1e308, 2**53 - 1, "499", "NaN", None, [499], {"a": 499}, True], ids=repr
)
async def test_t11_odd_amounts_shrink_nothing(house: House, amount: Any) -> None:
    """Below nothing, not a number, huge or absent: a person decides about it, and the account is no emptier for it."""
    enforce(house, SENT, FINANCE, RULES.replace("&& arguments.amount <= 500", ""), DEFAULT)
    before = [await refund(house) for _ in range(2)]
    odd = [await refund(house, amount) for _ in range(3)]
    after = [await refund(house) for _ in range(4)]
    assert told(before) == {"approved": 2}
    assert told(odd) == {"pending": 3}
    # An amount that can be counted waits, and what waits counts: then nothing more runs by rule at all.
    assert told(after)["approved"] <= 2


async def test_t11_without_the_amount_the_rule_does_not_approve(house: House) -> None:
    """What it would add cannot be said, whatever the condition reads."""
    enforce(house, SENT, FINANCE, RULES.replace("&& arguments.amount <= 500", ""), DEFAULT)
    request = await house.submit(arguments={"order": "1"})
    assert (request.state, request.route.rule) == (State.PENDING, "default")


async def test_t11_the_window_slides(house: House) -> None:
    """Each request counts until its own day is over, not until midnight."""
    for _ in range(4):
        assert (await refund(house)).state is State.APPROVED
        house.clock.move(hours=1)
    assert (await refund(house)).state is State.PENDING
    house.clock.move(hours=20, seconds=1)
    # The first is a day old; the one that waits still counts.
    assert (await refund(house)).state is State.PENDING
    await house.desk.wake()
    house.clock.move(hours=6)
    await house.desk.wake()
    assert (await refund(house)).state is State.APPROVED


@pytest.mark.parametrize("how", ["rejected", "expired", "cancelled"])
async def test_t11_what_came_to_nothing_gives_back(house: House, how: str) -> None:
    """While it waits it counts, though people will decide; once it is refused, over or withdrawn, it does not."""
    for _ in range(3):
        await refund(house)
    # It does not fit, and counts while it waits: after it not even a small one fits.
    await refund(house, 490)
    assert (await refund(house, 400)).state is State.PENDING
    assert (await refund(house, 3)).state is State.PENDING
    for waiting in house.sql("select id from requests where state = 'pending'"):
        request = await house.now(waiting[0])
        if how == "rejected":
            await house.decide(request, verb=Verb.REJECT, comment="no")
        elif how == "cancelled":
            await house.desk.cancel(request.id, agent="billing", reason=None)
    if how == "expired":
        enforce(house, SENT, FINANCE, sums(per="48h"), DEFAULT)
        house.clock.move(hours=24)
        await house.desk.wake()
    assert (await refund(house, 1.5, order="new")).state is State.APPROVED
    assert (await refund(house, 12, order="new")).state is State.PENDING


async def test_t11_what_people_approve_of_it_counts_on(house: House) -> None:
    """It was over the limit, a person let it through, and it has been spent like the others."""
    for _ in range(4):
        await refund(house)
    over = await refund(house)
    assert (await house.decide(over)).state is State.APPROVED
    house.clock.move(hours=23)
    assert (await refund(house, 1)).state is State.PENDING


async def test_t11_a_count(house: House) -> None:
    """Three an hour, whatever the sum."""
    enforce(house, SENT, FINANCE, sums(sum="", max="", count="3", per="1h"), DEFAULT)
    found = await asyncio.gather(*(refund(house, 0) for _ in range(10)))
    assert told(found) == {"approved": 3, "pending": 7}


async def test_t11_a_sum_and_a_count(house: House) -> None:
    """Whichever is reached first."""
    enforce(house, SENT, FINANCE, sums(count="3"), DEFAULT)
    assert told([await refund(house, 1) for _ in range(5)]) == {"approved": 3, "pending": 2}
    assert told([await refund(house, 500, agent="other") for _ in range(5)])["approved"] == 3
    enforce(house, SENT, FINANCE, sums(count="30"), DEFAULT)
    assert told([await refund(house, 500, agent="third") for _ in range(5)]) == {"approved": 4, "pending": 1}


async def test_t11_accounts_by_an_argument(house: House) -> None:
    """Each customer has an account; one that is written otherwise, or by another agent, has not."""
    enforce(house, SENT, FINANCE, sums(by="[arguments.customer]"), DEFAULT)
    names = ("acme", "ACME", " acme", "ac me", "Acme\t")
    found = [await refund(house, customer=name) for name in names for _ in range(2)]
    assert told([r for r in found if r.content.arguments["customer"] != "ac me"])["approved"] == 4
    assert (await refund(house, agent="other", customer="acme")).state is State.PENDING
    assert (await refund(house, customer="blue")).state is State.APPROVED
    assert (await refund(house)).state is State.APPROVED


async def test_t11_accounts_by_the_target(house: House) -> None:
    """Two actions that go to the same place share an account that is kept by it."""
    actions = SENT + "  refund.extra: {execute: {webhook: RECEIVER/refunds, timeout: 2s}}\n"
    rule = sums(by="[target]").replace('action == "refund.issue"', 'action.startsWith("refund.")')
    enforce(house, actions, FINANCE, rule, DEFAULT)
    for n in range(4):
        assert (await house.submit(("refund.issue", "refund.extra")[n % 2], arguments={"amount": 499})).route.rule
    assert (await house.submit("refund.extra", arguments={"amount": 499})).state is State.PENDING


async def test_the_second_look(house: House) -> None:
    """Where the rule held and the limit does not take it, the rule's own chain is asked, and not the next rules."""
    chains = FINANCE + "  careful: [{notify: [lea]}]\n"
    more = "    second_look: careful\n  - {name: never, when: 'true', then: block}\n"
    enforce(house, SENT, chains, RULES + more, DEFAULT)
    found = [await refund(house) for _ in range(5)]
    assert told(found) == {"approved": 4, "pending": 1}
    assert (found[-1].route.rule, found[-1].assignees) == ("small", ("lea",))
    assert (await refund(house, 600)).state is State.BLOCKED


async def test_without_one_the_next_rules_answer(house: House) -> None:
    """A later rule with an account of its own may still approve it; one that blocks blocks."""
    more = """
      - {name: more, when: 'action == "refund.issue" && agent == "billing"', then: approve, limit: {count: 1, per: 1h}}
      - {name: never, when: 'true', then: block}
    """
    enforce(house, SENT, FINANCE, RULES.rstrip() + more.replace("\n      ", "\n  ").rstrip(), DEFAULT)
    assert told([await refund(house) for _ in range(6)]) == {"approved": 5, "blocked": 1}
    # What was blocked used nothing.
    assert house.sql("select count(*) from accounts") == [(6 + 2,)]


async def test_p02_a_key_that_is_used_again_counts_once(house: House) -> None:
    """The same post over and over is one request and one charge."""
    submission = Submission(action="refund.issue", arguments={"amount": 499})
    for n in range(40):
        await house.desk.submit(submission, agent="billing", idempotency_key=f"k{n % 4}", body_hash="h")
    assert house.sql("select count(*) from accounts") == [(4,)]
    assert (await refund(house)).state is State.PENDING


async def test_work_that_is_done_again_counts_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Overtaken by another writer, the unit is run again from the start, and the first run has charged nothing."""
    write, tries = house.store.write, iter([True, True, False])

    async def overtaken(work: Any, **how: Any) -> Any:
        def twice(tx: Any) -> Any:
            done = work(tx)
            if next(tries, False):
                raise Overtaken
            return done

        return await write(twice, **how)

    monkeypatch.setattr(house.store, "write", overtaken)
    request = await refund(house)
    assert request.state is State.APPROVED
    assert house.sql("select request, amount from accounts") == [(request.id, 499_000_000)]
    assert [r.id for r in await house.store.requests(Filter())] == [request.id]


async def test_what_is_refused_charges_nothing(house: House) -> None:
    """A submission that is turned away at the door leaves the account as it was."""
    with pytest.raises(errors.Invalid):
        await house.submit(arguments={"amount": 499}, revises="req_unknown")
    with pytest.raises(errors.Invalid):
        await house.submit("sayso.drill", arguments={"amount": 499})
    assert house.sql("select count(*) from accounts") == [(0,)]


async def test_t11_an_edit_by_a_person_is_theirs(house: House) -> None:
    """An account holds what the agent asked for; a person who edits it decides, and no rule does."""
    for _ in range(4):
        await refund(house)
    over = await refund(house)
    after = await house.decide(over, verb=Verb.APPROVE_WITH_EDITS, arguments={"amount": 1})
    assert after.state is State.APPROVED_WITH_EDITS
    assert (await refund(house, 4)).state is State.PENDING


async def test_p12_the_clock_set_back_or_forward(house: House) -> None:
    """Set back, what was spent later still counts; a day on the window is over, and not a moment before."""
    for _ in range(4):
        await refund(house)
    house.clock.move(hours=-1)
    assert (await refund(house)).state is State.PENDING
    house.clock.move(hours=1, days=1)
    assert (await refund(house)).state is State.PENDING
    house.clock.at += timedelta(milliseconds=1)
    await house.desk.wake()
    assert (await refund(house, 1)).state is State.APPROVED
