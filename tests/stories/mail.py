"""Sayso by mail, as a process of its own: an SMTP server that keeps letters, a real mailbox, and people who answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.channels.email.post import AUTHSERV_ID, REPLY_TO, Post, reply_to
from tests.fakes.email import FakeSmtp, ImapServer, Mail
from tests.stories.program import Program

RULES = """
version: 1
people:
  ana: {{name: Ana Silva, email: ana@corp.example{ana}}}
  ben: {{name: Ben Osei, email: ben@corp.example}}
  lea: {{name: Lea Roth, email: lea@corp.example}}
channels:
  email: {{outcomes: {outcomes}}}
actions:
  refund.issue:
    title: "Refund {{{{ amount }}}} {{{{ currency }}}} on order {{{{ order }}}}"
    risk: {risk}
    schema:
      type: object
      required: [order, amount]
      properties:
        order: {{type: string}}
        amount: {{type: number, minimum: 0, maximum: 9000}}
        currency: {{type: string, enum: [USD, EUR]}}
    editable: [amount, currency]
    execute: {{webhook: "{receiver}", timeout: 3s}}
network: {{allow_private: [127.0.0.0/8]}}
chains:
  finance:
    - {{notify: [{first}], via: [email], wait: {wait}}}
    - {{notify: [lea], via: [email], wait: 1h}}
default: {{stages: [{{chain: finance}}], expires: 24h}}
"""


class MailProgram(Program):
    """An installation whose people are reached by mail, and answer into a mailbox."""

    def __init__(self, folder: Path, smtp: FakeSmtp, mailbox: ImapServer | None) -> None:
        super().__init__(folder)
        self.smtp = smtp
        self.mailbox = mailbox
        self.environment |= {
            "SMTP_URL": smtp.url,
            "EMAIL_FROM": "Sayso <sayso@sayso.example>",
            "EMAIL_REPLY_TO": REPLY_TO,
            "EMAIL_AUTHSERV_ID": AUTHSERV_ID,
        }
        if mailbox is not None:
            self.environment["IMAP_URL"] = mailbox.url

    def mail_rules(
        self,
        receiver: str = "http://127.0.0.1:9/none",
        *,
        first: str = "ana",
        wait: str = "15m",
        risk: str = "reversible",
        outcomes: str = "thread",
        ana: str = "",
    ) -> None:
        """Write routing.yaml; ``ana`` is more of Ana's entry."""
        told = {"first": first, "wait": wait, "risk": risk, "outcomes": outcomes, "ana": ana}
        (self.folder / "routing.yaml").write_text(RULES.format(receiver=receiver, **told), encoding="utf-8")

    async def letter(
        self, to: str, holds: Callable[[Mail], bool] = lambda _: True, *, after: int = 0, within: float = 15.0
    ) -> Mail:
        """The first letter to somebody of which something holds, once it was sent; ``after`` so many letters in all."""
        async with asyncio.timeout(within):
            while True:
                found = [m for m in self.smtp.mails[after:] if m.recipients == (f"{to}@corp.example",) and holds(m)]
                if found:
                    return found[0]
                await asyncio.sleep(0.02)

    async def arrives(self, raw: bytes) -> None:
        """A mail arrives in the mailbox."""
        assert self.mailbox is not None
        await self.mailbox.append(raw)

    async def reply(self, mail: Mail, text: str, **changes: Any) -> bytes:
        """The recipient of a letter answers it; the answer, as it lies in the mailbox."""
        raw = reply_to(mail, text, **changes)
        await self.arrives(raw)
        return raw


def says(text: str) -> Callable[[Mail], bool]:
    """Whether a letter's text holds this."""
    return lambda mail: text in Post.text(mail)


def links_in(mail: Mail) -> list[str]:
    """Every address in the text part."""
    return re.findall(r"https?://\S+", Post.text(mail))
