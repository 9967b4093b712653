"""One decision, wherever it is made, is seen everywhere within two seconds: card, thread, screens, open pages."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.core.model import Role
from tests.channels.email.post import Post
from tests.fakes.email import FakeSmtp, ImapServer, new_certificate, pymap_server
from tests.fakes.push import NtfyServer, PushService
from tests.fakes.push.browser import Browser
from tests.fakes.slack import FakeSlack, buttons, visible_text
from tests.stories.mail import MailProgram

WITHIN = 2.0
"""Seconds from the decision until everybody has heard of it."""

RULES = """
version: 1
people:
  ana: {name: Ana Silva, email: ana@corp.example, slack: U0ANA, ntfy: ana-approvals}
  ben: {name: Ben Osei, email: ben@corp.example, slack: U0BEN}
channels:
  slack: {post_to: "#approvals"}
  email: {outcomes: thread}
actions:
  note.add: {risk: reversible, execute: {agent: true}, undo_window: 1h}
network: {allow_private: [127.0.0.0/8]}
chains: {all: [{notify: [ana, ben], via: [slack, email, push], wait: 1h}]}
default: {stages: [{chain: all}], expires: 24h}
"""


class Everywhere:
    """Everything that shows a request: one installation with every channel on, and somebody looking at the inbox."""

    def __init__(self, program: MailProgram, slack: FakeSlack, ntfy: NtfyServer, service: PushService) -> None:
        self.program = program
        self.slack = slack
        self.ntfy = ntfy
        self.service = service
        self.moved: list[str] = []

    async def sign_in(self, http: aiohttp.ClientSession, person: str) -> None:
        """By a link that whoever runs it printed."""
        status, said, _ = await self.program.tell("link", person, "--json")
        assert status == 0
        async with http.post(json.loads(said)["url"], headers=self.origin, allow_redirects=False) as answer:
            assert answer.status == 303

    @property
    def origin(self) -> dict[str, str]:
        """What a browser says of a form of ours."""
        return {"Origin": self.program.base, "Sec-Fetch-Site": "same-origin"}

    async def subscribe(self, http: aiohttp.ClientSession, person: str) -> Browser:
        """A browser that takes push, as its page says so."""
        async with http.get(f"{self.program.base}/push/state") as answer:
            state = await answer.json()
        browser = self.service.browser(person, state["public_key"])
        made = browser.subscription
        body = {"endpoint": made.endpoint, "keys": {"p256dh": made.p256dh, "auth": made.auth}}
        headers = self.origin | {"X-CSRF": state["csrf"]}
        async with http.post(f"{self.program.base}/push/subscriptions", json=body, headers=headers) as answer:
            assert answer.status == 201, await answer.text()
        return browser

    async def listen(self, http: aiohttp.ClientSession) -> None:
        """An open page: what it is told of."""
        async with http.get(f"{self.program.base}/inbox/live", timeout=aiohttp.ClientTimeout(None)) as answer:
            async for line in answer.content:
                if line.startswith(b"data:"):
                    self.moved.append(json.loads(line[5:]).get("id", "all"))


@pytest.fixture
async def mailbox() -> AsyncIterator[ImapServer]:
    """A mailbox that answers arrive in."""
    async with pymap_server() as server:
        yield server


@asynccontextmanager
async def opened(folder: Path, slack: FakeSlack, mailbox: ImapServer) -> AsyncIterator[Everywhere]:
    """The installation, running, beside every service that it speaks to."""
    async with AsyncExitStack() as stack:
        smtp = await stack.enter_async_context(FakeSmtp())
        ntfy = await stack.enter_async_context(NtfyServer())
        service = await stack.enter_async_context(PushService())
        program = MailProgram(folder, smtp, mailbox)
        program.environment |= {
            "SLACK_API_URL": slack.url,
            "SLACK_BOT_TOKEN": slack.settings.bot_token,
            "SLACK_SIGNING_SECRET": slack.settings.signing_secret,
            "NTFY_URL": ntfy.url,
            "SSL_CERT_FILE": str(new_certificate().certificate),
        }
        slack.request_url = f"{program.base}/slack/events"
        (folder / "routing.yaml").write_text(RULES, encoding="utf-8")
        await stack.enter_async_context(program)
        yield Everywhere(program, slack, ntfy, service)


async def by_slack(all_of_it: Everywhere, _: Any) -> None:
    """Ben presses the button of the card."""
    card = all_of_it.slack.messages("#approvals")[0]
    assert (await all_of_it.slack.click("U0BEN", card, "approve")).ok


async def by_mail(all_of_it: Everywhere, _: Any) -> None:
    """Ben answers his letter."""
    await all_of_it.program.reply(await all_of_it.program.letter("ben"), "approve")


async def by_push(all_of_it: Everywhere, _: Any) -> None:
    """Ana presses the button on her phone's notification."""
    ((message,),) = (list(all_of_it.ntfy.shown.values()),)
    url = next(action["url"] for action in message["actions"] if action["label"] == "Approve")
    async with aiohttp.ClientSession() as phone, phone.post(url) as answer:
        assert answer.status == 200, await answer.text()


async def by_page(all_of_it: Everywhere, request: Any) -> None:
    """Ben decides over the API, as the inbox does at the desk."""
    async with all_of_it.program.caller("ben", Role.REVIEWER) as ben:
        assert (await ben.decide(request, "approve"))[0] == 200


@pytest.mark.parametrize("decide", [by_slack, by_mail, by_push, by_page])
async def test_a_decision_anywhere_is_seen_everywhere(
    decide: Callable[[Everywhere, Any], Any], tmp_path: Path, slack: FakeSlack, mailbox: ImapServer
) -> None:
    """The card is redrawn, the thread told, Ana's screens cleared and the open page moved, within two seconds."""
    async with opened(tmp_path, slack, mailbox) as here, here.program.caller("billing") as agent, AsyncExitStack() as s:
        http = await s.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)))
        await here.sign_in(http, "ana")
        screen = await here.subscribe(http, "ana")
        page = asyncio.create_task(here.listen(http))
        request = await agent.submit(action="note.add", arguments={"text": "Called the customer"})
        card = await slack.wait_for_message("#approvals", lambda m: "approve" in buttons(m))
        await here.program.letter("ana")
        await _until(lambda: request["id"] in screen.shown and bool(here.ntfy.shown), 5)
        letters, told = len(here.program.smtp.mails), len(here.moved)
        await decide(here, request)
        began = asyncio.get_running_loop().time()
        await _until(lambda: "Approved by" in visible_text(card), WITHIN)
        await _until(lambda: request["id"] in here.moved[told:], WITHIN)
        await _until(lambda: not screen.shown and not here.ntfy.shown, WITHIN)
        # What somebody decided themselves they are not told by letter; the other of the two is.
        other = "ana" if decide is not by_push else "ben"
        letter = await here.program.letter(other, lambda m: "Approved by" in Post.text(m), after=letters, within=WITHIN)
        assert re.search(r"^<", str(letter.parsed["In-Reply-To"]))
        assert asyncio.get_running_loop().time() - began < WITHIN
        page.cancel()


async def _until(holds: Callable[[], bool], within: float) -> None:
    async with asyncio.timeout(within):
        while not holds():
            await asyncio.sleep(0.02)
