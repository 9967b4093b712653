"""Replies in a card's thread decide by the grammar, and nothing else there does; in both modes."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.model import State, Verb
from channels.slack.texts import typed
from tests.channels.slack.conftest import Office, opened
from tests.fakes.slack import Message, payloads, visible_text


def answers(office: Office, message: Message) -> list[str]:
    """What the bot said in the thread."""
    return [visible_text(m) for m in office.slack.messages(thread_ts=message.ts) if m.bot_id and m.ts != message.ts]


async def answer(office: Office, message: Message) -> str:
    """The bot's last word in the thread, once there is one."""
    await office.slack.wait_for(lambda: answers(office, message))
    return answers(office, message)[-1]


async def test_approve_in_a_thread_decides(office: Office) -> None:
    """One word, any case, a comment below it; the thread says what was understood."""
    message = await office.card()
    ack = await office.slack.reply_in_thread("U0ANA", message, "APPROVE\nlooks right")
    assert ack.ok
    request = office.house.requests["req_1"]
    assert (request.state, request.decisions[0].comment) == (State.APPROVED, "looks right")
    assert "Understood, Ana Silva: approved" in await answer(office, message)


@pytest.mark.parametrize(
    ("text", "verb"),
    [("reject: paid <twice> & again", Verb.REJECT), ("ask: which charge?", Verb.ASK), ("Escalate", Verb.ESCALATE)],
)
async def test_the_other_commands(by_http: Office, text: str, verb: Verb) -> None:
    """Each does what it says, with the text as the person typed it."""
    message = await by_http.card()
    await by_http.slack.reply_in_thread("U0ANA", message, text)
    assert by_http.house.ballots[0].decision is verb
    if verb is Verb.REJECT:
        assert by_http.house.ballots[0].comment == "paid <twice> & again"


async def test_edit_in_a_thread_is_typed_by_the_schema(office: Office) -> None:
    """Values become what the form would make of them."""
    message = await office.card()
    await office.slack.reply_in_thread("U0ANA", message, "edit amount=100, order=“A, 1”")
    assert office.house.ballots[0].arguments == {"order": "A, 1", "amount": 100, "currency": "USD"}
    assert "approved with these edits" in await answer(office, message)


NOT_A_COMMAND = ["I don't approve", "approve!", "> approve", "edit amount=lots", "edit nosuch=1", "edit amount=1,000"]


@pytest.mark.parametrize("text", NOT_A_COMMAND)
async def test_anything_else_is_never_a_decision(by_http: Office, text: str) -> None:
    """It is answered with what was not understood, and the request stays as it was."""
    message = await by_http.card()
    await by_http.slack.reply_in_thread("U0ANA", message, text)
    said = await answer(by_http, message)
    assert "othing was decided" in said
    assert by_http.house.requests["req_1"].state is State.PENDING
    assert by_http.house.ballots == []


async def test_a_mention_is_no_value(by_http: Office) -> None:
    """Who types @ben means no `<@U0BEN>`; typed as those characters, which Slack escapes, it is one."""
    message = await by_http.card()
    await by_http.slack.deliver_event(late(by_http, message, text='edit order="<@U0BEN>", amount=5'))
    assert "made a mention" in await answer(by_http, message)
    await by_http.slack.reply_in_thread("U0ANA", message, "edit order=<@U0BEN>")
    await by_http.slack.wait_for(lambda: by_http.house.ballots)
    assert (by_http.house.ballots[0].arguments or {})["order"] == "<@U0BEN>"


@pytest.mark.parametrize("user", ["U0NOBODY", "U0GUEST"])
async def test_t08_a_command_of_somebody_who_may_not_give_it(by_http: Office, user: str) -> None:
    """Refused, told, recorded; their chatter in the thread is left alone."""
    message = await by_http.card()
    await by_http.slack.reply_in_thread(user, message, "what is this?")
    assert by_http.house.refusals == []
    await by_http.slack.reply_in_thread(user, message, "approve")
    assert await by_http.told(user)
    assert by_http.house.requests["req_1"].state is State.PENDING
    assert len(by_http.house.refusals) == 1


async def test_t08_a_command_from_a_connected_workspace() -> None:
    """In a shared channel the event comes under our own team; the author's own team is what counts."""
    async with opened("http") as office:
        message = await office.card()
        await office.slack.reply_in_thread("U0STRANGER", message, "approve")
        await office.slack.wait_for(lambda: office.house.refusals)
        assert office.house.reasons == ["foreign_workspace"]
        assert office.house.ballots == []


async def test_somebody_known_but_not_asked_is_answered(by_http: Office) -> None:
    """The house's refusal is said in the thread."""
    message = await by_http.card()
    await by_http.slack.reply_in_thread("U0LEA", message, "approve")
    assert "not asked to review" in await answer(by_http, message)


async def test_machines_edits_and_other_threads_are_left_alone(by_http: Office) -> None:
    """The bot's own words, edits of old messages, messages outside threads and in other threads decide nothing."""
    message = await by_http.card()
    by_http.slack.settings.echo_own_messages = True
    card = by_http.house.card_of(by_http.house.requests["req_1"])
    await by_http.channel.remind(card, by_http.house.deliveries[0], "approve")
    ack = await by_http.slack.reply_in_thread("U0ANA", message, "hm")
    assert ack.message is not None
    await by_http.slack.edit_message("U0ANA", ack.message, "approve")
    await by_http.slack.say("U0ANA", message.channel, "approve")
    other = await by_http.slack.say("U0BEN", message.channel, "something else")
    assert other.message is not None
    await by_http.slack.reply_in_thread("U0ANA", other.message, "approve")
    assert by_http.house.ballots == []
    assert by_http.house.refusals == []


async def test_a_reply_delivered_again_is_dealt_with_once(by_http: Office) -> None:
    """Slack delivers an event again when it was slow; the person is answered once."""
    message = await by_http.card()
    by_http.house.slow = 2.7
    ack = await by_http.slack.reply_in_thread("U0ANA", message, "approve")
    assert ack.attempts > 1
    assert len(by_http.house.ballots) == 1
    await by_http.house.settle()
    assert await answer(by_http, message)
    assert len(answers(by_http, message)) == 1


async def test_t02_a_reply_cannot_approve_what_the_card_does_not_show(by_http: Office) -> None:
    """The thread of a card that is too long is as blind as its buttons."""
    message = await by_http.card(arguments={"order": "1", "amount": 1, "body": "x" * 4_000 + "rm -rf /"})
    await by_http.slack.reply_in_thread("U0ANA", message, "approve")
    assert "Not everything that would run was shown" in await answer(by_http, message)
    assert by_http.house.reasons == ["not_fully_shown"]


async def test_t05_a_reply_to_a_card_that_shows_an_older_revision(by_http: Office) -> None:
    """Until the card has been brought up to date, its thread decides nothing."""
    message = await by_http.card()
    by_http.house.revise("req_1", {"order": "1", "amount": 9_000})
    await by_http.slack.reply_in_thread("U0ANA", message, "approve")
    assert "has changed since you saw it" in await answer(by_http, message)
    assert by_http.house.reasons == ["stale"]
    await by_http.house.refresh("req_1")
    await by_http.slack.reply_in_thread("U0ANA", message, "approve")
    assert by_http.house.requests["req_1"].state is State.APPROVED


async def test_t05_a_reply_that_comes_late_counts_for_what_stood_there(by_http: Office) -> None:
    """Slack delivers again for minutes: an approval written before a revision was made does not approve that one."""
    message = await by_http.card()
    written = f"{time.time():.6f}"
    by_http.house.revise("req_1", {"order": "1", "amount": 9_000})
    await by_http.house.refresh("req_1")
    await by_http.slack.deliver_event(late(by_http, message, ts=written))
    assert "has changed since you saw it" in await answer(by_http, message)
    await by_http.slack.deliver_event(late(by_http, message, ts="yesterday"))
    assert by_http.house.reasons == ["stale", "stale"]
    assert by_http.house.ballots == []


@pytest.mark.parametrize("mark", [{"app_id": "A1"}, {"bot_profile": {"id": "B1"}}, {"bot_id": "B1"}, {"hidden": True}])
async def test_t19_a_program_with_a_persons_token_decides_nothing(by_http: Office, mark: dict[str, Any]) -> None:
    """An assistant that may post as Ana posts under her name; Slack names the app, and machines never decide."""
    message = await by_http.card()
    await by_http.slack.deliver_event(late(by_http, message, **mark))
    assert by_http.house.ballots == []
    assert by_http.house.requests["req_1"].state is State.PENDING


async def test_a_reply_with_a_picture_counts_as_any_other(by_http: Office) -> None:
    """Slack calls a message with a file another sort of message; its words are a person's all the same."""
    message = await by_http.card()
    share = {"subtype": "file_share", "files": [{"id": "F1"}]}
    await by_http.slack.deliver_event(late(by_http, message, **share, text=""))
    await by_http.slack.deliver_event(late(by_http, message, **share, text="reject: see the picture"))
    assert by_http.house.ballots[0].comment == "see the picture"
    assert "rejected" in await answer(by_http, message)
    assert len(answers(by_http, message)) == 1


async def test_a_reply_that_is_quicker_than_the_posts_answer_counts(by_http: Office) -> None:
    """Slack shows a card before the bot has it on record where that stands."""
    message = await by_http.card()
    (known,) = by_http.house.deliveries
    by_http.house.deliveries[0] = replace(known, handle=None)
    event = late(by_http, message, parent_user_id=by_http.slack.workspace.bot.id)
    coming = asyncio.create_task(by_http.slack.deliver_event(event))
    await asyncio.sleep(0.1)
    by_http.house.deliveries[0] = known
    await coming
    assert by_http.house.requests["req_1"].state is State.APPROVED


@pytest.mark.parametrize("user", ["U0ANA", "U0GUEST"])
@pytest.mark.parametrize("thread", [None, "1.000001"])
async def test_a_command_under_no_card_is_not_passed_over(by_http: Office, user: str, thread: str | None) -> None:
    """Below a card instead of in its thread, or before the bot knows its own post: nobody may think that it counted."""
    message = await by_http.card(to="U0ANA")
    if thread:
        message.ts = thread
    where = {"channel_type": "im", "parent_user_id": by_http.slack.workspace.bot.id, "user": user}
    for text in ("Good morning!", "Approve it"):
        await by_http.slack.deliver_event(late(by_http, message, **where, text=text, thread_ts=thread))
    if user == "U0ANA":
        posted = partial(by_http.slack.messages, message.channel)
        await by_http.slack.wait_for(lambda: len(posted()) > 1)
        assert ["Nothing was decided" in visible_text(m) for m in posted()] == [False, True]
    assert by_http.house.reasons == ([] if user == "U0ANA" else ["not_a_member"])
    assert by_http.house.ballots == []


def late(office: Office, message: Message, **changes: Any) -> dict[str, Any]:
    """Ana's approval in the thread of a card, as an event, with these members changed."""
    body = {
        "type": "message",
        "channel": message.channel,
        "user": "U0ANA",
        "text": "approve",
        "ts": f"{time.time():.6f}",
    }
    return payloads.event(office.slack.workspace, office.slack.settings, body | {"thread_ts": message.ts} | changes)


async def test_a_defect_of_ours_is_said_in_the_thread(by_http: Office) -> None:
    """An error that nobody foresaw does not look like a decision."""
    message = await by_http.card()
    by_http.house.broken = RuntimeError("a bug")
    await by_http.slack.reply_in_thread("U0ANA", message, "approve")
    assert "Something went wrong" in await answer(by_http, message)


async def test_a_thread_that_cannot_be_answered_is_only_logged(by_http: Office) -> None:
    """The decision stands whatever becomes of the answer."""
    message = await by_http.card()
    by_http.slack.faults.refuse("chat.postMessage", "is_archived", times=None)
    await by_http.slack.reply_in_thread("U0ANA", message, "approve")
    assert by_http.house.requests["req_1"].state is State.APPROVED


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("edit to=<mailto:a@b.example|a@b.example>", "edit to=a@b.example"),
        ("edit url=<https://x.example/?a=1&amp;b=2>", "edit url=https://x.example/?a=1&b=2"),
        ("edit host=<http://x.example|x.example>", "edit host=x.example"),
        ("reject: ask <@U0BEN> &lt;soon&gt;", "reject: ask <@U0BEN> <soon>"),
        ("edit note=:tada: 10:30:45 :wave::skin-tone-2: :ours: :tada:", "edit note=🎉 10:30:45 👋🏻 :ours: 🎉"),
    ],
)
def test_typed_gives_back_what_was_typed(sent: str, text: str) -> None:
    """Slack wraps links, escapes three characters and names emoji; that is undone, and nothing else."""
    tada: dict[str, Any] = {"name": "tada", "unicode": "1f389"}
    wave: dict[str, Any] = {"name": "wave", "skin_tone": 2, "unicode": "1f44b-1f3fb"}
    odd: list[dict[str, Any]] = [
        {"name": "ours"},
        {"name": "tada", "unicode": "110000"},
        {"name": "gone", "unicode": "1f389"},
        {},
    ]
    emoji = [{"type": "emoji", **each} for each in (tada, wave, odd[0], tada, *odd)]
    section = {"type": "rich_text_section", "elements": [{"type": "text", "text": "edit"}, *emoji]}
    blocks = [{"type": "rich_text", "elements": [{"type": "rich_text_list", "elements": [section]}]}]
    assert typed({"text": sent, "blocks": blocks}) == text
