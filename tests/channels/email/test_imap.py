"""Reading a mailbox: on dovecot and on pymap, through a proxy that cuts, stalls and lies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.errors import Unavailable
from bot.core.ports import Cursor
from bot.core.servers import MAIL_IN, Server, Tls, server_of
from channels.email.imap import ImapFailed, Mailbox, find, mailbox_name, newest, try_out
from tests.fakes.email import ImapServer, Proxy, dovecot, new_certificate, pymap_server

SERVERS = {"dovecot": dovecot, "pymap": pymap_server}


def letter(name: str, size: int = 0) -> bytes:
    """A letter with this Message-ID."""
    head = f"From: ana@people.test\r\nTo: a+key@bot.test\r\nMessage-ID: <{name}@people.test>\r\nSubject: Re\r\n\r\n"
    return head.encode() + b"approve\r\n" + b"filler filler filler filler\r\n" * (size // 29)


class House:
    """What takes letters and keeps the cursor. ``broken``: what to raise for a name, once each time it is listed."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, int]] = []
        self.raw: list[bytes] = []
        self.tried: list[str] = []
        self.kept: Cursor | None = None
        self.moves: list[Cursor] = []
        self.broken: dict[str, list[Exception]] = {}
        self.store_down = False
        self.hang = False

    async def take(self, raw: bytes, size: int) -> None:
        """Take a letter."""
        name = raw.partition(b"Message-ID: <")[2].partition(b"@")[0].decode()
        self.tried.append(name)
        if self.hang:
            await asyncio.Event().wait()
        if self.broken.get(name):
            raise self.broken[name].pop()
        self.letters.append((name, size))
        self.raw.append(raw)

    async def cursor(self) -> Cursor | None:
        """How far it was read."""
        if self.store_down:
            raise Unavailable
        return self.kept

    async def moved(self, cursor: Cursor) -> None:
        """It was read so far."""
        if self.store_down:
            raise Unavailable
        self.kept = cursor
        self.moves.append(cursor)

    @property
    def names(self) -> list[str]:
        """The letters that were taken."""
        return [name for name, _ in self.letters]


@pytest.fixture(params=list(SERVERS))
async def imap(request: pytest.FixtureRequest) -> AsyncIterator[ImapServer]:
    """A mailbox on each server."""
    async with SERVERS[request.param]() as found:
        yield found


@pytest.fixture
async def pymap() -> AsyncIterator[ImapServer]:
    """A mailbox, where it is the proxy that matters."""
    async with pymap_server() as found:
        yield found


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a minute in the world waits for a moment here."""
    for name, seconds in {
        "_AGAIN_FROM": 0.1, "_AGAIN_MOST": 0.5, "_SETTLED_AGAIN": 0.5, "_TRIES_AFTER": 0.02,
        "_STORE_AGAIN_FROM": 0.05, "_STORE_AGAIN_MOST": 0.1, "POLL_EVERY": 0.2,
    }.items():  # fmt: skip
        monkeypatch.setattr(f"channels.email.imap_reading.{name}", seconds)


def server_at(imap: ImapServer, **changes: Any) -> Server:
    """The server as it would be configured."""
    return replace(server_of(imap.url, MAIL_IN), **changes)


@asynccontextmanager
async def reading(imap: ImapServer, house: House, **changes: Any) -> AsyncIterator[Mailbox]:
    """A mailbox that is read."""
    mailbox = Mailbox(server_at(imap, **changes), take=house.take, cursor=house.cursor, moved=house.moved)
    await mailbox.start()
    try:
        yield mailbox
    finally:
        began = time.monotonic()
        await mailbox.stop()
        assert time.monotonic() - began < 2.0


async def until(true: Callable[[], object], within: float = 5.0) -> None:
    """Wait for something."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.01)


async def until_well(mailbox: Mailbox, within: float = 5.0) -> None:
    """Wait until nothing is wrong any more."""
    async with asyncio.timeout(within):
        while await mailbox.fault() is not None:
            await asyncio.sleep(0.01)


async def told(mailbox: Mailbox, words: str, within: float = 5.0) -> str:
    """Wait until a fault says this."""
    async with asyncio.timeout(within):
        while words not in (fault := await mailbox.fault() or ""):
            await asyncio.sleep(0.01)
        return fault


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
    assert house.kept.mailbox == mailbox_name(server_at(imap)) == f"imap://127.0.0.1:{imap.proxy.port}/Answers"


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
    monkeypatch.setattr("channels.email.imap_reading._IDLE_FOR", 0.2)
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


async def test_p10_while_the_store_is_unavailable_the_same_letter_waits(imap: ImapServer) -> None:
    """It is tried until it is kept; nothing is passed over, and the fault says what is waited for."""
    house = House()
    house.broken["one"] = [Unavailable() for _ in range(6)]
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
    """A damaged one, refused each time or ending the connection each time, stops nothing behind it."""
    house = House()
    monkeypatch.setattr("channels.email.imap_reading._CUTS", 4)
    for name in ("damaged", "good"):
        await pymap.append(letter(name))
    pymap.proxy.replaced = {b"* 1 FETCH (": b"* what (", b"OK UID FETCH completed.": b"NO damaged"}
    if way == "cut":
        pymap.proxy.replaced = {b"* 1 FETCH (": Proxy.CUT}
    async with reading(pymap, house) as mailbox:
        if way == "refused":
            await told(mailbox, "cannot be fetched")
            await until(lambda: house.moves)
            pymap.proxy.replaced = {}
        else:
            await told(mailbox, "abort")
        await until(lambda: house.names == ["good"], 8.0)


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
        await told(mailbox, "imap://127.0.0.1")
        await imap.start()
        await imap.append(letter("two"))
        await until(lambda: house.names == ["one", "two"])


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
    monkeypatch.setattr("channels.email.imap_client.ANSWER_WITHIN", 0.5)
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
    monkeypatch.setattr("channels.email.imap_client.ANSWER_WITHIN", 0.4)
    monkeypatch.setattr("channels.email.imap_reading._IDLE_FOR", 0.3)
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
    monkeypatch.setattr("channels.email.imap._BUSY_FOR", 0.6)
    monkeypatch.setattr("channels.email.imap._WATCH_EVERY", 0.1)
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


@pytest.mark.parametrize("state", ["idle", "hung", "hung at the greeting", "taking", "down", "waiting for the store"])
async def test_p14_stopping_takes_less_than_two_seconds(pymap: ImapServer, state: str) -> None:
    """Whatever the server or the house does (`reading` measures); and nothing is taken after it."""
    house = House()
    if state == "hung at the greeting":
        pymap.proxy.stalled = True
    if state == "down":
        await pymap.stop()
    if state == "taking":
        house.hang = True
        await pymap.append(letter("one"))
    if state == "waiting for the store":
        house.store_down = True
    async with reading(pymap, house) as mailbox:
        if state in ("idle", "hung"):
            await until_well(mailbox)
            await until(lambda: b"IDLE" in pymap.proxy.heard)
        elif state == "taking":
            await until(lambda: house.tried)
        else:
            await asyncio.sleep(0.2)
        pymap.proxy.stalled = pymap.proxy.stalled or state == "hung"
    pymap.proxy.stalled = False
    assert house.letters == []
    assert "not started" in (await mailbox.fault() or "")


async def test_a_mailbox_can_be_started_again(pymap: ImapServer) -> None:
    """What is left of the run before takes nothing beside it."""
    house = House()
    mailbox = Mailbox(server_at(pymap), take=house.take, cursor=house.cursor, moved=house.moved)
    for number in range(3):
        await mailbox.start()
        await pymap.append(letter(f"n{number}"))
        await until(lambda number=number: len(house.names) == number + 1)  # type: ignore[misc]
        await mailbox.stop()
    assert house.names == ["n0", "n1", "n2"]


async def test_a_wrong_password_is_said_and_not_repeated(imap: ImapServer) -> None:
    """It is tried again slowly, since servers lock accounts; the password is in no fault."""
    house = House()
    async with reading(imap, house, password="canary-4711") as mailbox:
        fault = await told(mailbox, "sign-in was refused", 8.0)
        assert "canary" not in fault
        assert "\n" not in fault
        connections = imap.proxy.connections
        await asyncio.sleep(0.2)
        assert imap.proxy.connections == connections


async def test_t23_a_server_that_repeats_the_password_tells_nobody(pymap: ImapServer) -> None:
    """Some repeat what they did not understand, and a fault is shown to people."""
    pymap.proxy.replaced = {b"1 OK ": b'1 NO what is LOGIN "answers" "secret"? '}
    async with reading(pymap, House()) as mailbox:
        fault = await told(mailbox, "what is LOGIN")
        assert "secret" not in fault


async def test_a_folder_that_is_missing_is_named(imap: ImapServer) -> None:
    """So that somebody can make it."""
    async with reading(imap, House(), folder="Nowhere") as mailbox:
        assert "Nowhere" in await told(mailbox, "cannot be opened")


async def test_where_starttls_is_asked_for_no_password_goes_in_the_clear(pymap: ImapServer) -> None:
    """A server that offers none (or somebody before it) hears nothing."""
    async with reading(pymap, House(), tls=Tls.STARTTLS) as mailbox:
        assert "no password was sent" in await told(mailbox, "STARTTLS")
        assert b"LOGIN" not in pymap.proxy.heard
        assert b"secret" not in pymap.proxy.heard


@pytest.mark.parametrize("implicit", [True, False], ids=["implicit", "starttls"])
@pytest.mark.parametrize("verify", [True, False], ids=["verified", "unverified"])
async def test_tls_with_a_certificate(implicit: bool, verify: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001  # a table
    """Checked where it is asked for; and everything works through it, idling and stopping too."""
    house = House()
    tls = Tls.IMPLICIT if implicit else Tls.STARTTLS
    changes = {"host": "localhost", "tls": tls, "verify": verify}
    async with pymap_server(tls=new_certificate().served(), implicit=implicit) as imap:
        if verify:
            async with reading(imap, house, **changes) as mailbox:
                await told(mailbox, "CERTIFICATE_VERIFY_FAILED")
                assert b"secret" not in imap.proxy.heard
            monkeypatch.setenv("SSL_CERT_FILE", str(new_certificate().certificate))
        async with reading(imap, house, **changes) as mailbox:
            await until_well(mailbox)
            for name in ("one", "two"):
                await imap.append(letter(name))
            await until(lambda: house.names == ["one", "two"])
            assert b"secret" not in imap.proxy.heard
            found = "\n".join(await asyncio.to_thread(try_out, server_at(imap, **changes)))
            assert "encryption: TLSv1." in found
            assert ("good for localhost" if verify else "no certificate was asked for") in found


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


async def test_the_doctors_looks(imap: ImapServer) -> None:
    """What the server can do, its newest letters, and one of them by its Message-ID; nothing is marked."""
    for name in ("one", "two", "three"):
        await imap.append(letter(name))
    server = server_at(imap)
    found = "\n".join(await asyncio.to_thread(try_out, server))
    assert "folder: Answers, 3 letters, UIDVALIDITY " in found
    assert "told at once (IDLE)" in found
    assert "encryption: none" in found
    headers = await asyncio.to_thread(newest, server, 2)
    assert [b"<three@people.test>" in headers[0], b"<two@people.test>" in headers[1]] == [True, True]
    assert b"approve" not in headers[0]
    two = await asyncio.to_thread(find, server, "<two@people.test>")
    assert two is not None
    assert b"<two@people.test>" in two
    assert await asyncio.to_thread(find, server, "<none@people.test>") is None
    assert await asyncio.to_thread(find, server, '<a"@x>\r\nA1 LOGOUT') is None
    assert await imap.seen() == []
    with pytest.raises(ImapFailed, match="Nowhere"):
        await asyncio.to_thread(try_out, server_at(imap, folder="Nowhere"))
