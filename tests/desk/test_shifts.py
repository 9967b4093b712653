"""Whom a step asks at the desk depends on when: schedules with gaps and handovers, absences with delegates."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core import errors
from bot.core.model import State
from tests.desk.filed import DEFAULT, SENT, chain, enforce, other_people, stages
from tests.desk.house import START, House, MovableClock, Wire, at, open_house
from tests.desk.replayed import prove

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


async def test_p07_killed_and_started_six_hours_later(tmp_path: Path) -> None:
    """A stage that repeats, one in a gap and one that is over, side by side: each step once, each card once."""
    chains = """
chains:
  again: {steps: [{notify: [ana], wait: 1h, remind: 10m}, {notify: [kim], wait: 1h}], repeat: 1}
  shift: [{notify: [duty], wait: 1h}, {notify: [lea]}]
  ends: {steps: [{notify: [eva], wait: 30m}], repeat: 2}
"""
    together = ", ".join(f"{{name: {name}, chain: {name}}}" for name in ("again", "shift", "ends"))
    sections = (SENT, DUTY.format(gaps="hold"), chains, stages(f"{{parallel: [{together}]}}"))
    # Four in the morning: whoever has the day's shift begins at nine.
    clock, wires = MovableClock(START + timedelta(hours=19)), {"slack": Wire("slack")}
    path = tmp_path / "killed.db"
    async with open_house(path, clock=clock, channels=wires) as house:
        enforce(house, *sections)
        request = await house.submit()
    clock.move(hours=6)
    async with open_house(path, clock=clock, channels=wires) as house:
        enforce(house, *sections)
        await house.work()
        await house.desk.wake()
        await house.rest()
        after = await house.now(request)
        events = Counter(await house.events(request))
        # Three of the chain that repeats, two of the one that repeats twice, and the shift's own second step.
        assert (events["request.asked"], events["request.escalated"]) == (1, 6)
        assert events["request.exhausted"] == 2
        assert Counter(wires["slack"].sent()) == {"ana": 1, "kim": 1, "eva": 1, "ben": 1, "lea": 1}
        assert after.escalation_level == 6
        for by in ("kim", "lea", "eva"):
            after = await house.decide(after, by)
        assert after.state is State.APPROVED
        assert await house.desk.wake() == 0
        assert house.courier is not None
        await house.courier.stop(2)
        await prove(house.store)
