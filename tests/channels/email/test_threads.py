"""The thread of a request: what later letters have in common with the first, and what a digest's numbers cannot do."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from bot.core.model import Risk, State
from tests.channels.email.post import Post, opened, reply_to


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """An open post office."""
    async with opened() as opening:
        yield opening


async def test_an_edit_that_changes_the_title_stays_in_its_thread(post: Post) -> None:
    """A mail program begins another thread where the subject changes: the first one stands in every letter."""
    delivery = await post.house.send(post.house.submit(risk=Risk.REVERSIBLE))
    post.house.revise(delivery.request, {"order": "1", "amount": 7.0, "currency": "EUR"})
    edited = replace(post.house.requests[delivery.request], title="Refund 7.0 EUR on order 1")
    post.house.requests[delivery.request] = edited
    handle = await post.channel.update(post.house.card_of(edited), delivery)
    delivery = replace(delivery, handle=handle)
    await post.channel.remind(post.house.card_of(edited), delivery, "Still waiting for a decision.")
    ended = replace(edited, state=State.CANCELLED)
    await post.channel.update(post.house.card_of(ended), delivery)
    first, *later = post.letters_to(delivery)
    assert len(later) == 3
    for mail in later:
        assert mail.parsed["Subject"] == f"Re: {first.parsed['Subject']}"
        assert "Refund 7.0 EUR on order 1" in post.text(mail)
    for before in ("AW: Re: ", "回复："):
        await post.deliver(reply_to(first, "what?", headers={"Subject": f"{before}{first.parsed['Subject']}"}))
        assert post.smtp.mails[-1].parsed["Subject"] == f"Re: {first.parsed['Subject']}"


async def test_a_number_that_was_not_shown_whole_says_so(post: Post) -> None:
    """Not that the rules forbid it, which would send its reader to the rules."""
    request = post.house.submit({"order": "1", "note": "x" * 1_800}, risk=Risk.REVERSIBLE)
    delivery = await post.house.send(request)
    post.smtp.mails.clear()
    await post.channel.digest([(post.house.card_of(request), replace(delivery, handle=None))], [])
    (mail,) = post.smtp.mails
    await post.deliver(reply_to(mail, "approve 1"))
    assert post.house.requests[request.id].state is State.PENDING
    (answer,) = post.house.answers
    assert "Not everything that would run was shown here" in answer.lines[1]
