"""Letters: what a card says, twice alike, with nothing of an agent's making in them but text; readable everywhere."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.card import Asked, Card, Line, Verdict
from bot.core.grammar import NotUnderstood, parse
from bot.core.model import Person, Replies, State, Verb
from bot.core.numbered import parse_numbered
from bot.core.scrutiny import visible
from channels.email import sizes
from channels.email.draw import (
    MOST_ASKS,
    Drawn,
    approvable_in_digest,
    card_letter,
    digest_letter,
    fitted,
    news_letter,
    outcome_letter,
    shown_in_digest,
    subject_of,
    words,
)
from channels.email.inbound.text import MARKER
from channels.email.parts import moment
from tests.channels.email.drawn import ANA, INBOX, LINK, NOON, a_card, edited, ended, every_letter, samples
from tests.channels.email.reading import Reading
from tests.channels.slack.hostile import HOSTILE

COMMANDS = (
    "approve", "APPROVE", "reject", "reject: yes", "ask: why", "edit amount=1", "escalate", "\napprove\n", "x\napprove",
    "x\nreject: yes\ny", " approve", "\teſcalate", "aſ\u212a: me", "approve 1", "1\napprove 1, 2", "reject 1: no", '"approve',
    "* approve *", "ok\n\n\n\n\nedit a=b", "edit a", "reject", "(ask: why", "approve\r\n", "_approve_",
)  # fmt: skip


def pending(card: Card, *, hears: bool = True, note: str | None = None) -> Drawn:
    """A request's letter to Ana."""
    return card_letter(card, person=ANA, link=LINK, hears=hears, note=note)


def test_t03_500_hostile_strings_make_no_link_tag_or_attribute() -> None:
    """As title, action, name, value, reason, evidence, warning, comment: each letter has the tags of a harmless one."""
    plain = list(every_letter("Refund"))
    known = {(tag, *sorted(attrs)) for drawn in plain for tag, attrs in Reading(drawn.html).tags}
    assert {tag for tag, *_ in known}.isdisjoint({"img", "script", "form", "input", "link", "iframe", "object", "svg"})
    assert len(HOSTILE) == 500
    for at, text in enumerate(HOSTILE):
        # What an answer may decide goes round, so that all meet all kinds of texts.
        for drawn in every_letter(text, [tuple(Replies)[at % 3]]):
            seen = Reading(drawn.html)
            assert {(tag, *sorted(attrs)) for tag, attrs in seen.tags} <= known | {("span",), ("br",)}, text
            assert set(seen.links) <= {LINK, INBOX}, text
            assert "\n" not in drawn.subject, text


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
ASKED = st.lists(st.builds(Asked, TEXT, st.just("ana"), st.just(0)), max_size=20).map(tuple)
CARDS = st.builds(
    Card, request=st.just("req_1"), revision=st.integers(1, 3), digest=st.just("sha256:" + "0" * 64),
    state=st.sampled_from(State), title=TEXT, action=TEXT, agent=TEXT, risk=st.just("irreversible"), arguments=LINES,
    claims=LINES, confidence=TEXT, below_gate=st.booleans(), marks=st.lists(TEXT, max_size=5).map(tuple), asked=ASKED,
    stage=TEXT, progress=TEXT, escalation_level=st.integers(0, 3), deadline=st.none() | WHEN, expires_at=WHEN, why=TEXT,
    url=st.just(LINK), undo=TEXT, buttons=st.lists(st.sampled_from(Verb), unique=True).map(tuple),
    verdicts=st.lists(VERDICTS, max_size=3).map(tuple), execution=st.none() | st.builds(Line, TEXT, TEXT),
    replies=st.sampled_from(Replies),
)  # fmt: skip


def all_of(card: Card, text: str) -> list[Drawn]:
    """Every kind of letter about one card."""
    return [
        pending(card, note=text),
        outcome_letter(card, person=ANA, link=LINK),
        news_letter(card, person=ANA, link=LINK, hears=True, note=text),
        digest_letter([(1, card, LINK)], [(card, LINK)], person=ANA, hears=True, inbox=INBOX),
        words(text, (text, text), link=LINK, link_says="Open its page"),
    ]


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(CARDS, TEXT)
def test_whatever_a_card_holds_its_letters_hold(card: Card, text: str) -> None:
    """No command, no link of its making, below Gmail's limit; and no Approve where not all is shown."""
    for drawn in all_of(card, text):
        assert commanding(drawn) == []
        assert set(Reading(drawn.html).links) <= {LINK, INBOX}
        assert len(drawn.html.encode()) < sizes.HTML
        assert "\n" not in drawn.subject
    shown = fitted(card)
    assert shown.replies.rank >= card.replies.rank
    assert shown.fully_shown or (Verb.APPROVE not in shown.buttons and shown.replies is not Replies.APPROVE)


def full_of(piece: str) -> Card:
    """Every part of a card at its longest."""
    long = piece * 60_000
    verdict = Verdict(
        title=long, by=long, at=NOON, channel=long, comment=long, category=long, edits=(Line(long, long),) * 20
    )
    return replace(
        a_card(), title=long, action=long, agent=long, confidence=long, marks=(long,) * 40, progress=long, why=long,
        undo=long, asked=(Asked(long, "ana", 0),) * 50, verdicts=(verdict,) * 9, execution=Line(long, long),
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
    assert sum(len(line.text) for line in shown.arguments) > 2_000


@pytest.mark.parametrize("piece", ["&", "a.", "x", "ask\n"], ids=repr)
@pytest.mark.parametrize("arguments", [1, 3, 60], ids=lambda count: f"{count} arguments")
def test_t02_the_largest_card_that_is_shown_whole_is_not_clipped(piece: str, arguments: int) -> None:
    """Just below the limits everything is there and may be approved; just above them something is left out, and said."""
    full = replace(full_of(piece), title="T", action="a", marks=("m" * 500,) * 20, claims=())

    def of(times: int) -> Card:
        return replace(
            full, arguments=(Line("first", piece * times), *(Line(f"a{n}", "1") for n in range(arguments - 1)))
        )

    least, most = 1, 60_000
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (middle, most) if fitted(of(middle)).fully_shown else (least, middle)
    assert len(piece * least) > 1_000
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
        assert "Answer with one line: approve" not in text


def test_what_fits_is_left_as_it_is() -> None:
    """A long mail of ten thousand characters is shown whole, and may be approved by reply."""
    card = a_card({"to": "all@example.com", "body": "We are sorry for the delay. " * 400})
    assert fitted(card) == card
    assert Reading(pending(card).html).text.count("We are sorry") == 400


def test_t01_the_house_speaks_first_and_the_claims_are_labelled() -> None:
    """State, risk, confidence and warnings; action and arguments; then the agent's words under their label."""
    card = a_card({"command": "rm -rf / #" + "\n" * 500 + "tests pass"}, reason="All checks passed. Approved by Ana.",
        warnings=("/command is odd",))  # fmt: skip
    order = ["Please decide", "Risk: reversible", "⚠ confidence 72% (below 85% gate)", "⚠ /command is odd", "Action: refund.issue",
        '"rm -rf / #', "⏎×500", "tests pass", "(520 characters, 501 lines)", "The agent says (its own words, unchecked)",
        "All checks passed", "Ana Silva, Ben <Okri>", "Expires", "How to undo it", "Why it is asked", "Answer with one line"]  # fmt: skip
    drawn = pending(card)
    for text in (drawn.text, Reading(drawn.html).text.partition(MARKER)[2]):
        assert [text.index(piece) for piece in order] == sorted(text.index(piece) for piece in order)
    said = re.search(r"The agent says.*?\n\n", drawn.text, re.DOTALL)
    assert said is not None
    assert all(line.startswith("| ") for line in said[0].strip().split("\n")[1:])


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
        ({}, "Answer with one line: approve, or reject: why, or edit name=value, or ask: question, or escalate."),
        ({"buttons": (Verb.APPROVE, Verb.REJECT)}, "Answer with one line: approve, or reject: why, or ask: question"),
        ({"replies": Replies.REJECT_ONLY, "risk": "irreversible"}, "open the request’s page: it cannot be undone. Or"),
        (
            {"replies": Replies.REJECT_ONLY},
            "page: by the rules it is approved there alone. Or answer with one line: reject",
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
