"""A running bot with everything around it, told canaries by whoever can tell it something; and all that it says.

The far sides are as talkative as they may be: the target and the agent's webhook repeat what they are sent, the mail
server and a bounce quote the letter.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from bot.core.ports import Session
from bot.core.token import hash_of
from bot.web.inbox.admin import PAGES as HOUSE
from bot.web.inbox.insights import PAGES as INSIGHTS
from store import open_store
from tests.channels.email.post import AUTHSERV_ID, REPLY_TO, bounce_of, reply_to
from tests.erasure.hidden import CARD, CUSTOMER, ODD, ORDER, OTHER, TEAM, TOKEN, found
from tests.fakes.email import FakeSmtp, Mail, Stage, lmtp_send
from tests.fakes.push import JsonService, NtfyServer
from tests.fakes.receiver import Call, End, Receiver, message
from tests.fakes.slack import FakeSlack
from tests.operations.collector import Collector
from tests.stories.program import SECRET, Caller, Program, free_port

MANY = 30
SAID = tuple(f"kanari-{number:02d}-word" for number in range(MANY))
"""What agents, people and far sides say in words, each in a place of its own."""

RULES = """
version: 1
people:
  ana: {name: Ana Silva, email: ana@corp.example, slack: U0ANA, ntfy: ana-topic, role: admin}
  ben: {name: Ben Osei, email: ben@corp.example, slack: U0BEN}
  kim: {name: Kim Tran, email: kim@corp.example, digest: 1s}
  zoe: {name: Zoe Lind, email: zoe@corp.example, digest: 1s}
  lea: {name: Lea Roth, email: lea@corp.example}
agents:
  billing: {owner: lea, webhook: "EVENTS"}
channels: {slack: {post_to: "#approvals"}, email: {}, push: {}}
actions:
  refund.issue:
    title: "Refund {{ amount }} to {{ customer }} of {{ card }}, {{ memo }}"
    risk: reversible
    subject: customer
    redact: [card]
    execute: {webhook: "RECEIVER/refunds", timeout: 3s}
    rollback:
      action: refund.reverse
      arguments: {refund: "{{ result.id }}", why: "of {{ card }} to {{ customer }}, {{ memo }}"}
  refund.reverse: {risk: reversible, execute: {webhook: "RECEIVER/reversals", timeout: 3s}}
  refund.print:
    risk: reversible
    subject: customer
    redact: [card]
    execute: {python: "tests.erasure.broken:charge", timeout: 20s}
network: {allow_private: [127.0.0.0/8]}
chains:
  finance: [{notify: [ana, ben, kim, zoe], via: [slack, email, push]}]
  afterwards: [{notify: [ana], via: [slack]}]
rules:
  - name: small
    when: action == "refund.issue" && arguments.amount <= 5.0
    then: approve
    review_after: {share: 100%, chain: afterwards}
default: {stages: [{chain: finance}], expires: 24h}
"""
_ARGUMENTS = {"card": CARD, "customer": CUSTOMER, "order": ORDER, "amount": 313.3725, ODD: 4.0625, "memo": f"by {CARD}"}


def refunding(call: Call) -> Iterator[bytes | End]:
    """The target: it gives back what it got, refuses with all of it escaped in capitals, or is never heard again."""
    given: dict[str, Any] = call.json["data"]["arguments"]
    if given.get("order") == "reset":
        yield End.RESET
    elif given.get("order") == "refused":
        yield message(quote(json.dumps(given)).upper().encode(), status="422 Unprocessable Content")
    else:
        told = {"id": "re_7", "token": TOKEN, "of": [f"it was {given.get('card')}"], "note": SAID[0]}
        yield message(json.dumps(told).encode())


def listening(call: Call) -> Iterator[bytes | End]:
    """The agent's webhook: it refuses whatever it is told, with all of that."""
    yield message(call.body.upper(), status="422 Unprocessable Content")


@dataclass
class Wired:
    """Everything around one bot. ``ids`` are the requests, in the order in which they were made."""

    program: Program
    slack: FakeSlack
    smtp: FakeSmtp
    ntfy: NtfyServer
    services: JsonService
    collector: Collector
    events: Receiver
    letters: int
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    ids: list[str] = field(default_factory=list)

    async def sign_in(self) -> None:
        """Let Ana, who is an admin, read the pages."""
        now = datetime.now(UTC)
        session = Session(id=hash_of(self.cookie), person="ana", created_at=now, expires_at=now + timedelta(days=1))
        store = await open_store(self.program.environment["SAYSO_DATABASE_URL"], exclusive=False)
        await store.write(lambda tx: tx.add_session(session))
        await store.close()

    def mailed(self) -> str:
        """The letters that were taken, their parts decoded."""
        return "\n".join(map(_text, self.smtp.mails))

    def pushed(self) -> str:
        """What stands on lock screens."""
        return json.dumps([self.ntfy.published, self.services.taken])

    def traced(self) -> str:
        """What the collector was told."""
        return str([(span.name, span.said, span.events) for span in self.collector.spans])

    def posted(self) -> str:
        """What stands in Slack now."""
        standing = [message for message in self.slack.workspace.messages if not message.deleted]
        return json.dumps([[one.text, one.blocks] for one in standing])

    async def redrawn(self) -> None:
        """Wait until every card in Slack is drawn anew."""
        async with asyncio.timeout(20):
            while found(self.posted(), (CUSTOMER, ORDER)):
                await asyncio.sleep(0.05)

    async def answered(self, request_id: str, text: str) -> None:
        """Zoe, who gathers her mail, answers what she was sent of a request."""
        async with asyncio.timeout(20):
            while not (mine := [m for m in self.smtp.mails if "zoe@" in m.recipients[0] and request_id in _text(m)]):
                await asyncio.sleep(0.02)
        raw = reply_to(mine[0], text)
        (said,) = await lmtp_send(self.letters, raw, "zoe@corp.example", str(mine[0].parsed["Reply-To"]))
        assert said.startswith("250"), said

    async def told(self, admin: Caller) -> dict[str, str]:
        """All that anybody in the house can read of it, by where: the API, the export, the figures, the pages."""
        paths = [
            "/v1/requests",
            "/v1/audit/export",
            "/v1/audit/export?format=csv",
            "/v1/metrics?format=csv",
            "/metrics",
        ]
        paths += ["/v1/examples?labels=true&people=true", "/v1/metrics/thresholds", "/v1/metrics/attention", "/readyz"]
        paths += [f"/v1/metrics?by={by}" for by in ("agent", "action", "rule", "channel", "reviewer", "label:team")]
        for one in self.ids:
            paths += [f"/v1/requests/{one}", f"/v1/requests/{one}/audit", f"/requests/{one}"]
        paths += [path for path, _ in (*HOUSE, *INSIGHTS) if "{" not in path]
        paths += ["/inbox", "/inbox?scope=all", "/insights/agents/billing"]
        said = {}
        async with aiohttp.ClientSession(cookies={"sayso": self.cookie}) as browser:
            for path in paths:
                api = path.startswith(("/v1/", "/metrics", "/readyz"))
                said[path] = await (admin.text(path) if api else _page(browser, self.program.base + path))
        return said


def _text(mail: Mail) -> str:
    parts = [str(part.get_content()) for part in mail.parsed.walk() if not part.is_multipart()]
    return "\n".join([str(mail.parsed["Subject"]), *parts])


async def _page(browser: aiohttp.ClientSession, url: str) -> str:
    async with browser.get(url, allow_redirects=False) as answer:
        text = await answer.text()
        assert answer.status == 200, (url, answer.status, text[:300])
        return text


@asynccontextmanager
async def wired(folder: Path) -> AsyncIterator[Wired]:
    """The bot is up, with a log in JSON."""
    port = free_port()
    async with (
        FakeSlack() as slack,
        FakeSmtp() as smtp,
        NtfyServer() as ntfy,
        JsonService() as services,
        Collector() as collector,
        Receiver(refunding, secret=SECRET) as target,
        Receiver(listening, secret=SECRET) as events,
    ):
        for user, name in (("U0ANA", "ana"), ("U0BEN", "ben")):
            slack.workspace.add_user(user, name)
        slack.workspace.add_channel("approvals", "C0APPROVALS")
        smtp.per_recipient["kim@corp.example"] = f"550 5.1.1 no such user, said of {CUSTOMER}"
        smtp.refuse(Stage.CONTENT, f"554 5.7.1 looks like spam: {CARD} {SAID[1]}", times=1)
        program = Program(folder, slack=slack)
        program.environment |= {
            "SAYSO_LOG": "json",
            "SMTP_URL": smtp.url,
            "EMAIL_FROM": "Sayso <sayso@sayso.example>",
            "EMAIL_REPLY_TO": REPLY_TO,
            "EMAIL_AUTHSERV_ID": AUTHSERV_ID,
            "EMAIL_LISTEN": f"lmtp://127.0.0.1:{port}",
            "NTFY_URL": ntfy.url,
            "APPRISE_URLS": f"ben={services.address()}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        }
        rules = RULES.replace("RECEIVER", target.url).replace("EVENTS", events.url)
        (folder / "routing.yaml").write_text(rules, encoding="utf-8")
        async with program:
            house = Wired(program, slack, smtp, ntfy, services, collector, events, port)
            await house.sign_in()
            yield house


async def happens(house: Wired, agent: Caller, ana: Caller, ben: Caller) -> None:
    """Edited, run, taken back, harmful; run by rule; refused; printed; unheard of; rejected; open; and all failures."""
    more = {"reason": f"for {CARD} {SAID[2]}", "labels": {"team": TEAM, "token": TOKEN}, "on_behalf_of": SAID[3]}
    more["context"] = {"seen": [{"token": TOKEN, "says": SAID[4]}], "evidence": [{"title": SAID[5], "text": SAID[6]}]}

    async def made(action: str = "refund.issue", **changes: Any) -> Any:
        request = await agent.submit(action=action, confidence=0.9, **more, arguments=_ARGUMENTS | changes)
        house.ids.append(request["id"])
        return request

    first = await made()
    await _bounced(house, first["id"])
    edited = _ARGUMENTS | {"card": OTHER, "amount": 310.0}
    words = {"arguments": edited, "comment": f"not {CARD}: {SAID[7]}"}
    seen = await ana.get(first["id"])
    assert (await ana.decide(seen, "approve_with_edits", **words))[0] == 200
    await _ended(agent, first["id"], "executed")
    harm = {"severity": "high", "note": f"{OTHER} was the wrong one, {SAID[8]}"}
    assert (await ben.call("POST", f"/v1/requests/{first['id']}/incidents", harm))[0] == 200
    _, back = await ben.call("POST", f"/v1/requests/{first['id']}/rollback", {"reason": f"{OTHER}: {SAID[9]}"})
    house.ids.append(back["id"])
    await ana.decide(await ana.get(back["id"]), "approve", comment=f"yes, {OTHER}, {SAID[10]}")
    await agent.until(first["id"], lambda it: it["execution"]["state"] == "rolled_back")
    small = await made(amount=4.0)
    await _ended(agent, small["id"], "executed")
    _, found = await ana.call("GET", "/v1/requests?action=sayso.review_after")
    (review,) = found["requests"]
    house.ids.append(review["id"])
    await ana.decide(review, "reject", comment=f"{CARD} {SAID[11]}")
    for changes, action, state in (
        ({"order": "refused"}, "refund.issue", "failed"),
        ({}, "refund.print", "failed"),
        ({"order": "reset"}, "refund.issue", "unknown"),
    ):
        request = await made(action, **changes)
        if action == "refund.print":
            await house.answered(request["id"], f"approve\n\n{CARD} it is, {SAID[12]}")
        else:
            await ana.decide(await ana.get(request["id"]), "approve", comment=SAID[12])
        await _ended(agent, request["id"], state)
    no = await made()
    await ana.decide(await ana.get(no["id"]), "reject", comment=f"{CARD} {SAID[13]}", category=SAID[15])
    await made()
    async with asyncio.timeout(20):
        while "Understood, Zoe Lind: approved" not in house.mailed():
            await asyncio.sleep(0.05)
        while len(house.ntfy.published) < 3 or not house.services.taken or len(house.events.calls) < len(house.ids):
            await asyncio.sleep(0.05)


async def _ended(agent: Caller, request_id: str, state: str) -> None:
    ended = await agent.until(
        request_id, lambda it: (it["execution"] or {}).get("state") in ("executed", "failed", "unknown")
    )
    assert ended["execution"]["state"] == state, ended["execution"]


async def _bounced(house: Wired, request_id: str) -> None:
    """Of Ana's and Ben's letters one was refused as spam; the other comes back from where it was taken."""
    async with asyncio.timeout(20):
        while not house.smtp.mails:
            await asyncio.sleep(0.02)
    letter = house.smtp.mails[0]
    raw = bounce_of(letter, why=f"550 5.7.1 <{CUSTOMER}> dislikes: Refund to {CUSTOMER} {SAID[14]}")
    (said,) = await lmtp_send(house.letters, raw, "", str(letter.parsed["Reply-To"]))
    assert said.startswith("250"), said
    assert request_id
