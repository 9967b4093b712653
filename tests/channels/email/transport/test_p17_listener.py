"""The listener is bounded: letters, connections and recipients, time idle, and how long it may take to stop."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.channels.email.transport.test_listener import HELLO, LETTER, SCHEMES, opened
from tests.fakes.email import Talk, lmtp_send


@SCHEMES
async def test_p17_an_enormous_letter_is_refused_and_each_recipient_hears(scheme: str) -> None:
    """Over 10 MiB: announced or not; and the connection can go on."""
    async with opened(scheme) as (listener, taken), Talk(listener.port) as talk:
        await talk.say(f"{HELLO[scheme]} x.test")
        assert (await talk.say("MAIL FROM:<a@b.test> SIZE=10485761")).startswith("552")
        await talk.envelope(HELLO[scheme], "a@b.test", ["a@b.test", "c@d.test"])
        line = b"x" * 998 + b"\r\n"
        for _ in range(11):
            await talk.send(line * 1000)
        await talk.send(b".\r\n")
        for _ in range(2 if scheme == "lmtp" else 1):
            assert (await talk.answer()).startswith("552")
        assert (await talk.say("NOOP")).startswith("250")
        assert taken.letters == []


@SCHEMES
async def test_t22_a_letter_of_millions_of_lines_takes_no_time(scheme: str) -> None:
    """Empty ones, within 10 MiB: refused for good, in well under the ten seconds that looking at each would take."""
    async with opened(scheme) as (listener, taken), Talk(listener.port) as talk:
        await talk.envelope(HELLO[scheme], "eve@evil.test", ["a@b.test"])
        before = time.process_time()
        await talk.send(LETTER + b"\r\n" * 4_900_000 + b".\r\n")
        assert (await talk.answer()).startswith("554")
        assert time.process_time() - before < 4
        assert (await talk.say("NOOP")).startswith("250")
        assert taken.letters == []
        await talk.envelope(HELLO[scheme], "ana@people.test", ["a@b.test"])
        await talk.send(LETTER + b".\r\n")
        assert (await talk.answer()).startswith("250")
        assert taken.letters[0][0].raw == LETTER


async def test_p17_connections_and_recipients_are_bounded() -> None:
    """The sixty-fifth connection hears to come later, and one that ends makes room."""
    async with opened("lmtp") as (listener, _):
        talks = [Talk(listener.port) for _ in range(65)]
        for talk in talks:
            await talk.__aenter__()
        assert [talk.greeting[:3] for talk in talks] == ["220"] * 64 + ["421"]
        for talk in talks:
            await talk.__aexit__(None, None, None)
        async with asyncio.timeout(3):
            while listener.sessions:
                await asyncio.sleep(0.01)
        async with Talk(listener.port) as talk:
            await talk.say("LHLO x.test")
            await talk.say("MAIL FROM:<a@b.test>")
            heard = [(await talk.say(f"RCPT TO:<a{n}@b.test>"))[:3] for n in range(101)]
            assert heard == ["250"] * 100 + ["452"]


async def test_p17_an_idle_connection_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody holds a place by saying nothing."""
    monkeypatch.setattr("channels.email.transport.listener._IDLE_FOR", 0.2)
    async with opened("lmtp") as (listener, _), Talk(listener.port) as talk:
        async with asyncio.timeout(2):
            assert await talk.answer() == ""
        assert not listener.sessions


async def test_p14_a_stop_lets_the_letter_in_hand_end() -> None:
    """And says no to none that was taken."""
    async with opened("lmtp") as (listener, taken):
        taken.slow = 0.2
        sending = asyncio.create_task(lmtp_send(listener.port, LETTER, "a@b.test", "c@d.test"))
        await asyncio.sleep(0.1)
        await listener.stop()
        assert len(taken.letters) == 1
        assert (await sending)[0].startswith("250")


async def test_p14_a_stop_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A letter that hangs is brought again after the next start."""
    monkeypatch.setattr("channels.email.transport.listener._STOP_WITHIN", 0.2)
    async with opened("lmtp") as (listener, taken):
        taken.slow = 30.0
        sending = asyncio.create_task(lmtp_send(listener.port, LETTER, "a@b.test", "c@d.test"))
        await asyncio.sleep(0.1)
        async with asyncio.timeout(1):
            await listener.stop()
        heard = (await asyncio.gather(sending, return_exceptions=True))[0]
        assert not (isinstance(heard, list) and heard[0].startswith("250"))
        assert taken.letters == []
