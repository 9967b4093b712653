"""T15, from history to grant: what was shown is proposed to an admin, and what was made up to look so is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core import errors
from bot.core.insight.fact import Fact
from bot.core.model import Request, Severity, State, Verb
from bot.core.policy import TRUST
from bot.core.ports import Filter
from bot.core.trust.grants import Ending, GrantState
from bot.insight import Follower
from tests.core.trust.histories import fact, spread, with_judges
from tests.desk import trusted
from tests.desk.filed import enforce
from tests.desk.house import House
from tests.desk.trusted import asked_about, refund, trusting


@pytest.fixture(autouse=True)
def file(house: House) -> None:
    """The file with trust, in force."""
    trusting(house)


async def lived(house: House, facts: Sequence[Fact], *, days: int = 20) -> None:
    """So many days passed, and this is what was measured of them."""
    house.clock.move(days=days + 1)
    trusted.measured(house, facts)


def approvals(house: House, count: int = 120, *, amount: float = 1.0, days: int = 20) -> tuple[Fact, ...]:
    """So many approvals, spread over days and people."""
    return spread(count, amount=amount, days=days, began=house.clock.now())


async def proposed(house: House) -> Request:
    """The one proposal that comes of the next look."""
    (request,) = await house.desk.propose_trust(by="sayso")
    return request


async def test_t15_five_hundred_approvals_of_1_then_1000_goes_to_a_person(house: House) -> None:
    """The whole way: earned, proposed, decided by an admin, in force for what was shown, and for nothing above it."""
    await lived(house, approvals(house, 500))
    assert (await refund(house, 1)).state is State.PENDING
    request = await proposed(house)
    assert (request.action, request.state, request.assignees) == (TRUST, State.PENDING, ("lea",))
    told = request.content.arguments
    assert (told["agent"], told["action"], told["rule"]) == ("billing", "refund.issue", "refunds")
    assert told["ceilings"] == {"/amount": 1}
    assert told["evidence"][0]["decisions"] == 500
    assert told["evidence"][1]["decisions"] == 0
    assert "+  - name: " in told["change"]
    # The page shows what this look found, and does not wait for the next.
    assert [earning.agent for earning in (await house.desk.earnings_lately())[1]] == ["billing"]
    # Nothing runs by a proposal, and a second look makes no second one.
    assert (await refund(house, 1)).state is State.PENDING
    assert await house.desk.propose_trust(by="sayso") == ()
    for person in ("ana", "dan"):
        with pytest.raises(errors.SaysoError) as refused:
            await house.decide(request, person)
        assert refused.value.status == 403
    assert await trusted.decided(house, request, by="lea") is State.APPROVED
    await house.desk.keep_trust()
    ran = [await refund(house, 1) for _ in range(10)]
    (grant,) = await house.store.grants()
    assert (grant.state, grant.by, grant.until) == (
        GrantState.IN_FORCE,
        "lea",
        (grant.granted_at or house.clock.now()) + timedelta(days=30),
    )
    assert {one.route.grant for one in ran} == {grant.id}
    # What the file does not name as granted all the same is not let run by a claim that it cannot be undone.
    assert not grant.irreversible
    assert State.APPROVED in {one.state for one in ran}
    for above in (1.01, 1000):
        assert (await refund(house, above)).state is State.PENDING
    kinds = ("trust.proposed", "trust.granted")
    assert [(await trusted.trail(house, kind))[0]["grant"] for kind in kinds] == [grant.id, grant.id]


MADE_UP: dict[str, Any] = {
    "a burst of one day": lambda house: approvals(house, 500, days=1),
    "fast clicks": lambda house: with_judges(approvals(house, 500), fast=True),
    "one reviewer": lambda house: with_judges(approvals(house, 500), by="ana"),
    "only large ones": lambda house: approvals(house, 500, amount=1000.0),
    "one in ten rejected": lambda house: tuple(
        fact(n, f.created_at, right=n % 10 > 0) for n, f in enumerate(approvals(house, 500))
    ),
    "an incident, by another rule": lambda house: (
        *approvals(house, 500),
        fact(900, house.clock.now(), rule="other", incident=Severity.LOW, incident_at=house.clock.now()),
    ),
}


@pytest.mark.parametrize("named", MADE_UP)
async def test_t15_nothing_is_proposed_of_a_history_that_was_made_up(house: House, named: str) -> None:
    """And `earnings` says what is missing."""
    await lived(house, MADE_UP[named](house))
    assert await house.desk.propose_trust(by="sayso") == ()
    (earning,) = [e for e in await house.desk.earnings() if e.agent == "billing"]
    assert earning.level is None
    assert earning.evidence[0].missing


async def test_t15_nothing_irreversible_or_critical_is_proposed(house: House) -> None:
    """What the file calls critical is never proposed, whatever it shows."""
    await lived(house, approvals(house, 500))
    text = trusted.ACTIONS.replace("risk: reversible", "risk: reversible\n    critical: true")
    enforce(house, trusted.PEOPLE, text, trusted.CHAINS, trusted.RULES, trusted.DEFAULT)
    assert await house.desk.propose_trust(by="sayso") == ()
    assert "is critical" in str((await house.desk.earnings())[0].rests)


async def test_t15_who_is_no_admin_any_more_grants_nothing(house: House) -> None:
    """Their vote counts as they are when they give it, not as they were when they were asked."""
    await lived(house, approvals(house, 500))
    request = await proposed(house)
    people = trusted.PEOPLE.replace("email: lea@example.com, role: admin", "email: lea@example.com")
    enforce(house, people, trusted.ACTIONS, trusted.CHAINS, trusted.RULES, trusted.DEFAULT)
    await house.decide(request, "lea")
    (grant,) = await house.store.grants()
    assert (grant.state, grant.ending) == (GrantState.ENDED, Ending.CHANGED)


async def test_t15_an_incident_meanwhile_withdraws_what_is_proposed(house: House) -> None:
    """In the transaction that keeps it, whoever had approved what did harm; no admin can grant it by an old card."""
    one = await refund(house, 10)
    await house.decide(one, "ana")
    await lived(house, approvals(house, 500))
    request = await proposed(house)
    house.sql("update executions set state = 'executed', body = replace(body, 'waiting', 'executed')")
    await house.desk.report_incident(one.id, by="person:ana", via="inbox", severity=Severity.LOW, note="twice")
    assert (await house.now(request)).state is State.CANCELLED
    assert [grant.ending for grant in await house.store.grants()] == [Ending.WITHDRAWN]


async def test_a_refusal_is_heard_for_a_window_and_silence_for_a_week(house: House) -> None:
    """What an admin refused is not proposed again while its evidence lasts; what nobody decided, after a week."""
    await lived(house, approvals(house, 500))
    await house.decide(await proposed(house), "lea", Verb.REJECT, comment="not before summer")
    assert (await house.store.grants())[0].ending is Ending.REFUSED
    house.clock.move(days=30)
    assert await house.desk.propose_trust(by="sayso") == ()
    assert "was refused" in str((await house.desk.earnings())[0].rests)


async def test_what_nobody_decides_is_undecided_and_comes_again(house: House) -> None:
    """After seven days it is over, on record, and seven days later it may be proposed anew."""
    await lived(house, approvals(house, 500))
    first = await proposed(house)
    house.clock.move(days=7)
    await house.desk.wake()
    await house.desk.keep_trust()
    await house.desk.keep_trust()
    assert (await house.store.grants())[0].ending is Ending.UNDECIDED
    assert not (await house.now(first)).state.open
    house.clock.move(days=6)
    assert await house.desk.propose_trust(by="sayso") == ()
    house.clock.move(days=1)
    assert (await proposed(house)).state is State.PENDING


async def test_t15_what_fell_rests_a_week_with_the_same_evidence(house: House) -> None:
    """Nine failures withdraw a proposal; once enough lies beside them, it is not at once before the admins again."""
    await lived(house, approvals(house, 120))
    first = await proposed(house)
    trusted.measured(house, [fact(2000 + n, house.clock.now(), right=False) for n in range(9)])
    await house.desk.propose_trust(by="sayso")
    assert not (await house.now(first)).state.open
    good = [replace(f, request=f"more_{n}") for n, f in enumerate(spread(900, began=house.clock.now()))]
    trusted.measured(
        house, [replace(f, created_at=house.clock.now() - timedelta(days=n % 20)) for n, f in enumerate(good)]
    )
    assert await house.desk.propose_trust(by="sayso") == ()
    assert "was withdrawn; it is not proposed again for 7 days" in str((await house.desk.earnings())[0].rests)
    house.clock.move(days=7)
    assert (await proposed(house)).state is State.PENDING


async def test_t15_a_rule_that_was_widened_ends_its_grant_and_begins_without_evidence(house: House) -> None:
    """What people saw of refunds says nothing of payments: the grant is void at once, and no old approval counts."""
    await judged_in_life(house, 110, reading=120)
    await house.decide(await proposed(house), "lea")
    await house.desk.keep_trust()
    wider = trusted.RULES.replace('action == "refund.issue"', 'action in ["refund.issue", "payment.send"]')
    trusting(house, wider)
    assert (await refund(house, 7)).state is State.PENDING
    house.clock.move(seconds=3)
    await house.desk.keep_trust()
    assert (await trusted.trail(house, "trust.ended"))[0]["ending"] == "changed"
    assert await house.desk.propose_trust(by="sayso") == ()
    (earning,) = await house.desk.earnings()
    assert earning.evidence[0].dropped == {"under other terms of the rule": 110}
    # As it was, it counts again: those are the terms under which it was seen.
    trusting(house)
    assert (await house.desk.earnings())[0].level == 0


async def test_a_wider_band_replaces_the_narrower_and_failures_withdraw_a_proposal(house: House) -> None:
    """Never two in force for one agent's action; a proposal whose evidence is gone is withdrawn."""
    await lived(house, approvals(house, 120))
    await house.decide(await proposed(house), "lea")
    await house.desk.keep_trust()
    more = tuple(fact(1000 + n, f.created_at, amount=150.0) for n, f in enumerate(approvals(house, 120)))
    await lived(house, more)
    wider = await proposed(house)
    assert wider.content.arguments["ceilings"] == {"/amount": 150}
    bad = tuple(fact(2000 + n, house.clock.now(), right=False, amount=150.0) for n in range(9))
    trusted.measured(house, bad)
    assert await house.desk.propose_trust(by="sayso") == ()
    assert (await house.now(wider)).state is State.CANCELLED
    states = [(grant.level, grant.state, grant.ending) for grant in await house.store.grants()]
    assert states == [(0, GrantState.IN_FORCE, None), (1, GrantState.ENDED, Ending.WITHDRAWN)]
    good = tuple(fact(3000 + n, f.created_at, amount=150.0) for n, f in enumerate(approvals(house, 900)))
    await lived(house, good)
    await house.decide(await proposed(house), "lea")
    states = [(grant.level, grant.state, grant.ending) for grant in await house.store.grants()]
    assert states[0] == (0, GrantState.ENDED, Ending.REPLACED)
    assert states[-1] == (1, GrantState.IN_FORCE, None)


async def test_the_back_test_routes_the_window_again(house: House) -> None:
    """How many of the real requests would have run, and which of those went wrong."""
    wrong = None
    for number in range(6):
        request = await refund(house, 10 if number < 4 else 100)
        verb = Verb.REJECT if number == 2 else Verb.APPROVE
        done = await house.decide(request, "ana", verb, comment="so")
        wrong = done.id if verb is Verb.REJECT else wrong
    await lived(house, approvals(house, 150, amount=40.0))
    told = (await proposed(house)).content.arguments["back-test"]
    assert (told["requests in the window"], told["would have run"]) == (6, 4)
    assert told["which"] == [wrong]


async def test_the_hourly_look_proposes_and_keeps_what_is_remembered_up_to_date(house: House) -> None:
    """At start and every hour, beside all else; in between nothing is gone through."""
    await house.desk.look_at_trust()
    first = house.desk.looking
    await lived(house, approvals(house, 500))
    assert first is not None
    await first
    await house.desk.look_at_trust()
    second = house.desk.looking
    assert second is not None
    await second
    assert len(await house.store.requests(Filter(action=TRUST))) == 1
    house.clock.move(minutes=59)
    await house.decide(await asked_about(house, TRUST), "lea")
    await house.desk.look_at_trust()
    assert house.desk.looking is second
    assert [grant.state for grant in house.desk.trust.grants] == [GrantState.IN_FORCE]


async def judged_in_life(house: House, count: int, *, reading: float) -> None:
    """So many real requests over twenty days, each approved after so many seconds, and measured by the follower."""
    for number in range(count):
        house.clock.move(hours=20 * 24 / count)
        request = await house.submit(arguments={"order": f"order {number}", "amount": 1 + number % 40})
        house.clock.move(seconds=reading)
        await house.decide(request, ("ana", "ben")[number % 2])
    await Follower(house.store, house.clock, lambda: house.policy, pause=0.0).level()


async def test_t15_what_was_really_decided_earns_and_real_fast_clicks_do_not(house: House) -> None:
    """Through the whole house: submitted, read, approved, measured, proposed, granted, and then run by rule."""
    await judged_in_life(house, 110, reading=0.01)
    assert await house.desk.propose_trust(by="sayso") == ()
    (earning,) = await house.desk.earnings()
    assert earning.evidence[0].dropped == {"too fast to have been read": 110}
    await judged_in_life(house, 110, reading=120)
    told = (await proposed(house)).content.arguments
    assert told["evidence"][0]["decisions"] == 110
    assert (told["back-test"]["requests in the window"], told["back-test"]["would have run"]) == (220, 212)
    await house.decide(await asked_about(house, TRUST), "lea")
    await house.desk.keep_trust()
    ran = []
    for number in range(12):
        house.clock.move(hours=4)
        ran.append(await house.submit(arguments={"order": f"later {number}", "amount": 7 + number}))
    assert [one.state for one in ran].count(State.APPROVED) > 8
    assert (await refund(house, 50.5)).state is State.PENDING
