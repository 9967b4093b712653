"""Many requests in one letter: each number counts for its own, and half an understanding counts for none."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from bot.core.model import Delivery, Risk, State
from channels.email.letters.draw import MOST_ASKS
from tests.channels.email.post import Post, reply_to


async def digest(post: Post, count: int, **changes: Any) -> list[Delivery]:
    """One digest of so many requests to Ana."""
    unsent = []
    for number in range(count):
        request = post.house.submit(
            {"order": str(number), "amount": 10.0, "currency": "USD"}, **{"risk": Risk.REVERSIBLE, **changes}
        )
        delivery = await post.house.send(request)
        unsent.append((post.house.card_of(request), replace(delivery, handle=None, id=f"dlv_d{number}")))
    post.smtp.mails.clear()
    handles = await post.channel.digest(unsent, [])
    return [replace(delivery, handle=handle) for (_, delivery), handle in zip(unsent, handles, strict=True)]


async def reply(post: Post, text: str) -> None:
    """Answer the newest digest."""
    mail = next(m for m in reversed(post.smtp.mails) if "wait for you" in str(m.parsed["Subject"]) and
                not str(m.parsed["Subject"]).startswith("Re:"))  # fmt: skip
    await post.deliver(reply_to(mail, text))


async def test_a_digest_counts_by_number_and_for_each_alone(post: Post) -> None:
    """Each number is bound to its own request; what is not named goes on waiting; one answer tells all."""
    deliveries = await digest(post, 4)
    await reply(post, "approve 1, 3\nreject 2: too late\n\nThank you all.")
    states = [post.house.requests[d.request].state for d in deliveries]
    assert states == [State.APPROVED, State.REJECTED, State.APPROVED, State.PENDING]
    (answer,) = post.house.answers
    assert answer.link == "https://sayso.example/inbox"
    told = [
        line.rpartition(": ")[0][:2] + line.rpartition(": ")[2]
        for line in answer.lines
        if line[:2] in ("1.", "2.", "3.")
    ]
    assert told == ["1.approved.", "3.approved.", "2.rejected."]


async def test_t18_a_digest_that_is_half_understood_decides_nothing(post: Post) -> None:
    """A number that is not there, or one named twice, and the whole answer waits for a better one."""
    deliveries = await digest(post, 2)
    for text in (
        "approve 1, 3",
        "approve 1\nreject 1",
        "approve",
        "approve all of them",
        "approve 1 and 2",
        "approve all\nreject 1",
    ):
        await reply(post, text)
    assert {post.house.requests[d.request].state for d in deliveries} == {State.PENDING}


async def test_what_cannot_be_undone_is_not_approved_from_a_digest(post: Post) -> None:
    """It can be rejected there."""
    deliveries = await digest(post, 2, risk=Risk.IRREVERSIBLE)
    await reply(post, "approve 1\nreject 2: no")
    states = [post.house.requests[d.request].state for d in deliveries]
    assert states == [State.PENDING, State.REJECTED]


async def test_too_many_for_one_letter_are_several(post: Post) -> None:
    """Each with its own numbers, and every request has a handle."""
    deliveries = await digest(post, MOST_ASKS + 1)
    assert len(post.smtp.mails) == 2
    assert len({d.handle["latest"] for d in deliveries if d.handle}) == 2


async def test_a_reminder_after_a_digest_shows_the_request_alone(post: Post) -> None:
    """An answer to it then needs no number."""
    first, _ = await digest(post, 2)
    await post.channel.remind(post.house.card_of(post.house.requests[first.request]), first, "Still waiting.")
    (mail,) = post.letters_to(first)
    assert "Still waiting." in post.text(mail)
    await post.answer(first, "approve")
    assert post.house.requests[first.request].state is State.APPROVED
