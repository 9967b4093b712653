"""A click in Slack over signed HTTP, its durable commit included; and what bolt's polling for ``ack()`` would cost.

The bot posts its cards to the tests' Slack; the clicks are signed and sent by the bench's own lean client, one at a
time. What the polling costs is measured with bolt alone, in this process: the same listener, which takes as long as a
commit does, with ``process_before_response`` (as `channels.slack.listeners` has it) and with ``ack()``.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence
from typing import Any

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bench.contenders import Setting
from bench.house import House
from bench.load import Load, Run
from bench.report import Table, percentile
from bench.wire import Line, connect
from channels.slack.api import QUIET
from tests.fakes.slack import FakeSlack, Message, buttons, payloads, sign
from tests.fakes.slack.delivery import encode
from tests.fakes.slack.forms import filled_state

_PEOPLE = {"ana": "U0ANA", "ben": "U0BEN"}
_CHANNEL = "C0APPROVALS"
_CLICKS, _QUICK = 200, 40
_WITHIN = 60.0
_COMMIT = 0.0015
"""Seconds that the listener of the comparison takes."""


def join_slack(house: House, slack: FakeSlack) -> None:
    """Put Slack into the house's rules and environment."""
    path = house.folder / "routing.yaml"
    rules = path.read_text(encoding="utf-8").replace("risk: irreversible", "risk: reversible")
    for person, member in _PEOPLE.items():
        rules = rules.replace(f"email: {person}@example.com", f"email: {person}@example.com, slack: {member}")
    rules += f"channels: {{slack: {{post_to: {_CHANNEL}}}}}\nflood: {{cards: 1000, per: 1s, digest: 1s}}\n"
    path.write_text(rules, encoding="utf-8")
    house.env |= {
        "SLACK_API_URL": slack.url,
        "SLACK_BOT_TOKEN": slack.settings.bot_token,
        "SLACK_SIGNING_SECRET": slack.settings.signing_secret,
    }


def _pressed(slack: FakeSlack, message: Message) -> bytes:
    """Ana's press of Approve on a card, signed, as Slack sends it."""
    button = buttons(message)["approve"]
    block = next(block for block in message.blocks if block["type"] == "actions")
    place = slack.workspace.find_channel(_CHANNEL, by_name=True)
    person = slack.workspace.find_user(_PEOPLE["ana"])
    state = filled_state(message.blocks, {}, submitting=False)
    payload = {
        "type": "block_actions",
        **payloads.acted(slack.workspace, slack.settings, person),
        "trigger_id": slack.new_trigger(person.id, "").id,
        "actions": [payloads.button_action(block, button, {})],
        **payloads.on_message(message, place, state, slack.new_response_url(person.id, place.id, message)),
    }
    body, content_type = encode("interactive", payload)
    lines = [f"{name}: {value}" for name, value in sign(slack.settings.signing_secret, body).items()]
    lines += ["host: bench", f"content-type: {content_type}", f"content-length: {len(body)}"]
    return "\r\n".join(["POST /slack/events HTTP/1.1", *lines, "", ""]).encode() + body


def furnish(slack: FakeSlack) -> None:
    """Put into the workspace whom `join_slack` names, and where the cards go."""
    for name, member in _PEOPLE.items():
        slack.workspace.add_user(member, name)
    slack.workspace.add_channel("approvals", _CHANNEL)


async def press(slack: FakeSlack, port: int) -> None:
    """Ana presses Approve on a card that waits."""

    def waiting() -> list[Message]:
        return [message for message in slack.messages(_CHANNEL) if "approve" in buttons(message)]

    await slack.wait_for(lambda: bool(waiting()), within=_WITHIN)
    await _clicked(slack, port, waiting()[-1:])


async def _cards(slack: FakeSlack, load: Load, count: int) -> list[Message]:
    line: Line = await connect("127.0.0.1", load.port)
    for _ in range(count):
        await load.submit(line, Run())
    line.close()
    await slack.wait_for(lambda: len(slack.messages(_CHANNEL)) >= count, within=_WITHIN)
    return slack.messages(_CHANNEL)[:count]


async def _clicked(slack: FakeSlack, port: int, cards: list[Message]) -> list[float]:
    """Seconds from sending each click to its answer, one at a time; the decision is on record by then."""
    took: list[float] = []
    line = await connect("127.0.0.1", port)
    for message in cards:
        click = _pressed(slack, message)
        began = time.perf_counter()
        status, body = await line.call(click)
        took.append(time.perf_counter() - began)
        if status != 200:  # noqa: PLR2004  # fine
            raise RuntimeError(f"a click was answered {status}: {body[:200]!r}")
        await asyncio.sleep(0.01)  # the replay and the card that is changed are not what is measured
    line.close()
    return took


async def click(table: Table, setting: Setting) -> None:
    """One round."""
    count = _QUICK if setting.quick else _CLICKS
    async with FakeSlack() as slack:
        furnish(slack)
        house = House(setting.folder / "slack", setting.receiver.port, core=setting.core)
        join_slack(house, slack)
        await house.make_keys()
        async with await house.up() as process:
            load = Load(house.port, house.agent, house.reviewer, setting.receiver)
            await process.first(b"GET /healthz HTTP/1.1\r\nhost: bench\r\n\r\n", 200)
            took = await _clicked(slack, house.port, await _cards(slack, load, count))
            async with asyncio.timeout(_WITHIN):
                while setting.receiver.arrivals < count:  # noqa: ASYNC110  # every click was a decision, or this is no figure
                    await asyncio.sleep(0.01)
    for share, aim in ((50, "< 15"), (99, "")):
        name, clicked = f"a Slack click, its durable commit included: p{share}", percentile(took, share / 100)
        table.add(name, clicked * 1000, unit="ms", digits=2, aim=aim)
    for how, before in (("as it is here (process_before_response)", True), ("by ack(), polled every 10 ms", False)):
        middle = percentile(await _dispatched(count, before_response=before), 0.5) * 1000
        table.add(f"  bolt alone, a 1.5 ms listener, {how}: p50", middle, unit="ms", digits=2)


async def _dispatched(count: int, *, before_response: bool) -> list[float]:
    async def authorize() -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T1", bot_user_id="U1", bot_id="B1", bot_token="xoxb-1")  # noqa: S106  # made up

    app = AsyncApp(
        logger=QUIET,
        signing_secret="",
        authorize=authorize,
        process_before_response=before_response,
        request_verification_enabled=False,
    )

    async def answered() -> BoltResponse:
        await asyncio.sleep(_COMMIT)
        return BoltResponse(status=200, body="")

    async def acknowledged(ack: Any) -> None:
        await asyncio.sleep(_COMMIT)
        await ack()

    app.action("approve")(answered if before_response else acknowledged)
    payload = {
        "type": "block_actions",
        "team": {"id": "T1"},
        "user": {"id": "U2"},
        "actions": [{"type": "button", "action_id": "approve", "block_id": "b", "value": "v"}],
    }
    body = encode("interactive", payload)[0].decode()
    headers: dict[str, str | Sequence[str]] = {"content-type": "application/x-www-form-urlencoded"}
    took: list[float] = []
    for _ in range(count):
        began = time.perf_counter()
        answer = await app.async_dispatch(AsyncBoltRequest(body=body, headers=headers))
        took.append(time.perf_counter() - began)
        if answer.status != 200:  # noqa: PLR2004  # fine
            raise RuntimeError(json.dumps({"status": answer.status, "body": answer.body}))
    return took
