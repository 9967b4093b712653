"""What `sayso doctor` says of an installation, and that it changes nothing on the way."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

from tests.fakes.email import FakeSmtp
from tests.fakes.email.imap import pymap_server

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
    out, err = await asyncio.wait_for(running.communicate(), 60)
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
        _, found, _ = await doctor(tmp_path, "--wait", "20s", **mail(smtp, mailbox.url))
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
        _, found, _ = await doctor(tmp_path, "--wait", "20s", **mail(smtp, mailbox.url))
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
