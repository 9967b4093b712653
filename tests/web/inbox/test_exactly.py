"""What the page says will be sent is what a replay sends, to the byte."""

from __future__ import annotations

import html
import json
import re
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.model import Kind
from bot.replay import open_replayer
from tests.fakes.receiver import Receiver
from tests.web.inbox.conftest import Visit
from tests.web.inbox.house import Standing
from tests.web.inbox.reader import Page
from tests.web.inbox.states import OPTIONS, begun, vote

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ODD: dict[str, Any] = {
    "order": "10428",
    "amount": 240.0,
    "note": 'a "quoted"\nline\u202e with   spaces \\ and é',
    "nested": {"list": [1, 1.5, None, True, {}], "empty": []},
}


def body(page: Page) -> str:
    """The body as the page shows it, what is made later as ``{{its words}}``."""
    found = re.search(r'<pre class="value body"[^>]*>(.*?)</pre>', page.text, re.DOTALL)
    assert found
    text = re.sub(r'<em class="made">(.*?)</em>', r'"{{\1}}"', found[1])
    return html.unescape(re.sub(r"<[^>]+>", "", text))


def shown_hidden(text: str) -> str:
    """The text with the characters that the page writes out put back."""
    return re.sub(r"⟦U\+([0-9A-F]+)⟧", lambda mark: chr(int(mark[1], 16)), text)


def literally(text: str) -> Any:
    """JSON with its members in order and its numbers as they are written."""
    return json.loads(
        text, object_pairs_hook=list, parse_float=lambda n: ["number", n], parse_int=lambda n: ["number", n]
    )


def aimed(house: Standing, url: str) -> None:
    """Let refunds go to another address, without the schema that would keep odd arguments away."""
    spec = house.policy.action("refund.issue")
    spec = replace(spec, schema=None, execute=replace(spec.execute, webhook=url))
    house.policy = replace(house.policy, actions={**house.policy.actions, "refund.issue": spec})


@pytest.mark.parametrize("arguments", [ODD, {}], ids=["odd", "none"])
async def test_the_body_on_the_page_is_what_the_receiver_gets(
    house: Standing, visit: Visit, arguments: dict[str, Any]
) -> None:
    """Every member in its order and as it is written; only what is made at the time is named instead."""
    ana = await visit("ana")
    async with Receiver(secret=SECRET) as receiver:
        aimed(house, f"{receiver.url}/refunds")
        request = await house.submit(arguments=arguments)
        before = await ana.get(f"/requests/{request.id}")
        await vote(house, request)
        after = await ana.get(f"/requests/{request.id}")
        replayer = open_replayer(secrets=(SECRET,), allow_private=lambda: ("127.0.0.0/8",))
        try:
            await replayer.run(await begun(house, request))
        finally:
            await replayer.close()
        (call,) = receiver.calls
    sent = call.json
    # The open page names four things that are made later; the approved one the time alone.
    shown = json.loads(shown_hidden(body(before)))
    assert shown["timestamp"] == "{{the time at which it first runs}}"
    assert shown["data"].pop("execution").startswith("{{the id of the run")
    assert shown["data"].pop("approved_by") == "{{who approved it}}"
    kept = {name: value for name, value in sent["data"].items() if name not in ("execution", "approved_by")}
    assert (shown["data"], shown["type"]) == (kept, sent["type"])

    text = shown_hidden(body(after)).replace('"{{the time at which it first runs}}"', json.dumps(sent["timestamp"]))
    assert literally(text) == literally(call.body.decode())


async def test_the_headers_on_the_page_are_those_that_are_sent(house: Standing, visit: Visit) -> None:
    """Those with a fixed value by it, those that are made by their names, and no other beside what HTTP itself adds."""
    async with Receiver(secret=SECRET) as receiver:
        aimed(house, f"{receiver.url}/refunds")
        request = await vote(house, await house.submit())
        page = await (await visit("ana")).get(f"/requests/{request.id}")
        replayer = open_replayer(secrets=(SECRET,), allow_private=lambda: ("127.0.0.0/8",))
        try:
            await replayer.run(await begun(house, request))
        finally:
            await replayer.close()
        (call,) = receiver.calls
        url = receiver.url
    listed = re.search(r'<dl class="heads-sent">.*?</dl>', page.text, re.DOTALL)
    assert listed
    pairs = re.findall(r"<dt>([^<]+)</dt><dd[^>]*>([^<]+)</dd>", listed[0])
    assert {name.lower() for name, _ in pairs} == call.headers.keys() - {"host", "content-length"}
    for name, value in pairs:
        if value != "made when it is sent":
            assert call.headers[name.lower()] == value
    assert SECRET not in page.text
    assert f"POST {url}/refunds" in page.words


async def test_what_bounds_it_is_said(house: Standing, visit: Visit) -> None:
    """Timeout, attempts, whether it may be repeated, and the undo window."""
    request = await house.submit()
    page = await (await visit("ana")).get(f"/requests/{request.id}")
    for said in ("Timeout 10 s", "up to 5, under one Idempotency-Key", "Undo window 30 s after approval"):
        assert said in page.words, said


async def test_what_an_agent_or_a_function_is_handed(house: Standing, visit: Visit) -> None:
    """The arguments as they are bound; of a function its name."""
    ana = await visit("ana")
    request = await house.submit(action="host.run", arguments={"command": "ls"})
    page = await ana.get(f"/requests/{request.id}")
    assert json.loads(body(page)) == {"arguments": {"command": "ls"}}
    assert "The agent runs it itself" in page.words
    spec = house.policy.action("host.run")
    run = replace(spec.execute, agent=False, python="ops.hosts:run")
    house.policy = replace(house.policy, actions={**house.policy.actions, "host.run": replace(spec, execute=run)})
    request = await house.submit(action="host.run", arguments={"command": "ls"})
    page = await ana.get(f"/requests/{request.id}")
    assert json.loads(body(page)) == {"command": "ls"}
    assert "ops.hosts:run" in page.words


async def test_of_a_choice_the_arguments_are_those_that_will_be_picked(house: Standing, visit: Visit) -> None:
    """Nothing is shown as sent that nobody has picked; what runs nothing has no such panel."""
    ana = await visit("ana")
    request = await house.submit(kind=Kind.CHOICE, reason="Which?", arguments={}, options=OPTIONS)
    shown = json.loads(body(await ana.get(f"/requests/{request.id}")))
    assert shown["data"]["arguments"] == "{{those of the option that is picked}}"
    question = await house.submit(kind=Kind.QUESTION, reason="Which?", arguments={})
    assert "What exactly will be sent" not in (await ana.get(f"/requests/{question.id}")).words


async def test_after_an_undo_the_old_run_is_not_named(house: Standing, visit: Visit) -> None:
    """The next approval makes another."""
    request = await vote(house, await house.submit())
    await house.desk.undo(request.id, by="ana", via="inbox", revision=1)
    shown = json.loads(body(await (await visit("ana")).get(f"/requests/{request.id}")))
    assert shown["data"]["execution"].startswith("{{the id of the run")
    assert shown["data"]["revision"] == 2
