"""T23 by mail and on pages: letters, queue, requests, trail, its copy, what is not there; then erased."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.core.model import Role
from bot.core.redaction import MARK
from tests.erasure.test_t23_canaries import CANARIES, files_of, found
from tests.fakes.email import FakeSmtp
from tests.stories.mail import MailProgram
from tests.stories.program import Caller

ACTIONS = """actions:
  card.charge:
    title: "Charge {{ number }}"
    redact: [number, note]
    execute: {python: "tests.erasure.broken:charge", attempts: 1}
  account.close:
    title: "Close {{ customer }}"
    subject: customer
    execute: {python: "tests.erasure.broken:charge", attempts: 1}
"""
PAGES = ("/inbox", "/inbox?state=all", "/admin/audit", "/requests/req_0", "/nowhere")


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[MailProgram]:
    """An installation whose people are asked by mail, one of them an admin."""
    async with FakeSmtp() as smtp:
        program = MailProgram(tmp_path, smtp, None)
        program.mail_rules(ana=", role: admin")
        rules = tmp_path / "routing.yaml"
        rules.write_text(rules.read_text(encoding="utf-8").replace("actions:\n", ACTIONS, 1), encoding="utf-8")
        yield program
        await program.stop()


async def pages(program: MailProgram, request_ids: list[str]) -> dict[str, str]:
    """Every page that an admin may open, as it came."""
    _, said, _ = await program.tell("link", "ana", "--json")
    jar = aiohttp.CookieJar(unsafe=True)
    origin = {"Origin": program.base, "Sec-Fetch-Site": "same-origin"}
    async with aiohttp.ClientSession(cookie_jar=jar, headers=origin) as browser:
        async with browser.post(json.loads(said)["url"], allow_redirects=False) as entered:
            assert entered.status == 303
        shown = {}
        for path in (*PAGES, *(f"/requests/{request_id}" for request_id in request_ids)):
            async with browser.get(program.base + path) as page:
                shown[path] = f"{page.status} {await page.text()}"
        # The trail's copy is taken by a form, for it is put on record.
        csrf = re.search(r'name="csrf" value="([^"]*)"', shown["/admin/audit"])
        assert csrf
        for kind in ("csv", "jsonl"):
            form = {"csrf": csrf[1], "format": kind}
            async with browser.post(f"{program.base}/admin/audit/export", data=form) as copy:
                shown[f"copy {kind}"] = await copy.text()
                assert (copy.status, "request.decided" in shown[f"copy {kind}"]) == (200, True)
        return shown


async def failed(agent: Caller, ana: Caller, **content: Any) -> str:
    """A request whose target fails with all that it was given; its id."""
    request = await agent.submit(confidence=None, **content)
    status, told = await ana.decide(await ana.get(request["id"]), "approve", comment=f"yes, {CANARIES[2]}")
    assert status == 200, told
    await agent.until(request["id"], lambda it: it["execution"]["state"] == "failed")
    return str(request["id"])


async def test_t23_letters_pages_and_broken_functions_tell_nothing(program: MailProgram) -> None:
    """What is redacted stands in no letter, page or line of the log; what is erased through the API, nowhere at all."""
    hidden = {"number": CANARIES[0], "note": f"{CANARIES[1]} and {CANARIES[2]}", "amount": 3}
    async with (
        program,
        program.caller("billing") as agent,
        program.caller("ana", Role.REVIEWER) as ana,
        program.caller("ops", Role.ADMIN) as ops,
    ):
        one = await failed(agent, ana, action="card.charge", arguments=hidden, reason=f"for {CANARIES[0]}")
        await program.letter("ana")
        shown = await pages(program, [one])
        letters = "".join(str(mail.parsed) for mail in program.smtp.mails)
        said = shown | {"log": program.said(), "letters": letters}
        # The comment is the reviewer's own, and no argument's text alone.
        assert {where: found(text) for where, text in said.items() if set(found(text)) - {CANARIES[2]}} == {}
        assert found(program.said()) == []
        assert shown[f"/requests/{one}"].startswith("200")
        assert f"<pre>{MARK}</pre>" in shown[f"/requests/{one}"]
        assert "ValueError" in json.dumps(await ana.get(one))

        told = {"customer": CANARIES[10], "note": CANARIES[11]}
        other = await failed(agent, ana, action="account.close", arguments=told, reason=CANARIES[12])
        assert CANARIES[10] in (await pages(program, [other]))[f"/requests/{other}"]
        assert found(program.said()) == []
        status, erased = await ops.call("POST", "/v1/subjects/erasure", {"subject": CANARIES[10]})
        assert (status, erased["requests"], erased["rewritten"]) == (200, 1, True), erased
        shown = await pages(program, [other])
        theirs = set(CANARIES[10:])
        view = {"view": json.dumps(await agent.get(other)), "log": program.said()}
        assert {where: found(text) for where, text in (shown | view).items() if set(found(text)) & theirs} == {}
        page = shown[f"/requests/{other}"]
        assert "Erased on" in page
        assert "What it asked for was erased on 2" in page
        assert "What the agent said was erased on 2" in page
        assert "No arguments." not in page
        assert "gave no reason" not in page
        assert [f.name for f in files_of(program.folder) if f.is_file() and set(found(f.read_bytes())) & theirs] == []
