"""What doctor advises: each fault that a URL can have is told from the others, with what to write instead."""

from __future__ import annotations

import pytest

from bot.core.checkup import Finding
from bot.core.servers import MAIL_IN, MAIL_OUT, Server, server_of
from channels.email.checks.doctor import looks
from channels.email.checks.visibility import covers_to, suppresses
from channels.email.settings import EmailSettings
from tests.channels.email.post import REPLY_TO
from tests.fakes.email import FakeSmtp, new_certificate, pymap_server


async def found(point: str, smtp: str, imap: str | None = None) -> Finding:
    """The first finding at this point."""
    mailbox: Server | None = None if imap is None else server_of(imap, MAIL_IN)
    account = EmailSettings(
        smtp=server_of(smtp, MAIL_OUT), sender="sayso@sayso.example", reply_to=REPLY_TO, imap=mailbox
    )
    (look,) = (look for look in looks(account, running=False, wait=None) if look.point == point)
    return (await look.run())[0]


async def test_a_certificate_that_is_not_trusted_is_named() -> None:
    """The server is up and the password is right: whoever is told to check those looks in the wrong place."""
    async with FakeSmtp(tls=new_certificate().served()) as smtp:
        told = await found("smtp", f"{smtp.url}?verify=on")
    assert "self-signed" in told.says
    assert "?verify=off" in told.to_do


async def test_a_port_that_speaks_no_tls_at_first_is_named() -> None:
    """smtps:// on a STARTTLS port, and imaps:// on a plain one: OpenSSL's own words say nothing to an admin."""
    async with FakeSmtp(tls=new_certificate().served()) as smtp, pymap_server() as mailbox:
        told = await found("smtp", smtp.url.replace("smtp:", "smtps:"))
        assert "write smtp:// (often port 587)" in told.to_do
        told = await found("imap", smtp.url, mailbox.url.replace("imap:", "imaps:"))
        assert "write imap:// (often port 143)" in told.to_do


async def test_a_folder_that_is_not_there_is_named() -> None:
    """What to change is the end of the URL."""
    async with FakeSmtp() as smtp, pymap_server() as mailbox:
        told = await found("imap", smtp.url, f"{mailbox.url.rpartition('/')[0]}/Nowhere")
    assert "the folder Nowhere cannot be opened" in told.says
    assert told.to_do == "End IMAP_URL in a folder that is there, such as /INBOX."


@pytest.mark.parametrize(
    ("fields", "covers"),
    [
        ("From:Date:Subject:Message-ID:Content-Type:MIME-Version:X-MS-Exchange-SenderADCheck", False),
        ("Reply-To:From", False),
        ("cc:to:subject:message-id:date:from:mime-version", True),
        ("Subject:From:From:\r\n To:To", True),
    ],
)
def test_a_signature_that_does_not_cover_to_is_told(fields: str, covers: bool) -> None:  # noqa: FBT001  # a table
    """Microsoft's, Google's and Zoho's: the first proves no answer where Sayso verifies by itself."""
    block = f"DKIM-Signature: v=1; d=corp.example; s=one;\r\n h={fields};\r\n bh=to:; b=to\r\n\r\n"
    assert covers_to(block.encode()) is covers


def test_a_mark_that_exchange_puts_on_peoples_letters_is_told() -> None:
    """Whole organisations have it so, and none of their answers counts; an automatic answer bears it by right."""
    block = b"X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply\r\n"
    assert suppresses(block + b"\r\n")
    assert not suppresses(block + b"Auto-Submitted: auto-generated\r\n\r\n")
