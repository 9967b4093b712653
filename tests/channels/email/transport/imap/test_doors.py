"""A mailbox from its outside: signing in, encryption, stopping, and what the doctor sees."""

from __future__ import annotations

import asyncio

import pytest

from bot.core.servers import Tls
from channels.email.transport.imap import ImapFailed, Mailbox, find, newest, try_out
from tests.channels.email.transport.imap.mailboxes import House, letter, reading, server_at, told, until, until_well
from tests.fakes.email import ImapServer, new_certificate, pymap_server


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


async def test_p14_a_letter_in_hand_is_ended_and_noted(pymap: ImapServer) -> None:
    """Stopping gives it a moment, and the cursor moves past it."""
    house = House()
    house.slow = 0.4
    await pymap.append(letter("one"))
    async with reading(pymap, house):
        await until(lambda: house.tried)
    assert house.names == ["one"]
    house.slow = 0.0
    async with reading(pymap, house) as mailbox:
        await until_well(mailbox)
    assert house.tried == ["one"]


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


async def test_a_server_that_takes_no_login_is_signed_in_to_all_the_same(pymap: ImapServer) -> None:
    """LOGINDISABLED forbids the command (RFC 3501, 6.2.3), not the password."""
    pymap.proxy.replaced = {b"CAPABILITY IMAP4rev1": b"CAPABILITY IMAP4rev1 LOGINDISABLED"}
    assert await asyncio.to_thread(try_out, server_at(pymap))
    assert b" LOGIN " not in pymap.proxy.heard
    assert b"AUTHENTICATE PLAIN" in pymap.proxy.heard


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


async def test_the_doctors_looks(imap: ImapServer) -> None:
    """What the server can do, its newest letters, and one of them by its Message-ID; nothing is marked."""
    for name in ("one", "two", "three"):
        await imap.append(letter(name))
    server = server_at(imap)
    found = "\n".join(await asyncio.to_thread(try_out, server))
    assert "folder: Answers, 3 letters, UIDVALIDITY " in found
    assert "told at once (IDLE)" in found
    assert "encryption: none" in found
    # NetEase opens no folder to a client that has not said who it is.
    order = [imap.proxy.heard.find(b"Sayso"), imap.proxy.heard.find(b" SELECT ")]
    assert (order[0] > 0, order == sorted(order)) == (("ID" in found.split()),) * 2
    headers = await asyncio.to_thread(newest, server, 2)
    assert [b"<three@people.test>" in headers[0], b"<two@people.test>" in headers[1]] == [True, True]
    assert b"approve" not in headers[0]
    two = await asyncio.to_thread(find, server, "<two@people.test>")
    assert two is not None
    assert b"<two@people.test>" in two
    assert await asyncio.to_thread(find, server, "<none@people.test>") is None
    renamed = letter("0100-by-a-service").replace(b"Subject: ", b"X-Sayso-Letter: <ours@bot.test>\r\nSubject: ", 1)
    await imap.append(renamed)
    assert b"<0100-by-a-service@" in (await asyncio.to_thread(find, server, "<ours@bot.test>") or b"")
    assert await asyncio.to_thread(find, server, '<a"@x>\r\nA1 LOGOUT') is None
    assert await imap.seen() == []
    with pytest.raises(ImapFailed, match="Nowhere"):
        await asyncio.to_thread(try_out, server_at(imap, folder="Nowhere"))
