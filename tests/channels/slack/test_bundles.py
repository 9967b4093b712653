"""Several requests as one message: sent once, drawn anew as each changes, spoken to in its thread; in both modes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.errors import SendFailed
from bot.core.model import ExecutionState, Kind, Risk, State, Verb
from channels.slack import SlackChannel
from tests.channels.slack.conftest import SECRETS, Office, served, settings_of
from tests.fakes.slack import Message, buttons, visible_text


def struck(message: Message) -> list[str]:
    """The titles that are struck through, in order."""
    parts = [part for block in message.blocks if block["type"] == "rich_text" for part in block["elements"]]
    return [e["text"] for part in parts for e in part["elements"] if (e.get("style") or {}).get("strike")]


async def test_a_message_of_several_says_what_they_come_to_and_shows_each(office: Office) -> None:
    """Heading, counts, sums and ranges; each by its title, arguments and page; who is asked; three buttons."""
    message = await office.bundle(12, batch="march <refunds>", reason="Duplicate charge")
    text = visible_text(message)
    assert text.startswith("Batch: march <refunds>\n● 12 of 12 wait for a decision")
    assert "refund.issue: 12 requests; amount 10 to 120, 780 in all" in text
    assert all(f'{n}. Refund {n}  order "{n}" · amount {10.0 * n}' in text for n in range(1, 13))
    assert text.count("Each of them: refund.issue, asked by billing-assistant") == 1
    assert text.count("The agent says (unchecked): Reason: Duplicate charge") == 12
    assert "Asked: @U0ANA, @U0BEN" in text
    shown = buttons(message)
    assert list(shown) == ["approve_all", "reject_all", "open"]
    assert shown["open"]["url"] == "https://sayso.example/inbox/batches/march%20%3Crefunds%3E"
    assert message.unfurl == {"unfurl_links": False, "unfurl_media": False}
    assert [d.handle for d in office.house.deliveries] == [
        {"channel": message.channel, "ts": message.ts, "bundle": next(iter(office.house.keys.values())).letter}
    ] * 12


async def test_a_flood_is_headed_by_its_number_and_opens_the_inbox(by_http: Office) -> None:
    """Without one batch there is no name to give it."""
    message = await by_http.bundle(3)
    assert visible_text(message).startswith("3 requests\n")
    assert buttons(message)["open"]["url"] == "https://sayso.example/inbox"


async def test_what_differs_is_said_in_each_line(by_http: Office) -> None:
    """Where actions differ, each line names its own, and the summary counts each."""
    some = [by_http.house.submit(action=name, risk=Risk.REVERSIBLE) for name in ("a.b", "a.b", "c.d")]
    text = visible_text(by_http.message((await by_http.house.send_all(some))[0]))
    assert "a.b: 2 requests" in text
    assert "c.d: 1 request;" in text
    assert text.count("a.b by billing-assistant") == 2
    assert "Each of them" not in text


async def test_one_request_alone_is_an_ordinary_card(by_http: Office) -> None:
    """It shows all and has every button."""
    message = await by_http.bundle(1)
    assert list(buttons(message)) == ["approve", "edit", "reject", "ask", "escalate", "open"]


async def test_more_than_twenty_are_a_summary_with_samples(by_http: Office) -> None:
    """Twenty lines, and how many more: what is not shown is not approved here."""
    message = await by_http.bundle(30, batch="all")
    text = visible_text(message)
    assert "30 requests; amount 10 to 300, 4,650 in all" in text
    assert "Refund 20" in text
    assert "Refund 21" not in text
    assert "and 10 more, which are not shown here" in text
    assert list(buttons(message)) == ["reject_all", "open"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"risk": Risk.IRREVERSIBLE}, "decided one by one"),
        ({"kind": Kind.EXCEPTION}, "decided one by one"),
        ({"reason": "x" * 9_000}, "Not everything of each request is shown"),
        ({"warnings": ("w" * 4_000,)}, "Not everything of each request is shown"),
    ],
    ids=["irreversible", "no approval", "claims", "warnings"],
)
async def test_t02_what_is_not_whole_or_cannot_be_undone_is_not_approved_together(
    by_http: Office, changes: dict[str, Any], words: str
) -> None:
    """One such request takes Approve all off the message, and it says why."""
    odd = by_http.house.submit(**{"risk": Risk.REVERSIBLE, **changes})
    plain = by_http.house.submit(risk=Risk.REVERSIBLE)
    message = by_http.message((await by_http.house.send_all([plain, odd]))[0])
    assert list(buttons(message)) == ["reject_all", "open"]
    assert words in visible_text(message)


async def test_what_the_buttons_stand_for_is_committed_before_the_message_is_sent(by_http: Office) -> None:
    """Also where sending fails: the key is there, bound to revision and digest of each request as shown."""
    by_http.slack.faults.server_error("chat.postMessage", times=None)
    with pytest.raises(SendFailed) as failed:
        await by_http.bundle(2)
    assert failed.value.temporary
    (key,) = by_http.house.keys.values()
    requests = by_http.house.requests.values()
    assert [(i.request, i.revision, i.digest, i.number, i.fully_shown, i.by_page) for i in key.items] == [
        (r.id, 1, r.digest, n, True, False) for n, r in enumerate(requests, 1)
    ]
    assert key.expires_at > max(r.expires_at for r in requests)


async def test_each_that_ends_is_struck_with_who_decided(office: Office) -> None:
    """The others stay, the sums are of those; what came of the run is said; at the end nothing can be pressed."""
    message = await office.bundle(3)
    await office.house.decide(office.ballot("req_1", Verb.APPROVE))
    await office.house.settle()
    assert struck(message) == ["Refund 1"]
    text = visible_text(message)
    assert "Refund 1  Approved by Ana Silva" in text
    assert "● 2 of 3 wait" in text
    assert "2 requests; amount 20 to 30, 50 in all" in text
    for request in ("req_2", "req_3"):
        await office.house.decide(office.ballot(request, Verb.REJECT))
    office.house.execute("req_1", ExecutionState.FAILED, error="declined")
    await office.house.refresh("req_1")
    await office.house.settle()
    assert struck(message) == ["Refund 1", "Refund 2", "Refund 3"]
    assert "Approved by Ana Silva · Failed" in visible_text(message)
    assert "None of these waits any more" in visible_text(message)
    assert list(buttons(message)) == ["open"]


async def test_those_that_wait_come_up_as_others_end(by_http: Office) -> None:
    """Of more than twenty, those that still wait have the lines; once all of them do, they can be approved."""
    message = await by_http.bundle(22)
    for n in (1, 2):
        await by_http.house.decide(by_http.ballot(f"req_{n}", Verb.REJECT))
    await by_http.house.settle()
    text = visible_text(message)
    assert "Refund 22" in text
    assert "and 2 more" in text
    assert list(buttons(message)) == ["approve_all", "reject_all", "open"]


async def test_one_drawing_serves_all_that_changed_at_once(by_http: Office) -> None:
    """Thirty requests decided together are a few updates of the one message, and the last shows all of them."""
    message = await by_http.bundle(20)
    before = len(by_http.slack.calls_of("chat.update"))
    await asyncio.gather(*(by_http.house.decide(by_http.ballot(f"req_{n}", Verb.APPROVE)) for n in range(1, 21)))
    await by_http.house.settle()
    assert len(struck(message)) == 20
    assert len(by_http.slack.calls_of("chat.update")) - before <= 3


async def test_p08_an_outage_of_redrawing_is_every_waiters_and_passes(by_http: Office) -> None:
    """Whoever asked for the drawing hears that it failed; the next one works."""
    message = await by_http.bundle(2)
    deliveries = by_http.house.deliveries
    by_http.slack.faults.server_error("chat.update", times=None)
    cards = [by_http.house.card_of(by_http.house.requests[d.request]) for d in deliveries]
    came = await asyncio.gather(
        *(by_http.channel.update(c, d) for c, d in zip(cards, deliveries, strict=True)), return_exceptions=True
    )
    assert [isinstance(failed, SendFailed) and failed.temporary for failed in came] == [True, True]
    by_http.slack.faults.clear()
    await by_http.house.decide(by_http.ballot("req_2", Verb.REJECT))
    await by_http.house.settle()
    assert struck(message) == ["Refund 2"]


async def test_a_message_whose_key_is_gone_is_a_permanent_failure(by_http: Office) -> None:
    """Long after the end nobody tries for ever to draw it."""
    await by_http.bundle(2)
    by_http.house.keys.clear()
    with pytest.raises(SendFailed) as failed:
        await by_http.house.refresh("req_1")
    assert not failed.value.temporary


async def test_a_bundle_is_drawn_anew_after_a_restart(by_http: Office) -> None:
    """Nothing of it is kept in memory: another process, with a rotated secret, redraws it and its buttons work."""
    message = await by_http.bundle(2)
    newer = SlackChannel(
        settings_of(by_http.slack, "http"), by_http.house, clock=by_http.house.clock, post_to="#approvals",
        secrets=("newest secret", *SECRETS),
    )  # fmt: skip
    by_http.house.channel = newer
    seen = message.as_dict()
    await newer.start()
    async with served(by_http.slack, newer):
        await by_http.house.decide(by_http.ballot("req_1", Verb.APPROVE))
        await by_http.house.settle()
        assert struck(message) == ["Refund 1"]
        await by_http.slack.click("U0BEN", message, "approve_all", as_seen=seen)
        assert "Approved: 1 of 2" in await by_http.told("U0BEN")
        await by_http.house.settle()
        assert struck(message) == ["Refund 1", "Refund 2"]
    await newer.stop()


async def test_what_is_told_is_drawn_where_it_stands(by_http: Office) -> None:
    """An outcome that comes with a digest redraws its own card and keeps its handle."""
    card = await by_http.card()
    told = by_http.house.deliveries[0]
    request = replace(by_http.house.requests["req_1"], state=State.CANCELLED)
    by_http.house.requests["req_1"] = request
    handles = await by_http.channel.digest((), [(by_http.house.card_of(request), told)])
    assert list(handles) == [told.handle]
    assert "Withdrawn" in visible_text(card)


async def test_a_reply_under_several_decides_nothing(office: Office) -> None:
    """Nobody could know which is meant: it says where they are decided."""
    message = await office.bundle(2)
    await office.slack.reply_in_thread("U0ANA", message, "approve")
    await office.slack.wait_for(lambda: len(office.slack.messages(thread_ts=message.ts)) > 2)
    said = visible_text(office.slack.messages(thread_ts=message.ts)[-1])
    assert "Decide on the page or with the buttons" in said
    assert office.house.ballots == []


async def test_one_word_about_several_is_one_reply(by_http: Office) -> None:
    """Reminders of a bundle do not flood its thread; the reply names them and whom they ask."""
    message = await by_http.bundle(7)
    house = by_http.house
    await asyncio.gather(
        *(
            by_http.channel.remind(house.card_of(house.requests[d.request]), d, "still waiting")
            for d in house.deliveries
        )
    )
    replies = [m for m in by_http.slack.messages(thread_ts=message.ts) if m.ts != message.ts]
    assert len(replies) == 1
    assert "still waiting (Refund 1; Refund 2; Refund 3; Refund 4; Refund 5 and 2 more)" in visible_text(replies[0])
    assert "@U0ANA, @U0BEN" in visible_text(replies[0])
    await by_http.channel.remind(house.card_of(house.requests["req_1"]), house.deliveries[0], "still waiting")
    assert len([m for m in by_http.slack.messages(thread_ts=message.ts) if m.ts != message.ts]) == 2
