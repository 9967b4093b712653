"""What the house adds, who stands for whom, stages at once, lines that changed: shown apart, and whole or said."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.core.card import Asked, Card, Line, edit_text
from bot.core.model import Edit, Kind, Replies
from channels.email.letters import sizes
from channels.email.letters.draw import digest_letter, fitted, shown_in_digest
from tests.channels.email.letters.drawn import (
    ANA,
    INBOX,
    LINK,
    NOTES,
    OPTIONS,
    a_card,
    edited,
    pending,
    rewritten,
)
from tests.channels.email.letters.reading import Reading

CLAIMED = "The agent says (its own words, unchecked)"


def noted() -> Card:
    """A request with what the house adds to it."""
    return replace(a_card(), notes=NOTES)


def test_t01_what_the_house_adds_stands_between_arguments_and_claims() -> None:
    """Under its own head, each line behind a bar: advisors and agents wrote parts of them."""
    for text in (pending(noted()).text, Reading(pending(noted()).html).text):
        order = ["Action:", "currency", "Sayso adds", "Checked: the order is theirs", "doubts it: two refunds", CLAIMED]
        assert [text.index(piece) for piece in order] == sorted(text.index(piece) for piece in order)
    assert "| Second opinion by fraud-watch: doubts it: two refunds this week\n" in pending(noted()).text
    assert "Sayso adds" not in pending(a_card()).text


def test_t01_what_sayso_itself_asks_is_told_as_its_word() -> None:
    """Its own questions are no agent's unchecked words, in a letter alone and in one of several."""
    ours = replace(a_card(), action="sayso.review")
    several = digest_letter([(1, ours, LINK)], [], person=ANA, hears=True, inbox=INBOX)
    for drawn in (pending(ours), several):
        for text in (drawn.text, Reading(drawn.html).text):
            assert "Sayso says" in text
            assert CLAIMED not in text


def test_t02_a_note_that_is_left_out_takes_approval_off() -> None:
    """A long one, or one too many; what is left out is stated."""
    for notes in ((Line("Second opinion by x", "n" * 9_000),), NOTES * 9):
        card = fitted(replace(a_card(), notes=notes))
        assert not card.fully_shown
        assert card.replies is Replies.REJECT_ONLY
        drawn = pending(replace(a_card(), notes=notes))
        assert "To approve, open the request’s page: not everything is shown here." in drawn.text
        assert "shortened" in drawn.text or "[3 more notes not shown here]" in drawn.text
        assert len(drawn.html.encode()) < sizes.HTML
    assert fitted(replace(a_card(), notes=NOTES * 8)).fully_shown


def test_t02_a_digest_shows_the_notes_or_does_not_approve() -> None:
    """They count like arguments do."""
    asks = [(1, noted(), LINK), (2, replace(noted(), notes=(Line("n", "n" * 3_000),)), LINK)]
    drawn = digest_letter(asks, [], person=ANA, hears=True, inbox=INBOX)
    for text in (drawn.text, Reading(drawn.html).text):
        first, second = text.split("\n2. ")
        assert first.index("order:") < first.index("Sayso adds:") < first.index(CLAIMED)
        assert "doubts it: two refunds this week" in first
        assert "it can be approved only on its page" in second
        assert "nnn" not in second
    assert not shown_in_digest(replace(noted(), notes=(Line("n", "n", elided=True),)))


def test_whoever_stands_for_somebody_is_named_with_them() -> None:
    """So that nobody wonders why they are asked."""
    card = replace(a_card(), asked=(Asked("Ana Silva", "ana", 0, "Ben <Okri>"), Asked("Lea", "lea", 1)))
    for text in (pending(card).text, Reading(pending(card).html).text):
        assert "Ana Silva (for Ben <Okri>), Lea" in text


def test_stages_that_run_together_are_listed() -> None:
    """Each with what it has; one alone is a word at the top."""
    one = replace(a_card(), progress="finance: 1 of 2 approvals (stage 1 of 2)")
    assert "· finance: 1 of 2 approvals (stage 1 of 2)\n" in pending(one).text
    both = replace(a_card(), progress="finance: 1 of 2 approvals; legal: 0 of 1 approvals (stages 1 and 2 of 2)")
    text = pending(both).text
    assert "· 2 stages at once\n" in text
    assert "Stages under way: finance: 1 of 2 approvals\n| legal: 0 of 1 approvals (stages 1 and 2 of 2)\n" in text


def test_a_long_texts_changes_are_read_line_by_line() -> None:
    """In text with their signs, in HTML struck out and underlined too; where they stood is said."""
    drawn = pending(rewritten())
    assert "| /body: line 2:\n|  we are sorry.\n| -You get 240 USD.\n| +You get 120 USD.\n|  Best,\n" in drawn.text
    assert "<del>-You get 240 USD.</del><br><ins>+You get 120 USD.</ins>" in drawn.html.replace("\n", "")
    assert "@@" not in drawn.text


def test_the_changes_of_a_long_text_are_shown_whole_where_there_is_room() -> None:
    """More than one line's worth; where what would run needs the room they are cut, and that is said."""
    before = "\n".join(f"line {n} of the text" for n in range(200))
    told = edit_text(Edit("/body", before, before.replace("of the", "of a")))
    (verdict,) = edited(a_card()).verdicts
    card = replace(edited(a_card()), verdicts=(replace(verdict, edits=(Line("/body", told[:4_000]),)),))
    assert told[3_900:4_000] in pending(card).text.replace("\n| ", "\n")
    full = replace(card, arguments=(*card.arguments, Line("body", "&" * 15_900)))
    assert fitted(full).fully_shown
    assert "[shortened:" in pending(full).text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("--force", "| ---force"), ("++i", "| -++i"), ("@@ -1 +1 @@", "| -@@ -1 +1 @@"), ("approve", "| -approve")],
)
def test_t02_no_line_that_was_taken_away_is_hidden(text: str, shown: str) -> None:
    """Whatever it begins with, a sign of a diff among them."""
    told = edit_text(Edit("/script", f"run\n{text}\ngo", "run\ngo"))
    (verdict,) = edited(a_card()).verdicts
    card = replace(edited(a_card()), verdicts=(replace(verdict, edits=(Line("/script", told),)),))
    assert f"{shown}\n" in pending(card).text


def test_each_kind_says_what_it_is() -> None:
    """At the top; a question has no risk, for nothing runs."""
    for kind, says in (
        (Kind.QUESTION, "Please answer"),
        (Kind.CHOICE, "Please choose"),
        (Kind.EXCEPTION, "Please see"),
    ):
        text = pending(a_card(kind=kind, options=OPTIONS if kind is Kind.CHOICE else ())).text
        assert f"{says}" in text.partition("\n\n")[2].partition("\n")[0]
        assert f"{kind.capitalize()} · " in text
        assert ("Risk:" in text) is kind.runs
    by_page = a_card(kind=Kind.CHOICE, options=OPTIONS, replies=Replies.REJECT_ONLY)
    assert (
        "To answer, open the request’s page: it cannot be undone. Or reply with one line: reject"
        in pending(by_page).text
    )
    card = a_card(kind=Kind.CHOICE, options=OPTIONS)
    chosen = replace(card, offers=tuple(replace(offer, chosen=offer.id == "b") for offer in card.offers))
    assert "approve (it approves option b), or choose a, or choose b, or reject: why" in pending(chosen).text
    other = replace(chosen, answer="b")
    assert "This answer was given already\n| Option b: Half of it\n" in pending(other).text
