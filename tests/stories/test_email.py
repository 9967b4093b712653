"""The main job by mail: asked, answered, edited, bounced, gathered, killed; and nobody else can speak for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.core.model import Role
from tests.channels.email.post import Post, reply_to
from tests.fakes.email import FakeSmtp, ImapServer, dovecot, lmtp_send, pymap_server
from tests.fakes.receiver import Receiver
from tests.stories.mail import MailProgram, links_in, says
from tests.stories.program import free_port

SERVERS = {"dovecot": dovecot, "pymap": pymap_server}


@pytest.fixture
async def smtp() -> AsyncIterator[FakeSmtp]:
    """The server that letters go out through."""
    async with FakeSmtp() as server:
        yield server


@pytest.fixture(params=SERVERS)
async def mailbox(request: pytest.FixtureRequest) -> AsyncIterator[ImapServer]:
    """A real mailbox of each kind."""
    async with SERVERS[request.param]() as server:
        yield server


@pytest.fixture
async def program(tmp_path: Path, smtp: FakeSmtp, mailbox: ImapServer) -> AsyncIterator[MailProgram]:
    """An installation that reads this mailbox."""
    program = MailProgram(tmp_path, smtp, mailbox)
    yield program
    await program.stop()


async def test_a_reply_approves_and_the_answer_says_so(program: MailProgram, receiver: Receiver) -> None:
    """The letter shows the request; one line back approves it, it runs, and the thread tells both."""
    program.mail_rules(receiver.url)
    async with program, program.caller("billing") as agent:
        request = await agent.submit()
        letter = await program.letter("ana")
        for shown in ("refund.issue", "10428", "240.0", "Customer reported duplicate charge", "72%", "unchecked"):
            assert shown in Post.text(letter)
        await program.reply(letter, "Approve\n\nLooks right to me.")
        done = await agent.get(request["id"], "wait=15&for=outcome")
        assert (done["state"], done["execution"]["state"]) == ("approved", "executed")
        (decision,) = done["decisions"]
        assert (decision["by"], decision["channel"], decision["comment"]) == ("ana", "email", "Looks right to me.")
        answer = await program.letter("ana", says("Understood, Ana Silva: approved."))
        ran = await program.letter("ana", says("Executed"))
        for later in (answer, ran):
            assert str(letter.parsed["Message-ID"]) in str(later.parsed["References"])
        assert answer.parsed["Auto-Submitted"] == "auto-replied"
    assert sum(receiver.effects.values()) == 1


async def test_an_edit_by_mail_is_typed_and_told_back(program: MailProgram, receiver: Receiver) -> None:
    """A wrong value is refused with its rule; a right one runs as a number, and the answer says what was understood."""
    program.mail_rules(receiver.url)
    async with program, program.caller("billing") as agent:
        request = await agent.submit()
        letter = await program.letter("ana")
        await program.reply(letter, "edit amount=lots")
        await program.letter("ana", says("amount must be a number"))
        await program.reply(letter, "edit amount=100, currency=EUR\n\nAs agreed on the phone.")
        done = await agent.get(request["id"], "wait=15&for=outcome")
        assert done["state"] == "approved_with_edits"
        assert done["effective_arguments"] == {"order": "10428", "amount": 100, "currency": "EUR"}
        await program.letter("ana", lambda m: "amount: 240.0 → 100" in Post.text(m) and "Understood" in Post.text(m))


async def test_somebody_elses_decision_is_told_in_the_thread(program: MailProgram, receiver: Receiver) -> None:
    """The other recipient learns who decided and what came of it, once; whoever decided is told of the run alone."""
    program.mail_rules(receiver.url, first="ana, ben")
    async with program, program.caller("billing") as agent, program.caller("ben", Role.REVIEWER) as ben:
        request = await agent.submit()
        first, _ = await program.letter("ana"), await program.letter("ben")
        status, _ = await ben.decide(request, "approve", comment="fine")
        assert status == 200
        told = await program.letter("ana", says("Approved by Ben Osei"))
        assert told.parsed["In-Reply-To"] == first.parsed["Message-ID"]
        assert "Executed" in Post.text(told)
        await program.letter("ben", says("Executed"))
        await asyncio.sleep(1.5)
        assert sorted(mail.recipients[0][:3] for mail in program.smtp.mails) == ["ana", "ana", "ben", "ben"]


async def test_what_cannot_be_undone_is_approved_on_its_page(program: MailProgram) -> None:
    """A reply that approves is refused with the link; one that rejects counts."""
    program.mail_rules(risk="irreversible")
    async with program, program.caller("billing") as agent:
        request = await agent.submit()
        letter = await program.letter("ana")
        await program.reply(letter, "approve")
        answer = await program.letter("ana", says("Nothing was decided."))
        assert any(request["id"] in link for link in links_in(answer))
        assert (await agent.get(request["id"]))["state"] == "pending"
        await program.reply(letter, "reject: not without an invoice")
        done = await agent.until(request["id"], lambda r: r["state"] == "rejected")
        assert done["decisions"][0]["comment"] == "not without an invoice"


@pytest.mark.parametrize(
    ("result", "headers", "reason"),
    [
        ("dmarc=fail", {}, "not_authenticated"),
        ("spf=pass smtp.mailfrom=corp.example", {}, "weak_authentication"),
        ("dmarc=pass", {"From": "ben@corp.example"}, "sender_not_recipient"),
        ("dmarc=pass", {"From": "ana@corp.example, ben@corp.example"}, "from_not_one"),
        ("dmarc=pass", {"Auto-Submitted": "auto-replied"}, "auto_submitted"),
    ],
)
async def test_t18_nobody_else_can_speak_for_them(
    program: MailProgram, result: str, headers: dict[str, str], reason: str
) -> None:
    """A mail that is not proved to be the recipient's decides nothing; the trail has it under a named reason."""
    program.mail_rules()
    async with program, program.caller("billing") as agent, program.caller("root", Role.ADMIN) as admin:
        request = await agent.submit()
        letter = await program.letter("ana")
        await program.reply(letter, "approve", result=result, headers=headers)
        path = f"/v1/requests/{request['id']}/audit"
        async with asyncio.timeout(10):
            while not any(
                e["type"] == "refusal" and e["data"]["reason"] == reason
                for e in (await admin.call("GET", path))[1]["events"]
            ):
                await asyncio.sleep(0.05)
        assert (await agent.get(request["id"]))["state"] == "pending"


async def test_a_mail_counts_once_whatever_dies(program: MailProgram, receiver: Receiver) -> None:
    """Killed with the answer unread, and again after it counted: one decision, one run, one answer."""
    program.mail_rules(receiver.url)
    await program.start()
    async with program.caller("billing") as agent:
        request = await agent.submit()
        letter = await program.letter("ana")
        await program.kill()
        raw = await program.reply(letter, "approve")
        await program.start()
        await agent.until(request["id"], lambda r: r["execution"] and r["execution"]["state"] == "executed")
        await program.letter("ana", says("Understood"))
        await program.kill()
        await program.arrives(raw)
        await program.arrives(reply_to(letter, "reject"))
        await program.start()
        await program.letter("ana", says("already approved by ana"))
        assert len((await agent.get(request["id"]))["decisions"]) == 1
    assert sum(receiver.effects.values()) == 1
    # Killed between sending and recording, it sends again (law 4): the very same letter, which its reader sees once.
    answers = [str(mail.parsed["Message-ID"]) for mail in program.smtp.mails if says("Understood")(mail)]
    assert len(set(answers)) == 1


def stranger_of() -> aiohttp.ClientSession:
    """A browser of somebody who is not signed in."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


BOUNCE = """\
Return-Path: <>
From: MAILER-DAEMON@mx.corp.example
To: sayso@sayso.example
Subject: Undelivered Mail Returned to Sender
Date: Thu, 20 Nov 2026 15:14:00 +0000
Message-ID: <bounce-1@mx.corp.example>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

The address does not exist.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.corp.example

Final-Recipient: rfc822; ana@corp.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 no such user

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
To: ana@corp.example
--b--
"""


async def test_p08_a_bounce_moves_the_chain_on_at_once(program: MailProgram) -> None:
    """The next of the chain is asked, the delivery is failed, and the address is left alone from then on."""
    program.mail_rules()
    async with program, program.caller("billing") as agent:
        request = await agent.submit()
        letter = await program.letter("ana")
        bounce = BOUNCE.format(message_id=letter.parsed["Message-ID"])
        await program.arrives(bounce.replace("\n", "\r\n").encode())
        await program.letter("lea")
        # The letter is out a moment before that is on record.
        moved = await agent.until(request["id"], lambda r: all(d["state"] != "queued" for d in r["deliveries"]))
        assert moved["escalation_level"] == 1
        states = [(d["to"], d["state"]) for d in moved["deliveries"]]
        assert states == [("ana@corp.example", "failed"), ("lea@corp.example", "sent")]
        before = len(program.smtp.mails)
        another = await agent.submit(arguments={"order": "2", "amount": 5.0})
        await program.letter("lea", after=before)
        assert not [mail for mail in program.smtp.mails[before:] if mail.recipients == ("ana@corp.example",)]
        assert (await agent.get(another["id"]))["escalation_level"] == 1


async def test_p08_a_refused_recipient_moves_the_chain_on_at_once(program: MailProgram) -> None:
    """SMTP's 550 to the recipient is as good as a bounce."""
    program.mail_rules()
    program.smtp.per_recipient["ana@corp.example"] = "550 5.1.1 no such user"
    async with program, program.caller("billing") as agent:
        request = await agent.submit()
        await program.letter("lea")
        assert (await agent.get(request["id"]))["escalation_level"] == 1


async def test_a_digest_is_answered_by_numbers(program: MailProgram, receiver: Receiver) -> None:
    """Three requests, one letter; each number counts for its own request, and one letter tells what was understood."""
    program.mail_rules(receiver.url, ana=", digest: 2s")
    async with program, program.caller("billing") as agent:
        made = [
            await agent.submit(arguments={"order": str(n), "amount": 10.0 + n, "currency": "USD"}) for n in range(3)
        ]
        letter = await program.letter("ana")
        assert all(f"order {n}" in Post.text(letter) for n in range(3))
        await program.reply(letter, "approve 1, 3\nreject 2: wrong order")
        states = [(await agent.until(r["id"], lambda r: r["state"] != "pending"))["state"] for r in made]
        assert states == ["approved", "rejected", "approved"]
        answer = await program.letter("ana", says("this is what was understood"))
        assert "1. Refund 10.0 USD on order 0: approved." in Post.text(answer)
        assert len([mail for mail in program.smtp.mails if "wait for you" in str(mail.parsed["Subject"])]) == 2


async def test_the_link_signs_nobody_in_and_a_mail_does(program: MailProgram) -> None:
    """A stranger with the link sees whose it is and no more; the one-time link goes to the registered address alone."""
    program.mail_rules()
    async with program, program.caller("billing") as agent, stranger_of() as stranger:
        request = await agent.submit()
        (link,) = links_in(await program.letter("ana"))
        assert link.startswith(f"{program.base}/requests/{request['id']}?to=")
        for _ in range(2):
            async with stranger.get(link) as page:
                text = await page.text()
            assert "a••" in text and "@corp.example" in text  # noqa: PT018  # one fact
            assert "10428" not in text and "refund" not in text.lower()  # noqa: PT018  # likewise
        form = {"request": request["id"], "to": link.rpartition("=")[2]}
        origin = {"Origin": program.base}
        async with stranger.post(f"{program.base}/sign-in", data=form, headers=origin):
            pass
        sent = await program.letter("ana", lambda m: "/sign-in/" in Post.text(m))
        (once,) = links_in(sent)
        async with stranger.post(once, headers=origin) as page:
            assert "10428" in await page.text()


async def test_letters_come_in_by_lmtp_too(tmp_path: Path, smtp: FakeSmtp) -> None:
    """Behind one's own mail server nothing but a listener is needed; a store that is down is told to try again."""
    program, port = MailProgram(tmp_path, smtp, None), free_port()
    program.environment["EMAIL_LISTEN"] = f"lmtp://127.0.0.1:{port}"
    program.mail_rules()
    async with program, program.caller("billing") as agent:
        request = await agent.submit()
        letter = await program.letter("ana")
        raw = reply_to(letter, "reject: no")
        (said,) = await lmtp_send(port, raw, "ana@corp.example", str(letter.parsed["Reply-To"]))
        assert said.startswith("250")
        assert (await agent.get(request["id"]))["state"] == "rejected"
        strange = f"approvals+{'z' * 26}@sayso.example"
        await lmtp_send(port, raw.replace(str(letter.parsed["Reply-To"]).encode(), strange.encode()), "a@b.c", strange)
        async with aiohttp.ClientSession() as anybody, anybody.get(f"{program.base}/metrics") as page:
            assert 'sayso_letters_put_aside_total{reason="unknown_token"} 1' in await page.text()
