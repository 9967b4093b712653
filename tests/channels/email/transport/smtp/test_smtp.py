"""Letters out: what each refusal means, and what is never said in the clear."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bot.core.servers import MAIL_OUT, server_of
from channels.email.transport.smtp import Pool
from channels.email.transport.smtp_connection import Refused, SmtpConnection
from tests.channels.email.transport.smtp.sending import ANA, LETTER, ME, failed, opened, server
from tests.fakes.email import FakeSmtp, Stage, new_certificate


async def test_a_letter_arrives_as_it_is_with_a_report_asked_for() -> None:
    """Envelope and bytes are kept; where the server offers DSN, failures are to be reported with our name for it."""
    async with opened() as (smtp, pool):
        await pool.send(ME, ANA, LETTER, envelope_id="req_1.r1+a=b")
        (mail,) = smtp.mails
        assert (mail.sender, mail.recipients, mail.raw) == (ME, (ANA,), LETTER)
        assert {"RET=HDRS", "ENVID=req_1.r1+2Ba+3Db", "NOTIFY=FAILURE", f"SIZE={len(LETTER)}"} == set(mail.options)
        assert await pool.fault() is None


async def test_nothing_is_asked_for_that_the_server_does_not_offer() -> None:
    """No option of DSN or SMTPUTF8 goes to a server that does not know it."""
    async with opened(dsn=False, utf8=False) as (smtp, pool):
        await pool.send(ME, ANA, LETTER, envelope_id="req_1")
        assert smtp.mails[0].options == (f"SIZE={len(LETTER)}",)


REFUSALS = [
    (Stage.CONNECT, "554 5.7.1 go away", True, False),
    (Stage.CONNECT, "421 4.3.2 too busy", True, False),
    (Stage.EHLO, "550 5.7.1 not you", True, False),
    (Stage.MAIL, "451 4.3.0 later", True, False),
    (Stage.MAIL, "421 4.3.2 shutting down", True, False),
    (Stage.MAIL, "550 5.7.1 not from you", False, False),
    (Stage.MAIL, "553 5.1.8 your domain does not exist", False, False),
    (Stage.RCPT, "450 4.2.1 mailbox busy", True, False),
    (Stage.RCPT, "452 4.2.2 mailbox full", True, False),
    (Stage.RCPT, "550 5.1.1 no such user", False, True),
    (Stage.RCPT, "550 no such user", False, True),
    (Stage.RCPT, "552 5.2.2 mailbox full", False, True),
    (Stage.RCPT, "550 5.4.4 no such domain", False, True),
    (Stage.RCPT, "550 5.4.5 Daily user sending limit exceeded", True, False),
    (Stage.RCPT, "554 5.7.1 relay access denied", False, False),
    (Stage.RCPT, "552 5.2.3 too long for this mailbox", False, False),
    (Stage.RCPT, "530 authenticate first", False, False),
    (Stage.RCPT, "555 what is NOTIFY", False, False),
    (Stage.RCPT, "550 5.3.0 out of order", False, False),
    (Stage.DATA, "451 4.3.0 disk full", True, False),
    (Stage.DATA, "554 5.5.1 no valid recipients", False, False),
    (Stage.CONTENT, "451 4.7.1 scanning", True, False),
    (Stage.CONTENT, "554 5.7.1 looks like spam", False, False),
    (Stage.CONTENT, "550 5.1.1 no such user after all", False, True),
    (Stage.CONTENT, "550 5.2.1 mailbox disabled", False, True),
]


@pytest.mark.parametrize(("stage", "answer", "temporary", "unreachable"), REFUSALS, ids=lambda value: str(value)[:12])
async def test_p08_each_refusal_at_each_stage(stage: Stage, answer: str, temporary: bool, unreachable: bool) -> None:  # noqa: FBT001  # a table
    """A 4xx and whatever comes before the letter is for now; a 5xx for the letter is for good; some are the address."""
    async with opened() as (smtp, pool):
        smtp.refuse(stage, f"{answer} about kanari")
        refused = await failed(pool)
        assert (refused.temporary, refused.unreachable) == (temporary, unreachable)
        assert answer.split(maxsplit=1)[0] in refused.detail
        assert "kanari" not in refused.detail, "its words may quote the letter (threat T23)"
        smtp.behave()
        await pool.send(ME, ANA, LETTER)
        assert len(smtp.mails) == 1
        assert await pool.fault() is None


@pytest.mark.parametrize("stage", list(Stage))
async def test_p08_a_connection_that_is_cut_is_for_now(stage: Stage) -> None:
    """At whatever stage; and after the whole letter was sent too, since a repeat carries the same Message-ID."""
    async with opened(tls=new_certificate().served(), user=("bot", "secret")) as (smtp, pool):
        smtp.cut(stage)
        refused = await failed(pool)
        assert (refused.temporary, refused.unreachable) == (True, False)
        assert len(smtp.mails) == (1 if stage is Stage.CONTENT else 0)
        smtp.behave()
        await pool.send(ME, ANA, LETTER)


@pytest.mark.parametrize("stage", list(Stage))
async def test_p08_a_server_that_says_nothing_is_for_now(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """No stage is waited for without end."""
    monkeypatch.setattr("channels.email.transport.smtp_connection.CONNECT_WITHIN", 0.3)
    monkeypatch.setattr("channels.email.transport.smtp_connection.REPLY_WITHIN", 0.3)
    monkeypatch.setattr("channels.email.transport.smtp_connection.TAKEN_WITHIN", 0.3)
    async with opened(tls=new_certificate().served(), user=("bot", "secret")) as (smtp, pool):
        smtp.delay(stage, 5.0)
        began = time.monotonic()
        refused = await failed(pool)
        assert refused.temporary
        assert time.monotonic() - began < 2.0


async def test_t23_of_what_a_server_answers_about_a_letter_its_codes_are_kept() -> None:
    """A filter quotes what it dislikes: nothing of that is kept, but what its codes mean, in our own words."""
    async with opened() as (smtp, pool):
        smtp.refuse(Stage.RCPT, "550-5.1.1 no\r\n550 5.1.1 \u202eresu " + "x" * 900)
        refused = await failed(pool)
        assert refused.detail.endswith(": RCPT: 550 5.1.1 (no such mailbox)")
        assert refused.unreachable
        smtp.behave()
        smtp.refuse(Stage.CONTENT, "554 5.7.26 spam: Refund 5.123.456 EUR for dana@example.com")
        assert (await failed(pool)).detail.endswith(": DATA: 554 5.7.26 (neither SPF nor DKIM proves our sender)")


async def test_the_servers_own_words_are_bounded_and_hide_nothing() -> None:
    """What a server says before any letter reaches people: in one line, bounded, with every hidden character shown."""
    async with opened() as (smtp, pool):
        smtp.refuse(Stage.EHLO, "550-5.7.1 no\r\n550 5.7.1 \u202eyou " + "x" * 900)
        await failed(pool)
        fault = await pool.fault()
        assert fault is not None
        assert "⟦U+202E⟧" in fault
        assert "\n" not in fault
        assert len(fault) < 350


async def test_starttls_and_a_password_over_it() -> None:
    """The letter, and the password before it, go encrypted."""
    async with opened(tls=new_certificate().served(), user=("bot", "secret")) as (smtp, pool):
        await pool.send(ME, ANA, LETTER)
        assert (smtp.mails[0].encrypted, smtp.mails[0].user) == (True, "bot")


@pytest.mark.parametrize("implicit", [True, False], ids=["implicit", "starttls"])
async def test_a_certificate_is_checked_where_it_is_asked_for(implicit: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001  # a table
    """Nobody's certificate gets nothing; the same one is good once this machine trusts it."""
    how: dict[str, Any] = {"tls": new_certificate().served(), "implicit": implicit, "user": ("bot", "secret")}
    async with opened("?verify=on" + ("" if implicit else "&tls=starttls"), **how) as (smtp, pool):
        refused = await failed(pool)
        assert refused.temporary
        assert "certificate" in refused.detail.lower()
        assert not smtp.credentials
        monkeypatch.setenv("SSL_CERT_FILE", str(new_certificate().certificate))
        await pool.send(ME, ANA, LETTER)
        assert smtp.mails[0].encrypted


@pytest.mark.parametrize("way", ["not offered", "refused", "stripped"])
async def test_where_starttls_is_asked_for_nothing_goes_in_the_clear(way: str) -> None:
    """A server (or whoever stands before it) that offers none gets neither password nor letter."""
    tls = new_certificate().served() if way == "refused" else None
    async with opened("?tls=starttls", tls=tls, user=("bot", "secret"), auth_in_clear=True) as (smtp, pool):
        if way == "refused":
            smtp.refuse(Stage.STARTTLS, "454 4.7.0 not now")
        if way == "stripped":
            smtp.refuse(Stage.EHLO, "250-fake.test\r\n250 AUTH PLAIN LOGIN")
        refused = await failed(pool)
        assert refused.temporary
        assert "STARTTLS" in refused.detail
        assert (smtp.credentials, smtp.mails) == ([], [])
        assert "STARTTLS" in (await pool.fault() or "")


@pytest.mark.parametrize("answer", ["535 5.7.8 wrong password", "454 4.7.0 not now"])
async def test_a_refused_password_is_for_now_and_is_said(answer: str) -> None:
    """Somebody will mend it; no letter is given up for it."""
    async with opened("?tls=off", user=("bot", "wrong"), auth_in_clear=True) as (smtp, pool):
        smtp.refuse(Stage.AUTH, answer)
        refused = await failed(pool)
        assert (refused.temporary, refused.unreachable) == (True, False)
        fault = await pool.fault() or ""
        assert "AUTH" in fault
        assert "since 20" in fault
        assert "wrong:" not in fault
        assert ":wrong" not in fault


async def test_a_wrong_password_is_judged_by_the_server() -> None:
    """With the fake's own judgement, over every mechanism that it offers."""
    async with FakeSmtp(user=("bot", "right"), auth_in_clear=True) as smtp:
        pool = Pool(server_of(smtp.url.replace("right", "left"), MAIL_OUT))
        refused = await failed(pool)
        assert "535" in refused.detail
        assert "left" not in refused.detail
        await pool.close()


async def test_an_address_that_is_not_ascii() -> None:
    """SMTPUTF8 is asked for where the address needs it, and where it is not offered nobody is reached there."""
    async with opened() as (smtp, pool):
        await pool.send(ME, "ána@people.test", LETTER)
        await pool.send(ME, "ana@bücher.test", LETTER)
        assert smtp.mails[0].recipients == ("ána@people.test",)
        assert "SMTPUTF8" in smtp.mails[0].options
        assert smtp.mails[1].recipients == ("ana@xn--bcher-kva.test",)
        assert "SMTPUTF8" not in smtp.mails[1].options
    async with opened(utf8=False) as (_, pool):
        refused = await failed(pool, "ána@people.test")
        assert (refused.temporary, refused.unreachable) == (False, True)


@pytest.mark.parametrize("address", ["", "ana", "a b@x.test", "ana@x.test>\r\nRCPT TO:<eve@x.test", "<ana@x.test>"])
async def test_t03_what_is_no_address_is_never_said_to_a_server(address: str) -> None:
    """An address cannot add commands or options of its own."""
    async with opened() as (smtp, pool):
        refused = await failed(pool, address)
        assert (refused.temporary, refused.unreachable) == (False, True)
        assert smtp.commands == []


async def test_line_ends_are_made_whole_and_dots_are_kept() -> None:
    """A letter with bare line ends cannot smuggle a second one, and a line of one dot is no end."""
    async with opened() as (smtp, pool):
        await pool.send(ME, ANA, LETTER + b"one\n.\nMAIL FROM:<eve@x.test>\r.\r\n.\r\ntwo\r\n")
        (mail,) = smtp.mails
        assert mail.raw.endswith(b"one\r\n.\r\nMAIL FROM:<eve@x.test>\r\n.\r\n.\r\ntwo\r\n")


async def test_8_bit_bytes_are_announced() -> None:
    """The fake refuses them otherwise."""
    async with opened() as (smtp, pool):
        await pool.send(ME, ANA, LETTER + "Grüße\r\n".encode())
        assert "BODY=8BITMIME" in smtp.mails[0].options


async def test_a_letter_too_large_for_the_server_is_refused_before_it_is_sent() -> None:
    """The size is said first, and the refusal is for good."""
    async with opened(largest=10_000) as (smtp, pool):
        refused = await failed(pool, message=LETTER + b"x\r\n" * 5_000)
        assert (refused.temporary, refused.unreachable) == (False, False)
        assert "DATA" not in smtp.commands


async def test_trying_out_tells_what_was_found() -> None:
    """For the doctor: greeting, encryption, sign-in and size, without a letter."""
    async with FakeSmtp(tls=new_certificate().served(), user=("bot", "secret")) as smtp:
        connection = SmtpConnection(server(smtp))
        await connection.open()
        told = "\n".join(connection.told())
        await connection.try_sender(ME)
        await connection.close(1.0)
        assert "fake.test" in told
        assert "encryption: TLSv1." in told
        assert "no certificate was asked for" in told
        assert "sign-in: accepted for bot" in told
        assert "1,000,000 bytes" in told
        assert "secret" not in told
        assert smtp.mails == []
        smtp.refuse(Stage.AUTH, "535 5.7.8 no")
        with pytest.raises(Refused, match="AUTH: 535"):
            await SmtpConnection(server(smtp)).open()
