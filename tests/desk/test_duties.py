"""Nobody reviews what is from them or for them, nor whoever stands in for them, by whatever way (threat T10)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.core import errors
from bot.core.model import Request, State, Verb
from tests.desk.filed import DEFAULT, SENT, enforce, other_people
from tests.desk.house import House, ballot

CHAINS = """
chains:
  finance: [{notify: [finance], wait: 15m}, {notify: [duty], wait: 15m}, {notify: [eva], if_empty: {fallback: [dan]}}]
"""
DUTY = """
schedules: {duty: {rotate: daily, start: 2026-03-01, people: [dan, kim]}}
"""
GROUPS = """
groups: {finance: [ana, ben, dan, kim]}
"""
PEOPLE = other_people("""
    ana: {name: Ana Silva, slack: U0ANA, away: [{from: 2026-03-02, until: 2026-03-04, delegate: dan}]}
    dan: {name: Dan Reyes, slack: U0DAN, away: [{from: 2026-03-02T12:00, until: 2026-03-09, delegate: kim}]}
""")
"""Ana is away and Dan, who owns the agent, stands in for her; later he is away himself, and Kim stands in for him."""
EVERY = tuple(Verb)


@pytest.fixture(autouse=True)
def duties(house: House) -> None:
    """Dan owns the agent, and is seated by a group, a schedule, an absence and a fallback."""
    enforce(house, PEOPLE, GROUPS, SENT, CHAINS, DUTY, DEFAULT)


async def refused(house: House, request: Request, by: str, verb: Verb, channel: str = "slack") -> str:
    """The code of a refusal."""
    vote = ballot(request, by, verb, comment="x", arguments={"order": "1", "amount": 1})
    with pytest.raises(errors.SaysoError) as refusal:
        await house.desk.decide(replace(vote, channel=channel))
    return refusal.value.code


async def test_t10_the_owner_and_who_stands_in_for_them(house: House) -> None:
    """Dan and Kim are refused whatever they press and through whatever they press it; Ben decides."""
    request = await house.submit()
    assert (request.route.excluded, request.assignees) == (("dan", "kim"), ("ben",))
    for by in ("dan", "kim"):
        for channel in ("slack", "email", "push", "inbox", "api", "cli"):
            for verb in EVERY:
                assert await refused(house, request, by, verb, channel) == "self_review"
    assert (await house.now(request)) == request
    events = await house.events(request)
    assert events.count("refusal:self_review") == len(events) - 1 == 2 * 6 * len(EVERY)
    assert (await house.decide(request, "ben")).state is State.APPROVED


async def test_t10_they_are_never_seated(house: House) -> None:
    """Neither by the group, nor as Ana's delegate, nor by the schedule, nor as a fallback, at any time."""
    request = await house.submit()
    for _ in range(30):
        house.clock.move(hours=1)
        await house.desk.wake()
        after = await house.now(request)
        assert not {"dan", "kim"} & set(after.assignees)
        assert not {"dan", "kim"} & {d.person for d in await house.store.deliveries(request.id)}


async def test_t10_nor_in_a_queue_or_a_batch(house: House) -> None:
    """It is not shown to them as theirs to decide."""
    request = await house.submit(batch="b")
    for by in ("dan", "kim"):
        assert await house.desk.queue(by) == ()
        assert await house.desk.batch("b", by) == ()
        (told,) = await house.desk.decide_batch("b", [ballot(request, by)])
        assert isinstance(told, errors.SelfReview)
    assert [card.request for card in await house.desk.queue("ben")] == [request.id]


NAMED = ("eva@example.com", "Eva Holm", "for (EVA)", "Eva <eva+x@Example.com>", "U0EVA", "\uff25va\u200b Holm")


async def test_t10_whoever_it_is_for(house: House) -> None:
    """However the agent names them."""
    for named in NAMED:
        request = await house.submit(agent="other", on_behalf_of=named)
        assert "eva" in request.route.excluded, named
        for verb in EVERY:
            assert await refused(house, request, "eva", verb) == "self_review"


async def test_t10_an_agent_that_is_called_like_a_person(house: House) -> None:
    """What the agent eva asks, the person eva does not decide."""
    agents = "agents: {eva: {}, billing: {owner: dan}}"
    enforce(house, PEOPLE, GROUPS, agents, SENT, CHAINS, DUTY, DEFAULT)
    request = await house.submit(agent="eva")
    assert await refused(house, request, "eva", Verb.APPROVE) == "self_review"


async def test_t10_a_delegation_back_to_the_requester(house: House) -> None:
    """Ben goes away and hands over to Dan: the one who asked is not asked, and the step goes on without them."""
    people = other_people("""
        ben: {name: Ben, slack: U0BEN, away: [{from: 2026-03-02, until: 2026-03-09, delegate: dan}]}
    """)
    enforce(house, people, "groups: {finance: [ben, lea]}", SENT, CHAINS, DUTY, DEFAULT)
    request = await house.submit()
    assert request.assignees == ("lea",)
    assert await refused(house, request, "dan", Verb.APPROVE) == "self_review"
    # Ben is away: he was not asked, and his absence is no bar to being asked another time.
    assert await refused(house, request, "ben", Verb.APPROVE) == "not_assigned"


async def test_t10_where_all_are_barred_nobody_decides(house: House) -> None:
    """The step asks nobody, its chain is over, and it expires: never is one of them asked for want of others."""
    chains = "chains: {finance: [{notify: [dan], if_empty: {fallback: [kim]}}]}"
    enforce(house, PEOPLE, GROUPS, SENT, chains, DEFAULT)
    request = await house.submit()
    assert request.assignees == ()
    house.clock.move(hours=24)
    await house.desk.wake()
    assert (await house.now(request)).state is State.EXPIRED


async def test_t10_nor_who_is_named_at_the_chains_end(house: House) -> None:
    """Whether the end waits on or closes it."""
    for end in ("{notify: [dan, kim]}", "{notify: [dan, kim], then: expire}"):
        chains = f"chains: {{finance: {{steps: [{{notify: [ben], wait: 5m}}], exhausted: {end}}}}}"
        enforce(house, PEOPLE, GROUPS, SENT, chains, DEFAULT)
        request = await house.submit()
        house.clock.move(minutes=6)
        await house.desk.wake()
        assert (await house.now(request)).assignees in (("ben",), ())
        assert "dan" not in {d.person for d in await house.store.deliveries(request.id)}


async def test_t10_an_edit_does_not_seat_them(house: House) -> None:
    """Edited and routed anew, even where another file rules by now: whoever either route bars stays barred."""
    request = await house.submit()
    two = DEFAULT.replace("}]", ", approvals: 2}]")
    enforce(house, PEOPLE, GROUPS, "agents: {billing: {owner: lea}}", SENT, CHAINS, DUTY, two)
    edited = await house.decide(request, "ben", Verb.APPROVE_WITH_EDITS, arguments={"order": "1", "amount": 2})
    assert edited.route.excluded == ("dan", "kim", "lea")
    assert edited.state is State.PENDING
    for by in ("dan", "kim", "lea"):
        assert await refused(house, edited, by, Verb.APPROVE) == "self_review"


async def test_allow_self_lifts_it_for_trying_things_out(house: House) -> None:
    """Where a rule says so, and there alone."""
    rules = "rules: [{name: mine, when: arguments.amount < 10, stages: [{chain: finance}], allow_self: true}]"
    enforce(house, GROUPS, SENT, CHAINS, DUTY, rules, DEFAULT)
    request = await house.submit(arguments={"order": "1", "amount": 1})
    assert "dan" in request.assignees
    assert (await house.decide(request, "dan")).state is State.APPROVED
    assert await refused(house, await house.submit(), "dan", Verb.APPROVE) == "self_review"
