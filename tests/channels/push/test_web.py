"""Web Push at the wire: what services ask for, what they answer, and where we never go."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.errors import SendFailed
from bot.core.model import State
from tests.channels.push.house import Phone, opened, rejection
from tests.fakes.push import Browser, JsonService


async def test_an_ask_is_urgent_lives_as_long_as_the_request_and_names_no_request(phone: Phone) -> None:
    """TTL until the request expires, Urgency high, a Topic that says nothing; a close is less urgent, on that topic."""
    await phone.browser("ana")
    request, _ = await phone.asked()
    await phone.house.decide(rejection(phone, request.id))
    await phone.house.settle()
    ask, close = phone.web.messages
    assert 86_390 <= int(ask["ttl"]) <= 86_400
    assert (ask["urgency"], close["urgency"]) == ("high", "normal")
    assert ask["topic"] == close["topic"]
    assert request.id not in ask["topic"]
    assert phone.web.refused == []


async def test_nothing_is_kept_longer_than_services_keep_it(phone: Phone) -> None:
    """28 days at most, however long the request lives; one second at least, for 0 would keep nothing."""
    await phone.browser("ana")
    now = phone.house.clock.now()
    await phone.asked(expires_at=now + timedelta(days=90))
    await phone.asked(expires_at=now - timedelta(seconds=1), state=State.PENDING)
    assert [message["ttl"] for message in phone.web.messages] == [str(28 * 86_400), "1"]


async def test_an_undelivered_ask_is_replaced_by_its_close(phone: Phone) -> None:
    """A phone that was off shows nothing that is over."""
    browser = await phone.browser("ana")
    phone.web.offline = True
    request, _ = await phone.asked()
    await phone.house.decide(rejection(phone, request.id))
    await phone.house.settle()
    phone.web.online()
    assert [payload["kind"] for payload in browser.history] == ["close"]


async def test_a_browser_that_is_gone_is_forgotten_and_the_others_are_reached(phone: Phone) -> None:
    """410 prunes the subscription, on record; the request was pushed all the same."""
    gone, there = await phone.browser("ana"), await phone.browser("ana")
    phone.web.forget(gone)
    request, _ = await phone.asked()
    assert request.id in there.shown
    assert phone.house.forgotten == [(gone.subscription.id, "sayso", "gone")]
    assert list(phone.house.subscribed) == [there.subscription.id]


async def test_the_last_browser_gone_is_a_permanent_failure_and_no_place(phone: Phone) -> None:
    """Nobody tries for ever to reach a browser that was thrown away; the next request asks another way."""
    phone.web.forget(await phone.browser("ana"))
    with pytest.raises(SendFailed) as failed:
        await phone.asked()
    assert not failed.value.temporary
    assert phone.channel.place(phone.house.people["ana"]) is None


ANSWERS: list[tuple[int, dict[str, str], bool, float | None]] = [
    (429, {"Retry_After": "120"}, True, 120.0),
    (429, {"Retry_After": "9999999"}, True, 86_400.0),
    (429, {"Retry_After": "soon"}, True, None),
    (500, {}, True, None),
    (503, {"Retry_After": "7"}, True, 7.0),
    (400, {"Retry_After": "7"}, False, None),
    (413, {}, False, None),
    (302, {"Location": "https://localhost:1/elsewhere"}, False, None),
]


@pytest.mark.parametrize(("status", "headers", "temporary", "pause"), ANSWERS)
async def test_what_a_service_answers(
    phone: Phone, *, status: int, headers: dict[str, str], temporary: bool, pause: float | None
) -> None:
    """Busy and broken are tried again when the service says; refusals and redirects are not, and none is followed."""
    await phone.browser("ana")
    phone.web.break_down(status, **headers)
    with pytest.raises(SendFailed) as failed:
        await phone.asked()
    assert (failed.value.temporary, failed.value.retry_after) == (temporary, pause)
    assert str(status) in failed.value.detail
    assert phone.web.calls == 1


async def test_a_service_that_says_nothing_is_not_waited_for(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    """The courier has other things to send."""
    monkeypatch.setattr("channels.push.calls.WITHIN", 0.1)
    await phone.browser("ana")
    phone.web.stalled = True
    with pytest.raises(SendFailed, match="did not answer") as failed:
        await phone.asked()
    assert failed.value.temporary


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_is_a_fault_until_it_is_taken(phone: Phone, status: int) -> None:
    """It is permanent, and whoever runs the bot is told which variables to look at."""
    await phone.browser("ana")
    phone.web.break_down(status)
    with pytest.raises(SendFailed) as failed:
        await phone.asked()
    assert not failed.value.temporary
    assert "VAPID_PRIVATE_KEY" in (await phone.channel.fault() or "")
    phone.web.mend()
    await phone.asked()
    assert await phone.channel.fault() is None


async def test_the_key_is_made_once_and_kept() -> None:
    """A second start finds the first one's key, or every browser would have to subscribe anew; a given one wins."""
    async with opened() as phone:
        first = phone.channel.public_key
        await phone.channel.start()
        assert phone.channel.public_key == first
        assert list(phone.house.kept) == ["vapid"]
        kept = phone.house.kept["vapid"]
    async with opened(vapid_private_key=kept) as phone:
        assert phone.channel.public_key == first
        assert phone.house.kept == {}
    async with opened(web=False) as phone:
        assert phone.channel.public_key is None


async def test_a_token_for_a_service_is_used_again_and_renewed(phone: Phone) -> None:
    """Services ask for it; after six hours it is another."""
    await phone.browser("ana")
    for ahead in (0, 1, 7):
        phone.house.clock.ahead = timedelta(hours=ahead)
        await phone.asked()
    first, second, third = (message["authorization"] for message in phone.web.messages)
    assert first == second != third


REACHED: list[tuple[str, str]] = [
    ("https://127.0.0.1:{port}/push", "not listed"),
    ("https://[::ffff:127.0.0.1]:{port}/push", "mapped"),
    ("https://localhost:{port}/push", "a name of this machine"),
    ("https://169.254.169.254/latest", "metadata"),
    ("https://10.0.0.1/push", "a private network"),
    ("https://[fd00::1]/push", "a private network"),
    ("http://93.184.215.14/push", "plain http"),
]


@pytest.mark.parametrize(("endpoint", "case"), REACHED)
async def test_t21_an_endpoint_inside_is_never_reached(phone: Phone, endpoint: str, case: str) -> None:
    """Browsers name the endpoints, so anybody can name one: refused without a connection, for good."""
    del case
    browser = await phone.browser("ana")
    phone.private.clear()
    known = browser.subscription
    port = phone.web.port
    phone.house.subscribed = {known.id: replace(known, endpoint=endpoint.format(port=port))}
    with pytest.raises(SendFailed, match=r"allow_private|cannot be used") as failed:
        await phone.asked()
    assert not failed.value.temporary
    assert phone.web.calls == 0


async def test_t21_a_name_that_is_rebound_is_refused(phone: Phone) -> None:
    """What was global when it was looked at may be inside at the next look: each connection is looked at itself."""
    await phone.browser("ana")
    await phone.asked()
    phone.private.clear()
    web = phone.channel._web  # noqa: SLF001  # the pooled connection would be used again
    assert web is not None
    await web.stop()
    with pytest.raises(SendFailed, match="allow_private"):
        await phone.asked()
    assert phone.web.calls == 1


async def test_t21_no_proxy_of_the_environment_is_used(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy would connect for us, past the guard."""
    await phone.browser("ana")
    async with JsonService() as proxy:
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        await phone.asked()
        assert proxy.calls == 0


WRONG: list[dict[str, Any]] = [
    {"endpoint": "ftp://push.example/1"},
    {"endpoint": "https://[::1"},
    {"endpoint": "https:///nowhere"},
    {"p256dh": "AAAA"},
    {"p256dh": "B" * 87},
    {"auth": ""},
    {"auth": "é"},
]


@pytest.mark.parametrize("change", WRONG, ids=str)
async def test_a_subscription_that_is_none_fails_for_good_and_is_not_repeated(
    phone: Phone, change: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever a browser handed in: no crash, and its endpoint and keys stand in no message."""
    caplog.set_level(logging.DEBUG)
    known = (await phone.browser("ana")).subscription
    phone.house.subscribed = {known.id: replace(known, **change)}
    with pytest.raises(SendFailed) as failed:
        await phone.asked()
    assert not failed.value.temporary
    told = failed.value.detail + caplog.text
    assert not any(secret in told for secret in (known.auth, known.p256dh, "/1-ana"))


async def test_another_houses_browser_refuses_our_key(phone: Phone) -> None:
    """The fake is strict: a browser takes messages of the key it subscribed with alone."""
    other = Browser("x", "ana", "B" * 87)
    made = phone.web.browser("ana", other.server_key)
    phone.house.subscribed[made.subscription.id] = made.subscription
    await phone.channel.refresh()
    with pytest.raises(SendFailed):
        await phone.asked()
    assert phone.web.refused == ["this browser subscribed with another key"]
