"""Letters out: how connections are shared, kept, replaced and let go."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.core.errors import SendFailed
from tests.channels.email.transport.smtp.sending import ANA, LETTER, ME, failed, opened, until
from tests.fakes.email import Stage


async def test_greylisting_is_for_now_and_the_connection_goes_on() -> None:
    """A server that wants to be asked again is asked again, over the same connection."""
    async with opened() as (smtp, pool):
        smtp.greylist = 2
        assert (await failed(pool)).temporary
        assert (await failed(pool)).temporary
        await pool.send(ME, ANA, LETTER)
        assert (smtp.connections, len(smtp.mails)) == (1, 1)


async def test_one_refused_address_says_nothing_about_another() -> None:
    """The connection is used on, with nothing left of the letter before."""
    async with opened() as (smtp, pool):
        smtp.per_recipient["ben@people.test"] = "550 5.1.1 no such user"
        assert (await failed(pool, "ben@people.test")).unreachable
        await pool.send(ME, ANA, LETTER)
        assert (smtp.connections, smtp.mails[0].recipients) == (1, (ANA,))


async def test_two_hundred_letters_through_four_connections() -> None:
    """Connections are kept and shared, never more than four at once."""
    async with opened() as (smtp, pool):
        await asyncio.gather(*(pool.send(ME, f"p{n}@people.test", LETTER) for n in range(200)))
        assert len({mail.recipients for mail in smtp.mails}) == 200
        assert (smtp.connections, smtp.most_open) == (4, 4)


async def test_a_connection_carries_a_hundred_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers limit letters a connection, so ours ends before theirs does."""
    monkeypatch.setattr("channels.email.transport.smtp._LETTERS_EACH", 5)
    async with opened(most=1) as (smtp, pool):
        for _ in range(12):
            await pool.send(ME, ANA, LETTER)
        assert [mail.connection for mail in smtp.mails] == [1] * 5 + [2] * 5 + [3] * 2


async def test_an_idle_connection_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's connection is held for nothing."""
    monkeypatch.setattr("channels.email.transport.smtp._IDLE_FOR", 0.2)
    async with opened() as (smtp, pool):
        await asyncio.gather(*(pool.send(ME, ANA, LETTER) for _ in range(3)))
        assert len(smtp.open) == 3
        await until(lambda: not smtp.open)


@pytest.mark.parametrize("how", ["killed", "restarted", "goodbye"])
async def test_a_stale_connection_is_replaced_without_a_failure(how: str) -> None:
    """What ended while it lay idle says nothing about the next letter."""
    async with opened(most=2) as (smtp, pool):
        await asyncio.gather(pool.send(ME, ANA, LETTER), pool.send(ME, ANA, LETTER))
        if how == "goodbye":
            smtp.refuse(Stage.MAIL, "421 4.4.2 idle for too long", times=1)
        elif how == "restarted":
            await smtp.stop()
            await smtp.start()
        else:
            smtp.kill_connections()
        await pool.send(ME, ANA, LETTER)
        assert len(smtp.mails) == 3


async def test_a_stale_connection_is_replaced_once() -> None:
    """A server that cuts every connection is told of, not tried for ever."""
    async with opened(most=1) as (smtp, pool):
        await pool.send(ME, ANA, LETTER)
        smtp.cut(Stage.MAIL)
        assert (await failed(pool)).temporary
        assert smtp.connections == 2


async def test_a_connection_that_ends_after_data_is_not_tried_again() -> None:
    """The letter may have been taken: whoever owns its row repeats it, not the pool."""
    async with opened(most=1) as (smtp, pool):
        await pool.send(ME, ANA, LETTER)
        smtp.cut(Stage.CONTENT, times=1)
        assert (await failed(pool)).temporary
        assert (len(smtp.mails), smtp.connections) == (2, 1)


async def test_a_slow_letter_holds_up_only_its_own_connection() -> None:
    """The others go on beside it."""
    async with opened(most=2) as (smtp, pool):
        smtp.delay(Stage.CONTENT, 1.0, times=1)
        slow = asyncio.create_task(pool.send(ME, "slow@people.test", LETTER))
        await until(lambda: "DATA" in smtp.commands)
        began = time.monotonic()
        for _ in range(10):
            await pool.send(ME, ANA, LETTER)
        assert time.monotonic() - began < 0.8
        assert not slow.done()
        await slow


async def test_a_letter_that_is_given_up_leaves_no_connection_in_the_middle_of_it() -> None:
    """The next letter starts afresh."""
    async with opened(most=1) as (smtp, pool):
        smtp.delay(Stage.RCPT, 5.0, times=1)
        task = asyncio.create_task(pool.send(ME, "gone@people.test", LETTER))
        await until(lambda: any(line.startswith("RCPT") for line in smtp.commands))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await pool.send(ME, ANA, LETTER)
        assert [mail.recipients for mail in smtp.mails] == [(ANA,)]


async def test_p08_a_server_that_takes_its_time_gets_one_copy() -> None:
    """Exchange delivers first and answers after: whoever stopped waiting and asks again hears of the first."""
    async with opened(most=1) as (smtp, pool):
        smtp.delay(Stage.CONTENT, 0.6, times=1)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await pool.send(ME, ANA, LETTER, envelope_id="card.1")
        await pool.send(ME, ANA, LETTER, envelope_id="card.1")
        assert (len(smtp.mails), smtp.connections) == (1, 1)
        smtp.refuse(Stage.CONTENT, "450 4.2.0 later", times=1)
        with pytest.raises(SendFailed):
            await pool.send(ME, ANA, LETTER, envelope_id="card.2")
        await pool.send(ME, ANA, LETTER, envelope_id="card.2")


async def test_p08_what_nobody_waits_for_ends_with_the_pool() -> None:
    """A bot that stops is not kept by a slow server, and whoever still waits hears that it is for now."""
    async with opened() as (smtp, pool):
        smtp.delay(Stage.CONTENT, 30.0)
        task = asyncio.create_task(pool.send(ME, ANA, LETTER, envelope_id="card.1"))
        await until(lambda: "DATA" in smtp.commands)
        await pool.close()
        with pytest.raises(SendFailed) as caught:
            await task
        assert caught.value.temporary


async def test_a_fault_is_looked_at_again_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that came back is well again, also where no letter is due."""
    monkeypatch.setattr("channels.email.transport.smtp._LOOK_AGAIN", 0.05)
    async with opened() as (smtp, pool):
        await smtp.stop()
        assert "connect" in (await failed(pool)).detail
        assert await pool.fault() is not None
        await smtp.start()
        async with asyncio.timeout(5):
            while await pool.fault() is not None:
                await asyncio.sleep(0.05)


async def test_after_the_close_nothing_is_sent() -> None:
    """That is for now: after the next start it will be."""
    async with opened() as (smtp, pool):
        await pool.send(ME, ANA, LETTER)
        await pool.close()
        assert (await failed(pool)).temporary
        await until(lambda: not smtp.open)
