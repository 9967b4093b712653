"""What the house adds to a request, apart from the agent's words: checks, second opinions, what was rejected before."""

from __future__ import annotations

import html
import re

from bot.core.card import card_of
from bot.core.model import Opinion, Request, State, Verb
from bot.core.ports import Ballot
from tests.web.inbox.conftest import Visit
from tests.web.inbox.data import MARKUP
from tests.web.inbox.house import Standing
from tests.web.inbox.reader import Page

REFUND = {"order": "5", "amount": 20.0, "currency": "USD"}


def panel(page: Page, heading: str) -> str:
    """What stands in the panel with this heading, as a person reads it."""
    found = re.search(rf'<section class="panel[^>]*aria-labelledby="{heading}">.*?</section>', page.text, re.DOTALL)
    assert found, heading
    return Page(200, {}, found[0]).words


async def rejected(house: Standing) -> Request:
    """A refund that Ana rejected."""
    request = await house.submit(arguments=REFUND)
    return await house.desk.decide(
        Ballot(
            request=request.id, decision=Verb.REJECT, by="ana", channel="slack", revision=1, digest=request.digest,
            comment="Too much",
        )
    )  # fmt: skip


async def test_the_page_says_all_that_a_cards_notes_say(staged: Standing, visit: Visit) -> None:
    """Checks with their verdicts, opinions with their notes, the link to the rejected one, and what is other."""
    first = await rejected(staged)
    request = await staged.submit(arguments=REFUND, revises=first.id)
    request = await staged.desk.assess(
        request.id, by="checker", opinion=Opinion.DISAGREE, note="Paid back already", revision=1, digest=request.digest
    )
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    checks = panel(page, "checks")
    assert "our own currency failed" in checks
    assert "an order is named passed" in checks
    assert "The same was rejected before." in checks
    assert f'href="/requests/{first.id}"' in page.text
    assert "The arguments are the same." in page.words
    notes = card_of(request, people={}, url=f"/requests/{request.id}").notes
    assert len(notes) == 5
    for note in notes:
        # Where to look stands as a link, and in the words of a page.
        words = () if note.text.startswith("See ") else re.findall(r"[A-Za-z]{4,}", note.text)
        assert [word for word in words if word not in page.words] == [], note


async def test_a_second_opinion_never_looks_like_a_vote(staged: Standing, visit: Visit) -> None:
    """It stands in a panel that says so, changes no count, and is no decision; an older revision's is said to be."""
    request = await staged.submit(action="news.post", arguments={"text": "Hello"})
    for by, opinion in (("checker", Opinion.AGREE), ("auditor", Opinion.DOUBT)):
        await staged.desk.assess(
            request.id, by=by, opinion=opinion, note="Because", revision=1, digest=request.digest
        )  # fmt: skip
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    said = panel(page, "opinions")
    assert "None of it is a vote." in said
    assert "checker agrees “Because”" in said
    assert "auditor doubts it" in said
    assert "0 of 2 approvals" in page.words
    assert "Decisions so far" not in page.words
    assert not re.search(r"[Aa]pproved by (checker|auditor)", page.words)
    assert (await staged.now(request.id)).state is State.PENDING
    await ana.decide(request.id, "approve_with_edits", arg__text="Hello all")
    assert "about revision 1, not this one" in panel(await ana.get(f"/requests/{request.id}"), "opinions")


async def test_t03_an_advisors_note_stays_text(staged: Standing, visit: Visit) -> None:
    """Another agent's words are no more trusted than the proposing one's."""
    ana = await visit("ana")
    for text in MARKUP:
        request = await staged.submit(arguments=REFUND)
        await staged.desk.assess(
            request.id, by="checker", opinion=Opinion.DOUBT, note=text, revision=1, digest=request.digest
        )
        page = await ana.get(f"/requests/{request.id}")
        assert text in html.unescape(page.text)
        assert "<svg" not in page.text.replace('<svg class="gauge', "")
        assert "<script>" not in page.text


async def test_what_is_other_than_in_the_rejected_request(staged: Standing, visit: Visit) -> None:
    """A new proposal shows its difference from what was rejected, with a link to that."""
    first = await rejected(staged)
    request = await staged.submit(arguments={**REFUND, "amount": 10.0}, revises=first.id)
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    assert "What is other than in the request that it revises /amount − before: 20.0 + after: 10.0" in page.words
    assert f'<a href="/requests/{first.id}">the request that it revises</a>' in page.text


BODY = "\n".join(f"Line {number} of a letter that somebody has to read." for number in range(30))


async def test_a_long_text_is_edited_in_a_tall_field_and_told_line_by_line(staged: Standing, visit: Visit) -> None:
    """The field says the text's length; the record says what went and what came, by sign and word and not by colour."""
    letter = {"to": "all@example.com", "subject": "News", "body": BODY}
    request = await staged.submit(action="mail.send", arguments=letter)
    ana = await visit("ana")
    page = await ana.get(f"/requests/{request.id}")
    assert f"{len(BODY):,} characters, 30 lines." in page.words
    assert re.search(r'<textarea id="box-\d" name="arg:body" rows="30"', page.text)
    edited = BODY.replace("Line 7 of a letter", "Line 7 of the letter")
    # A browser sends its own line ends; only the line that was changed may count as changed.
    sent = edited.replace("\n", "\r\n")
    assert (await ana.decide(request.id, "approve_with_edits", arg__body=sent)).status == 303
    stored = await staged.now(request.id)
    assert stored.content.arguments == {**letter, "body": edited}
    page = await ana.get(f"/requests/{request.id}")
    assert "/body from line 6, now line 6" in page.words
    told = (
        "− before: Line 7 of a letter that somebody has to read. ⏎ "
        "+ after: Line 7 of the letter that somebody has to read."
    )
    assert page.words.count(told) == 3, "with the arguments, among the revisions, on the record"
