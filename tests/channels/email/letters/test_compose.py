"""A letter as bytes: read back by the standard library it says what was drawn, and its header holds only ours."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.email.letters.compose import compose
from channels.email.letters.draw import Drawn, card_letter
from tests.channels.email.letters.drawn import ANA, LINK, a_card, every_letter, samples
from tests.channels.email.letters.reading import bodies
from tests.channels.slack.hostile import HOSTILE

AT = datetime(2026, 11, 25, 12, 0, 30, tzinfo=UTC)
OWN = "<ltr_1.card@sayso.example>"
THREAD = "<ltr_0.card@sayso.example>"
# As Exchange makes them; longer than a line of 78 characters.
OUTLOOK = "<PAXPR10MB5223A7C1D94E8B0F4C62A3D1E7B9F0A2@PAXPR10MB5223.EURPRD10.PROD.OUTLOOK.COM>"
PLAIN = Drawn("[Sayso] Refund (#1)", "Please decide\n", "<p>Please decide</p>\n")
NAMES = {
    "Date", "From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "Reply-To", "Auto-Submitted",
    "X-Auto-Response-Suppress", "X-Sayso-Request", "X-Sayso-Letter", "MIME-Version", "Content-Type",
}  # fmt: skip


def raw(drawn: Drawn = PLAIN, **changes: Any) -> bytes:
    """A letter to Ana, composed."""
    given: dict[str, Any] = {
        "sender": "Sayso <approvals@example.com>", "to": ("Ana Silva", "ana@example.com"), "message_id": OWN, "at": AT,
    }  # fmt: skip
    return compose(drawn, **(given | changes))


def read(data: bytes) -> EmailMessage:
    """What a mail program makes of it; it must be whole."""
    message = message_from_bytes(data, policy=default)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def sound(data: bytes) -> None:
    """CRLF alone, ASCII alone, no line too long, every header one of ours and once."""
    assert data.isascii()
    assert b"\r\n" in data
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\x00", data)
    assert max(map(len, data.split(b"\r\n"))) <= 998
    head = data.partition(b"\r\n\r\n")[0].decode()
    names = re.findall(r"^([^\s:]+):", head, re.MULTILINE)
    assert set(names) <= NAMES
    assert len(names) == len(set(names))
    assert all(re.match(r"[^\s:]+: \S|[ \t]\S", line) for line in head.split("\r\n"))


@pytest.mark.parametrize("name", samples())
def test_a_letter_is_read_back_as_it_was_drawn(name: str) -> None:
    """Text first, HTML last (RFC 2046, 5.1.4), in UTF-8, to the character."""
    drawn = samples()[name]
    data = raw(drawn)
    sound(data)
    message = read(data)
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert bodies(message) == (drawn.text, drawn.html)
    assert message["Subject"] == drawn.subject


def test_the_header_says_who_when_and_that_a_machine_wrote_it() -> None:
    """A first letter: no thread, no Re; automatic answers are asked to stay away, bounces are not."""
    message = read(raw(reply_to="approvals+abc234@example.com", request="req_1"))
    assert message["From"] == "Sayso <approvals@example.com>"
    assert message["To"] == "Ana Silva <ana@example.com>"
    assert message["Date"].datetime == AT
    assert message["Message-ID"] == OWN
    assert message["Reply-To"] == "approvals+abc234@example.com"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "OOF, AutoReply"
    assert message["X-Sayso-Request"] == "req_1"
    assert message["X-Sayso-Letter"] == OWN
    assert message["Subject"] == "[Sayso] Refund (#1)"
    assert {"In-Reply-To", "References"}.isdisjoint(message.keys())
    assert {"Reply-To", "X-Sayso-Request"}.isdisjoint(read(raw()).keys())


def test_later_letters_join_the_thread() -> None:
    """References: the thread's first letter, then what is answered; Re once."""
    later = read(raw(thread=THREAD))
    assert (later["In-Reply-To"], later["References"]) == (THREAD, THREAD)
    assert later["Subject"] == "Re: [Sayso] Refund (#1)"
    answer = read(raw(thread=THREAD, answers=OUTLOOK, kind="auto-replied"))
    assert answer["In-Reply-To"] == OUTLOOK
    assert str(answer["References"]).split() == [THREAD, OUTLOOK]
    assert answer["Auto-Submitted"] == "auto-replied"
    assert str(read(raw(thread=THREAD, answers=THREAD))["References"]).split() == [THREAD]


def test_a_long_message_id_stays_one() -> None:
    """It is never cut or encoded: what it names would not be found again."""
    long = f"<{'x' * 850}@example.com>"
    for theirs in (OUTLOOK, long):
        data = raw(thread=THREAD, answers=theirs)
        sound(data)
        assert f"In-Reply-To: {theirs}\r\n".encode() in data
        assert f"References: {THREAD}\r\n {theirs}\r\n".encode() in data


@pytest.mark.parametrize(
    "given", ["", "<>", "<a b@c>", "<a@b>\r\nBcc: all@example.com", "<a@b>, <c@d>", "<é@b>", "<" + "x" * 2_000 + "@b>"]
)
def test_a_strangers_malformed_message_id_is_left_out(given: str) -> None:
    """The answer still goes into the thread; but our own must be sound."""
    data = raw(thread=THREAD, answers=given)
    sound(data)
    assert str(read(data)["References"]).split() == [THREAD]
    with pytest.raises(ValueError, match="Message-ID"):
        raw(message_id=given)


def test_a_message_id_without_brackets_gets_them() -> None:
    """As some programs hand them over."""
    assert read(raw(message_id=OWN[1:-1], thread=THREAD[1:-1]))["References"] == THREAD


def test_t03_500_hostile_strings_add_no_header_and_no_recipient() -> None:
    """As name and subject: one From, one To, the headers that we write, and the text in full."""
    for text in HOSTILE:
        data = raw(Drawn(text, text, text), to=(text, "ana@example.com"), sender="Sayso <a@example.com>", request=text)
        sound(data)
        message = read(data)
        assert [address.addr_spec for address in message["To"].addresses] == ["ana@example.com"], text
        shown = re.sub(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+", "", text)[:50]
        assert re.sub(r"\s+", "", str(message["Subject"])).startswith(shown), text
        assert [address.addr_spec for address in message["From"].addresses] == ["a@example.com"]
        assert bodies(message)[0] == text.replace("\r\n", "\n").replace("\r", "\n")


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(max_size=200), st.text(max_size=300), st.text(max_size=300), st.booleans())
def test_whatever_it_holds_a_letter_is_sound(name: str, subject: str, text: str, later: bool) -> None:  # noqa: FBT001  # Hypothesis gives it by place
    """Any name, any subject, any text: sound, and read back the same but for control characters."""
    data = raw(Drawn(subject, text, text), to=(name, "ana@example.com"), thread=THREAD if later else None)
    sound(data)
    message = read(data)
    assert [address.addr_spec for address in message["To"].addresses] == ["ana@example.com"]
    assert bodies(message)[1] == text.replace("\r\n", "\n").replace("\r", "\n")
    shown = re.sub(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029]+", "", ("Re:" if later else "") + subject)
    assert re.sub(r"\s+", "", str(message["Subject"])) == (shown or "Sayso")


def test_t04_an_encoded_word_in_a_title_is_shown_as_it_stands() -> None:
    """``=?utf-8?q?...?=`` would be decoded by whoever reads it, and so hide what the subject says."""
    hidden = "[Sayso] =?utf-8?q?Approved_by_Ana?= (#1)"
    message = read(raw(Drawn(hidden, "", ""), to=("=?utf-8?q?Ben?=", "ana@example.com")))
    assert message["Subject"] == hidden
    assert message["To"].addresses[0].display_name == "=?utf-8?q?Ben?="


def test_names_and_subjects_of_any_script_are_read_back() -> None:
    """Encoded words of at most 75 characters (RFC 2047, section 2), with our address in ASCII."""
    subject = "[Sayso] Возврат 240,00 € на заказ 10428 — 二重請求の返金、お客様からのお問い合わせに基づく (#c9h2x7)"
    name = 'Zoë "Z" O\'Brien, Ω'
    data = raw(Drawn(subject, "", ""), to=(name, "zoe@bücher.example"))
    sound(data)
    message = read(data)
    assert message["Subject"] == subject
    assert message["To"].addresses[0].display_name == name
    assert message["To"].addresses[0].addr_spec == "zoe@xn--bcher-kva.example"
    assert max(len(word) for word in re.findall(rb"=\?\S+\?=", data.partition(b"\r\n\r\n")[0])) <= 75
    assert all(len(line) <= 78 for line in data.split(b"\r\n"))


@pytest.mark.parametrize(
    "address",
    [
        "", "ana", "ana@", "@example.com", "a@b@example.com", "a@example.com,b@example.com",
        "a@example.com\r\nBcc: b@c.example",
        "<a@example.com>", "a b@example.com",
        '"a"@example.com', "ä@example.com", "a@exam ple.com", "a@example.com;", "a@[127.0.0.1]",
        "x" * 65 + "@example.com",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_is_refused(address: str) -> None:
    """As recipient or as reply address: nothing that could be two, or something else."""
    with pytest.raises(ValueError, match="not a plain"):
        raw(to=("Ana", address))
    with pytest.raises(ValueError, match="not a plain"):
        raw(reply_to=address)


def test_the_sender_may_be_an_address_alone() -> None:
    """EMAIL_FROM as written: with a name or without, in any script."""
    assert read(raw(sender="approvals@example.com"))["From"] == "approvals@example.com"
    assert read(raw(sender="Prüfung <approvals@example.com>"))["From"].addresses[0].display_name == "Prüfung"


def test_every_kind_of_letter_composes() -> None:
    """With hostile text in each part too."""
    for text in (
        "Refund",
        "\r\n.\r\nMAIL FROM:<x@y>\r\n",
        "=_sayso_alternative",
        "--=_sayso_alternative--\n",
        "😀" * 300,
    ):
        for drawn in every_letter(text):
            data = raw(drawn, request="req_1", reply_to="a+b@example.com")
            sound(data)
            assert bodies(read(data)) == (drawn.text, drawn.html)


def test_a_letter_of_a_full_card_is_no_slower_than_its_size() -> None:
    """Two million characters of arguments are cut before they are drawn: it takes well under a second."""
    card = a_card({f"a{n}": "<&😀\n" * 2_000 for n in range(40)})
    started = datetime.now(UTC)
    raw(card_letter(card, person=ANA, link=LINK, hears=True))
    assert (datetime.now(UTC) - started).total_seconds() < 1
