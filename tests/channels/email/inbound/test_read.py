"""What a letter says: its token and its one sender, and every way to say two things at once (threat T18)."""

from __future__ import annotations

import pytest

from channels.email.inbound.read import LONGEST_SUBJECT
from channels.email.inbound.values import Reason
from channels.email.settings import LARGEST
from tests.channels.email.inbound.letters import ANA, OTHER, REPLIES, TOKEN, letter, mail, of


def test_an_honest_reply_says_what_it_must() -> None:
    """Token, sender, name, subject; no fault, no machine, no report."""
    read = mail()
    assert (read.token, read.sender, read.message_id, read.subject) == (TOKEN, ANA, "<1@corp.example>", "Re: Refund")
    assert (read.fault, read.machine, read.report, read.sender_fault) == (None, None, None, None)
    assert read.headers[0] == ("From", b" Ana Silva <ana@corp.example>")


@pytest.mark.parametrize(
    "sender",
    [
        ANA,
        f"<{ANA}>",
        "ANA@Corp.Example",
        f'"Silva, Ana (ACME) <ceo@evil.example>" <{ANA}>',
        f"=?utf-8?q?Ana_S=C3=ADlva?= <{ANA}>",
        f"=?utf-8?q?x=0D=0AFrom=3A_eve=40evil.example?= <{ANA}>",
        f"Ana Sílva <{ANA}>",
        f"Ana Q. Silva-O'Neil\r\n <{ANA}>",
        f"\r\n\t=?iso-2022-jp?B?GyRCRURDZhsoQg==?= <{ANA}>",
        f"{ANA} (Ana Silva)",
        f"Ana Silva<{ANA}>",
    ],
)
def test_one_mailbox_however_an_honest_client_writes_it(sender: str) -> None:
    """The address is found, in lower case; the display name never matters."""
    assert mail(sender=sender).sender == ANA


NOT_ONE = {
    "missing": [],
    "empty": ["From:"],
    "empty angle": ["From: Ana <>"],
    "two fields": [f"From: {ANA}", "From: eve@evil.example"],
    "two fields, one in another case": [f"From: {ANA}", "fRoM: eve@evil.example"],
    "the same twice": [f"From: {ANA}", f"From: {ANA}"],
    "two mailboxes": [f"From: {ANA}, eve@evil.example"],
    "two angles": [f"From: <{ANA}> <eve@evil.example>"],
    "angle in angle": [f"From: <<{ANA}>>"],
    "a trailing comma": [f"From: {ANA},"],
    "a group": [f"From: Staff: {ANA};"],
    "an empty group": ["From: Staff:;"],
    "an address in a comment": [f"From: (eve@evil.example) {ANA}"],
    "an address in a comment behind": [f"From: {ANA} (eve@evil.example)"],
    "a comment in the address": ["From: ana(x)@corp.example"],
    "a nested comment": [f"From: {ANA} (a (b))"],
    "a quoted local part": ['From: "ana"@corp.example'],
    "a quoted pair of addresses": ['From: "ana@corp.example"@evil.example'],
    "encoded words for an address": ["From: =?utf-8?q?ana=40corp.example?="],
    "an address left bare in encoded words": [f"From: =?utf-8?q?x=0d=0aFrom:_eve@evil.example?= <{ANA}>"],
    "encoded words in an address": ["From: <=?utf-8?q?ana?=@corp.example>"],
    "a bare address before": [f"From: eve@evil.example <{ANA}>"],
    "a route": [f"From: <@evil.example:{ANA}>"],
    "a space in the address": ["From: <ana @corp.example>"],
    "a literal domain": ["From: ana@[192.0.2.1]"],
    "a look-alike at sign": ["From: ana\uff20corp.example"],
    "look-alike letters": ["From: аna@corp.example"],
    "an unclosed quote": [f'From: "Ana <{ANA}>'],
    "an unclosed angle": [f"From: Ana <{ANA}"],
    "text after": [f"From: <{ANA}> eve"],
    "a semicolon": [f"From: {ANA}; eve@evil.example"],
    "two at signs": ["From: ana@corp.example@evil.example"],
    "dots in a row": ["From: ana..b@corp.example"],
    "a control character": [f"From: Ana\x0b <{ANA}>"],
    "a line separator": [f"From: Ana\u2028From: x <{ANA}>"],
    "too long": ["From: " + "a" * 65 + "@corp.example"],
    "a look-alike of the field": ["Frоm: eve@evil.example"],
}


@pytest.mark.parametrize("headers", NOT_ONE.values(), ids=NOT_ONE)
def test_t18_anything_but_one_plain_mailbox_is_no_sender(headers: list[str]) -> None:
    """Whoever reads such a From sees another address than somebody else does; nobody is taken for the sender."""
    read = mail(*headers, sender=None)
    assert (read.sender, read.sender_fault) == (None, Reason.FROM_NOT_ONE)


SMUGGLED = {
    "a blank before the colon": b"From : eve@evil.example\r\n",
    "a tab before the colon": b"From\t: eve@evil.example\r\n",
    "an mbox line": b"From eve@evil.example Tue Nov 24 10:00:00 2026\r\n",
    "no colon": b"X-Nothing\r\n",
    "no name": b": nothing\r\n",
    "NUL in a name": b"From\0: eve@evil.example\r\n",
    "a field after NUL": b"X: \0\r\nFrom: eve@evil.example\r\n",
    "a bare CR": b"X: a\rFrom: eve@evil.example\r\n",
    "a bare LF": b"X: a\nFrom: eve@evil.example\r\n",
    "CR CR LF": b"X: a\r\r\nFrom: eve@evil.example\r\n",
    "an empty line of the other kind": b"X: a\r\n\nFrom: eve@evil.example\r\n",
    "an empty line of LF": b"X: a\n\nFrom: eve@evil.example\r\n",
    "a fold of blanks": b"X: a\r\n \t\r\nFrom: eve@evil.example\r\n",
    "a look-alike letter": "Frоm: eve@evil.example\r\n".encode(),
    "a full-width name": "Ｆrom: eve@evil.example\r\n".encode(),
    "a zero-width blank": "\u200bFrom: eve@evil.example\r\n".encode(),
    "a byte order mark": b"\xef\xbb\xbfFrom: eve@evil.example\r\n",
    "two types": b"Content-Type: text/plain\r\nContent-Type: text/html\r\n",
    "two names": b"Message-ID: <2@corp.example>\r\n",
    "more than a server takes": b"X: " + b"a" * 300_000 + b"\r\n",
    "more fields than anybody writes": b"X: y\r\n" * 2_000,
}


@pytest.mark.parametrize("smuggled", SMUGGLED.values(), ids=SMUGGLED)
@pytest.mark.parametrize("first", [True, False])
def test_t18_a_header_that_could_be_read_two_ways(smuggled: bytes, *, first: bool) -> None:
    """It is never passed over: the letter is malformed, wherever the line stands."""
    honest = letter()
    raw = smuggled + honest if first else honest.replace(b"Subject:", smuggled + b"Subject:")
    assert of(raw).fault is Reason.MALFORMED


def test_a_field_cannot_be_the_first_ones_fold() -> None:
    """A letter that begins with a folded line has lost something."""
    assert of(b" x\r\n" + letter()).fault is Reason.MALFORMED


def test_line_ends_of_one_kind_are_read_alike() -> None:
    """A letter from a file, with LF alone, says the same."""
    read = of(letter().replace(b"\r\n", b"\n"))
    assert (read.fault, read.sender, read.token) == (None, ANA, TOKEN)


def test_a_letter_that_is_too_large_still_names_its_token() -> None:
    """So that its thread is known; nothing of its body is read."""
    read = of(letter(body="approve\r\n" + "x" * LARGEST))
    assert (read.fault, read.token, read.sender) == (Reason.TOO_LARGE, TOKEN, ANA)


WHERE = {
    "envelope": ([REPLIES.of(TOKEN)], [], "sayso@sayso.example"),
    "envelope in angles": ([f"<{REPLIES.of(TOKEN)}>"], [], "sayso@sayso.example"),
    "envelope in capitals": ([REPLIES.of(TOKEN).upper()], [], "sayso@sayso.example"),
    "delivered": ([], [f"Delivered-To: {REPLIES.of(TOKEN)}"], "sayso@sayso.example"),
    "original": ([], [f"X-Original-To: {REPLIES.of(TOKEN)}"], "sayso@sayso.example"),
    "envelope field": ([], [f"Envelope-To: {REPLIES.of(TOKEN)}"], "sayso@sayso.example"),
    "cc": ([], [f"Cc: Ben <ben@corp.example>, {REPLIES.of(TOKEN)}"], "ana@corp.example"),
    "name and address": ([], [], f'"{REPLIES.of(TOKEN)}" <{REPLIES.of(TOKEN)}>'),
}


@pytest.mark.parametrize(("envelope", "headers", "to"), WHERE.values(), ids=WHERE)
def test_the_token_is_found(envelope: list[str], headers: list[str], to: str) -> None:
    """In the envelope, in what the last server wrote, or in what the sender wrote."""
    read = of(letter(*headers).replace(f"To: {REPLIES.of(TOKEN)}\r\n".encode(), f"To: {to}\r\n".encode(), 1), *envelope)
    assert (read.token, read.fault) == (TOKEN, None)


TWO = {
    "replayed to another": ([REPLIES.of(OTHER)], []),
    "two in the envelope": ([REPLIES.of(TOKEN), REPLIES.of(OTHER)], []),
    "delivered to another": ([], [f"Delivered-To: {REPLIES.of(OTHER)}"]),
    "another in cc": ([], [f"Cc: {REPLIES.of(OTHER)}"]),
    "another To": ([], [f"To: {REPLIES.of(OTHER)}"]),
    "another in a name": ([], [f'Cc: "{REPLIES.of(OTHER)}" <ben@corp.example>']),
    "another in a comment": ([], [f"Cc: ben@corp.example ({REPLIES.of(OTHER)})"]),
    "another far out": ([], ["Cc: " + "a@b.example, " * 5_000 + REPLIES.of(OTHER)]),
}


@pytest.mark.parametrize(("envelope", "headers"), TWO.values(), ids=TWO)
def test_t18_a_letter_with_two_tokens_decides_for_neither(envelope: list[str], headers: list[str]) -> None:
    """A letter that was written to one token and is shown to another has been replayed."""
    assert of(letter(*headers), *envelope).fault is Reason.TOKEN_MISMATCH


def test_the_envelope_is_believed_first() -> None:
    """The thread that a mismatch is noted under is the one it came to."""
    assert of(letter(), REPLIES.of(OTHER)).token == OTHER


@pytest.mark.parametrize(
    "to",
    [
        "sayso@sayso.example",
        f"{REPLIES.of(TOKEN)} <sayso@sayso.example>",
        f'"{REPLIES.of(TOKEN)}" <sayso@sayso.example>',
        f"sayso@sayso.example ({REPLIES.of(TOKEN)})",
        f"x{REPLIES.of(TOKEN)}",
        f"{REPLIES.of(TOKEN)}.evil.example",
        REPLIES.of(TOKEN[:-1]),
        REPLIES.of(TOKEN + "a"),
        '"' * 9,
    ],
)
def test_no_token(to: str) -> None:
    """A letter to our own address, with the other one as a name or a comment, or to nobody's."""
    raw = letter().replace(f"To: {REPLIES.of(TOKEN)}".encode(), f"To: {to}".encode())
    assert (of(raw).token, of(raw).fault) == (None, Reason.NO_TOKEN)


@pytest.mark.parametrize(
    ("subject", "shown"),
    [
        ("=?utf-8?b?UsO8Y2s=?=\r\n =?utf-8?b?ZnJhZ2U=?=", "Rückfrage"),
        ("=?utf-8?q?a=0d=0aBcc:_x?=", "a Bcc: x"),
        ("=?iso-8859-1?q?=FCber?= x", "über x"),
        ("=?utf-8?b?8J+Y?= =?utf-8?b?gA==?=", "😀"),
        ("=?nonsense?q?abc?=", "abc"),
        ("a\tb  c", "a b c"),
        ("x" * 5_000, "x" * LONGEST_SUBJECT),
    ],
)
def test_a_subject_is_one_decoded_line(subject: str, shown: str) -> None:
    """Encoded words are read as one where they were split, and make no other line."""
    raw = letter().replace(b"Subject: Re: Refund", f"Subject: {subject}".encode())
    assert of(raw).subject == shown


@pytest.mark.parametrize("name", ["", "1@corp.example", "<1>", "<a b@c>", "<1@c> <2@c>", f"<{'a' * 600}@c>", "<é@c>"])
def test_a_message_id_has_its_shape(name: str) -> None:
    """Anything else is none."""
    raw = letter().replace(b"<1@corp.example>", name.encode())
    assert of(raw).message_id is None


def test_two_message_ids_are_none() -> None:
    """Neither is the letter's name: one of them was added."""
    assert mail("Message-ID: <2@corp.example>").message_id is None
