"""Letters: what a card says, twice alike, first what is so and then what the agent says of it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.card import Line
from bot.core.model import Person, Replies, State, Verb
from channels.email.inbound.text import MARKER
from channels.email.letters.draw import (
    approvable_in_digest,
    digest_letter,
    news_letter,
    outcome_letter,
    shown_in_digest,
    subject_of,
    words,
)
from channels.email.letters.parts import moment
from tests.channels.email.letters.drawn import ANA, INBOX, LINK, NOON, a_card, edited, ended, pending, samples
from tests.channels.email.letters.reading import Reading


def test_t01_the_house_speaks_first_and_the_claims_are_labelled() -> None:
    """State, risk, confidence and warnings; action and arguments; then the agent's words under their label."""
    card = a_card({"command": "rm -rf / #" + "\n" * 500 + "tests pass"}, reason="All checks passed. Approved by Ana.",
        warnings=("/command is odd",))  # fmt: skip
    order = ["Please decide", "Risk: reversible", "⚠ confidence 72% (below 85% gate)", "⚠ /command is odd",
        "Action: refund.issue",
        '"rm -rf / #', "⏎×500", "tests pass", "(520 characters, 501 lines)",
        "The agent says (its own words, unchecked)",
        "All checks passed", "Ana Silva, Ben <Okri>", "Expires",
        "How to undo it", "Why it is asked", "Reply with one line"]  # fmt: skip
    drawn = pending(card)
    for text in (drawn.text, Reading(drawn.html).text.partition(MARKER)[2]):
        assert [text.index(piece) for piece in order] == sorted(text.index(piece) for piece in order)
    said = re.search(r"The agent says.*?\n\n", drawn.text, re.DOTALL)
    assert said is not None
    assert all(line.startswith("| ") for line in said[0].strip().split("\n")[1:])


def test_whoever_edited_it_is_told_that_their_approval_counts() -> None:
    """They are asked about the new revision like everyone, and need not wonder whether their edit was lost."""
    card = edited(a_card())
    (edit,) = card.verdicts
    said = "You made this change yourself, and your approval of it counts"
    assert said in pending(replace(card, verdicts=(replace(edit, person=ANA.id),))).text
    assert said not in pending(card).text


@pytest.mark.parametrize("name", samples())
def test_both_faces_of_a_letter_say_the_same(name: str) -> None:
    """Every word of the text stands in the HTML too, and the other way round; the link is a button there."""
    drawn = samples()[name]
    seen = Reading(drawn.html)
    told = re.sub(r"https?://sayso\.example\S+", "", drawn.text)
    plain = set(re.findall(r"\w+", told.replace("⏎", " ")))
    html = set(re.findall(r"\w+", seen.text.replace("⏎", " ")))
    assert plain <= html
    assert html - plain <= set(re.findall(r"\w+", "Sayso · for Ana Silva")) | set(re.findall(r"\w+", seen.lines[0]))
    assert set(re.findall(r"https://sayso\.example\S+", drawn.text)) == set(seen.links)


def test_a_letter_that_can_be_answered_begins_with_the_marker() -> None:
    """In text and HTML alike; before it only what shows in the list of letters. Others have no marker at all."""
    card = a_card()
    heard = [
        pending(card),
        news_letter(card, person=ANA, link=LINK, hears=True, note="A reminder."),
        samples()["digest"],
    ]
    for drawn in heard:
        assert drawn.text.startswith(f"{MARKER}\n")
        first, second = Reading(drawn.html).lines[:2]
        assert second == MARKER
        assert first.startswith(("Please decide: Refund", "4 requests"))
        assert 'style="display:none' in drawn.html.partition(MARKER)[0]
    for drawn in (pending(card, hears=False), outcome_letter(ended(card), person=ANA, link=LINK), samples()["answer"]):
        assert MARKER not in drawn.text + drawn.html
    assert "decides nothing" in pending(card, hears=False).text


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, "Reply with one line: approve, or reject: why, or edit name=value, or ask: question, or escalate."),
        ({"buttons": (Verb.APPROVE, Verb.REJECT)}, "Reply with one line: approve, or reject: why, or ask: question"),
        ({"replies": Replies.REJECT_ONLY, "risk": "irreversible"}, "open the request’s page: it cannot be undone. Or"),
        (
            {"replies": Replies.REJECT_ONLY},
            "page: by the rules it is approved there alone. Or reply with one line: reject",
        ),
        ({"replies": Replies.OFF}, "Decide on the request’s page. An answer to this letter decides nothing."),
        ({"state": State.NEEDS_INFO, "buttons": ()}, "Nothing can be decided until the agent has answered"),
    ],
    ids=["approve", "not editable", "irreversible", "by rule", "off", "asked back"],
)
def test_how_to_answer_is_what_an_answer_may_decide(changes: dict[str, Any], says: str) -> None:
    """As the card's replies allow, in both faces."""
    drawn = pending(replace(a_card(), **changes))
    assert says in drawn.text
    assert says in Reading(drawn.html).text


def test_a_changed_request_says_so_and_shows_what_people_changed() -> None:
    """From the second revision on: above everything that would run."""
    for text in (pending(edited(a_card())).text, Reading(pending(edited(a_card())).html).text):
        order = [
            "This request has changed: this is revision 2",
            "Approved with edits by Ben",
            "Half is enough.",
            "/amount",
            "240.0 → 100.0",
            "Action:",
        ]
        assert [text.index(piece) for piece in order] == sorted(text.index(piece) for piece in order)
    assert "has changed" not in pending(a_card()).text


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "executed",
            [
                "Approved: Refund",
                "Approved by Ben <Okri>",
                "through email",
                "Go ahead.",
                "Executed",
                '"refund": "re_1"',
            ],
        ),
        ("failed", ["Failed", "402: card closed"]),
        ("unknown", ["Outcome unknown: it may have happened", "reset"]),
        ("rejected", ["Rejected: Refund", "Rejected by Ben <Okri>"]),
    ],
)
def test_an_outcome_says_who_when_how_and_what_came_of_it(name: str, says: list[str]) -> None:
    """And that nothing is left to decide; of the agent's words the reason stays."""
    drawn = samples()[name]
    for text in (drawn.text, Reading(drawn.html).text):
        at = [text.index(piece) for piece in [*says, "Action:", "Customer reported", "nothing left to decide"]]
        assert at == sorted(at)
        assert "Wed 25 Nov 2026, 12:00 (Europe/Lisbon)" in text
        assert "Original request" not in text


def test_news_is_short() -> None:
    """The note, the title, who is asked and until when, how to answer; the rest is in the letter above it."""
    drawn = samples()["escalation"]
    for piece in (
        "Nobody has decided yet, so Lea",
        "Refund 240.0 USD",
        "escalated (level 1)",
        "Asked: Ana",
        "Expires:",
    ):
        assert piece in drawn.text
    assert "Action:" not in drawn.text
    assert "The agent says" not in drawn.text


def test_every_letter_of_a_request_has_one_subject() -> None:
    """It names the request's last characters, so that it threads and sorts, on one line of bounded length."""
    card = a_card()
    subjects = {
        name: drawn.subject
        for name, drawn in samples().items()
        if name in ("pending", "edited", "executed", "escalation")
    }
    assert set(subjects.values()) == {"[Sayso] Refund 240.0 USD on order 10428 (#c9h2x7)"}
    assert subject_of(replace(card, title="two\nlines\r\nBcc: x")) == "[Sayso] two lines Bcc: x (#c9h2x7)"
    assert subject_of(replace(card, title="", action="")) == "[Sayso] Untitled (#c9h2x7)"
    long = subject_of(replace(card, title="é" * 400))
    assert len(long) == 150
    assert long.endswith("…" + " (#c9h2x7)")


def test_moments_are_on_the_readers_clock() -> None:
    """The zone is named, since a letter is read wherever its reader is."""
    summer = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    assert moment(summer, ANA) == "Thu 02 Jul 2026, 00:30 (Europe/Lisbon)"
    assert moment(summer, Person(id="x", name="X", timezone="Asia/Kolkata")) == "Thu 02 Jul 2026, 05:00 (Asia/Kolkata)"


def test_a_digest_numbers_what_waits_and_says_what_an_answer_may_approve() -> None:
    """Arguments whole where they are short; else, and where it cannot be undone, its own page is named as the way."""
    drawn = samples()["digest"]
    for text in (drawn.text, Reading(drawn.html).text):
        parts = [text[text.index(f"\n{number}. ") :] for number in (1, 2, 3, 4)]
        assert 'order: "10428"' in parts[0].partition("\n2. ")[0]
        assert "only on its page" not in parts[0].partition("\n2. ")[0]
        assert "It cannot be undone, so it can be approved only on its page." in parts[1].partition("\n3. ")[0]
        assert "where last_seen < '2019-01-01'" in parts[2].partition("\n4. ")[0]
        assert "✂ Not everything is shown here, so it can be approved only on its page." in parts[3]
        assert "we are sorry" not in parts[3]
        assert "Approved by Ben <Okri>: Refund" in text
        assert "approve 1, 3, or reject 4: why" in text
    assert drawn.subject == "[Sayso] 4 requests wait for you"


def test_t02_shown_whole_in_a_digest_means_arguments_and_warnings() -> None:
    """1,500 characters of arguments at most; what was elided is not whole; what is irreversible is never approved."""
    assert shown_in_digest(a_card({"body": "x" * 1_450}))
    assert not shown_in_digest(a_card({"body": "x" * 1_500}))
    assert not shown_in_digest(a_card({"body": "&" * 600}))
    assert not shown_in_digest(replace(a_card(), marks=("m" * 3_000,)))
    assert not shown_in_digest(replace(a_card(), arguments=(Line("a", "1", elided=True),)))
    assert not shown_in_digest(replace(a_card(), fully_shown=False))
    assert approvable_in_digest(a_card())
    # `irreversible: reply` is for a letter of its own; in a list it is too easily one number among many.
    assert not approvable_in_digest(replace(a_card(), risk="irreversible"))
    assert not approvable_in_digest(a_card(replies=Replies.REJECT_ONLY))
    assert not approvable_in_digest(replace(a_card(), state=State.NEEDS_INFO))


def test_a_digest_never_hides_that_there_are_warnings() -> None:
    """Where a request is not shown whole its warnings are counted, since they are read on its page."""
    for count, says in ((1, "⚠ 1 warning stands on its page."), (3, "⚠ 3 warnings stand on its page.")):
        card = replace(a_card({"body": "x" * 9_000}), marks=("odd",) * count)
        assert says in digest_letter([(1, card, LINK)], [], person=ANA, hears=True, inbox=INBOX).text


def test_a_digest_without_anything_to_decide_is_news() -> None:
    """Only what others decided: no marker, no word of how to answer; more than a dozen are counted."""
    drawn = digest_letter([], [(ended(a_card()), LINK)] * 14, person=ANA, hears=True, inbox=INBOX)
    assert drawn.subject == "[Sayso] 14 requests were decided"
    assert MARKER not in drawn.text
    assert "And 2 more were decided" in drawn.text
    assert "Answer" not in drawn.text
    deaf = digest_letter([(1, a_card(), LINK)], [], person=ANA, hears=False, inbox=INBOX)
    assert "decides nothing" in deaf.text
    assert "approve 1" not in deaf.text


def test_words_keep_their_lines_and_their_link() -> None:
    """An answer to a reply, or a link to sign in with: a short first line is the heading, a long one is not."""
    drawn = words("Re: x\nBcc: y", ("Understood: rejected.", "", "1. One", "approve"), link=None, link_says="")
    assert drawn.subject == "Re: x Bcc: y"
    assert "Sayso says: Understood: rejected.\n\n\n1. One\n| approve\n" in drawn.text
    assert Reading(drawn.html).links == []
    long = words("Sign in", ("w " * 60,), link=LINK, link_says="Sign in")
    assert f"Sign in: {LINK}\n" in long.text
    assert Reading(long.html).text.count("w w w") == Reading(
        words("s", ("w " * 60, "x"), link=None, link_says="").html
    ).text.count("w w w")


def test_a_deadline_that_is_near_is_told_with_its_step() -> None:
    """When the next in the chain is asked stands before when it all ends."""
    text = pending(replace(a_card(), deadline=NOON + timedelta(minutes=5))).text
    assert text.index("Next in the chain is asked: Wed 25 Nov 2026, 12:05") < text.index(
        "Expires: Thu 26 Nov 2026, 12:00"
    )
