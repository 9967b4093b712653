"""Earlier requests of the same agent and action: how they ended, by whom, how long it took, what differs here."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.core.model import Submission, Verb
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import AGENT, Standing
from tests.web.inbox.reader import Page
from tests.web.inbox.states import vote


def panel(page: Page) -> str:
    """The panel, as a person reads it."""
    found = re.search(r'<details class="panel fold earlier">.*?</details>', page.text, re.DOTALL)
    assert found
    return Page(200, {}, found[0]).words


async def test_how_those_before_it_ended(house: Standing, visit: Visit) -> None:
    """Counts of all that were looked at, then the newest ones with who, how long, and what is other there."""
    arguments = {"order": "10428", "amount": 240.0, "currency": "USD", "notify": True}
    for number in range(4):
        await vote(house, await house.submit(arguments={**arguments, "order": f"{number}"}))
    edited = await house.submit()
    await vote(house, edited, Verb.APPROVE_WITH_EDITS, arguments={**arguments, "amount": 60.0})
    rejected = await house.submit(arguments={**arguments, "order": "<9>", "amount": 7.0})
    house.clock.shift += timedelta(minutes=10)
    await vote(house, rejected, Verb.REJECT, by="ben", comment="No", category="other")
    request = await house.submit()
    told = panel(await (await visit("ana")).get(f"/requests/{request.id}"))
    assert "Of the last 6: 4 approved unchanged, 1 edited, 1 rejected." in told
    assert "by Ben Okafor · after 10 min" in told
    assert '/order "10428" → "<9>"' in told
    assert "/amount 240.0 → 7.0" in told
    assert told.count(" after ") == 5


async def test_few_are_said_to_be_few(house: Standing, visit: Visit) -> None:
    """One says nothing about the next; open ones, other agents' and other actions' do not count."""
    ana = await visit("ana")
    request = await house.submit()
    assert f"The first of its kind from {AGENT} that is decided." in panel(await ana.get(f"/requests/{request.id}"))
    await vote(house, await house.submit())
    await vote(house, await house.submit(action="host.run", arguments={}))
    other, _ = await house.desk.submit(
        Submission(action="refund.issue", arguments={"order": "1", "amount": 1.0}), agent="another"
    )
    await vote(house, other)
    told = panel(await ana.get(f"/requests/{request.id}"))
    assert "Only one has ended so far: too few to go by. 1 approved unchanged." in told
    assert "The same arguments." in told


async def test_what_a_rule_approved_is_counted_apart(house: Standing, visit: Visit) -> None:
    """Nobody looked at those."""
    for _ in range(2):
        await house.submit(action="deploy.service", arguments={"service": "docs"})
    request = await house.submit(action="deploy.service", arguments={"service": "checkout"})
    told = panel(await (await visit("ana")).get(f"/requests/{request.id}"))
    assert "Only 2 have ended so far: too few to go by. 2 approved by rule." in told
