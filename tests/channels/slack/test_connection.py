"""Connecting: what is wrong is said in a line, and mended in the background."""

from __future__ import annotations

import asyncio
import time

import pytest

from bot.core.errors import SendFailed
from bot.core.model import State
from channels import load
from channels.slack import SlackChannel, SlackSettings
from tests.channels.letters import LetterHouse
from tests.channels.slack.conftest import SECRETS, Office, new_slack, opened, settings_of
from tests.fakes.slack import FakeSlack


async def started(slack: FakeSlack, mode: str, **changes: str) -> SlackChannel:
    """A channel that has been started."""
    known = settings_of(slack, mode)
    fields = {name: getattr(known, name) for name in known.__struct_fields__} | changes
    house = LetterHouse()
    channel = SlackChannel(SlackSettings(**fields), house, clock=house.clock, post_to=None, secrets=SECRETS)
    house.channel = channel
    await channel.start()
    return channel


async def until_well(channel: SlackChannel, within: float = 8.0) -> None:
    """Wait until nothing is wrong any more."""
    async with asyncio.timeout(within):
        while await channel.fault() is not None:  # a channel is asked, it does not tell
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("slash", ["/", ""])
async def test_the_api_address_with_and_without_its_last_slash(slash: str) -> None:
    """Both are written in the wild, and both work."""
    async with new_slack() as slack:
        channel = await started(slack, "socket", api_url=slack.url.rstrip("/") + slash)
        assert await channel.fault() is None
        await channel.stop()


@pytest.mark.parametrize("mode", ["socket", "http"])
async def test_a_refused_token_is_one_line_and_is_tried_again(mode: str) -> None:
    """The program starts all the same; once the token is good, so is the channel."""
    async with new_slack() as slack:
        slack.faults.bad_token = True
        channel = await started(slack, mode)
        fault = await channel.fault()
        assert fault is not None
        assert "invalid_auth" in fault
        assert "SLACK_BOT_TOKEN" in fault
        assert "\n" not in fault
        slack.faults.bad_token = False
        await until_well(channel)
        await channel.stop()


async def test_a_wrong_app_token_is_said() -> None:
    """Socket Mode's own token is checked on its own."""
    async with new_slack() as slack:
        channel = await started(slack, "socket", app_token="xapp-wrong")
        assert "invalid_auth" in (await channel.fault() or "")
        await channel.stop()


async def test_a_slack_that_hangs_does_not_hold_up_the_start() -> None:
    """The program is up within seconds, and says what it waits for."""
    async with new_slack() as slack:
        slack.faults.hang("auth.test", 30.0, times=None)
        began = time.monotonic()
        channel = await started(slack, "http")
        assert time.monotonic() - began < 3.5
        assert "still trying" in (await channel.fault() or "")
        await channel.stop()


async def test_a_slack_that_is_not_there_is_said() -> None:
    """Nothing listens: unreachable, with what to check."""
    async with new_slack() as slack:
        channel = await started(slack, "http", api_url="http://127.0.0.1:9/api")
        await asyncio.sleep(0.1)
        assert await channel.fault() is not None
        await channel.stop()


async def test_before_the_start_and_after_the_stop_nothing_is_sent() -> None:
    """Both are temporary failures, not errors of ours."""
    async with new_slack() as slack:
        house = LetterHouse()
        channel = load("slack").open(
            bot_token="x", signing_secret="s", app_token=None, api_url=slack.url, reviews=house, clock=house.clock,
            secrets=SECRETS, post_to="#approvals",
        )  # fmt: skip
        house.channel = channel
        assert "not connected" in (await channel.fault() or "")
        with pytest.raises(SendFailed) as failed:
            await house.send(house.submit())
        assert failed.value.temporary


@pytest.mark.parametrize("abrupt", [False, True], ids=["told", "cut"])
async def test_a_disconnect_is_mended_and_presses_arrive_again(by_socket: Office, abrupt: bool) -> None:  # noqa: FBT001  # a table
    """Slack ends connections every few hours, and networks do without a word."""
    message = await by_socket.card()
    await by_socket.slack.socket.disconnect(abrupt=abrupt)
    await by_socket.slack.wait_for(lambda: by_socket.slack.socket.connections, within=15.0)
    assert (await by_socket.slack.click("U0ANA", message, "approve")).ok
    assert by_socket.house.requests["req_1"].state is State.APPROVED


async def test_a_connection_that_the_sdk_cannot_mend_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A ticket that ran out before it was used holds the SDK for ever; a new connection takes its place."""
    monkeypatch.setattr("channels.slack.socket.MEND_WITHIN", 0.5)
    monkeypatch.setattr("channels.slack.channel._WATCH_EVERY", 0.1)
    async with opened("socket") as office:
        handler = office.channel._socket._handler  # type: ignore[union-attr]  # noqa: SLF001  # no caller can bring this about
        assert handler is not None
        handler.client.auto_reconnect_enabled = handler.client.default_auto_reconnect_enabled = False
        await office.slack.socket.disconnect(abrupt=True)
        await office.slack.wait_for(lambda: office.slack.socket.connections, within=15.0)
        await until_well(office.channel, 15.0)
        message = await office.card()
        assert (await office.slack.click("U0ANA", message, "approve")).ok


async def test_a_token_that_is_taken_back_is_said_though_the_socket_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    """The socket hangs on the app's token, the cards on the bot's: each can end without the other."""
    monkeypatch.setattr("channels.slack.channel._WATCH_EVERY", 0.05)
    monkeypatch.setattr("channels.slack.channel._ASK_AGAIN_EVERY", 0.1)
    async with opened("socket") as office:
        office.slack.faults.refuse("auth.test", "token_revoked", times=None)
        async with asyncio.timeout(15):
            while "token is revoked" not in (await office.channel.fault() or ""):
                await asyncio.sleep(0.02)
        assert office.slack.socket.connections
        office.slack.faults.clear()
        await until_well(office.channel, 15.0)


async def test_the_first_press_after_a_failed_start_asks_slack_who_we_are() -> None:
    """A press that comes before the background has connected is judged all the same."""
    async with opened("http") as office:
        office.channel._people.identity = None  # noqa: SLF001  # no caller can bring this about
        message = await office.card()
        assert (await office.slack.click("U0ANA", message, "approve")).ok
        assert office.house.requests["req_1"].state is State.APPROVED


async def test_a_press_while_slack_cannot_say_who_we_are_fails_closed() -> None:
    """No team is known to be ours, so nobody's is."""
    async with opened("http") as office:
        message = await office.card()
        office.channel._people.identity = None  # noqa: SLF001  # no caller can bring this about
        office.slack.faults.refuse("auth.test", "fatal_error", times=None)
        assert not (await office.slack.click("U0ANA", message, "approve")).ok
        assert office.house.reasons == ["not_verified"]


async def test_nothing_of_slacks_or_of_agents_reaches_the_logs(caplog: pytest.LogCaptureFixture) -> None:
    """The libraries print whole payloads when they are asked to debug; they are not."""
    caplog.set_level("DEBUG")
    async with opened("socket") as office:
        message = await office.card(reason="canary-4711")
        await office.slack.click("U0ANA", message, "approve")
    ours = [r.getMessage() for r in caplog.records if r.name.startswith(("channels", "slack"))]
    assert not [line for line in ours if "canary-4711" in line or "xoxb-" in line]
