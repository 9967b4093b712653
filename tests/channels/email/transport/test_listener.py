"""The listener behind one's own mail server: what it says when, and to whom it says nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.core.errors import Unavailable
from bot.core.servers import MAIL_LISTEN, server_of
from channels.email.inbound.values import Incoming
from channels.email.transport.listener import Listener
from tests.fakes.email import Talk, lmtp_send, smtp_send

LETTER = b"From: ana@people.test\r\nTo: a+key@bot.test\r\nSubject: Re: Approve?\r\n\r\napprove\r\n"


HELLO = {"lmtp": "LHLO", "smtp": "EHLO"}


SCHEMES = pytest.mark.parametrize("scheme", ["lmtp", "smtp"])


class Taken:
    """What took letters; ``broken`` is raised once so often, ``slow`` seconds pass before."""

    def __init__(self) -> None:
        self.letters: list[tuple[Incoming, int]] = []
        self.broken: list[Exception] = []
        self.slow = 0.0
        self.began = 0

    async def take(self, letter: Incoming, size: int) -> None:
        """Take a letter."""
        self.began += 1
        await asyncio.sleep(self.slow)
        if self.broken:
            raise self.broken.pop()
        self.letters.append((letter, size))


async def delivered(scheme: str, port: int, recipients: list[str]) -> list[str]:
    """The answers to a letter."""
    if scheme == "lmtp":
        return await lmtp_send(port, LETTER, "ana@people.test", recipients)
    return [await smtp_send(port, LETTER, "ana@people.test", recipients)]


@asynccontextmanager
async def opened(scheme: str) -> AsyncIterator[tuple[Listener, Taken]]:
    """A listener on a free port."""
    taken = Taken()
    server = server_of(f"{scheme}://127.0.0.1:1", MAIL_LISTEN)
    listener = Listener(type(server)(scheme=scheme, host=server.host, port=0), take=taken.take)
    await listener.start()
    try:
        yield listener, taken
    finally:
        await listener.stop()


async def test_lmtp_answers_for_each_recipient_and_takes_once() -> None:
    """RFC 2033: one answer a recipient; but it is one letter, with all of them."""
    async with opened("lmtp") as (listener, taken):
        heard = await lmtp_send(listener.port, LETTER, "ana@people.test", ["a+1@bot.test", "a+2@bot.test", "b@x.test"])
        assert [line[:3] for line in heard] == ["250"] * 3
        expected = Incoming(
            raw=LETTER, recipients=("a+1@bot.test", "a+2@bot.test", "b@x.test"), sender="ana@people.test"
        )
        assert taken.letters == [(expected, len(LETTER))]


async def test_smtp_answers_once() -> None:
    """The same letter by SMTP."""
    async with opened("smtp") as (listener, taken):
        heard = await smtp_send(listener.port, LETTER, "ana@people.test", ["a+1@bot.test", "a+2@bot.test"])
        assert heard.startswith("250")
        assert taken.letters[0][0].recipients == ("a+1@bot.test", "a+2@bot.test")


@SCHEMES
async def test_a_bounce_has_an_empty_sender(scheme: str) -> None:
    """The null return path is taken, and told apart from a sender that is not known."""
    async with opened(scheme) as (listener, taken):
        send = lmtp_send if scheme == "lmtp" else smtp_send
        await send(listener.port, LETTER, "", "a+1@bot.test")
        assert taken.letters[0][0].sender == ""


async def test_several_letters_over_one_connection() -> None:
    """Nothing of one letter's envelope is left for the next."""
    async with opened("lmtp") as (listener, taken), Talk(listener.port) as talk:
        for number in range(3):
            await talk.envelope("LHLO", "ana@people.test", [f"a+{number}@bot.test"])
            await talk.send(LETTER + b".\r\n")
            assert (await talk.answer()).startswith("250")
        assert [letter.recipients for letter, _ in taken.letters] == [(f"a+{n}@bot.test",) for n in range(3)]


@SCHEMES
async def test_p08_what_cannot_be_kept_is_brought_again(scheme: str) -> None:
    """451 while the store is unavailable, and for whatever else goes wrong here; the mail server tries again."""
    async with opened(scheme) as (listener, taken):
        taken.broken = [RuntimeError("canary-4711"), Unavailable()]
        for _ in range(2):
            heard = await delivered(scheme, listener.port, ["a@b.test", "c@d.test"])
            assert {line[:3] for line in heard} == {"451"}
            assert not any("canary" in line for line in heard)
        assert taken.letters == []
        await delivered(scheme, listener.port, ["a@b.test"])
        assert len(taken.letters) == 1


async def test_yes_is_said_only_after_the_letter_was_taken() -> None:
    """The mail server may forget it from then on."""
    async with opened("lmtp") as (listener, taken):
        taken.slow = 0.3
        sending = asyncio.create_task(lmtp_send(listener.port, LETTER, "ana@people.test", "a@b.test"))
        await asyncio.sleep(0.15)
        assert (taken.began, sending.done()) == (1, False)
        assert (await sending)[0].startswith("250")
        assert len(taken.letters) == 1


async def test_a_letter_whose_sender_hangs_up_is_taken_to_its_end() -> None:
    """What has begun is not cut off in the middle; when the letter comes again its receipt is there."""
    async with opened("lmtp") as (listener, taken):
        taken.slow = 0.2
        async with Talk(listener.port) as talk:
            await talk.envelope("LHLO", "ana@people.test", ["a@b.test"])
            await talk.send(LETTER + b".\r\n")
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.3)
        assert len(taken.letters) == 1


SMUGGLED = [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n\n.\r\n", b"\r\n\x00.\r\n\n"]


@SCHEMES
@pytest.mark.parametrize("end", SMUGGLED, ids=repr)
async def test_t18_no_second_letter_is_smuggled_in(scheme: str, end: bytes) -> None:
    """An end of a letter that only some servers see ends nothing here, and such a letter is refused whole."""
    inner = b"MAIL FROM:<ana@people.test>\r\nRCPT TO:<a+key@bot.test>\r\nDATA\r\n" + LETTER
    async with opened(scheme) as (listener, taken), Talk(listener.port) as talk:
        await talk.envelope(HELLO[scheme], "eve@evil.test", ["x@bot.test"])
        await talk.send(LETTER.rstrip(b"\r\n") + end + inner + b"\r\n.\r\n")
        assert (await talk.answer()).startswith("554")
        assert taken.letters == []
        assert (await talk.say("NOOP")).startswith("250")


async def test_a_line_of_one_dot_is_part_of_the_letter() -> None:
    """Dots are stuffed on the way and unstuffed here."""
    async with opened("smtp") as (listener, taken):
        raw = LETTER + b".\r\n..\r\n.x\r\n"
        assert (await smtp_send(listener.port, raw, "ana@people.test", "a@b.test")).startswith("250")
        assert taken.letters[0][0].raw == raw


async def test_a_long_line_is_somebodys_letter_all_the_same() -> None:
    """Longer than RFC 5322 allows, as bad clients write."""
    async with opened("lmtp") as (listener, taken):
        raw = LETTER + b"x" * 20_000 + b"\r\n"
        assert (await lmtp_send(listener.port, raw, "ana@people.test", "a@b.test"))[0].startswith("250")
        assert taken.letters[0][1] == len(raw)


@pytest.mark.parametrize("cut", range(12))
async def test_t18_the_end_of_a_letter_that_was_passed_over_is_its_own(
    cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it falls into pieces, nothing of a letter with too many lines is heard as a command, and none is lost."""
    monkeypatch.setattr("channels.email.transport.listener._MOST_LINES", 3)
    raw = LETTER + b"..\r\n" * 4 + b"NOOP\r\n..\r\nQUIT\r\n\r\n.\r\n"
    async with opened("smtp") as (listener, taken), Talk(listener.port) as talk:
        await talk.envelope("EHLO", "eve@evil.test", ["a@b.test"])
        first, last = len(LETTER) + cut, len(raw) - cut
        for piece in (raw[:first], raw[first:last], raw[last:]):
            await talk.send(piece)
            await asyncio.sleep(0.02)
        assert (await talk.answer()).startswith("554")
        assert (await talk.say("VRFY x@b.test")).startswith("502")
        assert taken.letters == []


async def test_nothing_useful_is_told_to_strangers() -> None:
    """No addresses, no sign-in, no version; and nothing of it is offered either."""
    async with opened("smtp") as (listener, _), Talk(listener.port) as talk:
        hello = await talk.say("EHLO x.test")
        assert "AUTH" not in hello
        assert "aiosmtpd" not in talk.greeting + hello
        assert "Python" not in talk.greeting + hello
        assert (await talk.say("VRFY ana@people.test")).startswith("502")
        assert (await talk.say("EXPN staff")).startswith("502")
        assert (await talk.say("AUTH PLAIN AGEAYg==")).startswith("502")


async def test_lmtp_is_greeted_with_lhlo_alone() -> None:
    """A mail server that is set up for SMTP is told so, instead of waiting for answers that do not come."""
    async with opened("lmtp") as (listener, _), Talk(listener.port) as talk:
        assert (await talk.say("EHLO x.test")).startswith("500")
        assert (await talk.say("HELO x.test")).startswith("500")
        assert (await talk.say("LHLO x.test")).startswith("250")


async def test_a_port_that_is_taken_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program starts all the same."""
    monkeypatch.setattr("channels.email.transport.listener._AGAIN_AFTER", 0.1)
    async with opened("lmtp") as (first, taken):
        server = server_of(f"lmtp://127.0.0.1:{first.port}", MAIL_LISTEN)
        second = Listener(server, take=taken.take)
        assert "not started" in (await second.fault() or "")
        await second.start()
        fault = await second.fault() or ""
        assert "in use" in fault
        assert f"lmtp://127.0.0.1:{first.port}" in fault
        await first.stop()
        async with asyncio.timeout(3):
            while await second.fault() is not None:
                await asyncio.sleep(0.02)
        assert (await lmtp_send(second.port, LETTER, "a@b.test", "c@d.test"))[0].startswith("250")
        await second.stop()


async def test_t23_reply_addresses_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """They are secrets, and the library prints every line that is said."""
    caplog.set_level(logging.DEBUG)
    async with opened("lmtp") as (listener, taken):
        taken.broken = [RuntimeError("canary-4711")]
        await lmtp_send(listener.port, LETTER, "a@b.test", "a+canary-0815@bot.test")
    said = [record.getMessage() + str(record.exc_info or "") for record in caplog.records]
    assert not [line for line in said if "canary" in line]
    assert [line for line in said if "RuntimeError" in line]
