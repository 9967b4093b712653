"""Whom a step asks at the desk depends on when: schedules with gaps and handovers, absences with delegates."""

from __future__ import annotations

import pytest

from bot.core import errors
from bot.core.model import State
from tests.desk.filed import DEFAULT, SENT, chain, enforce, other_people
from tests.desk.house import House, at

DUTY = """
schedules:
  duty:
    timezone: UTC
    rotate: daily
    handover: 09:00
    start: 2026-03-02
    people: [ana, ben]
    hours: Mon-Fri 09:00-17:00
    gaps: {gaps}
"""
ON_DUTY = chain("{notify: [duty], via: [slack], wait: 1h}", "{notify: [lea], via: [slack]}")


async def test_a_gap_holds_it(house: House) -> None:
    """At night nobody has the shift: it is asked when the next one begins, and its wait counts from then."""
    enforce(house, SENT, DUTY.format(gaps="hold"), ON_DUTY, DEFAULT)
    house.clock.move(hours=10)
    request = await house.submit()
    await house.work()
    assert (request.assignees, at(request).held_until) == ((), request.due_at)
    with pytest.raises(errors.NotAssigned):
        await house.decide(request)
    await house.later(hours=14)
    after = await house.now(request)
    slack = house.channels["slack"]
    assert (after.assignees, slack.sent()) == (("ben",), ["ben"])
    await house.later(hours=1)
    after = await house.now(request)
    assert (after.assignees, slack.sent()) == (("ben", "lea"), ["ben", "lea"])


async def test_p07_a_gap_that_ended_while_the_bot_was_away(house: House) -> None:
    """Asked once, whoever had the shift when it was due; escalated as from then."""
    enforce(house, SENT, DUTY.format(gaps="hold"), ON_DUTY, DEFAULT)
    house.clock.move(hours=10)
    request = await house.submit()
    house.clock.move(hours=20)
    assert await house.desk.wake() == 1
    after = await house.now(request)
    assert (after.assignees, at(after).step) == (("ben", "lea"), 1)
    assert await house.events(request) == ["request.submitted", "request.asked", "request.escalated"]


@pytest.mark.parametrize(("gaps", "asked"), [("skip", ("lea",)), ("{fallback: kim}", ("kim",))])
async def test_a_gap_is_skipped_or_filled(house: House, gaps: str, asked: tuple[str, ...]) -> None:
    """The next step is asked at once, or whoever is named for it."""
    enforce(house, SENT, DUTY.format(gaps=gaps), ON_DUTY, DEFAULT)
    house.clock.move(hours=10)
    request = await house.submit()
    assert request.assignees == asked
    assert (await house.decide(request, asked[0])).state is State.APPROVED


async def test_the_shift_is_whose_it_is_when_asked(house: House) -> None:
    """Not whose it was at submission: the second step is asked after the handover."""
    late = chain("{notify: [kim], via: [slack], wait: 20h}", "{notify: [duty], via: [slack]}")
    enforce(house, SENT, DUTY.format(gaps="skip").replace("    hours: Mon-Fri 09:00-17:00\n", ""), late, DEFAULT)
    house.clock.move(hours=5)
    request = await house.submit()
    house.clock.move(hours=20)
    await house.desk.wake()
    assert (await house.now(request)).assignees == ("kim", "ben")


AWAY = "ana: {name: Ana Silva, slack: U0ANA, away: [{from: 2026-03-02T10:00, until: 2026-03-05, delegate: kim}]}"


async def test_a_delegate_is_asked_when_it_is_asked(house: House) -> None:
    """Ana is there at nine and is asked; from ten on Kim is, and stands for her on the card and in the vote."""
    enforce(house, other_people(AWAY), SENT, chain("{notify: [lea], wait: 2h}", "{notify: [ana]}"), DEFAULT)
    request = await house.submit()
    house.clock.move(hours=2)
    await house.desk.wake()
    after = await house.now(request)
    assert after.assignees == ("lea", "kim")
    card = await house.desk.card(request.id)
    assert card is not None
    assert [(a.person, a.stands_for) for a in card.asked] == [("lea", None), ("kim", "Ana Silva")]
    with pytest.raises(errors.NotAssigned):
        await house.decide(after, "ana")
    done = await house.decide(after, "kim")
    assert (done.state, done.decisions[0].instead_of) == (State.APPROVED, "ana")
