"""The review that is due once the glass was broken: who is told, and that it runs nothing and is not got round."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core import errors
from bot.core.model import State, Verb
from bot.core.policy import GLASS_REVIEW
from bot.core.ports import Filter
from tests.desk.filed import SENT, enforce, other_people
from tests.desk.house import House
from tests.desk.test_glass import CHAINS, GLASS, TWO, WHY, broken, review_of


@pytest.fixture(autouse=True)
def glass(house: House) -> None:
    """Two approvals of finance; Ben, Ana and Dan (who owns the agent) may break the glass."""
    enforce(house, SENT, CHAINS, TWO, GLASS)


async def test_some_are_told_and_a_review_is_due(house: House) -> None:
    """Eva gets a card of what was done; the review goes to those of its chain who had no part in it."""
    await house.work()
    request = await house.submit()
    await house.rest()
    await broken(house, request)
    await house.rest()
    slack = house.channels["slack"]
    assert ("send", "eva", "approved", 1) in slack.said
    assert {entry[1] for entry in slack.said if entry[0] == "update" and entry[2] == "approved"} >= {"ana", "kim"}
    review = await review_of(house)
    assert (review.agent, review.assignees) == ("sayso", ("lea", "eva"))
    assert review.route.excluded == ("ben", "dan")
    assert review.expires_at - review.created_at == timedelta(hours=48)
    arguments = review.content.arguments
    assert (arguments["request"], arguments["by"], arguments["reason"]) == (request.id, "ben", WHY)
    assert arguments["page"] == f"https://sayso.test/{request.id}"
    assert sorted(d.to for d in await house.store.deliveries(review.id)) == ["eva", "lea"]


@pytest.mark.parametrize(("room", "sent"), [("C0ASKED", []), ("C0OTHER", ["send"])])
async def test_in_a_shared_room_whoever_is_to_know_is_named(house: House, room: str, sent: list[str]) -> None:
    """A card that stands there is drawn anew in silence, and a new one asks nobody: a word at it says so."""
    slack = house.channels["slack"]
    slack.room = "C0ASKED"
    await house.work()
    request = await house.submit()
    await house.rest()
    slack.room, before = room, len(slack.said)
    await broken(house, request)
    await house.rest()
    about = [what for what, to, state, _ in slack.said[before:] if to == room and state == "approved"]
    assert [what for what in about if what != "update"] == [*sent, "remind"]
    assert slack.notes == ["For you to know: this was approved by breaking the glass."]


async def test_the_review_runs_nothing(house: House) -> None:
    """Approved or rejected: it is on record, and that is all."""
    await broken(house, await house.submit())
    review = await review_of(house)
    with pytest.raises(errors.SelfReview):
        await house.decide(review, "ben")
    with pytest.raises(errors.Invalid):
        await house.decide(review, "lea", Verb.APPROVE_WITH_EDITS, arguments={"by": "lea"})
    done = await house.decide(review, "lea")
    assert (done.state, done.execution) == (State.APPROVED, None)
    assert len(house.sql("select * from executions")) == 1


async def test_t10_the_review_is_not_broken_in_turn(house: House) -> None:
    """Whoever broke the glass, or anybody else, breaks none over its review: it waits for those who are due."""
    await broken(house, await house.submit())
    review = await review_of(house)
    for by in ("ben", "ana", "dan"):
        with pytest.raises(errors.Invalid):
            await broken(house, review, by)
    assert (await house.now(review)).state is State.PENDING
    assert len(await house.store.requests(Filter(action=GLASS_REVIEW))) == 1


async def test_t10_nor_done_by_a_delegate(house: House) -> None:
    """Ben is away from tomorrow and Lea stands in for him: she does not review what he did."""
    people = other_people(
        "ben: {name: Ben, slack: U0BEN, away: [{from: 2026-03-03, until: 2026-03-09, delegate: lea}]}"
    )
    enforce(house, people, SENT, CHAINS, TWO, GLASS)
    await broken(house, await house.submit())
    review = await review_of(house)
    assert review.assignees == ("eva",)
    with pytest.raises(errors.SelfReview):
        await house.decide(review, "lea")
