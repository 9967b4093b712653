"""Whether a letter is from who it says: keys of the sender's, and nothing else (T18); results: test_results.py."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable

import dkim
import pytest

from channels.email.inbound.judge import judged
from channels.email.inbound.read import read
from channels.email.inbound.trust import Trust, by_keys
from channels.email.inbound.values import Incoming, Reason
from tests.channels.email.inbound.letters import ANA, OTHER, REPLIES, TOKEN, letter, mail, of
from tests.channels.email.inbound.signing import KEYS, Key

PASS, WEAK, NONE = Trust.PASS, Trust.WEAK, Trust.NONE


def signed(
    raw: bytes | None = None, *, key: Key | None = None, domain: bytes = b"corp.example", **options: object
) -> bytes:
    """A reply of Ana's with a signature of this domain."""
    raw, key = letter() if raw is None else raw, key or KEYS["2048"]
    made = dkim.sign(raw, b"s1", domain, key.pem, canonicalize=(b"relaxed", b"relaxed"), **options)
    return bytes(made) + raw


def dns(record: bytes | None = None) -> Callable[[bytes], bytes | None]:
    """A resolver that knows one name."""
    found = KEYS["2048"].record if record is None else record
    return lambda name: found if name == b"s1._domainkey.corp.example." else None


def trusted(raw: bytes, record: bytes | None = None) -> Trust:
    """What the keys say of a letter."""
    return by_keys(of(raw), dns(record))


def test_a_signature_of_the_senders_domain() -> None:
    """In every canonicalisation, and by a subdomain or the domain above."""
    assert trusted(signed()) is PASS
    for head in (b"simple", b"relaxed"):
        for body in (b"simple", b"relaxed"):
            raw = letter(body="a  b \t\r\n\r\n\r\n")
            made = dkim.sign(raw, b"s1", b"corp.example", KEYS["2048"].pem, canonicalize=(head, body))
            assert trusted(bytes(made) + raw) is PASS
    assert trusted(signed(letter(sender="ana@mail.corp.example"))) is PASS


def test_t18_what_was_changed_after_it_was_signed() -> None:
    """A word of the body, the sender, a second recipient; and a signature of nobody's."""
    raw = signed()
    assert trusted(raw.replace(b"approve", b"approv3")) is NONE
    assert trusted(raw.replace(b"Ana Silva", b"Ana S")) is NONE
    assert trusted(raw.replace(b"Subject: Re", b"Subject: No")) is NONE
    assert trusted(letter()) is NONE
    assert by_keys(of(b"From: eve@evil.example\r\n" + raw), dns()) is NONE
    moved = raw.replace(b"To: approvals+ana2", b"To: approvals+anz2")
    assert trusted(moved) is NONE


def test_t18_a_letter_signed_by_somebody_else() -> None:
    """Their signature holds; it is not the sender's."""
    asked: list[bytes] = []

    def resolve(name: bytes) -> bytes | None:
        asked.append(name)
        return KEYS["2048"].record

    assert by_keys(of(signed(domain=b"evil.example")), resolve) is NONE
    assert asked == []


def test_one_good_signature_among_five_is_enough() -> None:
    """The sixth is not tried."""
    bad = b"DKIM-Signature: v=1; a=rsa-sha256; d=corp.example; s=s1; h=from; bh=AAAA; b=AAAA\r\n"
    assert trusted(bad * 4 + signed()) is PASS
    assert trusted(bad * 5 + signed()) is NONE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (rb"v=1;", b"v=1; l=9;"),
        (rb"a=rsa-sha256", b"a=rsa-sha1"),
        (rb"a=rsa-sha256", b"a=ed25519-sha256"),
        (rb"v=1;", b"v=1; x=1;"),
        (rb"v=1;", b"v=1; x=never;"),
        (rb"v=1;", b"v=2;"),
        (rb"h=[^;]*from", b"h=to"),
        (rb"d=corp.example", b"d=.example"),
        (rb"s=s1", b"s=s1/../x"),
        (rb"q=dns/txt", b"q=x"),
        (rb"i=@corp.example", b"i=@evil.example"),
        (rb"c=relaxed/relaxed", b"c=loose/loose"),
        (rb"b=", b"b=;b="),
    ],
)
def test_a_signature_that_says_too_little(old: bytes, new: bytes) -> None:
    """Over part of a body, by a broken hash, out of date, without the sender, or malformed."""
    raw = signed()
    changed = re.sub(old, new, raw, count=1)
    assert changed != raw
    assert trusted(changed) is NONE


def test_a_signature_over_part_of_the_body_never_counts() -> None:
    """Even a good one: whoever passes the letter on can write below it."""
    assert trusted(signed(length=True)) is NONE


def test_a_signature_in_its_time() -> None:
    """A signature lapses at its x=, to the second, and is good before."""
    for left, trust in ((3_600, PASS), (-60, NONE)):
        raw = KEYS["2048"].signed_until(letter(), int(time.time()) + left)
        assert trusted(raw) is trust


def test_a_signature_must_cover_the_sender() -> None:
    """One that holds and leaves From out speaks for anybody."""
    later = int(time.time()) + 60
    assert trusted(KEYS["2048"].signed_until(letter(), later, (b"from", b"to"))) is PASS
    assert trusted(KEYS["2048"].signed_until(letter(), later, (b"to", b"subject"))) is NONE


def test_a_signature_by_a_broken_hash_never_counts() -> None:
    """SHA-1, though it holds (RFC 8301, 3.1)."""
    assert trusted(signed(signature_algorithm=b"rsa-sha1")) is NONE


def test_a_signature_that_does_not_cover_to_is_weak() -> None:
    """The letter could have been written to another token, and be shown to this one."""
    loose = signed(include_headers=[b"from", b"subject"])
    assert trusted(loose) is WEAK
    moved = loose.replace(b"ana2" + b"a" * 22, OTHER.encode())
    assert trusted(moved) is WEAK
    assert judged(of(moved), ANA, trusted(moved)) is Reason.WEAK_AUTHENTICATION


def test_t18_a_signed_letter_to_somebody_else_is_weak() -> None:
    """Ana's signed word to Eve, shown to a token by the envelope, a lower-looking field, or a second To above hers."""
    ours = REPLIES.of(TOKEN)
    for to in ("eve@evil.example", f"eve+{TOKEN}@evil.example", f'"{ours}" <eve@evil.example>'):
        sent = signed(letter().replace(f"To: {ours}".encode(), f"To: {to}".encode()))
        assert by_keys(of(sent, ours), dns()) is WEAK
        assert trusted(f"Delivered-To: {ours}\r\n".encode() + sent) is WEAK
        assert trusted(f"To: {ours}\r\n".encode() + sent) is WEAK
        assert trusted(f"Cc: {ours}\r\n".encode() + sent) is WEAK


def test_t18_a_to_that_was_taken_away_is_no_to_that_is_covered() -> None:
    """A signature that leaves To out lets it be cut off; the envelope alone then says where the letter went."""
    loose = signed(include_headers=[b"from", b"subject"])
    ours = REPLIES.of(TOKEN)
    bare = loose.replace(f"To: {ours}\r\n".encode(), b"")
    assert b"To:" not in bare
    assert by_keys(of(bare, ours), dns()) is WEAK


def test_a_signature_that_covers_cc_counts_by_cc() -> None:
    """Who answers somebody else and us is not refused."""
    raw = letter(f"Cc: {REPLIES.of(TOKEN)}").replace(f"To: {REPLIES.of(TOKEN)}".encode(), b"To: ben@corp.example")
    assert trusted(signed(raw)) is PASS
    assert trusted(signed(raw, include_headers=[b"from", b"to", b"subject"])) is WEAK


@pytest.mark.parametrize("name", ["512", "8192", "exponent"])
def test_a_key_of_no_good_size(name: str) -> None:
    """Too small to mean anything, or large enough to keep this machine busy."""
    key = KEYS[name]
    assert trusted(signed(key=key), key.record) is NONE


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda _: b"v=DKIM1; p=",
        lambda _: b"v=DKIM1; k=rsa; p=!!!",
        lambda _: b"nonsense",
        lambda record: record.replace(b"v=DKIM1", b"v=DKIM2"),
        lambda record: record.replace(b"k=rsa", b"k=ed25519"),
        lambda record: record + b"; t=y",
        lambda record: record + b"; h=sha1",
        lambda record: record + b"; s=tlsrpt",
        lambda record: record + b"; s=other",
        lambda record: record + b"; n=" + b"x" * 3_000,
        lambda _: KEYS["1024"].record,
    ],
)
def test_a_key_that_does_not_allow_it(change: Callable[[bytes], bytes]) -> None:
    """Revoked, of another kind, being tried out, for other services, or another key."""
    assert trusted(signed(), change(KEYS["2048"].record)) is NONE


def test_a_key_of_1024_bits_is_good() -> None:
    """Many domains have no longer one."""
    key = KEYS["1024"]
    assert trusted(signed(key=key), key.record) is PASS


def test_a_dns_that_fails_says_nothing() -> None:
    """Whatever the resolver does."""

    def broken(name: bytes) -> bytes | None:
        raise TimeoutError(name)

    assert by_keys(of(signed()), broken) is NONE
    assert by_keys(of(signed()), lambda _: None) is NONE


BODY_HASH = base64.b64encode(hashlib.sha256(b"approve\r\n").digest())


HOSTILE = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=corp.example; s=s1; bh=" + BODY_HASH + b"; "


NAMES = b":".join(b"%x" % number for number in range(1_700))


SLOW = {
    "long blanks": (HOSTILE + b"h=from; b=AAAA" + b"\r\n " * 2_500 + b"; z=1\r\n") * 5 + letter(),
    "many names": (HOSTILE + b"h=from:" + NAMES + b"; b=AAAA\r\n") * 5 + b"X: y\r\n" * 900 + letter(),
    "a body of blanks": (HOSTILE + b"h=from; b=AAAA\r\n") * 5 + letter(body=" " * 1_000_000 + "x"),
}


@pytest.mark.parametrize("raw", SLOW.values(), ids=SLOW)
def test_t22_a_hostile_signature_takes_no_time(raw: bytes) -> None:
    """Long blanks, thousands of names, a body of blanks: what makes dkimpy slow never reaches it."""
    before = time.process_time()
    assert trusted(raw) is NONE
    assert time.process_time() - before < 0.5


def test_the_judgement_names_the_first_reason() -> None:
    """The gravest first; only a letter with no reason at all may count."""
    good = mail()
    assert judged(good, " Ana@Corp.example", PASS) is None
    assert judged(good, ANA, WEAK) is Reason.WEAK_AUTHENTICATION
    assert judged(good, ANA, NONE) is Reason.NOT_AUTHENTICATED
    assert judged(good, "ben@corp.example", NONE) is Reason.SENDER_NOT_RECIPIENT
    assert judged(good, "", PASS) is Reason.SENDER_NOT_RECIPIENT
    assert judged(mail(sender=None), ANA, NONE) is Reason.FROM_NOT_ONE
    assert judged(mail("Precedence: bulk", sender=None), ANA, NONE) is Reason.BULK
    assert judged(mail("Precedence: bulk", to="x"), ANA, NONE) is Reason.NO_TOKEN
    assert judged(read(Incoming(raw=b""), REPLIES), "", PASS) is Reason.NO_TOKEN
