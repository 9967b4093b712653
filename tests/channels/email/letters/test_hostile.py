"""Letters that hold what an attacker likes: still ours in every tag and line, still whole or not approvable here."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.card import Asked, Card, Line, Offer, Verdict
from bot.core.grammar import NotUnderstood, parse
from bot.core.model import Kind, Replies, State, Verb
from bot.core.numbered import parse_numbered
from bot.core.scrutiny import visible
from channels.email.inbound.markup import to_text
from channels.email.inbound.quotes import new_lines
from channels.email.inbound.text import MARKER
from channels.email.letters import sizes
from channels.email.letters.draw import (
    MOST_ASKS,
    Drawn,
    digest_letter,
    fitted,
    news_letter,
    outcome_letter,
    shown_in_digest,
    words,
)
from tests.channels.email.letters.drawn import (
    ANA,
    INBOX,
    LINK,
    NOON,
    a_card,
    batch_letter,
    changed_lines,
    ended,
    every_letter,
    pending,
)
from tests.channels.email.letters.reading import Reading
from tests.channels.slack.hostile import HOSTILE

COMMANDS = (
    "approve", "APPROVE", "reject", "reject: yes", "ask: why", "edit amount=1", "escalate", "\napprove\n", "x\napprove",
    "x\nreject: yes\ny", " approve", "\teſcalate", "aſ\u212a: me", "approve 1", "1\napprove 1, 2", "reject 1: no",
    '"approve',
    "* approve *", "answer: yes", "ANSWER : x", "choose a", "handled", "\nhandled\n", "x\nchoose a\ny", "answer 1: x",
    "choose 1 a", "handled 1", "approve all", "reject all: x", "-handled", "+ choose a",
    "@@ -1 +1 @@\n+handled", "ok\n\n\n\n\nedit a=b", "edit a", "reject", "(ask: why", "approve\r\n", "_approve_",
)  # fmt: skip


PLAIN = {("span",), ("br",), ("ins",), ("del",)}
"""Tags that a text may bring: parts of an address, lines, changed lines. None has an attribute."""


@pytest.mark.parametrize("count", [80, pytest.param(500, marks=pytest.mark.torture)])
def test_t03_500_hostile_strings_make_no_link_tag_or_attribute(count: int) -> None:
    """As title, action, name, value, reason, evidence, warning, comment: each letter has the tags of a harmless one.

    A sample of the strings; `make torture` tries all.
    """
    plain = list(every_letter("Refund"))
    known = {(tag, *sorted(attrs)) for drawn in plain for tag, attrs in Reading(drawn.html).tags}
    assert {tag for tag, *_ in known}.isdisjoint({"img", "script", "form", "input", "link", "iframe", "object", "svg"})
    assert len(HOSTILE) == 500
    chosen = random.Random(3).sample(HOSTILE, count)  # noqa: S311  # the same sample each time
    for at, text in enumerate(chosen):
        # What an answer may decide goes round, so that all meet all kinds of texts.
        for drawn in every_letter(text, [tuple(Replies)[at % 3]]):
            seen = Reading(drawn.html)
            assert {(tag, *sorted(attrs)) for tag, attrs in seen.tags} <= known | PLAIN, text
            assert all(link in (LINK, INBOX) or _of_a_batch(link) for link in seen.links), text
            assert "\n" not in drawn.subject, text


def _of_a_batch(link: str) -> bool:
    """Whether a link is to a page below the inbox's, and nowhere else whatever the batch is called."""
    return re.fullmatch(re.escape(f"{INBOX}/batches/") + r"[A-Za-z0-9._~%-]+", link) is not None


def test_t03_a_hostile_text_is_there_as_text() -> None:
    """Nothing is taken out of it: who reads the letter sees it whole, in both faces."""
    for text in HOSTILE[::7]:
        drawn = pending(a_card({"value": text}, reason=text))
        shown = [line.strip() for line in visible(text).split("\n") if line.strip()]
        seen, said = Reading(drawn.html).text, drawn.text
        if len(text) < 400:
            assert all(line in seen for line in shown), text
            assert all(line in said for line in shown), text


def commanding(drawn: Drawn) -> list[str]:
    """The lines of a letter that would decide something if they were sent back."""
    lines = [*drawn.text.split("\n"), *Reading(drawn.html).lines]
    return [
        line
        for line in lines
        if not isinstance(parse(line), NotUnderstood)
        or not isinstance(parse_numbered(line, range(100)), NotUnderstood)
        or (line and not isinstance(parse_numbered(f"{line}\nx", range(100)), NotUnderstood))
    ]


@pytest.mark.parametrize("text", COMMANDS, ids=repr)
def test_t19_no_line_of_a_letter_is_a_command(text: str) -> None:
    """Quoted back whole, a letter decides nothing, whatever stands in its texts, names and values."""
    for drawn in every_letter(text):
        assert commanding(drawn) == []
        assert isinstance(parse(drawn.text), NotUnderstood)


@pytest.mark.parametrize("text", COMMANDS, ids=repr)
def test_t19_a_letter_that_comes_back_whole_says_nothing_new(text: str) -> None:
    """As our own reading of answers has it: nothing stands above the marker, and below it nothing is a command."""
    for drawn in every_letter(text):
        for face in (drawn.text, to_text(drawn.html)):
            heard = new_lines(face, ())
            assert not heard or MARKER not in face
            for line in face.replace(MARKER, "").split("\n"):
                assert isinstance(parse(line), NotUnderstood)


TEXT = st.one_of(
    st.text(max_size=40),
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from([*COMMANDS, " ", "\n", ":", "=", "1", "a", "*", "&", "<"]), max_size=6).map("".join),
).map(visible)
LINES = st.lists(st.builds(Line, TEXT.map(lambda text: text.replace("\n", " ")), TEXT), max_size=6).map(tuple)
WHEN = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # the zone is Hypothesis's to add
VERDICTS = st.builds(
    Verdict, title=TEXT, by=st.none() | TEXT, at=st.none() | WHEN, channel=st.none() | TEXT, comment=st.none() | TEXT,
    category=st.none() | TEXT, edits=LINES,
)  # fmt: skip
ASKED = st.lists(st.builds(Asked, TEXT, st.just("ana"), st.just(0), st.none() | TEXT), max_size=20).map(tuple)
OFFERS = st.lists(st.builds(Offer, TEXT | st.just("a"), TEXT, st.booleans()), max_size=5).map(tuple)
NOTES = st.lists(st.builds(Line, TEXT, TEXT | TEXT.map(changed_lines)), max_size=6).map(tuple)
CARDS = st.builds(
    Card, request=st.just("req_1"), revision=st.integers(1, 3), digest=st.just("sha256:" + "0" * 64),
    state=st.sampled_from(State), title=TEXT, action=TEXT, agent=TEXT, risk=st.just("irreversible"), arguments=LINES,
    claims=LINES, confidence=TEXT, below_gate=st.booleans(), marks=st.lists(TEXT, max_size=5).map(tuple), asked=ASKED,
    stage=TEXT, progress=TEXT, escalation_level=st.integers(0, 3), deadline=st.none() | WHEN, expires_at=WHEN, why=TEXT,
    url=st.just(LINK), undo=TEXT, buttons=st.lists(st.sampled_from(Verb), unique=True).map(tuple),
    verdicts=st.lists(VERDICTS, max_size=3).map(tuple), execution=st.none() | st.builds(Line, TEXT, TEXT),
    replies=st.sampled_from(Replies), kind=st.sampled_from(Kind), notes=NOTES, offers=OFFERS, answer=st.none() | TEXT,
    batch=st.just("a batch") | TEXT,
)  # fmt: skip


def all_of(card: Card, text: str) -> list[Drawn]:
    """Every kind of letter about one card."""
    return [
        pending(card, note=text),
        outcome_letter(card, person=ANA, link=LINK),
        news_letter(card, person=ANA, link=LINK, hears=True, note=text),
        digest_letter([(1, card, LINK)], [(card, LINK)], person=ANA, hears=True, inbox=INBOX),
        words(text, (text, text), link=LINK, link_says="Open its page"),
        *([batch_letter([card, card])] if card.batch else []),
    ]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(CARDS, TEXT)
def test_whatever_a_card_holds_its_letters_hold(card: Card, text: str) -> None:
    """No command, no link of its making, below Gmail's limit; and no Approve where not all is shown."""
    _held(card, text)


@pytest.mark.torture
@settings(max_examples=2_000, deadline=None, suppress_health_check=list(HealthCheck))
@given(CARDS, TEXT)
def test_whatever_many_cards_hold_their_letters_hold(card: Card, text: str) -> None:
    """The same of many cards more."""
    _held(card, text)


def _held(card: Card, text: str) -> None:
    for drawn in all_of(card, text):
        assert commanding(drawn) == []
        assert all(link in (LINK, INBOX) or _of_a_batch(link) for link in Reading(drawn.html).links)
        assert len(drawn.html.encode()) < sizes.HTML
        assert "\n" not in drawn.subject
    shown = fitted(card)
    assert shown.replies.rank >= card.replies.rank
    assert shown.fully_shown or (Verb.APPROVE not in shown.buttons and shown.replies is not Replies.APPROVE)


def full_of(piece: str) -> Card:
    """Every part of a card at its longest."""
    long = piece * 60_000
    verdict = Verdict(
        title=long, by=long, at=NOON, channel=long, comment=long, category=long,
        edits=(Line(long, long), Line(long, f"@@ -1 +1 @@\n{long}")) * 10,
    )  # fmt: skip
    return replace(
        a_card(), title=long, action=long, agent=long, confidence=long, marks=(long,) * 40, progress=long, why=long,
        undo=long, asked=(Asked(long, "ana", 0, long),) * 50, answer=long,
        notes=(Line(long, long),) * 40, verdicts=(verdict,) * 9, execution=Line(long, long),
        claims=(Line(long, long),) * 120, arguments=tuple(Line(f"a{n}", long) for n in range(120)),
    )  # fmt: skip


@pytest.mark.parametrize("piece", ["&", "<", '"', "😀", "a.", "\n", "a\n", "ask\n", "  ", "://", "a@", "x"], ids=repr)
def test_t02_gmail_never_clips_a_letter(piece: str) -> None:
    """Texts that grow most when they are drawn: every letter stays below 100 KB, and what would run has room in it."""
    card = full_of(piece)
    short = a_card({f"a{n}": piece * 40 for n in range(9)}, title=piece * 60, warnings=(piece * 60,), reason=piece * 90)
    asks = [(number, (short, card)[number % 2], LINK) for number in range(1, MOST_ASKS + 1)]
    digest = digest_letter(asks, [(card, LINK)] * 30, person=ANA, hears=True, inbox=INBOX)
    for drawn in [*all_of(card, "note")[:3], digest]:
        assert len(drawn.html.encode()) < sizes.HTML
    shown = fitted(card)
    assert not shown.fully_shown
    assert sum(len(line.text) for line in shown.arguments) > 1_500


QUICK = {(1, "&"), (3, "x"), (25, "a."), (1, "ask\n")}
"""Each piece once and each count of arguments; `make torture` tries every pair."""


@pytest.mark.parametrize(
    ("arguments", "piece"),
    [
        pytest.param(count, piece, marks=() if (count, piece) in QUICK else pytest.mark.torture)
        for count in (1, 3, 25)
        for piece in ("&", "a.", "x", "ask\n")
    ],
)
def test_t02_the_largest_card_that_is_shown_whole_is_not_clipped(piece: str, arguments: int) -> None:
    """Just below the limits all is there and may be approved; just above them something is left out, and said."""
    full = replace(full_of(piece), title="T", action="a", marks=("m" * 500,) * 20, claims=(), notes=())

    def of(times: int) -> Card:
        return replace(
            full, arguments=(Line("first", piece * times), *(Line(f"a{n}", "1") for n in range(arguments - 1)))
        )

    least, most = 1, 60_000 // len(piece)
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if fitted(of(middle)).fully_shown else (least, middle)
    assert len(piece * least) > (1_000 if arguments < 25 else 20)
    assert fitted(of(least)).replies is Replies.APPROVE
    for times in (least, most):
        letter = pending(of(times), note="Somebody asked for it.")
        assert len(letter.html.encode()) < sizes.HTML
        assert ("To approve, open" in letter.text) is (times == most)


def test_t02_a_digest_full_of_what_is_just_shown_whole_is_not_clipped() -> None:
    """Twenty requests, each as large as a list shows one."""
    card = a_card({f"a{n}": "<" for n in range(60)}, title="T", reason="&" * 400)
    count = max(n for n in range(61) if shown_in_digest(replace(card, arguments=card.arguments[:n])))
    assert count > 10
    card = replace(card, arguments=card.arguments[:count])
    asks = [(number, card, LINK + "x" * 60) for number in range(1, MOST_ASKS + 1)]
    tells = [(ended(replace(card, title="&" * 200)), LINK + "x" * 60)] * 30
    drawn = digest_letter(asks, tells, person=ANA, hears=True, inbox=INBOX)
    assert len(drawn.html.encode()) < sizes.HTML
    with pytest.raises(ValueError, match="20 requests at most"):
        digest_letter([*asks, (21, card, LINK)], [], person=ANA, hears=True, inbox=INBOX)


@pytest.mark.parametrize(
    "changes",
    [
        {"arguments": (Line("body", "x" * 16_001),)},
        {"arguments": tuple(Line(f"a{n}", "1") for n in range(91))},
        {"action": "a" * 1_001},
        {"marks": ("m",) * 21},
        {"marks": ("m" * 601,)},
        {"title": "t" * 151},
        {"claims": (Line("Reason", "x" * 16_001),)},
    ],
    ids=["value", "arguments", "action", "warnings", "warning", "title", "claim"],
)
def test_t02_what_is_not_shown_whole_is_not_approved_by_reply(changes: dict[str, Any]) -> None:
    """The letter says so, says why the page is needed, and offers to reject."""
    card = replace(a_card(), **changes)
    assert fitted(card).replies is Replies.REJECT_ONLY
    for text in (pending(card).text, Reading(pending(card).html).text):
        assert "✂ Too long for a letter" in text
        assert "To approve, open the request’s page: not everything is shown here." in text
        assert "`" not in text
        assert "Reply with one line: approve" not in text


def test_what_fits_is_left_as_it_is() -> None:
    """A long mail of ten thousand characters is shown whole, and may be approved by reply."""
    card = a_card({"to": "all@example.com", "body": "We are sorry for the delay. " * 400})
    assert fitted(card) == card
    assert Reading(pending(card).html).text.count("We are sorry") == 400
