"""A batch as one letter: what it comes to, as many as are shown whole, and one line for all that is listed."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.card import Line
from bot.core.model import Delivery, Risk, State
from channels.email.letters import sizes
from channels.email.letters.items import shown_in_digest
from tests.channels.email.letters.drawn import LINK, a_card, batch_letter, batch_of_refunds
from tests.channels.email.letters.reading import Reading
from tests.channels.email.post import Post, reply_to
from tests.fakes.email import Mail

BATCH = "newsletter 11/ä"
PAGE = "https://sayso.example/inbox/batches/newsletter%2011%2F%C3%A4"


async def batch(post: Post, count: int, **changes: Any) -> list[Delivery]:
    """One letter to Ana about so many refunds of one batch; every third of them as ``changes`` say."""
    unsent = []
    for number in range(1, count + 1):
        odd = changes if number % 3 == 0 else {}
        told = {"order": str(number), "amount": number * 10.0, **odd.get("arguments", {})}
        more = {name: value for name, value in odd.items() if name != "arguments"}
        request = post.house.submit(told, batch=BATCH, **{"risk": Risk.REVERSIBLE, **more})
        delivery = await post.house.send(request)
        unsent.append((post.house.card_of(request), replace(delivery, handle=None, id=f"dlv_b{number}")))
    post.smtp.mails.clear()
    handles = await post.channel.digest(unsent, [])
    return [replace(delivery, handle=handle) for (_, delivery), handle in zip(unsent, handles, strict=True)]


def letter(post: Post) -> Mail:
    """The one letter that went out."""
    (mail,) = (mail for mail in post.smtp.mails if str(mail.parsed["Subject"]).startswith("[Sayso]"))
    return mail


def states(post: Post, deliveries: list[Delivery]) -> list[State]:
    """How each stands."""
    return [post.house.requests[delivery.request].state for delivery in deliveries]


async def test_a_batch_is_one_letter_with_a_summary(post: Post) -> None:
    """Its name, how many of each action, what the numbers add up to; then the numbered list and the batch's page."""
    await batch(post, 30)
    mail = letter(post)
    text = post.text(mail)
    assert mail.parsed["Subject"] == f"[Sayso] 30 requests of one batch wait for you: {BATCH}"
    assert f"30 requests of one batch wait for you: {BATCH}" in text
    assert "| refund.issue: 30 requests; amount 10 to 300, 4,650 in all" in text
    assert "30. Refund 240.0 USD on order 10428" in text
    assert f"Open the batch: {PAGE}" in text
    assert "Or with one line for all 30 that are listed: approve all, or reject all: why." in text
    assert "not listed" not in text


async def test_approve_all_counts_for_what_the_letter_lists(post: Post) -> None:
    """Each by its own digest, in one answer that names them all."""
    deliveries = await batch(post, 25)
    await post.deliver(reply_to(letter(post), "approve all\n\nThanks"))
    assert set(states(post, deliveries)) == {State.APPROVED}
    (answer,) = post.house.answers
    assert sum(line.endswith(": approved.") for line in answer.lines) == 25
    assert {ballot.digest for ballot in post.house.ballots} == {
        post.house.requests[delivery.request].digest for delivery in deliveries
    }


async def test_t02_what_is_not_shown_whole_is_not_listed_and_no_answer_is_about_it(post: Post) -> None:
    """It stands on the batch's page; approving or rejecting all leaves it as it is."""
    deliveries = await batch(post, 6, arguments={"note": "x" * 2_000})
    text = post.text(letter(post))
    assert "✂ 2 requests are not listed here" in text
    assert "xxx" not in text
    assert "4. Refund" in text
    assert "5. Refund" not in text
    await post.deliver(reply_to(letter(post), "approve 5"))
    assert set(states(post, deliveries)) == {State.PENDING}
    await post.deliver(reply_to(letter(post), "approve all"))
    listed = [State.APPROVED, State.APPROVED, State.PENDING]
    assert states(post, deliveries) == [*listed, *listed]
    unlisted = deliveries[2]
    await post.channel.remind(post.house.card_of(post.house.requests[unlisted.request]), unlisted, "Still waiting.")
    await post.answer(unlisted, "reject: too long")
    assert states(post, deliveries)[2] is State.REJECTED


async def test_approve_all_leaves_what_may_not_be_approved_by_reply(post: Post) -> None:
    """And says which; rejecting all takes those, too."""
    deliveries = await batch(post, 6, risk=Risk.IRREVERSIBLE)
    await post.deliver(reply_to(letter(post), "approve all"))
    assert states(post, deliveries) == [State.APPROVED, State.APPROVED, State.PENDING] * 2
    (answer,) = post.house.answers
    assert [line[:2] for line in answer.lines if "Nothing was decided." in line] == ["3.", "6."]
    assert post.house.reasons == ["needs_page", "needs_page"]
    await post.deliver(reply_to(letter(post), "reject 3, 6: by hand"))
    assert states(post, deliveries)[2::3] == [State.REJECTED, State.REJECTED]


async def test_reject_all_with_a_reason_ends_all_that_is_listed(post: Post) -> None:
    """Each hears the reason; a line that says more than that ends none."""
    deliveries = await batch(post, 4)
    for text in ("reject all of these please", "reject all\nreject 2", "Please reject all", "> reject all"):
        await post.deliver(reply_to(letter(post), text))
    assert set(states(post, deliveries)) == {State.PENDING}
    await post.deliver(reply_to(letter(post), "Reject all: a wrong list"))
    decided = [post.house.requests[delivery.request].decisions[-1] for delivery in deliveries]
    assert [made.comment for made in decided] == ["a wrong list"] * 4


async def test_a_batch_of_which_nothing_can_be_listed_takes_no_answer(post: Post) -> None:
    """It says what it comes to, and where it is decided."""
    deliveries = await batch(post, 2)
    long = [replace(post.house.card_of(post.house.requests[d.request]), fully_shown=False) for d in deliveries]
    post.smtp.mails.clear()
    unsent = [
        (card, replace(delivery, handle=None, id=f"{delivery.id}x"))
        for card, delivery in zip(long, deliveries, strict=True)
    ]
    assert len(await post.channel.digest(unsent, [])) == 2
    mail = letter(post)
    assert mail.parsed["Reply-To"] is None
    assert "Decide on the batch’s page. An answer to this letter decides nothing." in post.text(mail)
    assert "refund.issue: 2 requests" in post.text(mail)


@pytest.mark.parametrize("piece", ["x", "&", "a.", "<", "😀"])
def test_t02_gmail_never_clips_a_batch(piece: str) -> None:
    """A hundred requests, each as large as a list shows one: as many as fit are listed, the rest are counted."""
    whole = a_card({f"a{n}": piece * 3 for n in range(12)}, title=piece * 20, reason=piece * 400, warnings=(piece * 9,))
    card = replace(whole, batch=piece * 90, asked=whole.asked * 9, progress=piece * 400)
    assert shown_in_digest(card)
    marked = replace(card, marks=("m",) * 20, notes=(Line("n", "n"),) * 9)
    assert shown_in_digest(marked)
    assert len(batch_letter([marked] * 100).html.encode()) < sizes.HTML
    drawn = batch_letter([card] * 100)
    assert len(drawn.html.encode()) < sizes.HTML
    count = drawn.text.count("Open request ")
    assert 10 < count < 100
    assert f"✂ {100 - count} requests are not listed here" in drawn.text


def test_small_requests_of_a_batch_are_listed_in_numbers() -> None:
    """More than a digest of others holds, since they are alike and their sum is told."""
    drawn = batch_letter(batch_of_refunds(40))
    assert drawn.text.count("Open request ") > 20
    assert len(drawn.html.encode()) < sizes.HTML
    assert "amount 10 to 400, 8,200 in all" in drawn.text


def test_t03_a_batch_has_a_link_of_ours_whatever_it_is_called() -> None:
    """A name that is no segment of an address leads to the inbox instead."""
    names = {
        "..": "/inbox",
        "a⟦U+202E⟧b": "/inbox",
        "../../sign-in?next=//evil": "/inbox/batches/..%2F..%2Fsign-in%3Fnext%3D%2F%2Fevil",
        '"><svg onload=x>': "/inbox/batches/%22%3E%3Csvg%20onload%3Dx%3E",
    }
    for name, page in names.items():
        drawn = batch_letter([replace(a_card(), batch=name)] * 2)
        assert set(Reading(drawn.html).links) == {LINK, f"https://sayso.example{page}"}
