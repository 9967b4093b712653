"""What comes of letters that come in: counted once, answered within bounds, and nobody but their recipient believed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.core.errors import Unavailable
from bot.core.model import Replies, State, Verb
from bot.core.ports import MOST_ANSWERS, Unreachable
from tests.channels.email.post import Post, asked, now, opened, reply_to
from tests.channels.letters import LetterHouse


async def test_a_reply_is_bound_to_what_its_letter_showed(post: Post) -> None:
    """The ballot has the letter's revision and digest, whether all was shown, and an id made of the mail."""
    request, delivery = await asked(post)
    assert (await post.answer(delivery, "approve")).startswith("250")
    (ballot,) = post.house.ballots
    assert (ballot.by, ballot.channel, ballot.decision) == ("ana", "email", Verb.APPROVE)
    assert (ballot.revision, ballot.digest, ballot.fully_shown) == (1, request.digest, True)
    assert ballot.id is not None
    assert now(post, request).decisions[0].id == ballot.id


async def test_t18_a_mail_counts_once_however_often_it_arrives(post: Post) -> None:
    """The same mail again is put aside: no second decision, no second answer."""
    request, delivery = await asked(post)
    mail = reply_to(post.letters_to(delivery)[0], "escalate")
    for _ in range(3):
        assert (await post.deliver(mail)).startswith("250")
    assert now(post, request).escalation_level == 1
    assert len(post.house.answers) == 1


async def test_what_counted_before_a_crash_is_told_after_it(post: Post) -> None:
    """Decided, and dead before it was filed: brought again, the mail is answered as what it was, and counts once."""
    request, delivery = await asked(post)
    mail = reply_to(post.letters_to(delivery)[0], "edit amount=100")
    await post.deliver(mail)
    post.house.receipts.clear()
    first = post.house.answers.pop()
    await post.deliver(mail)
    assert post.house.answers == [first]
    assert now(post, request).state is State.APPROVED_WITH_EDITS
    assert len(now(post, request).decisions) == 1


async def test_p10_a_store_that_is_down_is_told_to_come_again(post: Post) -> None:
    """Nothing is said to be taken before it is committed; the next attempt counts."""
    request, delivery = await asked(post)
    mail = reply_to(post.letters_to(delivery)[0], "reject")
    post.house.broken = Unavailable()
    assert (await post.deliver(mail)).startswith("451")
    post.house.broken = None
    assert (await post.deliver(mail)).startswith("250")
    assert now(post, request).state is State.REJECTED


async def test_t19_a_thread_gets_so_many_answers_and_no_more(post: Post) -> None:
    """Two programs that answer each other come to an end."""
    _, delivery = await asked(post)
    first = post.letters_to(delivery)[0]
    for number in range(MOST_ANSWERS + 3):
        await post.deliver(reply_to(first, f"what is this, number {number}?"))
    assert len(post.house.answers) == MOST_ANSWERS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Approved!", "That is no command"),
        ("approve, but cap at 200", "The first line must be the command alone"),
        ("", "There was no text"),
        ("edit amount=lots", "amount must be a number"),
        ("edit order=5\nand more of it", "An edit must stand on one line"),
        ("edit note=b@x.example<mailto:c@x.example>", "nobody knows what you typed"),
        ("edit note=https://urldefense.com/v3/__https://x.example__;!!a$", "nobody knows what you typed"),
        ("edit colour=red", "colour is not an argument that may be edited here"),
        ("ask:", "What should the agent be asked?"),
    ],
)
async def test_what_is_not_understood_is_answered_and_decides_nothing(post: Post, text: str, said: str) -> None:
    """With what would be understood, in the thread, and the link."""
    request, delivery = await asked(post)
    await post.answer(delivery, text)
    assert now(post, request).state is State.PENDING
    (answer,) = post.house.answers
    assert said in " ".join(answer.lines)
    assert answer.link.startswith(f"https://sayso.example/requests/{request.id}?to=")
    assert "Not understood" in post.text(post.smtp.mails[-1]) or "Nothing was decided" in post.text(post.smtp.mails[-1])


async def test_an_old_letter_does_not_decide_what_changed_since(post: Post) -> None:
    """Also an edit, which would lay old values over new ones; the answer says to look again."""
    request, delivery = await asked(post)
    post.house.revise(request.id, {**request.content.arguments, "amount": 9.0})
    for text in ("approve", "edit amount=1"):
        await post.answer(delivery, text)
        assert "has changed since you saw it" in post.house.answers[-1].lines[0]
    assert now(post, request).state is State.PENDING


@pytest.mark.parametrize("mode", [Replies.OFF, Replies.REJECT_ONLY])
async def test_a_rule_says_what_replies_may_decide(post: Post, mode: Replies) -> None:
    """`reject_only` lets a reply reject, ask and escalate; `off` nothing at all."""
    request, delivery = await asked(post)
    post.house.requests[request.id] = replace(request, route=replace(request.route, replies=mode))
    await post.answer(delivery, "approve")
    assert now(post, request).state is State.PENDING
    await post.answer(delivery, "reject: no")
    assert now(post, request).state is (State.PENDING if mode is Replies.OFF else State.REJECTED)


async def test_t02_what_was_not_shown_whole_is_not_approved_by_reply(post: Post) -> None:
    """The dangerous end of a long text was not in the letter, so the letter cannot be what was approved."""
    request, delivery = await asked(post, arguments={"body": "x" * 60_000 + "rm -rf /"})
    await post.answer(delivery, "approve")
    assert now(post, request).state is State.PENDING
    assert post.house.reasons


async def test_who_wrote_is_reachable_again(post: Post) -> None:
    """A proved answer shows that the address lives."""
    _, delivery = await asked(post)
    at = post.house.clock.now()
    post.house.lost["email", "ana@corp.example"] = Unreachable(channel="email", to=delivery.to, error="gone", at=at)
    await post.answer(delivery, "hello?")
    assert not post.house.lost


async def test_a_secret_that_changed_forgets_no_letter() -> None:
    """A letter sent under the old secret is answered, and later letters of its thread are known by the new one."""
    house = LetterHouse()
    async with opened(house, secrets=("old secret",)) as before:
        request, delivery = await asked(before)
        mail = reply_to(before.letters_to(delivery)[0], "ask: why?")
    async with opened(house, secrets=("new secret", "old secret")) as after:
        await after.channel.remind(house.card_of(request), delivery, "Still waiting.")
        reminded = after.smtp.mails[-1]
        await after.deliver(mail)
        assert house.requests[request.id].state is State.NEEDS_INFO
        house.requests[request.id] = replace(house.requests[request.id], state=State.PENDING)
        await after.deliver(reply_to(reminded, "reject"))
        assert house.requests[request.id].state is State.REJECTED


async def test_where_nothing_comes_in_nothing_is_invited() -> None:
    """Without a way in, a letter has no reply address and says that its page decides."""
    async with opened(listen=None) as post:
        _, delivery = await asked(post)
        (mail,) = post.letters_to(delivery)
        assert mail.parsed["Reply-To"] is None
        assert "reply above this line" not in post.text(mail)
        assert "Reply with one line" not in post.text(mail)
        assert not post.house.keys


async def test_late_answers_hear_why() -> None:
    """After the end a letter's address still answers, with who decided and when; nothing changes any more."""
    async with opened() as post:
        request, delivery = await asked(post)
        await post.answer(delivery, "approve")
        post.house.clock.ahead = timedelta(days=3)
        await post.answer(delivery, "reject: too late")
        assert "already approved by ana" in post.house.answers[-1].lines[0]
        assert now(post, request).state is State.APPROVED
