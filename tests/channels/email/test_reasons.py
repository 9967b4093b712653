"""An approval that has to say why, by mail."""

from __future__ import annotations

from msgspec.structs import replace

from bot.core.model import Risk, State
from tests.channels.email.post import Post, asked, now


async def test_a_letter_asks_for_the_reason_and_takes_it_on_one_line(post: Post) -> None:
    """Where the house asks for one; a bare colon is asked back about, and nothing is decided by it."""
    request = post.house.submit(risk=Risk.REVERSIBLE)
    post.house.requests[request.id] = replace(request, route=replace(request.route, needs_reason=True))
    delivery = await post.house.send(post.house.requests[request.id])
    (mail,) = post.letters_to(delivery)
    assert "Reply with one line: approve: why you do, or reject: why" in post.text(mail)
    await post.answer(delivery, "approve:")
    assert now(post, request).state is State.PENDING
    assert "Why do you approve it?" in post.house.answers[0].lines[0] + "".join(post.house.answers[0].lines)
    await post.answer(delivery, "Approve: the ticket shows the double charge")
    after = now(post, request)
    assert (after.state, after.decisions[-1].comment) == (State.APPROVED, "the ticket shows the double charge")


async def test_t19_without_that_guard_what_stands_behind_the_colon_may_be_a_condition(post: Post) -> None:
    """So it decides nothing."""
    request, delivery = await asked(post)
    await post.answer(delivery, "approve: if Ben agrees")
    assert now(post, request).state is State.PENDING
    assert post.house.answers[0].lines
