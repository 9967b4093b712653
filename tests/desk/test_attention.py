"""Guards of attention at the desk: a typed reason, a second person after a row of approvals, a rest."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.dialects import sqlite

from bot.core import errors, guards
from bot.core.model import Request, State, Verb
from bot.routing import warnings
from store.act_statements import ActStatements
from tests.desk.filed import DEFAULT, FINANCE, SENT, enforce
from tests.desk.house import House, edits

ROW = 3


async def _approved(house: House, by: str = "ana", count: int = 1, action: str = "mail.send") -> list[Request]:
    """So many requests, each approved by this person a second after the one before."""
    found = []
    for _ in range(count):
        house.clock.move(seconds=1)
        found.append(await house.decide(await house.submit(action), by))
    return found


async def test_an_approval_of_that_risk_says_why(house: House) -> None:
    """Without words it is refused and recorded, of this risk alone; a rejection needs none of the guard's."""
    enforce(house, SENT, FINANCE, DEFAULT, "attention: {reason_for: irreversible}")
    request = await house.submit()
    assert request.route.needs_reason
    with pytest.raises(errors.ReasonNeeded) as refused:
        await house.decide(request, comment="  ")
    assert [(fault.pointer, fault.rule) for fault in refused.value.faults] == [("/comment", "required")]
    with pytest.raises(errors.ReasonNeeded):
        await house.decide(request, verb=Verb.APPROVE_WITH_EDITS, arguments=edits(request, amount=1.0))
    assert (await house.events(request)).count("refusal:reason_needed") == 2
    assert (await house.decide(request, comment="the ticket shows the double charge")).state is State.APPROVED
    assert (await house.decide(await house.submit(), verb=Verb.REJECT)).state is State.REJECTED
    drill = await house.desk.drill("finance", by="cli:admin")
    assert (await house.decide(drill)).state is State.APPROVED
    enforce(house, SENT, FINANCE, DEFAULT, "attention: {reason_for: [read_only, reversible]}")
    assert (await house.decide(await house.submit())).state is State.APPROVED


async def test_after_a_row_one_more_person_looks(house: House) -> None:
    """The next approval takes somebody else's, the card says why, and the count begins anew after that."""
    enforce(house, SENT, FINANCE, DEFAULT, f"attention: {{second_after: {ROW}}}")
    assert {each.state for each in await _approved(house, count=ROW)} == {State.APPROVED}
    (tired,) = await _approved(house)
    assert (tired.state, tired.route.stages[0].approvals, tired.waits_for("ben")) == (State.PENDING, 2, True)
    card = house.desk.card_of(tired)
    assert [line.label for line in card.notes] == [guards.SECOND]
    assert "Ana" not in card.notes[0].text
    with pytest.raises(errors.AlreadyVoted):
        await house.decide(tired)
    done = await house.decide(tired, "ben")
    assert (done.state, done.execution is not None) == (State.APPROVED, True)
    assert {each.state for each in await _approved(house, count=ROW)} == {State.APPROVED}
    assert [each.state for each in await _approved(house)] == [State.PENDING]
    assert [each.state for each in await _approved(house, "ben", 2)] == [State.APPROVED, State.APPROVED]


@pytest.mark.parametrize("verb", [Verb.REJECT, Verb.ASK, Verb.APPROVE_WITH_EDITS])
async def test_who_shows_that_they_looked_begins_anew(house: House, verb: Verb) -> None:
    """A rejection, a question, an edit; and other actions are other rows."""
    enforce(house, SENT, FINANCE, DEFAULT, f"attention: {{second_after: {ROW}}}")
    await _approved(house, count=ROW, action="refund.issue")
    assert [each.state for each in await _approved(house)] == [State.APPROVED]
    request = await house.submit()
    changed: dict[str, Any] = {"arguments": edits(request, amount=1.0)} if verb is Verb.APPROVE_WITH_EDITS else {}
    await house.decide(request, verb=verb, comment="why?", **changed)
    assert {each.state for each in await _approved(house, count=ROW, action="refund.issue")} == {State.APPROVED}


async def test_an_edit_of_no_weight_is_an_approval_like_any_other(house: House) -> None:
    """Spaces, case, width, a cent: it neither begins the count anew nor slips past the second look."""
    enforce(house, SENT, FINANCE, DEFAULT, f"attention: {{second_after: {ROW}}}")
    await _approved(house, count=ROW - 1, action="refund.issue")
    for number in range(ROW + 2):
        house.clock.move(seconds=1)
        request = await house.submit()
        order, amount = (request.content.arguments[name] for name in ("order", "amount"))
        changed = {"amount": amount + 0.01} if number % 2 else {"order": f" {order} \uff01"}
        done = await house.decide(request, verb=Verb.APPROVE_WITH_EDITS, arguments=edits(request, **changed))
        assert (number, done.state.open) == (number, number == 1)
        if done.state.open:
            assert guards.SECOND in [label for label, _ in done.route.notes]
            done = await house.decide(done, "ben")
            assert (done.state.approved, done.content.arguments["amount"]) == (True, amount + 0.01)
    (asked,) = await _approved(house, action="refund.issue")
    assert asked.state is State.PENDING, "the count began anew at the second look, and not at an edit"


async def test_the_second_is_asked_at_once_and_where_there_is_none_the_trail_says_so(house: House) -> None:
    """The chain moves on where everybody asked has voted; an owner who may not review is nobody."""
    enforce(
        house,
        SENT,
        "chains:\n  finance: [{notify: [ana]}, {notify: [dan]}]",
        DEFAULT,
        "attention: {second_after: 1}",
    )
    await _approved(house)
    asked = await house.decide(await house.submit("mail.send", agent="other"))
    assert (asked.state, asked.waits_for("dan"), asked.escalation_level) == (State.PENDING, True, 1)
    await house.decide(asked, "dan")
    await _approved(house)
    # Dan owns the agent, so that nobody else is left to ask.
    (alone,) = await _approved(house)
    assert alone.state is State.APPROVED
    lines = await house.store.audit(alone.id)
    assert any('"guard":"second_after: nobody else could be asked"' in line.body for line in lines)
    enforce(house, SENT, "chains:\n  finance: [{notify: [ana]}]", DEFAULT, "attention: {second_after: 1}")
    assert any("asks ana alone" in told for told in warnings(house.policy))


async def test_who_decides_very_much_rests_and_may_stop_things_meanwhile(house: House) -> None:
    """Three in ten minutes, then five of rest: approvals wait, and are told until when; a rejection does not."""
    enforce(house, SENT, FINANCE, DEFAULT, "attention: {cool_down: {after: 3, per: 10m, rest: 5m}}")
    await _approved(house, count=3)
    request = await house.submit()
    with pytest.raises(errors.Resting, match=r"from .*09:05") as refused:
        await house.decide(request)
    assert refused.value.extra["retry_after"] == 300
    assert (await house.decide(await house.submit(), verb=Verb.REJECT)).state is State.REJECTED
    assert (await house.decide(request, "ben")).state is State.APPROVED
    house.clock.move(minutes=5)
    # A pause of five minutes was a rest: two more do not make a stretch.
    assert {each.state for each in await _approved(house, count=2)} == {State.APPROVED}


async def test_what_guards_read_is_found_by_an_index(house: House) -> None:
    """However much a person decided: neither question looks through the table of decisions."""
    said = ActStatements(sqlite.dialect())
    for statement in (said.acts_on, said.votes_of):
        asked = statement.pick({"person": "ana", "action": "mail.send", "most": 5})
        plan = [line[3] for line in house.sql(f"explain query plan {statement.sql}", *asked)]
        assert any("decisions_person" in line for line in plan), plan
        assert not any(line.startswith(("SCAN decisions", "SCAN requests")) for line in plan), plan
