"""The conversation with an agent: every question and answer, oldest first, with what each answer changed."""

from __future__ import annotations

import re

from bot.core.model import Verb
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import AGENT, Standing
from tests.web.inbox.states import vote
from tests.web.inbox.test_revisions import section


async def test_questions_and_answers_stand_in_one_thread(house: Standing, visit: Visit) -> None:
    """Who, when, on which revision, through what; what an answer changed and what it newly told."""
    request = await house.submit()
    await vote(house, request, Verb.ASK, comment="Which card?")
    await house.desk.inform(request.id, agent=AGENT, text="The one ending 4242", context={"card": "4242"})
    await vote(house, request, Verb.ASK, by="ben", comment="Is it 240?")
    less = {**request.content.arguments, "amount": 120.0}
    await house.desk.inform(request.id, agent=AGENT, text="No, half", arguments=less)
    told = section(await (await visit("ana")).get(f"/requests/{request.id}"), "thread")
    order = [
        "Ana Silva asked", "about revision 1", "through the inbox", "Which card?",
        "the agent billing-assistant answered, in its own words, not checked", "made revision 2", "The one ending 4242",
        "It left the arguments as they were.", "It also said something new of: card",
        "Ben Okafor asked", "about revision 2", "Is it 240?",
        "made revision 3", "No, half", "/amount − before: 240.0 + after: 120.0",
    ]  # fmt: skip
    at = -1
    for said in order:
        at = told.find(said, at + 1)
        assert at >= 0, said


async def test_an_answer_stands_once_and_apart_from_facts(house: Standing, visit: Visit) -> None:
    """It looks like the agent's own word, and is not told a second time among its claims."""
    request = await house.submit(reason="Charged twice")
    await vote(house, request, Verb.ASK, comment="Which card?")
    await house.desk.inform(request.id, agent=AGENT, text="Ending 4242")
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    assert re.search(r'<li class="answer claims">.*?Ending 4242', page.text, re.DOTALL)
    claims = re.search(r'<section class="claims".*?</section>', page.text, re.DOTALL)
    assert claims
    assert "Ending 4242" not in claims[0]


async def test_answers_that_nobody_asked_for_stay_among_the_claims(house: Standing, visit: Visit) -> None:
    """An agent may bring its own; no person asked those."""
    request = await house.submit(context={"answers": [{"text": "Nobody asked", "at": "2026-01-01"}]})
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    assert "Its answers Nobody asked" in page.words
    assert "Nothing was asked yet." in page.words


async def test_the_form_to_ask_stands_beneath_where_it_may_be_asked(house: Standing, visit: Visit) -> None:
    """Who may decide may ask; while the agent owes an answer, and for who only looks, there is no form."""
    request = await house.submit()
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    assert re.search(r'aria-labelledby="thread">.*?id="ask"', page.text, re.DOTALL)
    assert 'id="ask"' not in (await (await visit("lea")).get(f"/requests/{request.id}")).text
    refused = await ana.decide(request.id, "ask", comment=" ")
    assert 'class="form open" id="ask"' in refused.text
    await ana.decide(request.id, "ask", comment="Which?")
    page = await ana.get(f"/requests/{request.id}")
    assert "The agent has not answered yet." in page.words
    assert 'id="ask"' not in page.text
