"""An edit is a new revision, never laxer, approved by nobody who did not see it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.core import errors
from bot.core.digest import recompute
from bot.core.model import Request, State, Verb
from tests.desk.house import House, at, edits

EDIT = Verb.APPROVE_WITH_EDITS


async def edit(house: House, request: Request, by: str = "ana", **changes: Any) -> Request:
    """Approve with these changes."""
    return await house.decide(request, by, EDIT, arguments=dict(edits(request, **changes)))


async def test_an_edit_decides_where_one_approval_was_needed(house: House) -> None:
    """The edited arguments are what runs, the agent's own are kept, and the decision names each change."""
    request = await house.submit()
    after = await edit(house, request, amount=100.0)
    assert (after.state, after.revision, after.content.author) == (State.APPROVED_WITH_EDITS, 2, "person:ana")
    assert (after.content.arguments["amount"], after.content.proposed) == (100.0, request.content.arguments)
    assert after.title == "Refund 100.0 on order 10428"
    told = after.decisions[0]
    assert [(e.pointer, e.before, e.after) for e in told.edits] == [("/amount", 240.0, 100.0)]
    assert (told.revision, told.digest) == (2, recompute(after.content, "billing"))
    assert after.execution is not None
    assert after.execution.digest == told.digest
    line = json.loads((await house.store.audit(request.id))[-1].body)
    assert line["data"]["shown"] == {"revision": 1, "digest": request.digest}


async def test_an_edit_of_nothing_is_an_approval(house: House) -> None:
    """The same arguments again are no edit."""
    after = await edit(house, await house.submit())
    assert (after.state, after.revision) == (State.APPROVED, 1)
    assert after.decisions[0].decision is Verb.APPROVE


async def test_p04_a_value_that_only_looks_the_same_is_an_edit(house: House) -> None:
    """1 made into true inside a list is what runs: the old list may not run in its place."""
    request = await house.submit(arguments={"order": "1", "amount": 240.0, "flags": [1]})
    after = await edit(house, request, flags=[True])
    assert after.state is State.APPROVED_WITH_EDITS
    assert json.dumps(after.content.arguments["flags"]) == "[true]"


REFUSED: list[tuple[str, dict[str, Any] | None, str]] = [
    ("nothing", None, "/arguments"),
    ("not editable", {"order": "other", "amount": 240.0}, "/arguments/order"),
    ("taken away", {"amount": 240.0}, "/arguments/order"),
    ("added", {"order": "10428", "amount": 240.0, "note": "x"}, "/arguments/note"),
    ("breaks the schema", {"order": "10428", "amount": -5}, "/arguments/amount"),
    ("not to be kept", {"order": "10428", "amount": float("nan")}, "/arguments"),
    ("blocked by a rule", {"order": "10428", "amount": 200_000}, "/arguments"),
]


@pytest.mark.parametrize(("case", "arguments", "pointer"), REFUSED, ids=[r[0] for r in REFUSED])
async def test_what_may_not_be_edited(house: House, case: str, arguments: Any, pointer: str) -> None:
    """It is refused by field, recorded, and nothing changed."""
    del case
    request = await house.submit()
    with pytest.raises(errors.Invalid) as told:
        await house.decide(request, "ana", EDIT, arguments=arguments)
    assert told.value.faults[0].pointer == pointer
    assert await house.now(request) == request
    assert (await house.events(request))[-1] == "refusal:invalid"


async def test_an_edit_cannot_slip_past_a_reviewer(house: House) -> None:
    """Edited over the limit it needs legal as well; the editor's approval counts for their own stage."""
    request = await house.submit()
    after = await edit(house, request, amount=5000)
    assert (after.state, after.route.rule, at(after).stage, after.assignees) == (State.PENDING, "large", 1, ("lea",))
    with pytest.raises(errors.Stale):
        await house.decide(request, "lea")
    done = await house.decide(after, "lea")
    assert (done.state, done.execution is not None) == (State.APPROVED_WITH_EDITS, True)


async def test_an_edit_cannot_shed_a_reviewer(house: House) -> None:
    """Edited down to what needs nobody, or fewer, it still goes the whole way it had."""
    request = await house.submit(arguments={"order": "1", "amount": 5000}, confidence=0.9)
    after = await edit(house, request, amount=1)
    assert (after.state, at(after).stage, [s.name for s in after.route.stages]) == (
        State.PENDING,
        1,
        ["finance", "legal"],
    )


async def test_t10_an_edit_is_no_way_to_approve_ones_own(house: House) -> None:
    """A rule lets the owner try small ones out; edited to a large one, the owner's edit is a proposal alone."""
    request = await house.submit(arguments={"order": "1", "amount": 10})
    assert (request.route.rule, "dan" in request.assignees) == ("mine to try", True)
    after = await edit(house, request, "dan", amount=500)
    assert (after.state, after.votes, after.assignees) == (State.PENDING, (), ("ana", "ben"))
    with pytest.raises(errors.SelfReview):
        await house.decide(after, "dan")
    assert (await house.decide(after, "ana")).state is State.APPROVED_WITH_EDITS


async def test_an_edit_among_two_starts_the_count_over(house: House) -> None:
    """Whoever approved the old revision is told to look again; their card is brought up to date."""
    request = await house.submit("two.of", arguments={"n": 1})
    await house.work()
    await house.rest()
    voted = await house.decide(request, "ben")
    after = await house.decide(voted, "ana", EDIT, arguments={"n": 2})
    assert (after.state, [v.by for v in after.votes]) == (State.PENDING, ["ana"])
    await house.rest()
    wire = house.channels["slack"]
    assert {to for what, to, _, revision in wire.said if what == "update" and revision == 2} == {"ana", "ben", "lea"}
    assert set(wire.sent("remind")) == {"ana", "ben", "lea"}
    assert "edited" in wire.notes[-1]
    assert (await house.decide(after, "ben")).state is State.APPROVED_WITH_EDITS
    assert all(d.revision == 2 for d in await house.store.deliveries(request.id))


async def test_what_the_agent_proposed_is_kept_through_edits(house: House) -> None:
    """Even where it proposed nothing at all, a second edit does not pass for its own words."""
    request = await house.submit("two.of")
    once = await house.decide(request, "ana", EDIT, arguments={"n": 1})
    twice = await house.decide(once, "ben", EDIT, arguments={"n": 2})
    assert twice.content.proposed == {}
    done = await house.decide(twice, "ana")
    assert (done.state, done.content.arguments) == (State.APPROVED_WITH_EDITS, {"n": 2})


async def test_an_edit_on_the_second_step_goes_back_to_the_first(house: House) -> None:
    """Where the route grows, the review starts over with those who are asked first; they hear of it where they are."""
    request = await house.submit()
    await house.decide(request, "ana", Verb.ESCALATE)
    await house.work()
    await house.rest()
    after = await edit(house, await house.now(request), "lea", amount=5000)
    assert (at(after).stage, at(after).step, after.votes, after.assignees) == (0, 0, (), ("ana", "ben"))
    await house.rest()
    assert set(house.channels["slack"].sent("remind")) == {"ana", "ben"}
