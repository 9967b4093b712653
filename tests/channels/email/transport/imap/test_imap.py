"""Reading a mailbox, on dovecot and on pymap: everything, once, and soon."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from channels.email.transport.imap import Mailbox, mailbox_name
from tests.channels.email.transport.imap.mailboxes import House, letter, reading, server_at, until, until_well
from tests.fakes.email import ImapServer, pymap_server


async def test_letters_that_wait_and_letters_that_come(imap: ImapServer) -> None:
    """What stands there is read in order, and what comes is heard of within two seconds; each is marked as seen."""
    house = House()
    for name in ("one", "two"):
        await imap.append(letter(name))
    async with reading(imap, house) as mailbox:
        await until(lambda: house.names == ["one", "two"])
        await until_well(mailbox)
        for name in ("three", "four"):
            began = time.monotonic()
            await imap.append(letter(name))
            await until(lambda name=name: name in house.names)  # type: ignore[misc]
            assert time.monotonic() - began < 2.0
        assert house.raw[2] == letter("three")
        assert house.letters[0] == ("one", len(letter("one")))
        async with asyncio.timeout(5):
            while len(await imap.seen()) < 4:
                await asyncio.sleep(0.05)
    assert house.names == ["one", "two", "three", "four"]
    assert house.kept is not None
    assert (
        house.kept.mailbox == mailbox_name(server_at(imap)) == f"imap://{imap.user}@127.0.0.1:{imap.proxy.port}/Answers"
    )


async def test_letters_that_come_while_idling_begins_are_not_overlooked(imap: ImapServer) -> None:
    """The notice may come in one piece with the server's yes to IDLE; twenty letters in a row find that moment."""
    house = House()
    async with reading(imap, house) as mailbox:
        await until_well(mailbox)
        for number in range(20):
            await imap.append(letter(f"n{number}"))
            await asyncio.sleep(0.007 * (number % 4))
        await until(lambda: len(house.names) == 20, 3.0)
    assert house.names == [f"n{number}" for number in range(20)]


async def test_a_server_without_idle_is_asked() -> None:
    """Every so often, by NOOP."""
    house = House()
    async with pymap_server(idle=False) as imap, reading(imap, house) as mailbox:
        await until_well(mailbox)
        await imap.append(letter("one"))
        await until(lambda: house.names == ["one"])
        await until(lambda: imap.proxy.heard.count(b"NOOP") > 2)
        assert b"IDLE" not in imap.proxy.heard


async def test_idling_is_begun_anew(pymap: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A notice that got lost costs one round, and a network that forgot us is noticed."""
    monkeypatch.setattr("channels.email.transport.imap_reading._IDLE_FOR", 0.2)
    house = House()
    async with reading(pymap, house) as mailbox:
        await until_well(mailbox)
        await until(lambda: pymap.proxy.heard.count(b"IDLE") >= 3)
        await pymap.append(letter("one"))
        await until(lambda: house.names == ["one"])
        assert pymap.proxy.connections == 1


async def test_after_a_restart_nothing_is_read_twice(imap: ImapServer) -> None:
    """The cursor says where to go on, and what came meanwhile is read."""
    house = House()
    await imap.append(letter("one"))
    async with reading(imap, house):
        await until(lambda: house.moves)
    await imap.append(letter("two"))
    async with reading(imap, house):
        await until(lambda: "two" in house.names)
    async with reading(imap, house) as mailbox:
        await until_well(mailbox)
    assert house.tried == ["one", "two"]


async def test_without_a_cursor_the_last_two_days_are_read(imap: ImapServer) -> None:
    """A mailbox may be old and full; and the cursor stands at its end at once."""
    house = House()
    now = datetime.now(UTC)
    for name, days in (("ancient", 40), ("old", 4), ("yesterday", 1), ("now", 0)):
        await imap.append(letter(name), now - timedelta(days=days))
    async with reading(imap, house) as mailbox:
        await until_well(mailbox)
        await until(lambda: house.names == ["yesterday", "now"])
    async with pymap_server() as empty:
        nobody = House()
        await empty.append(letter("ancient"), now - timedelta(days=40))
        async with reading(empty, nobody):
            await until(lambda: nobody.kept is not None)
        assert nobody.names == []


async def test_after_a_change_of_uidvalidity_a_month_is_read_again(imap: ImapServer) -> None:
    """Numbers mean nothing any more; receipts upstream know what was read before."""
    house = House()
    now = datetime.now(UTC)
    for name, days in (("ancient", 40), ("older", 20), ("now", 0)):
        await imap.append(letter(name), now - timedelta(days=days))
    async with reading(imap, house):
        await until(lambda: house.names == ["now"])
        await until(lambda: house.kept is not None)
    before = house.kept
    await imap.reset_uidvalidity()
    async with reading(imap, house) as mailbox:
        await until(lambda: house.names == ["now", "older", "now"])
        await until_well(mailbox)
        await imap.append(letter("new"))
        await until(lambda: house.names[-1] == "new")
    assert before is not None
    assert house.kept is not None
    assert house.kept.validity != before.validity


async def test_an_enormous_letter_is_taken_by_its_start(imap: ImapServer) -> None:
    """Over 10 MiB: the true size, the headers and what follows them, and no more than 128 KiB of it."""
    house = House()
    large = letter("large", 11 * 1024 * 1024)
    await imap.append(large)
    await imap.append(letter("small"))
    async with reading(imap, house):
        await until(lambda: house.names == ["large", "small"], 15.0)
    assert house.letters[0][1] == len(large) > 10 * 1024 * 1024
    assert large.startswith(house.raw[0])
    assert 64 * 1024 < len(house.raw[0]) <= 129 * 1024


async def test_letters_that_are_gone_are_passed_over(imap: ImapServer) -> None:
    """Somebody tidies the mailbox while it is read."""
    house = House()
    async with reading(imap, house) as mailbox:
        await until_well(mailbox)
        for name in ("one", "two"):
            await imap.append(letter(name))
        await until(lambda: len(house.names) == 2)
        await imap.expunge()
        await imap.append(letter("three"))
        await until(lambda: house.names == ["one", "two", "three"])


async def test_of_two_who_share_a_mailbox_one_reads_it(imap: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever's turn it is; as the turn goes to the other it goes on from there, and the first is out of the way."""
    monkeypatch.setattr("channels.email.transport.imap._ASKED_EVERY", 0.05)
    houses = House(), House()
    turn = 0

    async def his(number: int) -> bool:
        return turn == number

    boxes = [
        Mailbox(server_at(imap), take=house.take, cursor=houses[0].cursor, moved=houses[0].moved, mine=partial(his, n))
        for n, house in enumerate(houses)
    ]
    for box in boxes:
        await box.start()
    await imap.append(letter("one"))
    await until(lambda: houses[0].names == ["one"])
    assert [await box.fault() for box in boxes] == [None, None]
    turn = 1
    await asyncio.sleep(0.5)
    await imap.append(letter("two"))
    await until(lambda: houses[1].names == ["two"])
    assert houses[0].names == ["one"]
    for box in boxes:
        await box.stop()
