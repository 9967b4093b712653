"""Who is believed, and who is answered: proved senders, weak proofs, forgeries, bounces, and what a stranger learns."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.model import State
from tests.channels.email.post import Post, asked, bounce_of, now, opened, reply_to
from tests.fakes.email import DkimKey, DnsZone, signed


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
