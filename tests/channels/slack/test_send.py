"""Cards out: where they go, how they change, and what becomes of them while Slack fails."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.errors import SendFailed
from bot.core.model import Delivery, DeliveryState
from bot.core.ports import Place
from channels.slack.api import proxy_for
from channels.slack.channel import SlackChannel
from tests.channels.slack.conftest import SECRETS, Office, opened, settings_of
from tests.fakes.slack import api, buttons, mentions, visible_text
from tests.fakes.slack.args import Args
from tests.fakes.slack.state import State


def history(state: State, args: Args) -> dict[str, Any]:
    """`conversations.history`: newest first, with metadata where it is asked for.

    Source: https://docs.slack.dev/reference/methods/conversations.history
    """
    channel = state.workspace.find_channel(args.text("channel"))
    oldest = float(args.text("oldest", optional=True) or 0)
    found = [m for m in state.workspace.visible_messages(channel.id) if float(m.ts) > oldest]
    shown = [m.as_dict() | ({"metadata": m.metadata} if m.metadata else {}) for m in reversed(found)]
    return {"ok": True, "messages": shown, "has_more": False}


@pytest.fixture
def with_history(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Slack that lets the app read what it posted."""
    method = api.Method(history, scope="channels:history groups:history im:history", per_minute=50)
    monkeypatch.setitem(api.METHODS, "conversations.history", method)


def queued(office: Office, to: str = "#approvals") -> Delivery:
    """A delivery that has not been sent."""
    request = office.house.submit()
    return Delivery(
        id="dlv_q", request=request.id, channel="slack", to=to, person=None, stage=0, step=0,
        state=DeliveryState.QUEUED, at=office.house.clock.now(),
    )  # fmt: skip


async def send(office: Office, delivery: Delivery) -> dict[str, Any]:
    """Send a delivery's card."""
    return await office.channel.send(office.house.card_of(office.house.requests[delivery.request]), delivery)


async def test_a_shared_channel_is_everybodys_place(by_http: Office) -> None:
    """One card serves all, also those without a Slack id."""
    assert {by_http.channel.place(person) for person in by_http.house.people.values()} == {Place("#approvals", None)}


@pytest.mark.parametrize("post_to", [None, "dm"])
async def test_direct_messages_reach_who_has_a_slack_id(post_to: str | None) -> None:
    """The card goes to the person's own conversation, where its buttons and its thread work; others have no place."""
    async with opened("http", post_to=post_to) as office:
        assert office.channel.place(office.house.people["ana"]) == Place("U0ANA", "ana")
        assert office.channel.place(office.house.people["nil"]) is None
        message = await office.card()
        assert message.channel == office.slack.workspace.direct_message("U0ANA")[0].id
        await office.slack.reply_in_thread("U0ANA", message, "hm")
        await office.slack.wait_for(lambda: len(office.slack.messages("U0ANA")) == 3)
        assert (await office.slack.click("U0ANA", message, "approve")).ok
        await office.house.settle()
        assert list(buttons(message)) == ["open"]


async def test_every_card_of_a_request_is_brought_up_to_date(office: Office) -> None:
    """In the channel and in two conversations: decided in one, decided in all."""
    request = office.house.submit()
    messages = [await office.card(request, to=to) for to in ("#approvals", "U0ANA", "U0BEN")]
    await office.slack.click("U0BEN", messages[2], "approve")
    await office.house.settle()
    assert all("Approved by Ben <Okri>" in visible_text(message) for message in messages)


async def test_a_reminder_stands_in_the_thread_and_mentions_the_asked(by_http: Office) -> None:
    """Everybody who is asked is mentioned, and nobody by the note's making."""
    message = await by_http.card()
    card = by_http.house.card_of(by_http.house.requests["req_1"])
    await by_http.channel.remind(card, by_http.house.deliveries[0], "Still waiting <!channel>")
    reply = by_http.slack.messages(thread_ts=message.ts)[-1]
    assert "Still waiting <!channel>" in visible_text(reply)
    assert set(mentions(reply)) == {"@U0ANA", "@U0BEN", "@U0GUEST", "@U0STRANGER", "@U0GONE"}


async def test_p08_a_pause_that_slack_asks_for_is_kept(by_http: Office) -> None:
    """429: the failure is temporary, names the seconds, and no call is made before they are over."""
    by_http.slack.faults.rate_limited("chat.postMessage", retry_after=30)
    delivery = queued(by_http)
    with pytest.raises(SendFailed) as first:
        await send(by_http, delivery)
    with pytest.raises(SendFailed) as second:
        await send(by_http, delivery)
    assert (first.value.temporary, first.value.retry_after) == (True, 30)
    assert second.value.temporary
    assert 28 < (second.value.retry_after or 0) <= 30
    assert len(by_http.slack.calls_of("chat.postMessage")) == 1
    by_http.house.clock.ahead += timedelta(seconds=31)
    assert (await send(by_http, delivery))["ts"]


async def test_p12_a_clock_that_is_set_back_makes_no_pause_longer(by_http: Office) -> None:
    """429 for half a minute, then the clock goes back by a day: the pause does not last until tomorrow."""
    by_http.slack.faults.rate_limited("chat.postMessage", retry_after=30)
    delivery = queued(by_http)
    with pytest.raises(SendFailed):
        await send(by_http, delivery)
    by_http.house.clock.ahead -= timedelta(days=1)
    assert (await send(by_http, delivery))["ts"]


async def test_p08_the_pace_of_a_channel_is_slacks_to_say() -> None:
    """A second card within the second is put off by the second, and then goes out."""
    async with opened("http") as office:
        office.slack.settings.enforce_rate = True
        await office.card()
        with pytest.raises(SendFailed) as failed:
            await office.card()
        assert failed.value.retry_after == 1


@pytest.mark.parametrize("status", [500, 502, 503])
async def test_p08_an_error_of_slacks_is_temporary(by_http: Office, status: int) -> None:
    """5xx: tried again later, by whoever keeps count."""
    by_http.slack.faults.server_error("chat.postMessage", status=status)
    with pytest.raises(SendFailed) as failed:
        await send(by_http, queued(by_http))
    assert failed.value.temporary


async def test_p08_a_hang_ends_and_is_temporary(by_http: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Slack that says nothing does not hold a card for ever."""
    monkeypatch.setattr("channels.slack.api.SlackApi.write.__kwdefaults__", {"within": 0.2, "again": False})
    by_http.slack.faults.hang("chat.postMessage", 2.0)
    with pytest.raises(SendFailed) as failed:
        await send(by_http, queued(by_http))
    assert failed.value.temporary
    assert "timeout" in failed.value.detail


@pytest.mark.usefixtures("with_history")
async def test_p08_a_lost_answer_leaves_one_card(by_http: Office) -> None:
    """It was posted, but the answer never came: the next try finds it, brings it up to date and answers its handle."""
    delivery = queued(by_http)
    by_http.slack.faults.lost_response("chat.postMessage")
    with pytest.raises(SendFailed) as failed:
        await send(by_http, delivery)
    assert failed.value.temporary
    handle = await send(by_http, delivery)
    assert [m.ts for m in by_http.slack.messages("#approvals")] == [handle["ts"]]


@pytest.mark.usefixtures("with_history")
async def test_p08_a_process_that_died_before_it_could_say_leaves_one_card(by_http: Office) -> None:
    """A delivery that has waited is looked for before it is posted, also by a process that never posted it."""
    delivery = queued(by_http)
    handle = await send(by_http, delivery)
    by_http.house.clock.ahead += timedelta(seconds=60)
    assert await send(by_http, delivery) == handle


@pytest.mark.usefixtures("with_history")
async def test_p08_a_process_that_is_started_again_at_once_leaves_one_card(by_http: Office) -> None:
    """What was planned before it began is looked for, however short a while ago that was: nobody updates a second."""
    delivery = queued(by_http)
    handle = await send(by_http, delivery)
    by_http.house.clock.ahead += timedelta(seconds=1)
    settings = settings_of(by_http.slack, "http")
    again = SlackChannel(settings, by_http.house, clock=by_http.house.clock, post_to="#approvals", secrets=SECRETS)
    card = by_http.house.card_of(by_http.house.requests[delivery.request])
    await again.start()
    assert await again.send(card, delivery) == handle
    assert [m.ts for m in by_http.slack.messages("#approvals")] == [handle["ts"]]
    await again.stop()


@pytest.mark.usefixtures("with_history")
async def test_p08_a_look_back_that_fails_for_now_is_no_proof_that_nothing_stands(by_http: Office) -> None:
    """It waits for Slack to answer, for nobody would update a second card; after a minute a second one is better."""
    delivery = queued(by_http)
    handle = await send(by_http, delivery)
    by_http.house.clock.ahead += timedelta(seconds=30)
    by_http.slack.faults.server_error("conversations.history", times=1)
    with pytest.raises(SendFailed) as failed:
        await send(by_http, delivery)
    assert failed.value.temporary
    assert await send(by_http, delivery) == handle
    by_http.house.clock.ahead += timedelta(seconds=31)
    by_http.slack.faults.server_error("conversations.history", times=1)
    assert await send(by_http, delivery) != handle


@pytest.mark.usefixtures("with_history")
async def test_p08_the_look_back_finds_a_channel_by_name(by_http: Office) -> None:
    """A name that this process has not posted to yet is looked up; another card there is not taken for ours."""
    other = replace(queued(by_http, to="#approvals"), id="dlv_other")
    await send(by_http, other)
    delivery = replace(queued(by_http, to="#nowhere"), at=by_http.house.clock.now() - timedelta(seconds=60))
    by_http.slack.workspace.add_channel("#nowhere")
    handle = await send(by_http, delivery)
    assert by_http.slack.workspace.conversations[handle["channel"]].name == "nowhere"
    assert by_http.slack.calls_of("conversations.list")


async def test_p08_where_history_may_not_be_read_both_cards_work(by_http: Office) -> None:
    """A second card can stand then; a press on either decides the one request."""
    request = by_http.house.submit()
    by_http.slack.faults.lost_response("chat.postMessage")
    with pytest.raises(SendFailed):
        await by_http.house.send(request)
    lost = by_http.slack.messages("#approvals")[0]
    known = await by_http.card(request)
    assert (await by_http.slack.click("U0ANA", lost, "approve")).ok
    await by_http.house.settle()
    assert "Approved by Ana Silva" in visible_text(known)
    await by_http.slack.click("U0BEN", lost, "approve")
    assert "already approved" in await by_http.told("U0BEN")


PERMANENT = ["channel_not_found", "not_in_channel", "is_archived", "invalid_auth", "missing_scope", "msg_too_long"]


@pytest.mark.parametrize("code", PERMANENT)
async def test_p08_what_will_not_get_better_is_permanent_and_says_what_to_do(by_http: Office, code: str) -> None:
    """The chain moves on rather than waits; the error names Slack's reason and the way out."""
    by_http.slack.faults.refuse("chat.postMessage", code)
    with pytest.raises(SendFailed) as failed:
        await send(by_http, queued(by_http))
    assert not failed.value.temporary
    assert code in failed.value.detail


async def test_a_person_that_slack_does_not_know_is_permanent(by_http: Office) -> None:
    """A wrong id in routing.yaml is found out at the first card."""
    with pytest.raises(SendFailed) as failed:
        await send(by_http, queued(by_http, to="U0NOSUCH"))
    assert not failed.value.temporary
    assert "check slack: in routing.yaml" in failed.value.detail


@pytest.mark.parametrize(
    ("code", "gone"), [("message_not_found", True), ("channel_not_found", True), ("cant_update_message", False)]
)
async def test_a_card_that_is_gone_cannot_be_updated(by_http: Office, code: str, *, gone: bool) -> None:
    """Deleted by somebody: permanent, so that nobody tries for ever, and a new one may stand in its place."""
    await by_http.card()
    by_http.slack.faults.refuse("chat.update", code)
    card = by_http.house.card_of(by_http.house.requests["req_1"])
    with pytest.raises(SendFailed) as failed:
        await by_http.channel.update(card, by_http.house.deliveries[0])
    assert (failed.value.temporary, failed.value.gone) == (False, gone)


async def test_a_card_that_was_never_sent_cannot_be_updated(by_http: Office) -> None:
    """There is no handle to go by."""
    delivery = queued(by_http)
    card = by_http.house.card_of(by_http.house.requests["req_1"])
    for act in (by_http.channel.update(card, delivery), by_http.channel.remind(card, delivery, "x")):
        with pytest.raises(SendFailed) as failed:
            await act
        assert not failed.value.temporary


async def test_sends_run_side_by_side(by_http: Office) -> None:
    """One slow answer holds up nobody else."""
    by_http.slack.faults.slow("chat.postMessage", 0.6, times=None)
    started = asyncio.get_running_loop().time()
    await asyncio.gather(*(by_http.card() for _ in range(5)))
    # One after the other they would take 3 s.
    assert asyncio.get_running_loop().time() - started < 2.5


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({"https_proxy": "http://p:1"}, "https://slack.com/api/", "http://p:1"),
        ({"https_proxy": "http://p:1", "no_proxy": "slack.com"}, "https://slack.com/api/", None),
        ({"http_proxy": "http://p:1", "no_proxy": "127.0.0.1"}, "http://127.0.0.1:9/api/", None),
        ({}, "https://slack.com/api/", None),
    ],
)
def test_the_proxy_is_the_environments_with_its_exceptions(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, proxy: str | None
) -> None:
    """The SDK overlooks NO_PROXY, which would send a local emulator's traffic away."""
    for name in ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_for(url) == proxy
