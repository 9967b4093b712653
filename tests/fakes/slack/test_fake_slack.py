"""The fake's Web API checked by slack_sdk's AsyncWebClient: answers, refusals, faults, pages."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack import ALL_SCOPES, View, buttons, links, mentions, render_message, render_view, visible_text
from tests.fakes.slack.samples import (
    ANA,
    BEN,
    BLOCKS,
    GUEST,
    MODAL,
    STRANGER,
    client_of,
    new_slack,
    refused,
    section,
    text,
)

if TYPE_CHECKING:
    from tests.fakes.slack import FakeSlack


async def test_sdk_reads_the_workspace(slack: FakeSlack) -> None:
    """The directory methods answer in the shapes that slack_sdk's users rely on, pages included."""
    client = client_of(slack)
    auth = await client.auth_test()
    assert (auth["team_id"], auth["user_id"], auth["bot_id"]) == ("T0SAYSO", "U0SAYSOBOT", "B0SAYSO")
    assert (await client.users_info(user=GUEST))["user"]["is_restricted"] is True
    assert (await client.users_info(user=STRANGER))["user"]["team_id"] == "T0OTHER"
    assert (await client.users_lookupByEmail(email="Ana@example.com"))["user"]["id"] == ANA
    assert (await client.conversations_list())["channels"][0]["name"] == "approvals"
    pages = [page["members"] async for page in await client.conversations_members(channel="C0APPROVALS", limit=2)]
    assert [len(page) for page in pages] == [2, 2, 1]
    opened = await client.conversations_open(users=ANA)
    assert (await client.conversations_open(users=ANA))["channel"] == opened["channel"]
    assert (await client.team_info())["team"]["id"] == "T0SAYSO"


async def test_refusals_by_token_method_and_name() -> None:
    """Wrong tokens, missing scopes, unknown methods, channels and users are refused by Slack's codes."""
    async with new_slack(scopes=ALL_SCOPES - {"users:read.email"}) as slack:
        client = client_of(slack)
        assert (await refused(client.api_call("chat.nothing")))["error"] == "unknown_method"
        assert (await refused(client.users_info(user="U0NOBODY")))["error"] == "user_not_found"
        posted = client.chat_postMessage(channel="#nowhere", text="x")
        assert (await refused(posted))["error"] == "channel_not_found"
        lookup = await refused(client.users_lookupByEmail(email="ana@example.com"))
        assert (lookup["error"], lookup["needed"]) == ("missing_scope", "users:read.email")
        for token, error in (
            ("", "not_authed"),
            ("xoxb-x", "invalid_auth"),
            (slack.settings.app_token, "not_allowed_token_type"),
        ):
            other = AsyncWebClient(token=token, base_url=slack.url)
            assert (await refused(other.auth_test()))["error"] == error
        assert (await refused(client.apps_connections_open(app_token="xoxb-x")))["error"] == "invalid_auth"


async def test_get_form_and_json_calls_are_the_same() -> None:
    """A method answers alike to GET, a form with JSON in its fields, and a JSON body."""
    async with new_slack() as slack, aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {slack.settings.bot_token}"}
        url, args = slack.url + "chat.postMessage", {"channel": "C0APPROVALS", "text": "hi"}
        for answer in (
            await session.get(url, params=args, headers=headers),
            await session.post(url, data={**args, "blocks": "[]"}, headers=headers),
            await session.post(url, json=args, headers=headers),
        ):
            assert (await answer.json())["ok"] is True
        bad = await session.post(url, data="{", headers={**headers, "Content-Type": "application/json"})
        assert (await bad.json())["error"] == "invalid_json"
        assert [call.http_method for call in slack.calls] == ["GET", "POST", "POST", "POST"]


async def test_a_message_lives_changes_and_goes(slack: FakeSlack) -> None:
    """Posting, updating, threads, reactions, links and deleting keep one message under one `ts`."""
    client = client_of(slack)
    posted = await client.chat_postMessage(channel="#approvals", text="Refund", blocks=BLOCKS, unfurl_links=False)
    message = slack.messages("#approvals")[0]
    assert message.unfurl["unfurl_links"] is False
    assert visible_text(message) == "Refund 240 USD\n*Order* 10428 <new> shop\nApprove\nReject"
    assert (list(buttons(message)), links(message), mentions(message)) == (
        ["approve", "reject"],
        ["https://shop.example"],
        [],
    )
    reply = await client.chat_postMessage(channel="C0APPROVALS", text="<!channel>", thread_ts=posted["ts"])
    assert mentions(slack.messages("#approvals", thread_ts=posted["ts"])[-1]) == ["!channel"]
    thread = await client.conversations_replies(channel="C0APPROVALS", ts=posted["ts"])
    assert [found["ts"] for found in thread["messages"]] == [posted["ts"], reply["ts"]]
    await client.chat_update(channel="C0APPROVALS", ts=posted["ts"], text="Approved", blocks=BLOCKS[:2])
    assert buttons(message) == {}
    assert len(message.history) == 1
    await client.reactions_add(channel="C0APPROVALS", timestamp=posted["ts"], name="white_check_mark")
    again = client.reactions_add(channel="C0APPROVALS", timestamp=posted["ts"], name="white_check_mark")
    assert (await refused(again))["error"] == "already_reacted"
    link = await client.chat_getPermalink(channel="C0APPROVALS", message_ts=posted["ts"])
    assert link["permalink"].startswith("https://sayso-test.slack.com/archives/C0APPROVALS/p")
    await client.chat_delete(channel="C0APPROVALS", ts=posted["ts"])
    gone = client.chat_update(channel="C0APPROVALS", ts=posted["ts"], text="x")
    assert (await refused(gone))["error"] == "message_not_found"


async def test_ephemeral_messages_reach_one_person(slack: FakeSlack) -> None:
    """An ephemeral message is seen by its user only, needs a member of the channel, and cannot be updated."""
    client = client_of(slack)
    sent = await client.chat_postEphemeral(channel="C0APPROVALS", user=BEN, text="Not yours to decide")
    assert [message.text for message in slack.ephemerals(BEN)] == ["Not yours to decide"]
    assert slack.messages("#approvals") == []
    update = client.chat_update(channel="C0APPROVALS", ts=sent["message_ts"], text="x")
    assert (await refused(update))["error"] == "message_not_found"
    slack.workspace.add_user("U0LATE")
    outside = client.chat_postEphemeral(channel="C0APPROVALS", user="U0LATE", text="x")
    assert (await refused(outside))["error"] == "user_not_in_channel"


async def test_triggers_and_view_ids(slack: FakeSlack) -> None:
    """A trigger works once within its life; updates need an open view and its present hash."""
    client, trigger = client_of(slack), slack.new_trigger(ANA)
    opened = await client.views_open(trigger_id=trigger.id, view=MODAL)
    twice = client.views_open(trigger_id=trigger.id, view=MODAL)
    assert (await refused(twice))["error"] == "exchanged_trigger_id"
    late = slack.new_trigger(ANA)
    await asyncio.sleep(1.05)
    assert (await refused(client.views_open(trigger_id=late.id, view=MODAL)))["error"] == "expired_trigger_id"
    assert (await refused(client.views_open(trigger_id="1.2.x", view=MODAL)))["error"] == "invalid_trigger_id"
    view_id, old = opened["view"]["id"], opened["view"]["hash"]
    await client.views_update(view_id=view_id, hash=old, view={**MODAL, "title": text("Again")})
    stale = client.views_update(view_id=view_id, hash=old, view=MODAL)
    assert (await refused(stale))["error"] == "hash_conflict"
    assert (await refused(client.views_update(view_id="V0NONE", view=MODAL)))["error"] == "not_found"


async def test_faults_of_the_web_api(slack: FakeSlack) -> None:
    """Each knob acts as named: nothing performed, performed and lost, refused, or late; then all is well again."""
    client, post = client_of(slack), "chat.postMessage"

    async def send() -> Any:
        return await client.chat_postMessage(channel="C0APPROVALS", text="x")

    slack.faults.rate_limited(post, retry_after=7)
    with pytest.raises(SlackApiError) as limited:
        await send()
    assert (limited.value.response.status_code, limited.value.response.headers["Retry-After"]) == (429, "7")
    slack.faults.server_error(post, status=502)
    with pytest.raises(SlackApiError) as broken:
        await send()
    assert broken.value.response.status_code == 502
    slack.faults.refuse(post, "fatal_error")
    assert (await refused(send()))["error"] == "fatal_error"
    slack.faults.hang(post, 0.05)
    with pytest.raises(aiohttp.ClientError):
        await send()
    assert slack.messages() == []
    slack.faults.lost_response(post)
    with pytest.raises(aiohttp.ClientError):
        await send()
    assert len(slack.messages()) == 1
    slack.faults.slow(post, 0.05, times=None)
    await send()
    slack.faults.clear()
    slack.faults.bad_token = True
    assert (await refused(send()))["error"] == "invalid_auth"
    slack.faults.bad_token = False
    await send()
    assert [call.status for call in slack.calls_of(post)] == [429, 502, 200, 0, 0, 200, 200, 200]


async def test_a_caller_that_hangs_up_has_posted_all_the_same(slack: FakeSlack) -> None:
    """A slow call is performed though its caller gave up on it: whoever retries makes a second message."""
    hasty = AsyncWebClient(token=slack.settings.bot_token, base_url=slack.url, timeout=1, retry_handlers=[])
    slack.faults.slow("chat.postMessage", 1.1)
    with pytest.raises(TimeoutError):
        await hasty.chat_postMessage(channel="C0APPROVALS", text="x")
    assert slack.messages() == []
    assert (await slack.wait_for_message("#approvals")).text == "x"


async def test_one_message_a_second_and_channel() -> None:
    """With the pace enforced, a second post within a second gets 429; another channel is not held back."""
    async with new_slack(enforce_rate=True) as slack:
        client = client_of(slack)
        await client.chat_postMessage(channel="C0APPROVALS", text="x")
        assert (await refused(client.chat_postMessage(channel="C0APPROVALS", text="x")))["error"] == "ratelimited"
        await client.chat_postMessage(channel=ANA, text="x")


async def test_pages_for_screenshots_hold_no_markup_of_the_text(slack: FakeSlack) -> None:
    """Rendered messages and modals show text, buttons and errors; markup in a text stays text."""
    blocks = [
        *BLOCKS,
        section(text=text("<script>alert(1)</script>")),
        section(text=text("`a` *b* <@U0ANA>", "mrkdwn")),
    ]
    await client_of(slack).chat_postMessage(channel="C0APPROVALS", text="x", blocks=blocks)
    page = render_message(slack.messages()[0], names={ANA: "Ana Silva"})
    assert "<script>" not in page
    assert '<span class="button primary">Approve</span>' in page
    assert '<code>a</code> <b>b</b> <span class="mention">@Ana Silva</span>' in page
    view = View("V1", ANA, "T", "A", "B", MODAL, "V1", errors={"comment": "say <more>"})
    assert "say &lt;more&gt;" in render_view(view)


async def test_it_runs_as_a_program() -> None:
    """`python -m tests.fakes.slack` prints the environment for an app and serves the API and the pages there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fakes.slack", "--user", ANA, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        environment = json.loads(await process.stdout.readline())
        client = AsyncWebClient(token=environment["SLACK_BOT_TOKEN"], base_url=environment["SLACK_API_URL"])
        await client.chat_postMessage(channel="#approvals", text="x", blocks=BLOCKS)
        pages = environment["SLACK_API_URL"].replace("/api/", "/messages")
        async with aiohttp.ClientSession() as session, session.get(pages) as answer:
            assert "Refund 240 USD" in await answer.text()
        assert "SLACK_APP_TOKEN" in environment
    finally:
        process.terminate()
        await process.wait()
