"""Any bytes at all are read, in time that grows with their length and no faster (T22); none of it raises."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.inbound.headers import split
from channels.email.inbound.judge import judged
from channels.email.inbound.text import new_text
from channels.email.inbound.trust import Trust, by_keys, by_results
from channels.email.inbound.values import Mail
from tests.channels.email.inbound.letters import ANA, OURS, REPLIES, TOKEN, letter, of

MIB = 1024 * 1024
PARTS = (
    "--b\r\nContent-Type: text/plain; charset=utf-8; format=flowed\r\n\r\napprove\r\n\r\nOn 1/1/26 x wrote:\r\n> y\r\n"
    "--b\r\nContent-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPHA+eDwvcD4=\r\n"
    "--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\nFinal-Recipient: rfc822; a@b.eu\r\n--b--"
)
WHOLE = letter(
    "Authentication-Results: mx.sayso.example; dmarc=pass (x) header.from=corp.example",
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=corp.example; s=s1;\r\n h=from:to; bh=AAAA; b=AAAA",
    "Content-Type: multipart/mixed; boundary=b",
    "Auto-Submitted: no",
    "Return-Path: <ana@corp.example>",
    body=PARTS,
)
PIECES = [
    b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b" ", b"\t", b"(", b")", b"<", b">", b'"', b"\\", b";", b":",
    b",", b"=", b"@", b"--b", b"--b--", b"=?utf-8?b?", b"?=", b"\xff", b"\xc3", "\u202e".encode(), "Ｆ".encode(),
    b"From: ", b"\r\nFrom: eve@x.example", b"\r\nContent-Type: text/html", b"multipart/mixed; boundary=b",
    b"<blockquote>", b"</div>", b"&#x110000;", b"charset=utf-16", b"approve\r\n", b"> ", b"-- \r\n", b"%",
    b"{token}", REPLIES.of(TOKEN).encode(), b"dmarc=pass", b"mx.sayso.example",
]  # fmt: skip


def everything(read: Mail) -> tuple[Trust, Trust, str]:
    """All that is ever asked of a letter."""
    trusts = by_results(read, "mx.sayso.example"), by_keys(read, lambda _: b"v=DKIM1; p=MAo=")
    judged(read, ANA, trusts[0])
    return (*trusts, new_text(read, OURS))


@given(raw=st.binary(max_size=600))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read(raw: bytes) -> None:
    """Nothing raises, and nothing that is no letter is anybody's."""
    read = of(raw)
    assert judged(read, ANA, Trust.PASS) is not None
    everything(read)


@given(
    cuts=st.lists(
        st.tuples(
            st.integers(0, len(WHOLE)), st.integers(0, 12), st.sampled_from(PIECES), st.sampled_from([1, 1, 1, 40])
        ),
        min_size=1,
        max_size=5,
    )
)
@settings(max_examples=400, deadline=None)
def test_a_letter_with_changes_in_any_place_is_read(cuts: list[tuple[int, int, bytes, int]]) -> None:
    """Nothing raises; whoever is named as the sender is named by the only From there is."""
    raw = WHOLE
    for at, away, piece, times in cuts:
        raw = raw[:at] + piece * times + raw[at + away :]
    read = of(raw)
    everything(read)
    assert (read.sender is None) == (read.sender_fault is not None)
    if read.fault is None:
        froms = [value for name, value in read.headers if name.lower() == "from"]
        assert read.sender is None or (len(froms) == 1 and read.sender.encode() in froms[0].lower())
        assert "\n" not in read.subject
        assert "\r" not in read.subject


@given(raw=st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join))
@settings(max_examples=300, deadline=None)
def test_the_header_block_is_never_read_two_ways(raw: bytes) -> None:
    """A block that passes, put together again from its fields, is byte for byte what it was."""
    block = split(raw)
    if not block.malformed and block.headers:
        again = b"".join(name.encode() + b":" + value + b"\r\n" for name, value in block.headers)
        end = raw[: block.body_at]
        assert end.replace(b"\r\n", b"\n").rstrip(b"\n") == again.replace(b"\r\n", b"\n").rstrip(b"\n")


REPEATED = [
    "(", "<", ";", " ", "\t", ">", "=", '"', "\\", "@", ",", "-", "_", "a", "<a ", "<!--", "</", "&#", "<div>",
    '<a b="', "<p hidden ", "<style>", "\r\n", "> ", "a:\r\n", "--b\r\n", "On 1/1/26:\r\n", "=?a?q?", "\u200b",
    "(a", '"a', "<a@b", "&#9", "Message-ID: <", "-- ",
]  # fmt: skip
KINDS = [
    "text/plain",
    "text/html",
    "text/plain; format=flowed",
    "multipart/report; boundary=b",
    "message/delivery-status",
]


def time_of(raw: bytes) -> float:
    """Seconds of this process's own time, so that a busy machine changes nothing: the better of two runs."""
    times = []
    for _ in range(2):
        before = time.process_time()
        everything(of(raw))
        times.append(time.process_time() - before)
    return min(times)


@pytest.mark.parametrize("piece", REPEATED)
def test_t22_a_mebibyte_of_anything_takes_no_time(piece: str) -> None:
    """In a header, and in a body of each kind: about 100 ms, and quadratic time would be minutes."""
    much = (piece * (MIB // len(piece)))[:MIB]
    for name in ("From", "To", "Subject", "Authentication-Results", "DKIM-Signature", "Content-Type", "References"):
        folded = much[:200_000].replace("\r\n", "\r\n ")
        assert time_of(letter(f"{name}: {folded}")) < 1, name
    for kind in KINDS:
        assert time_of(letter(f"Content-Type: {kind}", "Return-Path: <>", body=much)) < 1, kind


def test_t22_many_fields_and_many_levels() -> None:
    """A hundred thousand fields; parts in parts, five thousand deep, and five thousand beside each other."""
    nested = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\r\n\r\n--b{n}\r\n" for n in range(5_000))
    beside = "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + "--b\r\n\r\napprove\r\n" * 5_000
    for raw in (
        b"X: y\r\n" * 100_000 + letter(),
        letter().partition(b"\r\n\r\n")[0] + b"\r\n" + nested.encode(),
        letter().partition(b"\r\n\r\n")[0] + b"\r\n" + beside.encode(),
    ):
        assert time_of(raw) < 1


@pytest.mark.parametrize("quotes", ['""', "''", '">"', "\"'\"'\"'"])
def test_t22_a_tag_of_nothing_but_quotes_takes_no_time(quotes: str) -> None:
    """Each quote is passed once: a quarter of a mebibyte of them in one tag, and such a tag in every alternative."""
    part = "--b\r\nContent-Type: text/html\r\n\r\n<a " + quotes * (250_000 // len(quotes)) + ">\r\n"
    assert time_of(letter("Content-Type: multipart/alternative; boundary=b", body=part * 8)) < 2


def test_two_hundred_replies_a_second_are_read() -> None:
    """As the corpus has them, from bytes to the command's text: five milliseconds each would be too slow."""
    folder = Path(__file__).parents[3] / "data" / "mail" / "honest"
    letters = [path.read_bytes() for path in sorted(folder.glob("*.eml"))[:200]]
    assert len(letters) == 200
    before = time.process_time()
    for raw in letters:
        everything(of(raw))
    assert time.process_time() - before < 1
