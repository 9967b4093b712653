"""What comes of letters that come in: counted once, answered within bounds, and nobody but their recipient believed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.errors import Unavailable
from bot.core.model import Delivery, Replies, Request, Risk, State, Verb
from bot.core.ports import MOST_ANSWERS, Unreachable
from tests.channels.email.post import Post, opened, reply_to
from tests.channels.letters import LetterHouse
from tests.fakes.email import DkimKey, DnsZone, Mail, signed


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """An open post office."""
    async with opened() as opening:
        yield opening


async def asked(post: Post, **changes: Any) -> tuple[Request, Delivery]:
    """A request that a reply may approve, and Ana's letter about it."""
    request = post.house.submit(**{"risk": Risk.REVERSIBLE, **changes})
    return request, await post.house.send(request)


def now(post: Post, request: Request) -> Request:
    """The request as it stands."""
    return post.house.requests[request.id]


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


@pytest.mark.parametrize(
    ("result", "headers"),
    [
        ("dmarc=fail", {}),
        ("dmarc=pass", {"From": "ben@corp.example"}),
        ("dmarc=pass", {"From": "Ana <ana@corp.example>, Eve <eve@evil.example>"}),
        ("dmarc=pass", {"Auto-Submitted": "auto-replied"}),
        ("dmarc=pass", {"Authentication-Results": "mx.evil.example; dmarc=pass"}),
    ],
)
async def test_t18_what_is_not_proved_is_neither_counted_nor_answered(
    post: Post, result: str, headers: dict[str, str]
) -> None:
    """It is on record under its reason, and whoever sent it learns nothing."""
    request, delivery = await asked(post)
    await post.answer(delivery, "approve", result=result, headers=headers)
    assert now(post, request).state is State.PENDING
    assert not post.house.answers
    assert len(post.house.reasons) == 1


async def test_t18_a_weak_proof_is_answered_with_the_link(post: Post) -> None:
    """SPF alone decides nothing, and the recipient, who most likely wrote it, is told how to decide."""
    request, delivery = await asked(post)
    await post.answer(delivery, "approve", result="spf=pass smtp.mailfrom=corp.example")
    assert now(post, request).state is State.PENDING
    assert post.house.reasons == ["weak_authentication"]
    (answer,) = post.house.answers
    assert (answer.person, "no" in answer.lines[0]) == ("ana", True)


async def test_t18_a_forgery_does_not_take_a_mails_place(post: Post) -> None:
    """Somebody who knows the Message-ID to come cannot have the honest mail taken for a repeat of theirs."""
    request, delivery = await asked(post)
    first = post.letters_to(delivery)[0]
    for result in ("dmarc=fail", "dmarc=pass"):
        await post.deliver(reply_to(first, "approve", result=result, headers={"Message-ID": "<same@corp.example>"}))
    assert now(post, request).state is State.APPROVED


async def test_t18_mail_to_no_letter_of_ours_leaves_no_trace(post: Post) -> None:
    """Whoever floods the address fills a log line at most, never the trail."""
    _, delivery = await asked(post)
    raw = reply_to(post.letters_to(delivery)[0], "approve")
    strange = "approvals+" + "z" * 26 + "@sayso.example"
    token = str(post.letters_to(delivery)[0].parsed["Reply-To"])
    await post.deliver(raw.replace(token.encode(), strange.encode()), strange)
    assert not post.house.reasons
    assert not post.house.receipts


async def test_another_recipients_letter_cannot_be_answered(post: Post) -> None:
    """Ben is asked too and proves himself, but answers Ana's letter: her address is not his voice."""
    request, delivery = await asked(post)
    await post.answer(delivery, "approve", headers={"From": "ben@corp.example"})
    assert post.house.reasons == ["sender_not_recipient"]
    assert now(post, request).state is State.PENDING


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


async def test_without_a_server_that_proves_their_own_signature_does() -> None:
    """No EMAIL_AUTHSERV_ID: DKIM is verified here, with keys from the DNS; another domain's signature is nothing."""
    key = DkimKey.new()
    async with DnsZone() as zone, opened(authserv_id=None, dns=zone.address) as post:
        zone.txt["s1._domainkey.corp.example"] = key.record
        zone.txt["s1._domainkey.evil.example"] = key.record
        request, delivery = await asked(post)
        raw = reply_to(post.letters_to(delivery)[0], "approve")
        await post.deliver(raw)
        await post.deliver(signed(raw, "evil.example", "s1", key))
        assert post.house.reasons == ["not_authenticated"] * 2
        assert not post.house.answers
        await post.deliver(signed(raw, "corp.example", "s1", key))
        assert now(post, request).state is State.APPROVED


async def test_a_dns_that_does_not_answer_is_waited_for_a_while() -> None:
    """The letter is to come again, and counts then; after ten minutes its sender is told to use the page."""
    key = DkimKey.new()
    async with DnsZone() as zone, opened(authserv_id=None, dns=zone.address) as post:
        zone.txt["s1._domainkey.corp.example"] = key.record
        zone.broken = True
        request, delivery = await asked(post)
        first = post.letters_to(delivery)[0]
        raw = signed(reply_to(first, "ask: why?"), "corp.example", "s1", key)
        assert (await post.deliver(raw)).startswith("451")
        zone.broken = False
        assert (await post.deliver(raw)).startswith("250")
        assert now(post, request).state is State.NEEDS_INFO
        zone.broken = True
        another = signed(reply_to(first, "ask: and why?"), "corp.example", "s1", key)
        assert (await post.deliver(another)).startswith("451")
        post.house.clock.ahead = timedelta(minutes=11)
        assert (await post.deliver(another)).startswith("250")
        assert post.house.reasons == ["weak_authentication"]


async def test_where_nothing_comes_in_nothing_is_invited() -> None:
    """Without a way in, a letter has no reply address and says that its page decides."""
    async with opened(listen=None) as post:
        _, delivery = await asked(post)
        (mail,) = post.letters_to(delivery)
        assert mail.parsed["Reply-To"] is None
        assert "reply above this line" not in post.text(mail)
        assert "Answer with one line" not in post.text(mail)
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


def bounce_of(
    mail: Mail, *, sender: str = "MAILER-DAEMON@mx.corp.example", why: str = "550 5.1.1 no such user"
) -> bytes:
    """What a server writes that could not deliver a letter, in words."""
    said = f"Message-ID: {mail.parsed['Message-ID']}"
    head = f"Return-Path: <>\r\nFrom: {sender}\r\nTo: sayso@sayso.example\r\nSubject: Undelivered Mail\r\n"
    return f"{head}\r\nDelivery has failed: {why}\r\n\r\n{said}\r\n".encode()


async def test_t19_a_letter_comes_back_once_however_often_that_is_said(post: Post) -> None:
    """Who has seen a Message-ID can say so once; said in other words a day later, it does not silence her again."""
    _, delivery = await asked(post)
    letter = post.letters_to(delivery)[0]
    for why in ("550 5.1.1 no such user", "550 5.1.1 no such user, again", "550 5.7.1 nobody"):
        await post.deliver(bounce_of(letter, why=why), "sayso@sayso.example", "")
    assert len(post.house.came_back) == 1


async def test_t19_an_automatic_answer_that_quotes_the_agent_is_no_bounce(post: Post) -> None:
    """The agent's reason reads like a bounce; quoted by the answer of somebody who is away, it moves nothing on."""
    _, delivery = await asked(post, reason="Delivery has failed: 550 5.1.1 no such user")
    letter = post.letters_to(delivery)[0]
    await post.deliver(bounce_of(letter, sender="Ana Silva <ana@corp.example>"), "sayso@sayso.example", "")
    assert not post.house.came_back


@pytest.mark.parametrize("result", ["arc=pass", "spf=pass smtp.mailfrom=corp.example"])
async def test_t03_who_is_not_proved_writes_no_subject_of_ours(post: Post, result: str) -> None:
    """Anybody could have written it: the answer to a weak letter, which Ana gets, bears the request's subject."""
    _, delivery = await asked(post)
    first = post.letters_to(delivery)[0]
    await post.deliver(reply_to(first, "approve", result=result, headers={"Subject": "Call +1 555 now, it is urgent"}))
    (answer,) = post.house.answers
    assert answer.subject == str(first.parsed["Subject"])
    assert str(post.smtp.mails[-1].parsed["Subject"]) == f"Re: {first.parsed['Subject']}"
