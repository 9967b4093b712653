"""T23: nothing of a request but who asks for which action, and nothing of our secrets, leaves by push or by a log."""

from __future__ import annotations

import json
import logging
import re
import traceback
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.errors import SendFailed
from bot.core.model import Delivery, Option, Request
from channels.push.keys import new_key
from channels.push.settings import PushSettings, Service
from tests.channels.push.house import LOW, Phone, opened, rejection

CANARIES = [f"canary{n:02}" for n in range(50)]
CANARY = re.compile(r"canary\d\d")
MORE = {"risk": LOW["risk"]}


def loaded(phone: Phone, **changes: Any) -> Request:
    """A request with a canary wherever an agent can put one, but in the names of itself and of its action."""
    left = iter(CANARIES)
    arguments: dict[str, Any] = {next(left): next(left) for _ in range(8)}
    arguments["nested"] = {next(left): [next(left), {next(left): next(left)}]}
    context = {next(left): next(left) for _ in range(6)} | {"links": [next(left)]}
    options = tuple(Option(id=next(left), title=next(left), arguments={next(left): next(left)}) for _ in range(2))
    author, revised = f"agent:{next(left)}", {next(left): next(left)}
    request = phone.house.submit(
        arguments,
        title=f"Refund {next(left)}",
        reason=f"Because of {next(left)}",
        context=context,
        options=options,
        batch=next(left),
        warnings=(next(left),),
        confidence=0.99,
        **MORE | changes,
    )
    content = replace(
        request.content, labels=revised, on_behalf_of=next(left), author=author, target=next(left), proposed=revised
    )
    phone.house.requests[request.id] = replace(request, content=content)
    assert not tuple(left), "every canary has its place"
    return phone.house.requests[request.id]


def at_the_wires(phone: Phone) -> str:
    """Everything that left, and everything that is kept of it."""
    browsers = [browser.history for browser in phone.web.browsers.values()]
    kept = [delivery.handle for delivery in phone.house.deliveries]
    return json.dumps(
        [browsers, phone.web.messages, phone.ntfy.published, phone.services.taken, kept, phone.house.refusals]
    )


async def everything_happens(phone: Phone) -> None:
    """Asked, reminded, revised, gathered, pressed in vain, decided: by every way."""
    await phone.browser("ana")
    phone.house.change("ana", ntfy="ana-topic")
    request = loaded(phone)
    delivery: Delivery = await phone.house.send(request)
    card = phone.house.card_of(request)
    await phone.channel.remind(card, delivery, "Still waiting for a decision.")
    await phone.house.send_all([loaded(phone), loaded(phone)])
    phone.house.revise(request.id, {"other": CANARIES[0]})
    await phone.house.refresh(request.id)
    pressable, _ = await phone.asked(arguments={"a": CANARIES[1]})
    shown = next(iter(phone.web.browsers.values())).shown[pressable.id]
    await phone.press(shown["actions"][0]["token"], "ben")
    await phone.press(shown["actions"][0]["token"], "ana")
    await phone.house.decide(rejection(phone, request.id))
    await phone.house.settle()


async def test_t23_no_canary_leaves(caplog: pytest.LogCaptureFixture) -> None:
    """50 canaries in arguments, context, options, title, reason, batch, labels and warnings: none at any wire."""
    caplog.set_level(logging.DEBUG)
    async with opened(services=("ana", None)) as phone:
        await everything_happens(phone)
        told = at_the_wires(phone)
        assert "refund.issue" in told
        assert len(phone.web.messages) >= 5
        assert len(phone.ntfy.published) >= 4
        assert len(phone.services.taken) >= 4
        assert CANARY.findall(told) == []
        assert CANARY.findall(caplog.text) == []


async def test_t23_no_canary_in_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    """What fails says where and why, and nothing of what it was about; nor does its traceback."""
    caplog.set_level(logging.DEBUG)
    async with opened(services=("ana",)) as phone:
        await phone.browser("ana")
        phone.house.change("ana", ntfy="ana-topic")
        for status in (400, 401, 403, 413, 429, 500):
            for service in (phone.web, phone.ntfy, phone.services):
                service.break_down(status)
            with pytest.raises(SendFailed) as failed:
                await phone.house.send(loaded(phone))
            told = "".join(traceback.format_exception(failed.value)) + caplog.text
            assert CANARY.findall(told) == []


async def test_secrets_of_the_settings_are_never_said(caplog: pytest.LogCaptureFixture) -> None:
    """The VAPID key, ntfy's token, Apprise's password, endpoints, topics and buttons: in no log, fault or failure."""
    caplog.set_level(logging.DEBUG)
    key = new_key()
    async with opened(services=("ana",), token="tk_canary", vapid_private_key=key) as phone:
        browser = await phone.browser("ana")
        phone.house.change("ana", ntfy="ana-topic")
        request, _ = await phone.asked()
        secrets = [key, "tk_canary", "hunter2", "ana-topic", "/push/1-ana", browser.subscription.auth]
        secrets += [action["token"] for action in browser.shown[request.id]["actions"]]
        said: list[str] = []
        for status in (400, 403, 410, 500):
            for service in (phone.web, phone.ntfy, phone.services):
                service.break_down(status)
            with pytest.raises(SendFailed) as failed:
                await phone.asked()
            said += [*traceback.format_exception(failed.value), await phone.channel.fault() or ""]
        told = "".join(said) + caplog.text
        assert [secret for secret in secrets if secret in told] == []


async def test_a_key_that_is_none_is_not_repeated() -> None:
    """Not even in the error's causes."""
    for wrong in ("hunter2", "", "A" * 43, "é" * 43):
        with pytest.raises(ValueError, match="VAPID_PRIVATE_KEY") as failed:
            async with opened(vapid_private_key=wrong or "x"):
                pass
        assert not wrong or wrong not in "".join(map(str, (failed.value, failed.value.__cause__)))


def test_settings_are_printed_without_their_secrets() -> None:
    """A value in a traceback or a debugger tells how it is set up, and no more."""
    settings = PushSettings(
        web=True,
        vapid_subject="mailto:a@b.example",
        vapid_private_key="hunter2",
        ntfy_url="https://ntfy.example",
        ntfy_token="hunter2",
        services=(Service("json://u:hunter2@a.example", "ana"),),
    )
    assert "hunter2" not in f"{settings!r} {settings} {settings.services!r}"
