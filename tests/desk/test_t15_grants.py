"""T15: a grant lets run what it covers and no more, for as long as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.model import Kind, Option, Risk, State, Verb
from bot.core.policy import TRUST_ENDED
from bot.core.ports import Filter
from bot.core.trust.grants import Ending, GrantState
from tests.desk import trusted
from tests.desk.filed import enforce
from tests.desk.house import House, open_house
from tests.desk.trusted import granted, put, refund, trusting


@pytest.fixture(autouse=True)
def file(house: House) -> None:
    """The file with trust, in force."""
    trusting(house)


async def test_t15_a_grant_runs_what_it_covers_and_a_thousand_goes_to_a_person(house: House) -> None:
    """Up to its ceiling it runs by rule and says by which grant; above, of another agent, or strange: people."""
    made = await granted(house)
    small = await refund(house, 1)
    assert (small.state, small.route.grant, small.route.rule) == (State.APPROVED, made.id, made.name)
    for request in (
        await refund(house, 1000),
        await refund(house, 50.01),
        await refund(house, -1),
        await refund(house, 1, agent="other"),
        await refund(house, 1, risk=Risk.IRREVERSIBLE),
        await refund(house, 1, kind=Kind.QUESTION),
        await refund(house, 1, kind=Kind.EXCEPTION),
        await house.submit(
            kind=Kind.CHOICE, options=(Option("a", "a", {"amount": 1}), Option("b", "b", {"amount": 2}))
        ),
        await house.submit(arguments={"order": "20428", "amount": "1"}),
        await house.submit(arguments={"order": "20428", "amount": [1]}),
    ):
        assert (request.state, request.route.rule, request.route.grant) == (State.PENDING, "refunds", None)


async def test_t15_what_ended_elsewhere_has_ended_here(house: House) -> None:
    """Memory may be stale: before a grant lets anything run, its row is read in the same transaction."""
    made = await granted(house)
    await put(house, trusted.grant_for(house, state=GrantState.ENDED))
    assert [grant.state for grant in house.desk.trust.grants] == [GrantState.IN_FORCE]
    request = await refund(house, 1)
    assert (request.state, request.route.rule) == (State.PENDING, "refunds")
    told = (await trusted.trail(house, "request.submitted"))[-1]["trials"][0]
    assert (told["rule"], told["detail"]) == (made.name, "needs_person: what was earned has ended")
    # A grant whose time is up, or that no row tells of, is as good as ended, before anybody looked.
    for gone in (trusted.grant_for(house, until=house.clock.now()), trusted.grant_for(house, id="grt_2")):
        await put(house, gone)
        assert (await refund(house, 1)).state is State.PENDING


@pytest.mark.parametrize(
    ("was", "to"),
    [
        ("RECEIVER/refunds", "RECEIVER/elsewhere"),
        ("stages: [{chain: finance}]\n    trust", "stages: [{chain: finance}, {chain: admins}]\n    trust"),
    ],
)
async def test_t15_where_it_runs_or_who_reviews_it_has_changed(house: House, was: str, to: str) -> None:
    """What was earned for another target, or beside a laxer review, is void at once."""
    await granted(house)
    text = [part.replace(was, to) for part in (trusted.ACTIONS, trusted.CHAINS, trusted.RULES)]
    enforce(house, trusted.PEOPLE, *text, trusted.DEFAULT)
    assert (await refund(house, 1)).state is State.PENDING
    house.clock.move(seconds=3)
    await house.desk.keep_trust()
    assert [grant.ending for grant in await house.store.grants()] == [Ending.CHANGED]


async def test_its_time_a_changed_rule_and_an_admin_end_it(house: House) -> None:
    """Each is on record with its reason; a wider rule does not bring it back."""
    made = await granted(house)
    ended = await house.desk.end_trust(made.id, by="person:lea", via="inbox", why="we were too quick")
    assert ended is not None
    assert (ended.ending, ended.why) == (Ending.ADMIN, "we were too quick")
    assert await house.desk.end_trust(made.id, by="person:lea", via="inbox", why="again") is None
    await granted(house, id="grt_2")
    house.clock.move(days=30)
    await house.desk.keep_trust()
    await granted(house, id="grt_3")
    trusting(house, trusted.RULES.replace("[50, 200]", "[50, 2000]"))
    assert (await refund(house, 1)).state is State.PENDING
    house.clock.move(seconds=3)
    await house.desk.keep_trust()
    assert [grant.ending for grant in await house.store.grants()] == [Ending.ADMIN, Ending.EXPIRED, Ending.CHANGED]
    told = await trusted.trail(house, "trust.ended")
    assert [each["ending"] for each in told] == ["admin", "expired", "changed"]
    assert len(await house.store.requests(Filter(action=TRUST_ENDED))) == 3


async def test_people_who_decide_less_well_of_it_are_heard_outside_the_sample_too(house: House) -> None:
    """What people reject of the same action above the ceiling is watched: confidence against outcome."""
    made = await granted(house)
    for state in (*[GrantState.IN_FORCE] * 3, GrantState.ENDED):
        request = await refund(house, 150)
        await house.decide(request, "ana", Verb.REJECT, comment="no")
        assert (await trusted.now(house, made)).state is state
    ended = await trusted.now(house, made)
    assert ended.ending is Ending.DRIFT
    assert "approved unchanged" in str(ended.why)


async def test_t15_two_bots_one_grant(tmp_path: Path) -> None:
    """A second process that still remembers a grant asks people once the first one ended it."""
    async with open_house(tmp_path / "one.db") as first:
        trusting(first)
        made = await granted(first)
        other = first.desk.trust.__class__(first.desk.trust.file, first.clock)
        other.take((made,))
        await first.desk.end_trust(made.id, by="admin:key", via="cli", why="stop")
        assert first.desk.trust.grants == ()
        first.desk.trust.take((made,))
        assert other.current().rules[0].grant == first.desk.trust.current().rules[0].grant == made.id
        assert (await refund(first, 1)).state is State.PENDING
