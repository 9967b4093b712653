"""An act that a channel knows again counts once, however often it arrives."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bot.core import errors
from bot.core.model import Request, Verb
from tests.desk.house import House, at, edits

ACTS: list[tuple[Verb, dict[str, Any]]] = [
    (Verb.APPROVE, {}),
    (Verb.APPROVE_WITH_EDITS, {"amount": 100.0}),
    (Verb.REJECT, {}),
    (Verb.ASK, {}),
    (Verb.ESCALATE, {}),
]


TWO = '{name: two, when: action == "two.approvals", stages: [{name: finance, chain: finance'
"""A stage that takes two approvals, of a chain with somebody to escalate to."""


def act(request: Request, verb: Verb, changed: dict[str, Any]) -> dict[str, Any]:
    """What the ballot of this act carries."""
    more: dict[str, Any] = {"comment": "why?"} if verb is Verb.ASK else {}
    return more | ({"arguments": edits(request, **changed)} if changed else {})


@pytest.mark.parametrize(("verb", "changed"), ACTS, ids=[verb for verb, _ in ACTS])
@pytest.mark.parametrize("action", ["refund.issue", "two.approvals"])
async def test_an_act_that_arrives_again_counts_once(
    house: House, action: str, verb: Verb, changed: dict[str, Any]
) -> None:
    """The same answer, no second decision, no line in the trail, nothing more to do, and nobody is refused."""
    house.rule(
        lambda text: text.replace('{name: two, when: action == "two.of", stages: [{name: pair, chain: pair', TWO)
    )
    request = await house.submit(action, arguments={"order": "1", "amount": 240.0})
    more = act(request, verb, changed)
    first = await house.decide(request, verb=verb, id="dec_of_this_mail", **more)
    before = (await house.events(request), house.sql("select id from effects"))
    second = await house.decide(request, verb=verb, id="dec_of_this_mail", **more)
    assert second == first == await house.now(request)
    assert [d.id for d in second.decisions] == ["dec_of_this_mail"]
    assert (await house.events(request), house.sql("select id from effects")) == before


@pytest.mark.parametrize("end", ["approved", "cancelled", "expired"])
async def test_also_after_the_request_ended(house: House, end: str) -> None:
    """Whoever asked hears that it was asked, not that it is too late: that is what the mail did."""
    request = await house.submit()
    await house.decide(request, verb=Verb.ESCALATE, id="dec_1")
    if end == "approved":
        await house.decide(request, "ben")
    elif end == "cancelled":
        await house.desk.cancel(request.id, agent="billing", reason=None)
    else:
        house.clock.move(hours=25)
        await house.desk.wake()
    found = await house.decide(request, verb=Verb.ESCALATE, id="dec_1")
    assert str(found.state) == end
    assert "refusal" not in " ".join(await house.events(request))
    with pytest.raises(errors.Conflict):
        await house.decide(request, verb=Verb.ESCALATE, id="dec_2")
    assert (await house.events(request))[-1].startswith("refusal:")


async def test_another_mail_is_another_act(house: House) -> None:
    """The same person may escalate twice, and has voted once."""
    request = await house.submit()
    request = await house.decide(request, verb=Verb.ESCALATE, id="dec_1")
    request = await house.decide(request, verb=Verb.ESCALATE, id="dec_2")
    assert (at(request).step, [d.id for d in request.decisions]) == (2, ["dec_1", "dec_2"])
    pair = await house.submit("two.of")
    await house.decide(pair, verb=Verb.APPROVE, id="dec_3")
    with pytest.raises(errors.AlreadyVoted):
        await house.decide(pair, verb=Verb.APPROVE, id="dec_4")


async def test_the_same_act_twice_at_once(house: House) -> None:
    """Through a mailbox and a listener in the same moment: one decision, and both hear of it."""
    request = await house.submit("two.of")
    found = await asyncio.gather(*(house.decide(request, id="dec_1") for _ in range(5)))
    assert {len(each.decisions) for each in found} == {1}
    assert len((await house.now(request)).decisions) == 1
    assert (await house.events(request)).count("request.approve") == 1
