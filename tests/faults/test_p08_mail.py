"""P8 by mail: SMTP and IMAP fail at each stage; each letter arrives, twice it is the same, an answer counts once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.channels.email.transport.imap.mailboxes import House, letter, reading, until, until_well
from tests.fakes.email import FakeSmtp, ImapServer, Stage, dovecot
from tests.fakes.proxy import Proxy, Way
from tests.fakes.receiver import End, Receiver
from tests.faults.agreeing import Client, agree
from tests.stories.mail import MailProgram

SMTP: dict[str, tuple[bytes, Way, End]] = {
    "the answer to EHLO is lost": (b"EHLO", Way.BACK, End.RESET),
    "cut in MAIL": (b"MAIL FROM", Way.THERE, End.CLOSE),
    "the answer to RCPT is lost": (b"RCPT TO", Way.BACK, End.CLOSE),
    "reset in DATA": (b"DATA", Way.THERE, End.RESET),
    "cut inside the letter": (b"Message-ID", Way.THERE, End.RESET),
    "the answer to the letter is lost": (b"\r\n.\r\n", Way.BACK, End.RESET),
}
IMAP = (b"LOGIN", b"SELECT", b"SEARCH", b"FETCH", b"IDLE", b"STORE")


@pytest.fixture
async def smtp() -> AsyncIterator[FakeSmtp]:
    """The server that letters go out through."""
    async with FakeSmtp() as server:
        yield server


@pytest.fixture
async def mailbox() -> AsyncIterator[ImapServer]:
    """A real mailbox on dovecot."""
    async with dovecot() as server:
        yield server


@pytest.fixture
async def out(smtp: FakeSmtp) -> AsyncIterator[Proxy]:
    """A proxy before SMTP."""
    async with Proxy(smtp.port) as proxy:
        yield proxy


@pytest.fixture
async def back(mailbox: ImapServer) -> AsyncIterator[Proxy]:
    """A proxy before IMAP."""
    async with Proxy(mailbox.direct) as proxy:
        yield proxy


@pytest.fixture
async def program(
    tmp_path: Path, smtp: FakeSmtp, mailbox: ImapServer, out: Proxy, back: Proxy
) -> AsyncIterator[MailProgram]:
    """An installation by mail, both ways through a proxy."""
    program = MailProgram(tmp_path, smtp, mailbox)
    program.environment["SMTP_URL"] = smtp.url.replace(str(smtp.port), str(out.port))
    program.environment["IMAP_URL"] = mailbox.url.replace(str(mailbox.proxy.port), str(back.port))
    yield program
    await program.stop()


async def test_p08_smtp_and_imap_fail_at_every_stage(
    program: MailProgram, smtp: FakeSmtp, out: Proxy, back: Proxy, receiver: Receiver
) -> None:
    """Six connections out each cut elsewhere, 4xx besides, the mailbox cut as it idles: asked, answered, run, once."""
    program.mail_rules(receiver.url)
    await program.start()
    async with program.caller("billing") as agent:
        client = Client(agent)
        faults = [out.order(word, way=way, end=end) for word, way, end in SMTP.values()]
        smtp.refuse(Stage.RCPT, "451 4.3.0 later", times=1)
        orders = [f"mail-{number}" for number in range(7)]
        for order in orders:
            assert await client.submit(order, amount=40) == 201
        for order in orders:
            await agent.until(client.taken[order], lambda r: r["deliveries"][0]["state"] == "sent", 60)
        assert [fault.hits for fault in faults] == [1] * len(faults)
        ids = [(str(mail.parsed["X-Sayso-Request"]), str(mail.parsed["Message-ID"])) for mail in smtp.mails]
        assert {request for request, _ in ids} == set(client.taken.values())
        assert len(set(ids)) == len(orders), "the same letter twice is the same letter"
        back.cut()
        for order in orders:
            mail = next(m for m in smtp.mails if str(m.parsed["X-Sayso-Request"]) == client.taken[order])
            await program.reply(mail, "approve")
            if order == orders[3]:
                back.cut()
        for order in orders:
            assert (await client.ended(order, 60))["state"] == "executed"
            found = await agent.get(client.taken[order])
            assert [decision["by"] for decision in found["decisions"]] == ["ana"]
    await agree(program, client, receiver)
    assert sorted(receiver.effects.values()) == [1] * len(orders)


async def test_p08_smtp_refuses_connections_then_takes_them(
    program: MailProgram, smtp: FakeSmtp, out: Proxy, receiver: Receiver
) -> None:
    """Nobody listens: intake goes on, the letter is owed; somebody listens again, slowly: it arrives."""
    program.mail_rules(receiver.url)
    await out.refuse()
    await program.start()
    async with program.caller("billing") as agent:
        client = Client(agent)
        assert await client.submit("waits", amount=40) == 201
        await asyncio.sleep(1)
        assert not smtp.mails
        out.rate = 20_000
        await out.accept()
        await program.letter("ana", within=60)
    await agree(program, client, receiver)


@pytest.mark.parametrize("way", Way)
@pytest.mark.parametrize("word", IMAP, ids=bytes.decode)
async def test_p08_imap_is_cut_in_each_command(
    mailbox: ImapServer, back: Proxy, monkeypatch: pytest.MonkeyPatch, word: bytes, way: Way
) -> None:
    """As a command is said, or before its answer: the next connection goes on; no letter is lost or taken twice."""
    for name, seconds in {"_AGAIN_FROM": 0.1, "_AGAIN_MOST": 0.5}.items():
        monkeypatch.setattr(f"channels.email.transport.imap_reading.{name}", seconds)
    house = House()
    fault = back.order(word, way=way, times=2)
    await mailbox.append(letter("one"))
    async with reading(mailbox, house, port=back.port) as box:
        await until(lambda: house.names == ["one"], 20.0)
        await mailbox.append(letter("two"))
        await until(lambda: house.names == ["one", "two"], 20.0)
        await until(lambda: fault.hits == 2, 20.0)
        await until_well(box, 20.0)
    assert house.tried == ["one", "two"]
