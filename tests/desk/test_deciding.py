"""One decision, by a person who may, on what they were shown; everybody else is told, and it is on record."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core import errors
from bot.core.model import Request, State, Submission, Verb
from bot.core.ports import Change, Tx
from tests.desk.house import House, ballot


async def outcome(house: House, vote: Any) -> str:
    """What became of a ballot: the state, or the refusal's code."""
    try:
        return str((await house.desk.decide(vote)).state)
    except errors.SaysoError as refusal:
        return refusal.code


async def test_t06_fifty_identical_clicks_are_one_decision(house: House) -> None:
    """The same ballot fifty times at once: one wins, the rest hear who decided and when, each is on record."""
    request = await house.submit()
    told = Counter(await asyncio.gather(*(outcome(house, ballot(request)) for _ in range(50))))
    assert told == {"approved": 1, "already_decided": 49}
    after = await house.now(request)
    assert len(after.decisions) == 1
    events = Counter(await house.events(request))
    assert (events["request.decided"], events["refusal:already_decided"]) == (1, 49)
    assert len(house.sql("select * from executions")) == 1


async def test_t06_approve_against_reject(house: House) -> None:
    """Two people at once, over and over: always exactly one of them, and the stored state is the winner's."""
    for _ in range(25):
        request = await house.submit()
        told = await asyncio.gather(
            outcome(house, ballot(request, "ana")), outcome(house, ballot(request, "ben", Verb.REJECT))
        )
        assert sorted(t in ("approved", "rejected") for t in told) == [False, True]
        after = await house.now(request)
        assert str(after.state) in told
        assert (after.execution is None) == (after.state is State.REJECTED)


async def test_t06_a_double_click_is_one_of_two_approvals(house: House) -> None:
    """Where two must approve, one person's clicks count once, and the second person's makes it two."""
    request = await house.submit("two.of")
    told = Counter(await asyncio.gather(*(outcome(house, ballot(request)) for _ in range(10))))
    assert told == {"pending": 1, "already_voted": 9}
    assert await outcome(house, ballot(request, "lea")) == "approved"


@pytest.mark.parametrize("clock_first", [True, False])
async def test_t07_a_thousand_decisions_around_expiry(house: House, *, clock_first: bool) -> None:
    """A millisecond before, at and after expiry, the ticker in between: one end, and no decision at or after it."""
    request = await house.submit(expires_in=timedelta(hours=1))

    async def click(number: int) -> str:
        house.clock.at = request.expires_at + timedelta(milliseconds=number % 3 - 1 if not clock_first else number % 2)
        return await outcome(house, ballot(request, "ana" if number % 2 else "ben", Verb.APPROVE))

    async def tick() -> str:
        await house.desk.wake()
        return "tick"

    await asyncio.gather(*(tick() if number % 100 == 50 else click(number) for number in range(1000)))
    await house.desk.wake()
    after = await house.now(request)
    assert after.state in (State.APPROVED, State.EXPIRED)
    if clock_first:
        assert after.state is State.EXPIRED
    for decided in after.decisions:
        assert decided.at < request.expires_at
    ends = [kind for kind in await house.events(request) if kind in ("request.decided", "request.expired")]
    assert len(ends) == 1


async def test_t07_after_a_cancel_nothing_counts(house: House) -> None:
    """Withdrawn and clicked at once: one of the two, never both."""
    for _ in range(10):
        request = await house.submit()
        await asyncio.gather(
            outcome(house, ballot(request)),
            house.desk.cancel(request.id, agent="billing", reason="changed my mind"),
            return_exceptions=True,
        )
        after = await house.now(request)
        assert (after.state, len(after.decisions)) in ((State.APPROVED, 1), (State.CANCELLED, 0))


@pytest.mark.parametrize("changes", [{"revision": 2}, {"revision": 0}, {"digest": "sha256:" + "0" * 64}])
async def test_p04_a_decision_binds_to_what_was_shown(house: House, changes: dict[str, Any]) -> None:
    """Another revision or digest is refused with the present ones, so that the card can be looked at again."""
    request = await house.submit()
    with pytest.raises(errors.Stale) as told:
        await house.decide(request, **changes)
    assert told.value.extra == {"revision": 1, "digest": request.digest}
    assert (await house.events(request))[-1] == "refusal:stale"


async def test_t02_what_was_not_fully_shown_is_not_approved(house: House) -> None:
    """A forced approval from a shortened card is refused by name."""
    request = await house.submit()
    with pytest.raises(errors.NotFullyShown):
        await house.decide(request, fully_shown=False)
    assert (await house.decide(request, verb=Verb.REJECT, fully_shown=False)).state is State.REJECTED


async def test_a_decision_keeps_what_was_said_and_shown(house: House) -> None:
    """Comment, category, channel and time are kept, and the audit line says which digest was before their eyes."""
    request = await house.submit()
    house.clock.move(minutes=3)
    after = await house.decide(request, "ben", Verb.REJECT, comment="not twice", category="duplicate")
    told = after.decisions[0]
    assert (told.by, told.comment, told.category, told.channel) == ("ben", "not twice", "duplicate", "slack")
    assert told.at == after.decided_at == house.clock.at
    line = json.loads((await house.store.audit(request.id))[-1].body)
    assert line["data"]["shown"] == {"revision": 1, "digest": request.digest}
    assert line["data"]["before"]["state"] == "pending"


async def test_a_decision_on_what_is_not_there(house: House) -> None:
    """An unknown id is not found, and even that is on record."""
    request = await house.submit()
    vote = replace(ballot(request), request="req_unknown")
    with pytest.raises(errors.NotFound):
        await house.desk.decide(vote)
    lines = await house.store.audit_lines(0, 100)
    assert json.loads(lines[-1].body)["data"] == {"reason": "not_found"}


async def test_a_question_without_words_is_refused(house: House) -> None:
    """The agent cannot answer nothing."""
    request = await house.submit()
    for comment in (None, "", "  \n"):
        with pytest.raises(errors.Invalid) as told:
            await house.decide(request, verb=Verb.ASK, comment=comment)
        assert told.value.faults[0].pointer == "/comment"


@pytest.mark.parametrize("down", [errors.Unavailable, errors.Overloaded])
async def test_a_store_that_is_down_is_no_refusal(
    house: House, monkeypatch: pytest.MonkeyPatch, down: type[errors.SaysoError]
) -> None:
    """The person is told to try again; and a refusal that cannot be recorded is still that refusal."""
    request = await house.submit()

    async def refuse(_: object, **_more: object) -> None:
        raise down

    monkeypatch.setattr(house.store, "write", refuse)
    with pytest.raises(down):
        await house.decide(request)
    await house.desk.refused(request_id=request.id, actor="slack:U1", via="slack", reason="guest")
    monkeypatch.setattr(house.store, "request", refuse)
    await house.desk.refused(request_id=request.id, actor="slack:U1", via="slack", reason="guest")
    monkeypatch.undo()
    assert await house.events(request) == ["request.submitted"]


async def test_state_and_audit_are_one(house: House) -> None:
    """Where the audit line cannot be written the decision is not either."""
    request = await house.submit()
    broken: list[Tx] = []

    def work(tx: Tx) -> None:
        broken.append(tx)
        after = replace(request, state=State.APPROVED, due_at=None, decided_at=house.clock.at)
        tx.record(Change(event=house.desk._event("x", request, actor="a", via="v"), before=request, after=after))  # noqa: SLF001  # as the desk writes it
        raise errors.Conflict

    with pytest.raises(errors.Conflict):
        await house.store.write(work)
    assert broken
    assert await house.now(request) == request
    assert await house.events(request) == ["request.submitted"]


async def test_the_queue_is_what_waits_for_one_person(house: House) -> None:
    """Soonest deadline first; not what they voted on, not what was decided, not what is not theirs."""
    first = await house.submit(expires_in=timedelta(hours=3))
    house.clock.move(minutes=1)
    urgent = await house.submit("two.of", expires_in=timedelta(minutes=5))
    gone = await house.submit()
    await house.decide(gone, "ben")
    assert [card.request for card in await house.desk.queue("ana")] == [urgent.id, first.id]
    await house.decide(urgent, "ana")
    assert [card.request for card in await house.desk.queue("ana")] == [first.id]
    assert [card.request for card in await house.desk.queue("lea")] == [urgent.id]
    assert await house.desk.queue("dan") == ()


async def test_what_a_channel_may_look_up(house: House) -> None:
    """People by id and by Slack id, a request's card and form, and where a card stands."""
    request = await house.submit()
    person = house.desk.person_by_slack("U0ANA")
    assert person is not None
    assert person == house.desk.person("ana")
    assert house.desk.person_by_slack("U0NONE") is None
    card = await house.desk.card(request.id)
    assert card is not None
    assert (card.digest, card.url) == (request.digest, f"https://sayso.test/{request.id}")
    assert await house.desk.card("req_unknown") is None
    assert [field.name for field in house.desk.fields(request)] == ["amount", "flags"]
    assert [field.name for field in house.desk.fields(await house.submit("two.of", arguments={"x": 1}))] == ["x"]
    assert await house.desk.delivery_at("slack", {"channel": "ana", "ts": "1"}) is None
    assert isinstance(await house.desk.request(request.id), Request)


async def test_undo_is_said_in_words(house: House) -> None:
    """The card says when it runs, and whether it can be taken back."""
    mail = await house.desk.card((await house.submit("mail.send")).id)
    assert mail is not None
    assert mail.undo == "Runs 30 s after approval. Cannot be undone."
    house.rule(lambda text: text.replace("  mail.send:\n", "  mail.send:\n    rollback: {action: deploy.start}\n"))
    recalled = await house.desk.card((await house.submit("mail.send")).id)
    assert recalled is not None
    assert "Can be rolled back with deploy.start." in recalled.undo
    house.rule(lambda text: text.replace("  mail.send:\n", "  mail.send:\n    risk: reversible\n"))
    mild = await house.desk.card((await house.submit("mail.send", risk=None)).id)
    assert mild is not None
    assert mild.undo == "Runs 30 s after approval."


async def test_submissions_of_a_rule_end_at_once(house: House) -> None:
    """Approved or blocked by rule: no stage, no card, the reason named, and no person's vote in it."""
    tiny = await house.submit(arguments={"order": "1", "amount": 1}, confidence=0.9)
    assert (tiny.state, tiny.route.rule, tiny.decisions) == (State.APPROVED, "tiny", ())
    assert tiny.execution is not None
    huge, _ = await house.desk.submit(
        Submission(action="refund.issue", arguments={"order": "1", "amount": 200000}), agent="billing"
    )
    assert (huge.state, huge.execution) == (State.BLOCKED, None)
    with pytest.raises(errors.NotAssigned):
        await house.decide(huge)


async def test_t13_others_have_their_turns_while_many_cards_are_drawn(house: House) -> None:
    """A queue of 500 heavy ones, as Slack's home shows it after each decision, does not hold up a click."""
    requests = [await house.submit() for _ in range(5)]
    drawing = asyncio.create_task(house.desk.cards(requests))
    turns = 0
    while not drawing.done():
        await asyncio.sleep(0)
        turns += 1
    assert [card.request for card in drawing.result()] == [request.id for request in requests]
    assert turns >= len(requests)
