"""Reading a mailbox from servers that are cut, slow, gone or lying, while the store is there or not."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.errors import Overloaded, SaysoError, Unavailable
from channels.email.transport.imap_connection import ImapConnection
from tests.channels.email.transport.imap.mailboxes import House, letter, reading, server_at, told, until, until_well
from tests.fakes.email import ImapServer, Proxy
from tests.fakes.email.dovecot_process import PASSWORD


async def test_p08_connections_that_are_cut_lose_and_repeat_nothing(imap: ImapServer) -> None:
    """Thirty letters while the connection is cut again and again."""
    house = House()
    async with reading(imap, house) as mailbox:
        await until_well(mailbox)
        for number in range(30):
            await imap.append(letter(f"n{number}"))
            if number % 6 == 5:
                imap.kill_connections()
        await until(lambda: len(house.names) == 30, 15.0)
        await until_well(mailbox)
    assert house.names == [f"n{number}" for number in range(30)]
    assert [cursor.uid for cursor in house.moves] == sorted(cursor.uid for cursor in house.moves)


@pytest.mark.parametrize("after", [10, 200, 700, 1200, 3000, 20_000])
async def test_p08_a_cut_at_any_point_of_what_the_server_says(pymap: ImapServer, after: int) -> None:
    """In the greeting, the sign-in, the search or in the middle of a letter: the next connection goes on."""
    house = House()
    for name in ("one", "two"):
        await pymap.append(letter(name, 40_000))
    pymap.proxy.cut_after = after
    async with reading(pymap, house) as mailbox:
        await until(lambda: house.names == ["one", "two"], 8.0)
        await until_well(mailbox)
    assert house.raw == [letter(name, 40_000) for name in ("one", "two")]


async def test_a_farewell_that_fails_is_said_without_the_servers_words(
    pymap: ImapServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A line cut as the connection is left: by its kind, without the password, and every socket is let go."""
    caplog.set_level("INFO")
    connection = ImapConnection(server_at(pymap))
    await asyncio.to_thread(connection.open)
    line = connection._line  # noqa: SLF001  # there is no other way to see that it is closed
    pymap.kill_connections()
    await asyncio.to_thread(connection.close)
    assert line is not None
    assert line.fileno() == -1
    (said,) = [record.getMessage() for record in caplog.records if "farewell" in record.getMessage()]
    assert said.startswith("imap")
    assert PASSWORD not in said


@pytest.mark.parametrize("refusal", [Unavailable, Overloaded])
async def test_p10_while_the_store_is_unavailable_the_same_letter_waits(
    imap: ImapServer, refusal: type[SaysoError]
) -> None:
    """It is tried until it is kept; nothing is passed over, and the fault says what is waited for."""
    house = House()
    house.broken["one"] = [refusal() for _ in range(6)]
    await imap.append(letter("one"))
    await imap.append(letter("two"))
    async with reading(imap, house) as mailbox:
        await told(mailbox, "the store cannot be written")
        await until(lambda: house.names == ["one", "two"])
        await until_well(mailbox)
    assert house.tried == ["one"] * 7 + ["two"]


async def test_p10_a_cursor_that_cannot_be_kept_repeats_no_letter(pymap: ImapServer) -> None:
    """The letter is taken; only the note of it waits."""
    house = House()
    async with reading(pymap, house) as mailbox:
        await until_well(mailbox)
        await until(lambda: house.kept is not None)
        house.store_down = True
        await pymap.append(letter("one"))
        await told(mailbox, "the store cannot be written")
        before = len(house.moves)
        house.store_down = False
        await until(lambda: len(house.moves) > before)
    assert house.tried == ["one"]


async def test_a_bad_letter_is_passed_over_after_three_tries(
    imap: ImapServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The mailbox is never left to one letter; the log names it and holds nothing of its text."""
    house = House()
    house.broken["bad"] = [ValueError("canary-4711") for _ in range(9)]
    for name in ("bad", "good"):
        await imap.append(letter(name))
    async with reading(imap, house):
        await until(lambda: house.names == ["good"])
    assert house.tried == ["bad"] * 3 + ["good"]
    assert "ValueError" in caplog.text
    assert "canary" not in caplog.text


@pytest.mark.parametrize("way", ["refused", "cut"])
async def test_a_letter_that_the_server_does_not_give_is_passed_over(
    pymap: ImapServer, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """A damaged one, refused for too long or ending the connection each time, stops nothing behind it."""
    house = House()
    monkeypatch.setattr("channels.email.transport.imap_reading._CUTS", 4)
    monkeypatch.setattr("channels.email.transport.imap_owed._FOR", 0.0)
    for name in ("damaged", "good"):
        await pymap.append(letter(name))
    pymap.proxy.refused = b"* 1 FETCH ("
    if way == "cut":
        pymap.proxy.replaced = {b"* 1 FETCH (": Proxy.CUT}
    async with reading(pymap, house) as mailbox:
        if way == "refused":
            await told(mailbox, "cannot be fetched")
            await until(lambda: house.moves)
            pymap.proxy.refused = b""
        else:
            await told(mailbox, "abort")
        await until(lambda: house.names == ["good"], 8.0)


async def test_p10_a_letter_that_is_not_given_for_now_is_asked_for_again(
    pymap: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Yahoo says "try again later" for a minute: what lies behind it is read, once, and the cursor waits before it."""
    house = House()
    monkeypatch.setattr("channels.email.transport.imap_reading.AGAIN", 0.2)
    for name in ("late", "good"):
        await pymap.append(letter(name))
    pymap.proxy.refused = b"* 1 FETCH ("
    async with reading(pymap, house) as mailbox:
        await until(lambda: house.names == ["good"], 15.0)
        await until(lambda: house.moves)
        kept = house.moves[-1]
        pymap.kill_connections()
        await until_well(mailbox, 15.0)
        pymap.proxy.refused = b""
        await until(lambda: house.names == ["good", "late"], 15.0)
        await until(lambda: house.moves[-1].uid == kept.uid + 2)
    assert house.tried == ["good", "late"]


async def test_a_start_knows_how_its_first_attempt_went(imap: ImapServer) -> None:
    """`sayso up` says it in its first lines, and does not say that it is still connecting where it is not."""
    async with reading(imap, House()) as mailbox:
        assert await mailbox.fault() is None
    await imap.stop()
    async with reading(imap, House()) as mailbox:
        assert "ConnectionRefused" in str(await mailbox.fault())


async def test_a_server_that_is_down_at_the_start_is_read_once_it_is_up(imap: ImapServer) -> None:
    """The program starts all the same, and says what it waits for."""
    house = House()
    await imap.append(letter("one"))
    await imap.stop()
    async with reading(imap, house) as mailbox:
        await told(mailbox, "ConnectionRefused")
        await imap.start()
        await until(lambda: house.names == ["one"])
        await until_well(mailbox)
        await imap.stop()
        await told(mailbox, "@127.0.0.1")
        await imap.start()
        await imap.append(letter("two"))
        await until(lambda: house.names == ["one", "two"])


@pytest.mark.parametrize("lie", [b"[READ-ONLY]", b"[READ-WRITE] [UIDNEXT 1]"])
async def test_a_folder_that_cannot_be_marked_is_read_all_the_same(pymap: ImapServer, lie: bytes) -> None:
    """Read-only, or refusing the mark each time: nothing hangs on it, and no letter is read twice for it."""
    house = House()
    pymap.proxy.replaced = {b"[READ-WRITE]": lie, b"OK UID STORE": b"BAD UID STORE"}
    for name in ("one", "two"):
        await pymap.append(letter(name))
    async with reading(pymap, house):
        await until(lambda: house.names == ["one", "two"])
        await asyncio.sleep(0.2)
        assert pymap.proxy.connections == 1
    assert (b"EXAMINE" in pymap.proxy.heard) == (lie == b"[READ-ONLY]")
    assert b"STORE" in pymap.proxy.heard
    assert house.tried == ["one", "two"]


async def test_a_server_that_names_no_next_number(pymap: ImapServer) -> None:
    """UIDNEXT is a courtesy: without it too, what is old stays unread and what comes is read."""
    house = House()
    pymap.proxy.replaced = {b"UIDNEXT": b"UIDLATER"}
    await pymap.append(letter("ancient"), datetime.now(UTC) - timedelta(days=40))
    async with reading(pymap, house) as mailbox:
        await until_well(mailbox)
        await pymap.append(letter("new"))
        await until(lambda: house.names)
    assert house.names == ["new"]


async def test_a_server_that_says_goodbye_is_come_back_to(pymap: ImapServer) -> None:
    """BYE while idling, with the connection left open behind it."""
    house = House()
    async with reading(pymap, house) as mailbox:
        await until_well(mailbox)
        await until(lambda: b"IDLE" in pymap.proxy.heard)
        pymap.proxy.say(b"* BYE going down for a moment\r\n")
        await until(lambda: pymap.proxy.connections == 2)
        await pymap.append(letter("one"))
        await until(lambda: house.names == ["one"])


@pytest.mark.parametrize(
    "lies",
    [
        {b"UIDVALIDITY": b"UIDVALUE"},
        {b"* SEARCH": b"* SEARCH x y"},
        {b"* OK": b"\x00\xff\r\n"},
        {b"FETCH (": b"FETCH ))(("},
        {b"{": b"{9"},
        {b"OK SELECT": b"\r\n\r\n"},
    ],
    ids=lambda lies: repr(next(iter(lies.values()))),
)
async def test_a_server_that_lies_is_survived(
    pymap: ImapServer, lies: dict[bytes, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it says is a fault in a line; once it speaks plainly again, everything is read, once."""
    monkeypatch.setattr("channels.email.transport.imap_client.ANSWER_WITHIN", 0.5)
    house = House()
    await pymap.append(letter("one"))
    pymap.proxy.replaced = lies
    async with reading(pymap, house) as mailbox:
        await asyncio.sleep(0.4)
        assert "\n" not in (await mailbox.fault() or "")
        pymap.proxy.replaced = {}
        await until(lambda: house.names == ["one"], 10.0)
        await until_well(mailbox)
    assert house.tried == ["one"]


async def test_a_slow_server_is_read_slowly(pymap: ImapServer) -> None:
    """A tenth of a second before everything it says."""
    house = House()
    await pymap.append(letter("one"))
    pymap.proxy.pace = 0.1
    async with reading(pymap, house):
        await until(lambda: house.names == ["one"], 8.0)


async def test_a_server_that_hangs_is_given_up(pymap: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half-open connections do not hold the mailbox; another one takes over."""
    monkeypatch.setattr("channels.email.transport.imap_client.ANSWER_WITHIN", 0.4)
    monkeypatch.setattr("channels.email.transport.imap_reading._IDLE_FOR", 0.3)
    house = House()
    async with reading(pymap, house) as mailbox:
        await until_well(mailbox)
        pymap.proxy.stalled = True
        await told(mailbox, "no answer in time")
        pymap.proxy.stalled = False
        await pymap.append(letter("one"))
        await until(lambda: house.names == ["one"])


async def test_a_server_that_trickles_is_given_up(pymap: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each word comes in time and the whole never does."""
    monkeypatch.setattr("channels.email.transport.imap._BUSY_FOR", 0.6)
    monkeypatch.setattr("channels.email.transport.imap._WATCH_EVERY", 0.1)
    house = House()
    pymap.proxy.stalled = True
    async with reading(pymap, house):
        for _ in range(60):
            pymap.proxy.say(b"* OK still here\r\n")
            await asyncio.sleep(0.05)
            if pymap.proxy.connections > 1:
                break
        assert pymap.proxy.connections > 1
        pymap.proxy.stalled = False
        await pymap.append(letter("one"))
        await until(lambda: house.names == ["one"], 8.0)
