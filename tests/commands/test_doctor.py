"""What `sayso doctor` says of an installation, and that it changes nothing on the way."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from bot.core.ports import Unreachable
from store import open_store
from tests.fakes import oidc
from tests.fakes.email import FakeSmtp, Stage
from tests.fakes.email.imap import pymap_server
from tests.fakes.slack import FakeSlack
from tests.stories.mail import MailProgram
from tests.stories.program import free_port

ROOT = Path(__file__).parents[2]
SECRET = "a-secret-of-the-tests-that-is-long-enough"
Told = tuple[int, dict[str, dict[str, str]], str]


async def doctor(folder: Path, *words: str, **values: str) -> Told:
    """Run it in the folder: its status, its findings by their points, and all that it printed."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "doctor", "--json", *words,
        cwd=folder, env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], **values},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(running.communicate(), 120)
    document = json.loads(out) if out else {}
    return running.returncode or 0, {f["point"]: f for f in document.get("findings", [])}, (out + err).decode()


def mail(smtp: FakeSmtp, imap: str) -> dict[str, str]:
    """The variables of an installation with email."""
    return {
        "SAYSO_SECRET": SECRET, "SMTP_URL": smtp.url, "EMAIL_FROM": "sayso@sayso.example", "IMAP_URL": imap,
        "EMAIL_REPLY_TO": "approvals+{token}@sayso.example",
    }  # fmt: skip


async def test_an_empty_folder_is_told_what_is_missing_and_stays_empty(tmp_path: Path) -> None:
    """No database is made, and the channels are left alone."""
    status, found, _ = await doctor(tmp_path)
    assert (status, found["settings"]["level"], found["store"]["level"]) == (1, "wrong", "warning")
    assert os.listdir(tmp_path) == []  # noqa: PTH208  # a Path would be taken for slow in async code


async def test_email_that_is_off_is_one_line(tmp_path: Path) -> None:
    """It is no fault to have no email."""
    _, found, _ = await doctor(tmp_path, SAYSO_SECRET=SECRET)
    assert found["email"]["says"] == "off (SMTP_URL is not set)"
    assert "smtp" not in found


async def test_a_wait_that_is_no_duration_is_used_wrongly(tmp_path: Path) -> None:
    """Status 2."""
    assert (await doctor(tmp_path, "--wait", "soon"))[0] == 2


async def test_a_letter_that_arrives_is_found_with_its_token(tmp_path: Path) -> None:
    """What was sent is put into the mailbox as it is; without DKIM and results its proof is a warning."""
    async with FakeSmtp() as smtp, pymap_server() as mailbox:

        async def carry() -> None:
            while not smtp.mails:
                await asyncio.sleep(0.05)
            await mailbox.append(smtp.mails[0].raw)

        carrying = asyncio.create_task(carry())
        _, found, _ = await doctor(tmp_path, "--wait", "60s", **mail(smtp, mailbox.url))
        await carrying
    levels = {point: found[point]["level"] for point in ("smtp", "sender", "imap", "round trip", "token", "proof")}
    assert levels == dict.fromkeys(levels, "ok") | {"proof": "warning"}


async def test_a_token_that_is_lost_on_the_way_is_wrong(tmp_path: Path) -> None:
    """A server that strips the plus part makes answers worthless."""
    async with FakeSmtp() as smtp, pymap_server() as mailbox:

        async def carry() -> None:
            while not smtp.mails:
                await asyncio.sleep(0.05)
            token = smtp.mails[0].recipients[0].partition("+")[2].partition("@")[0]
            await mailbox.append(smtp.mails[0].raw.replace(f"+{token}".encode(), b""))

        carrying = asyncio.create_task(carry())
        _, found, _ = await doctor(tmp_path, "--wait", "60s", **mail(smtp, mailbox.url))
        await carrying
    assert (found["round trip"]["level"], found["token"]["level"]) == ("ok", "wrong")


async def test_a_wrong_password_is_said_and_never_shown(tmp_path: Path) -> None:
    """And the other points are looked at all the same."""
    async with FakeSmtp() as smtp, pymap_server() as mailbox:
        url = mailbox.url.replace(":secret@", ":not-the-one@")
        status, found, printed = await doctor(tmp_path, "--no-round-trip", **mail(smtp, url))
    assert (status, found["smtp"]["level"], found["imap"]["level"]) == (1, "ok", "wrong")
    assert "password" in found["imap"]["to_do"]
    assert "not-the-one" not in printed
    assert not smtp.mails


async def test_a_server_that_is_down_is_wrong(tmp_path: Path) -> None:
    """It names where it looked."""
    async with FakeSmtp() as smtp, pymap_server() as mailbox:
        await smtp.stop()
        status, found, _ = await doctor(tmp_path, "--no-round-trip", **mail(smtp, mailbox.url))
    assert (status, found["smtp"]["level"], found["imap"]["level"]) == (1, "wrong", "ok")
    assert f"localhost:{smtp.port}" in found["smtp"]["says"]


RESULTS = b"Authentication-Results: mx.sayso.example; dmarc=pass header.from=sayso.example\r\n"


async def asked(program: MailProgram, *words: str) -> Told:
    """Run it beside a program, in its folder and with its variables."""
    status, out, err = await program.tell("doctor", "--json", *words)
    return status, {f["point"]: f for f in json.loads(out)["findings"]}, out + err


async def test_beside_a_running_bot_everything_is_well(tmp_path: Path) -> None:
    """The whole installation, with a listener too; the bot goes on, and puts the letter aside."""
    async with FakeSmtp() as smtp, pymap_server() as mailbox:
        program = MailProgram(tmp_path, smtp, mailbox)
        program.environment["EMAIL_LISTEN"] = f"lmtp://127.0.0.1:{free_port()}"
        program.mail_rules()

        async def carry() -> None:
            while not smtp.mails:
                await asyncio.sleep(0.05)
            await mailbox.append(RESULTS + smtp.mails[0].raw)

        async with program:
            carrying = asyncio.create_task(carry())
            status, found, _ = await asked(program, "--wait", "60s")
            await carrying
            async with asyncio.timeout(30):
                while "put aside, unknown_token" not in program.said():
                    await asyncio.sleep(0.05)
    assert status == 0
    levels = {point: finding["level"] for point, finding in found.items()}
    assert {p for p, level in levels.items() if level != "ok"} <= {"rules"}
    assert levels.keys() >= {"store", "bot", "address", "smtp", "sender", "imap", "listener", "round trip", "proof"}
    assert "would be proved" in found["proof"]["says"]


async def test_an_unreachable_address_is_listed_and_forgotten(tmp_path: Path) -> None:
    """With since when and why; forgotten once, by whoever is at the terminal, with a line on the trail."""
    async with FakeSmtp() as smtp:
        program = MailProgram(tmp_path, smtp, None)
        program.mail_rules()
        store = await open_store(program.environment["SAYSO_DATABASE_URL"], exclusive=True)
        lost = Unreachable(channel="email", to="ben@corp.example", error="550 no such user", at=datetime.now(UTC))
        await store.write(lambda tx: tx.mark_unreachable(lost))
        await store.close()
        _, found, _ = await asked(program, "--no-round-trip")
        assert "550 no such user" in found["unreachable"]["says"]
        assert (await program.tell("doctor", "--reachable", "ben@corp.example"))[0] == 0
        assert (await program.tell("doctor", "--reachable", "ben@corp.example"))[0] == 1
        store = await open_store(program.environment["SAYSO_DATABASE_URL"], exclusive=True)
        lines = [json.loads(line.body) for line in await store.audit_lines(0, 100)]
        assert await store.unreachable() == ()
        await store.close()
    assert [(line["type"], line["actor"][:4]) for line in lines] == [("address.reachable", "cli:")]


async def test_a_sender_that_may_not_send_is_wrong(tmp_path: Path) -> None:
    """The server takes the connection and refuses the address: that is EMAIL_FROM's fault, and is said so."""
    async with FakeSmtp() as smtp, pymap_server() as mailbox:
        smtp.refuse(Stage.MAIL, "553 5.7.1 not your address")
        status, found, _ = await doctor(tmp_path, "--no-round-trip", **mail(smtp, mailbox.url))
    assert (status, found["smtp"]["level"], found["sender"]["level"]) == (1, "ok", "wrong")
    assert "EMAIL_FROM" in found["sender"]["to_do"]


async def test_whose_results_stand_in_the_mailbox_is_told(tmp_path: Path) -> None:
    """A name that no mail carries is wrong, with the one that most carry; the right one says how many prove."""
    async with FakeSmtp() as smtp, pymap_server() as mailbox:
        raw = RESULTS.replace(b"sayso.example\r", b"corp.example\r") + b"From: ana@corp.example\r\nTo: x@y.example\r\n"
        for number in range(3):
            await mailbox.append(raw + b"Message-ID: <%d@corp.example>\r\n\r\nhello\r\n" % number)
        around = mail(smtp, mailbox.url)
        _, found, _ = await doctor(tmp_path, "--no-round-trip", **around, EMAIL_AUTHSERV_ID="mx.other.example")
        assert found["senders"]["level"] == "wrong"
        assert "EMAIL_AUTHSERV_ID=mx.sayso.example" in found["senders"]["to_do"]
        _, found, _ = await doctor(tmp_path, "--no-round-trip", **around, EMAIL_AUTHSERV_ID="mx.sayso.example")
        assert (found["senders"]["level"], "3 prove" in found["senders"]["says"]) == ("ok", True)


async def test_a_silent_server_does_not_hold_it_up(tmp_path: Path) -> None:
    """Each point is bounded, and the others are looked at."""
    async with FakeSmtp() as smtp, pymap_server() as mailbox:
        smtp.delay(Stage.CONNECT, 60)
        status, found, _ = await doctor(tmp_path, "--no-round-trip", **mail(smtp, mailbox.url))
    assert (status, found["smtp"]["level"], found["imap"]["level"]) == (1, "wrong", "ok")


async def test_slack_is_asked_whose_token_it_is(tmp_path: Path) -> None:
    """A good token stands for somebody; a bad one is wrong, and never shown."""
    async with FakeSlack() as slack:
        around = {"SAYSO_SECRET": SECRET, "SLACK_API_URL": slack.url, "SLACK_APP_TOKEN": slack.settings.app_token}
        _, found, _ = await doctor(tmp_path, **around, SLACK_BOT_TOKEN=slack.settings.bot_token)
        assert found["slack"]["level"] == "ok"
        _, found, printed = await doctor(tmp_path, **around, SLACK_BOT_TOKEN="xoxb-not-the-one")
        assert found["slack"]["level"] == "wrong"
        assert "xoxb-not-the-one" not in printed


async def test_an_identity_provider_is_asked_whether_it_answers(tmp_path: Path) -> None:
    """Off in one line; on, with what has to be registered there; a client's secret is never shown."""
    _, found, _ = await doctor(tmp_path, SAYSO_SECRET=SECRET)
    assert found["provider"]["says"] == "off (OIDC_ISSUER is not set); people sign in by one-time links"
    async with oidc.Provider() as there:
        values = {"SAYSO_SECRET": SECRET, "OIDC_ISSUER": there.url, "OIDC_CLIENT_ID": oidc.CLIENT}
        _, found, printed = await doctor(tmp_path, OIDC_CLIENT_SECRET=oidc.SECRET, **values)
        assert found["provider"]["says"] == f"{there.url} answers, and signs with 1 key"
        assert found["provider"]["to_do"].endswith("http://127.0.0.1:8000/sign-in/oidc/callback")
        assert oidc.SECRET not in printed
        there.answers["/keys"] = oidc.said({}, "500 Internal Server Error")
        status, found, _ = await doctor(tmp_path, **values)
    assert (status, found["provider"]["level"]) == (1, "wrong")
