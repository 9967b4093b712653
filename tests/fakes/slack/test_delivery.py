"""How people reach the app: the same story over HTTP and Socket Mode with a real bolt app, retries, reconnects."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from slack_sdk.webhook.async_client import AsyncWebhookClient

from tests.fakes.slack import PersonCannotError, sign, visible_text
from tests.fakes.slack.bolt_app import new_app, over_http, over_socket, serving
from tests.fakes.slack.samples import ANA, BEN, BLOCKS, MODAL, STRANGER, client_of, text

if TYPE_CHECKING:
    from tests.fakes.slack import FakeSlack


async def play(slack: FakeSlack, seen: list[dict[str, Any]]) -> None:
    """Click, fill in, reply, command and look home; the same story for both modes."""
    await client_of(slack).chat_postMessage(channel="#approvals", text="Refund", blocks=BLOCKS)
    message = slack.messages()[0]
    ack = await slack.click(ANA, message, "approve")
    assert (ack.ok, ack.status) == (True, 200)
    assert ack.delay < 1.0
    body = seen[-1]
    assert body["actions"][0]["value"] == "t1"
    assert body["message"]["ts"] == message.ts
    assert (body["user"]["id"], body["team"]["id"], body["enterprise"]) == (ANA, "T0SAYSO", None)
    modal = await slack.wait_for_modal(ANA, "edit")
    refusal = await slack.submit(ANA, modal, {"comment": "no"})
    assert (refusal.response_action, modal.errors, modal.is_open) == ("errors", {"comment": "say more"}, True)
    done = await slack.submit(ANA, modal, {"arg:amount": "12.5"})
    assert (done.ok, modal.is_open) == (True, False)
    values = seen[-1]["view"]["state"]["values"]
    assert values["arg:amount"]["value"] == {"type": "number_input", "value": "12.5"}
    assert values["comment"]["value"]["value"] is None
    assert values["category"]["value"]["selected_option"]["value"] == "b"
    reply = await slack.reply_in_thread(BEN, message, "reject: ask ana@example.com <now>")
    assert reply.attempts == 1
    await slack.wait_for(lambda: "event" in seen[-1])
    assert seen[-1]["event"]["text"] == "reject: ask <mailto:ana@example.com|ana@example.com> &lt;now&gt;"
    assert seen[-1]["event"]["thread_ts"] == message.ts
    assert (await slack.slash(ANA, "/sayso", "list")).ok
    assert (seen[-1]["text"], slack.ephemerals(ANA)[-1].text) == ("list", "nothing waits for you")
    assert (await slack.open_home(BEN)).ok
    await slack.wait_for(lambda: slack.home(BEN))


async def test_the_story_over_http(slack: FakeSlack) -> None:
    """Bolt accepts the fake's signed posts for clicks, submissions, events, commands and the handshake."""
    seen: list[dict[str, Any]] = []
    async with over_http(slack, new_app(slack, seen)):
        assert await slack.verify_url()
        await play(slack, seen)
        forged = slack.deliveries[0]
        bad = {**forged.headers, **sign("wrong", forged.body)}
        assert (await slack.post(forged.body, bad)).status == 401
        old = {**forged.headers, **sign(slack.settings.signing_secret, forged.body, int(time.time()) - 301)}
        assert (await slack.post(forged.body, old)).status == 401
        assert (await slack.click(ANA, slack.messages()[0], "reject")).ok
        assert (await slack.redeliver(slack.deliveries[-1])).status == 200


async def test_the_story_over_socket_mode(slack: FakeSlack) -> None:
    """Bolt accepts the fake's envelopes for the same story, and acknowledges with payloads."""
    seen: list[dict[str, Any]] = []
    async with over_socket(slack, new_app(slack, seen)):
        await play(slack, seen)


async def test_socket_reconnects_and_duplicates(slack: FakeSlack) -> None:
    """A refresh and a cut bring a new connection; a duplicated envelope comes twice and counts one acknowledgement."""
    seen: list[dict[str, Any]] = []
    await client_of(slack).chat_postMessage(channel="#approvals", text="x", blocks=BLOCKS)
    message = slack.messages()[0]
    async with over_socket(slack, new_app(slack, seen)):
        for abrupt in (False, True):
            first = slack.socket.connections[0]
            await slack.socket.disconnect("refresh_requested", abrupt=abrupt)
            assert (await slack.click(ANA, message, "reject")).error == "dispatch_failed"
            await slack.wait_for(lambda: slack.socket.connections)
            assert first not in slack.socket.connections
            assert (await slack.click(ANA, message, "reject")).ok
        slack.faults.duplicate_envelopes = True
        before = len(seen)
        assert (await slack.click(ANA, message, "reject")).ok
        await slack.wait_for(lambda: len(seen) == before + 2 and slack.socket.late_acks)


async def test_events_are_retried_and_clicks_never(slack: FakeSlack) -> None:
    """A failing app gets an event four times with numbered retries, a click once; slowness shows as a timeout."""
    heard: list[tuple[str | None, str | None]] = []

    async def failing(request: web.Request) -> web.Response:
        heard.append((request.headers.get("X-Slack-Retry-Num"), request.headers.get("X-Slack-Retry-Reason")))
        if request.content_type != "application/json":
            await asyncio.sleep(2)
        return web.Response(status=500)

    await client_of(slack).chat_postMessage(channel="#approvals", text="x", blocks=BLOCKS)
    message = slack.messages()[0]
    async with serving(slack, failing):
        reply = await slack.reply_in_thread(ANA, message, "approve")
        assert (reply.attempts, reply.error) == (4, "http_service_error")
        assert heard == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
        click = await slack.click(ANA, message, "approve")
        assert (click.error, click.status, len(heard)) == ("operation_timeout", None, 5)


async def test_response_urls_run_out(slack: FakeSlack) -> None:
    """A response URL replaces, adds and deletes, five times in all, and not after its time."""
    await client_of(slack).chat_postMessage(channel="#approvals", text="x", blocks=BLOCKS)
    message = slack.messages()[0]
    hook = AsyncWebhookClient(slack.new_response_url(ANA, message.channel, message))
    assert (await hook.send(text="Approved by Ana", replace_original=True, blocks=[])).status_code == 200
    assert message.text == "Approved by Ana"
    await hook.send(text="only you")
    assert slack.ephemerals(ANA)[-1].text == "only you"
    await hook.send(text="all of you", response_type="in_channel")
    assert slack.messages()[-1].text == "all of you"
    await hook.send(delete_original=True)
    assert message.deleted
    await hook.send(text="fifth")
    sixth = await hook.send(text="sixth")
    assert (sixth.status_code, "used_url" in sixth.body) == (404, True)
    slack.settings.response_url_lifetime = -1
    late = await AsyncWebhookClient(slack.new_response_url(ANA, message.channel)).send(text="x")
    assert "expired_url" in late.body


async def test_people_can_only_do_what_the_client_offers(slack: FakeSlack) -> None:
    """Drivers refuse what Slack's client would not let a person do, and deliver a stale button as it was seen."""
    client = client_of(slack)
    posted = await client.chat_postMessage(channel="C0APPROVALS", text="x", blocks=BLOCKS)
    message = slack.messages()[0]
    seen_before = message.as_dict()
    await client.chat_update(channel="C0APPROVALS", ts=posted["ts"], text="done", blocks=BLOCKS[:1])
    with pytest.raises(PersonCannotError):
        await slack.click(ANA, message, "approve")
    assert (await slack.click(ANA, message, "approve", as_seen=seen_before)).error == "dispatch_failed"
    slack.workspace.add_user("U0OUT")
    with pytest.raises(PersonCannotError):
        await slack.click("U0OUT", message, "approve", as_seen=seen_before)
    await client.views_open(trigger_id=slack.new_trigger(ANA).id, view=MODAL)
    modal = slack.modals(ANA)[0]
    for values in ({"arg:amount": ""}, {"arg:amount": "-1"}, {"arg:amount": "x"}, {"comment": "x" * 101}, {"no": "x"}):
        with pytest.raises(PersonCannotError):
            await slack.submit(ANA, modal, values)
    assert slack.deliveries[-1].payload["type"] == "block_actions"


async def test_what_a_submission_can_be_answered_with(slack: FakeSlack) -> None:
    """`update`, `push` and `clear` change the modals; an answer that Slack cannot use leaves the modal open."""
    answers: list[dict[str, Any]] = [
        {"response_action": "update", "view": {**MODAL, "title": text("Two")}},
        {"response_action": "push", "view": {**MODAL, "callback_id": "above", "notify_on_close": True}},
        {"response_action": "errors", "errors": {"nowhere": "x"}},
        {"response_action": "update", "view": {**MODAL, "title": text("x" * 25)}},
        {"response_action": "clear"},
    ]
    heard: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        heard.append(str((await request.post())["payload"]))
        return web.Response() if "view_closed" in heard[-1] else web.json_response(answers.pop(0))

    await client_of(slack).views_open(trigger_id=slack.new_trigger(ANA).id, view=MODAL)
    modal = slack.modals(ANA)[0]
    async with serving(slack, answer):
        assert (await slack.submit(ANA, modal)).response_action == "update"
        assert visible_text(modal).startswith("Two\n")
        await slack.submit(ANA, modal)
        above = slack.modals(ANA)[-1]
        assert (len(slack.modals(ANA)), above.previous_view_id) == (2, modal.id)
        assert (await slack.close(ANA, above)) is not None
        assert "view_closed" in heard[-1]
        assert "invalid_errors" in (await slack.submit(ANA, modal)).error
        assert "invalid_arguments" in (await slack.submit(ANA, modal)).error
        assert modal.is_open
        await slack.submit(ANA, modal)
        assert slack.modals(ANA) == []


async def test_clicks_elsewhere_than_in_a_channel(slack: FakeSlack) -> None:
    """A home tab, an ephemeral message and a stranger's click each carry their own shape of payload."""
    client = client_of(slack)
    await client.views_publish(user_id=ANA, view={"type": "home", "blocks": BLOCKS})
    await client.chat_postEphemeral(channel="C0APPROVALS", user=ANA, text="x", blocks=BLOCKS)
    await client.chat_postMessage(channel="C0APPROVALS", text="x", blocks=BLOCKS)
    home = slack.home(ANA)
    assert home is not None
    await slack.click(ANA, home, "approve")
    await slack.click(ANA, slack.ephemerals(ANA)[0], "approve")
    await slack.click(STRANGER, slack.messages()[0], "approve")
    in_home, in_ephemeral, by_stranger = (delivery.payload for delivery in slack.deliveries)
    assert (in_home["container"]["type"], "channel" in in_home, "response_url" in in_home) == ("view", False, False)
    assert (in_ephemeral["container"]["is_ephemeral"], "message" in in_ephemeral) == (True, False)
    assert (by_stranger["user"]["team_id"], by_stranger["team"]["id"]) == ("T0OTHER", "T0OTHER")
    with pytest.raises(PersonCannotError):
        await slack.click(BEN, slack.ephemerals(ANA)[0], "approve")


async def test_edits_and_the_bots_own_posts_are_events_too(slack: FakeSlack) -> None:
    """An edited reply comes as `message_changed`; the bot hears its own posts when it is asked for."""
    heard: list[dict[str, Any]] = []

    async def listen(request: web.Request) -> web.Response:
        heard.append((await request.json())["event"])
        return web.Response()

    async with serving(slack, listen):
        slack.settings.echo_own_messages = True
        await client_of(slack).chat_postMessage(channel="C0APPROVALS", text="x", blocks=BLOCKS)
        await slack.wait_for(lambda: heard)
        assert heard[0]["bot_id"] == "B0SAYSO"
        reply = (await slack.reply_in_thread(ANA, slack.messages()[0], "approv")).message
        assert reply is not None
        await slack.edit_message(ANA, reply, "approve")
        assert (heard[-1]["subtype"], heard[-1]["previous_message"]["text"]) == ("message_changed", "approv")


async def test_fifty_clicks_at_once_each_arrive_once(slack: FakeSlack) -> None:
    """Clicks at the same time are delivered side by side, each once and with a trigger of its own."""
    heard: list[str] = []

    async def listen(request: web.Request) -> web.Response:
        heard.append(str((await request.post())["payload"]))
        await asyncio.sleep(0.05)
        return web.Response()

    await client_of(slack).chat_postMessage(channel="C0APPROVALS", text="x", blocks=BLOCKS)
    async with serving(slack, listen):
        acks = await asyncio.gather(*(slack.click(ANA, slack.messages()[0], "approve") for _ in range(50)))
    assert all(ack.ok for ack in acks)
    assert len({delivery.payload["trigger_id"] for delivery in slack.deliveries}) == len(heard) == 50
