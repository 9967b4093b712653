"""A refund over a long weekend, on a clock that the story moves: stages, a delegate, an edit, an escalation.

Everything is real but the time: the store on a file, the desk and the courier, Slack's channel against a Slack at the
wire, the mail channel against an SMTP server and with a listener for what is written back, the action's receiver.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from bot.core.model import ExecutionState, Request, State
from bot.core.servers import MAIL_LISTEN, MAIL_OUT, server_of
from channels.email import EmailChannel, EmailSettings
from channels.slack import SlackChannel, SlackSettings
from tests.channels.email.post import AUTHSERV_ID, REPLY_TO, Post, reply_to
from tests.desk.house import SECRET, House, MovableClock, Wire, open_house
from tests.desk.replayed import prove
from tests.fakes.email import FakeSmtp, Mail, lmtp_send
from tests.fakes.receiver import Receiver
from tests.fakes.slack import FakeSlack, Message, buttons, visible_text
from tests.stories.program import free_port

RULES = """
version: 1
people:
  ana: {name: Ana Silva, slack: U0ANA}
  ben: {name: Ben Osei, slack: U0BEN}
  noa: {name: Noa Levi, email: noa@corp.example}
  lea: {name: Lea Roth, email: lea@corp.example}
  kim: {name: Kim Tran, slack: U0KIM, away: [{from: 2026-10-23, until: 2026-10-30, delegate: eva}]}
  eva: {name: Eva Holm, slack: U0EVA}
  dan: {name: Dan Reyes, slack: U0DAN}
groups: {finance: [ana, ben, dan]}
calendars:
  office: {timezone: Europe/Dublin, hours: Mon-Fri 09:00-17:30, holidays: IE}
agents:
  billing: {owner: dan}
channels: {email: {replies: approve}}
actions:
  refund.issue:
    title: "Refund {{ amount }} on order {{ order }}"
    risk: reversible
    schema:
      type: object
      required: [order, amount]
      properties: {order: {type: string}, amount: {type: number, minimum: 0}}
    editable: [amount]
    execute: {webhook: RECEIVER/refunds, timeout: 3s}
network: {allow_private: [127.0.0.0/8]}
chains:
  finance: [{notify: [finance], via: [slack]}]
  legal:
    - {notify: [noa], via: [email], wait: 4h, clock: office}
    - {notify: [lea], via: [email]}
  board: [{notify: [kim], via: [slack]}]
default:
  stages:
    - {parallel: [{name: finance, chain: finance}, {name: legal, chain: legal}]}
    - {name: board, chain: board}
  expires: 9d
"""
FRIDAY = datetime(2026, 10, 23, 14, 30, tzinfo=UTC)
"""Half past three in Dublin: two of the four hours pass until the office closes at half past five.

Clocks there go back on the Sunday, and the Monday is a public holiday: the other two pass on Tuesday until eleven.
"""
TUESDAY = datetime(2026, 10, 27, 11, 0, tzinfo=UTC)
STORY = [
    "request.submitted: agent:billing",
    "request.approve: person:ana",
    "request.escalated: sayso",
    "request.approve_with_edits: person:lea",
    "request.approve: person:ana",
    "request.decided: person:eva",
    "execution.started: sayso",
    "execution.ended: sayso",
]


class Weekend(Struct):
    """The house, and the outside of it."""

    house: House
    slack: FakeSlack
    smtp: FakeSmtp
    receiver: Receiver
    port: int

    async def card(self, user: str, holds: Callable[[Message], bool] = lambda _: True) -> Message:
        """The card that stands in somebody's own place."""
        place, _ = self.slack.workspace.direct_message(user)
        return await self.slack.wait_for_message(place.id, lambda m: bool(buttons(m)) and holds(m))

    def letters(self, to: str) -> list[Mail]:
        """What was sent to somebody."""
        return [mail for mail in self.smtp.mails if mail.recipients == (f"{to}@corp.example",)]

    async def answer(self, mail: Mail, text: str) -> None:
        """Write back to a letter."""
        (sender,) = mail.recipients
        await lmtp_send(self.port, reply_to(mail, text), sender, str(mail.parsed["Reply-To"]))

    async def until(self, request: Request, holds: Callable[[Request], bool]) -> Request:
        """The request once something holds of it, and the courier at rest."""
        async with asyncio.timeout(10):
            while not holds(found := await self.house.now(request)):
                await asyncio.sleep(0.01)
        await self.house.rest()
        return found


@pytest.fixture
async def weekend(tmp_path: Path) -> AsyncIterator[Weekend]:
    """Friday afternoon in Dublin, with both channels on."""
    port, clock = free_port(), MovableClock(FRIDAY)
    wires: dict[str, Wire] = {}
    async with FakeSlack() as slack, FakeSmtp() as smtp, Receiver(secret=SECRET) as receiver:
        for user in ("U0ANA", "U0BEN", "U0KIM", "U0EVA", "U0DAN"):
            slack.workspace.add_user(user)
        address = receiver.url.removesuffix("/hook")
        async with open_house(tmp_path / "sayso.db", channels=wires, clock=clock, receiver=address) as house:
            house.rule(lambda _: RULES)
            channels: dict[str, Any] = {"slack": _slack(slack, house), "email": _mail(smtp, house, port)}
            wires.update(channels)
            for channel in channels.values():
                await channel.start()
            await house.work()
            yield Weekend(house, slack, smtp, receiver, port)
            assert house.courier is not None
            await house.courier.stop(2)
            for channel in channels.values():
                await channel.stop()
            await prove(house.store)


def _slack(slack: FakeSlack, house: House) -> SlackChannel:
    known = slack.settings
    settings = SlackSettings(
        bot_token=known.bot_token, app_token=known.app_token, signing_secret=None, api_url=slack.url
    )
    return SlackChannel(settings, house.desk, clock=house.clock, post_to=None, secrets=("story",))


def _mail(smtp: FakeSmtp, house: House, port: int) -> EmailChannel:
    account = EmailSettings(
        smtp=server_of(smtp.url, MAIL_OUT),
        sender="Sayso <sayso@sayso.example>",
        reply_to=REPLY_TO,
        listen=server_of(f"lmtp://127.0.0.1:{port}", MAIL_LISTEN),
        authserv_id=AUTHSERV_ID,
    )
    section = house.policy.channels["email"]
    return EmailChannel(account, house.desk, clock=house.clock, secrets=("story",), section=lambda: section)


async def test_a_refund_over_a_long_weekend(weekend: Weekend) -> None:
    """Two stages side by side and a third, by Slack and by mail; nothing happens while the office is closed."""
    house, slack = weekend.house, weekend.slack
    request = await house.submit(arguments={"order": "10428", "amount": 240.0}, reason="Charged twice")
    await house.rest()
    # Dan owns the agent: he is in the group, and is not asked.
    assert request.assignees == ("ana", "ben", "noa")
    assert len(weekend.letters("noa")) == 1

    first = await weekend.card("U0ANA")
    assert (await slack.click("U0ANA", first, "approve")).ok
    voted = await weekend.until(request, lambda r: bool(r.votes))
    assert (voted.state, voted.assignees) == (State.PENDING, ("noa",))

    moved = await over_the_weekend(weekend, request)
    assert moved == TUESDAY
    (letter,) = weekend.letters("lea")
    assert "240" in Post.text(letter)

    house.clock.move(minutes=5)
    await weekend.answer(letter, "edit amount=180\n\nShipping is not refunded")
    edited = await weekend.until(request, lambda r: r.revision == 2)
    await house.later(seconds=2)
    assert (edited.state, [vote.by for vote in edited.votes]) == (State.PENDING, ["lea"])
    assert edited.assignees == ("ana", "ben")

    await told_what_was_edited(weekend)
    again = await weekend.card("U0ANA", lambda m: "180" in visible_text(m))
    assert (await slack.click("U0ANA", again, "approve")).ok
    await weekend.until(request, lambda r: r.assignees == ("eva",))

    board = await weekend.card("U0EVA")
    assert "for Kim Tran" in visible_text(board)
    assert (await slack.click("U0EVA", board, "approve")).ok
    done = await weekend.until(request, lambda r: r.execution is not None and r.execution.state.ended)
    await ended(weekend, done)


async def over_the_weekend(weekend: Weekend, request: Request) -> datetime:
    """Half an hour at a time until Lea is asked, too; when that was."""
    house = weekend.house
    said = len(weekend.smtp.mails)
    while (await house.now(request)).escalation_level == 0:
        assert len(weekend.smtp.mails) == said
        assert house.clock.at < TUESDAY
        await house.later(minutes=30)
    return house.clock.at


async def told_what_was_edited(weekend: Weekend) -> None:
    """Who decided before sees what was edited after: Ana at her card, and a word beside it; Noa in a letter."""
    place, _ = weekend.slack.workspace.direct_message("U0ANA")
    await weekend.slack.wait_for(
        lambda: any("earlier votes no longer count" in visible_text(m) for m in weekend.slack.messages(place.id))
    )
    card = await weekend.card("U0ANA", lambda m: "180" in visible_text(m))
    assert "240" in visible_text(card)
    assert "Lea Roth" in visible_text(card)
    assert any("180" in Post.text(mail) for mail in weekend.letters("noa")[1:])


async def ended(weekend: Weekend, done: Request) -> None:
    """It ran once, as it was edited; everybody's part is on record, in order, and nobody is left with buttons."""
    house = weekend.house
    assert (done.state, done.revision) == (State.APPROVED_WITH_EDITS, 2)
    assert done.execution is not None
    assert done.execution.state is ExecutionState.EXECUTED
    assert sum(weekend.receiver.effects.values()) == 1
    data = weekend.receiver.calls[0].json["data"]
    assert (data["arguments"], data["approved_by"]) == ({"order": "10428", "amount": 180}, ["lea", "ana", "eva"])
    assert (data["digest"], done.content.proposed) == (done.digest, {"order": "10428", "amount": 240.0})
    votes = [(v.by, v.stage_name, v.channel, v.instead_of) for v in done.votes]
    assert votes == [
        ("lea", "legal", "email", None),
        ("ana", "finance", "slack", None),
        ("eva", "board", "slack", "kim"),
    ]
    trail = [json.loads(line.body) for line in await house.store.audit(done.id)]
    told = [f"{line['type']}: {line['actor']}" for line in trail]
    assert [line for line in told if line.startswith(("request.", "execution."))] == STORY
    reached = {(d.channel, d.person) for d in await house.store.deliveries(done.id)}
    assert reached == {
        ("slack", "ana"), ("slack", "ben"), ("email", "noa"), ("email", "lea"), ("slack", "eva"),
    }  # fmt: skip
    for user in ("U0ANA", "U0BEN", "U0EVA"):
        place, _ = weekend.slack.workspace.direct_message(user)
        await weekend.slack.wait_for(lambda at=place.id: not _open(weekend.slack, at))  # type: ignore[misc]  # a default on a lambda has no type
    assert weekend.slack.messages(weekend.slack.workspace.direct_message("U0DAN")[0].id) == []
    assert weekend.slack.messages(weekend.slack.workspace.direct_message("U0KIM")[0].id) == []


def _open(slack: FakeSlack, place: str) -> bool:
    return any("approve" in buttons(message) for message in slack.messages(place))
