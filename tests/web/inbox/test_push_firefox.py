"""A push from end to end in a real Firefox: our channel, a push service, our worker, a press on its button."""

from __future__ import annotations

import asyncio
from pathlib import Path

from msgspec.structs import replace

from bot.core.model import Request, State, Verb
from bot.core.ports import Ballot
from tests.fakes.push.autopush import Autopush
from tests.firefox import Firefox, firefox
from tests.web.inbox.pushing import Pushing, pushing

SIGN_IN = "return (await fetch(location.href, { method: 'POST' })).url"

PRESS = """
const [button, state] = given;
const soon = async (so) => { while (!so()) await new Promise((resolve) => setTimeout(resolve, 20)); };
const found = (query) => document.querySelector(`#notifications ${query}`);
await soon(() => !found(`[data-do=${button}]`).hidden);
found(`[data-do=${button}]`).click();
await soon(() => !found(`[data-state=${state}]`).hidden || !found("[data-state=failed]").hidden);
return found(`[data-state=${state}]`).hidden ? "failed" : state;
"""

SHOWN = """
const [tag, count] = given;
const worker = await navigator.serviceWorker.ready;
for (;;) {
  const shown = await worker.getNotifications({ tag });
  const read = ({ title, body, actions }) => ({ title, body, actions: actions.map((action) => action.title) });
  if (shown.length === count) return shown.map(read);
  await new Promise((resolve) => setTimeout(resolve, 20));
}
"""

PRESS_ON_NOTIFICATION = """
const shown = Services.wm.getMostRecentWindow("alert:alert");
const QueryInterface = ChromeUtils.generateQI([Ci.nsIAlertAction]);
const action = { action: given[0], title: "", iconURL: "", windowsSystemActivationType: false, QueryInterface };
shown.gAlertListener.observe(action, "alertclickcallback", shown.gAlertCookie);
"""
"""What Firefox's own code does once a desktop says that a button was pressed; its pop-up shows none of them."""


async def _sent(pushed: Pushing, browser: Firefox, request: Request) -> dict[str, object]:
    """Send the request's notification by the channel; the handle, once the worker has shown it."""
    card = await pushed.house.desk.card(request.id)
    assert card is not None
    handle = await pushed.push.send(card, pushed.delivery(request, "ana"))
    (shown,) = await browser.run(SHOWN, request.id, 1)
    assert shown["title"] == "billing-assistant asks: refund.reverse"
    assert "10428" not in shown["title"] + shown["body"]
    assert shown["actions"] == ["Approve", "Reject"]
    return handle


async def _decided(pushed: Pushing, request: Request) -> Request:
    """The request, once it is decided; the desk tells open pages, and this is one."""
    watch = pushed.house.desk.live.watch("ana", "a session of the tests")
    try:
        while (now := await pushed.house.now(request.id)).state is State.PENDING:
            await watch.next(10)
    finally:
        pushed.house.desk.live.leave(watch)
    return now


async def test_a_push_is_received_and_decided_on_and_goes(tmp_path: Path) -> None:
    """T23 on the screen: turned on by a click, shown by our worker without arguments, approved on, and taken away."""
    async with (
        pushing(tmp_path) as pushed,
        Autopush() as service,
        firefox(tmp_path, dom__push__serverURL=service.server_url) as browser,
        asyncio.timeout(60),
    ):
        house = pushed.house
        house.change("ana", ntfy=None)
        await browser.allow(house.url)
        await browser.open(await house.link("ana"))
        assert await browser.run(SIGN_IN) == f"{house.url}/inbox"
        await browser.open(f"{house.url}/account")
        assert await browser.run(PRESS, "on", "on") == "on"
        assert [kept.browser for kept in await pushed.devices("ana")] == ["Firefox on Linux"]

        first = await pushed.submit()
        await _sent(pushed, browser, first)
        await browser.inside(PRESS_ON_NOTIFICATION, "approve")
        decided = await _decided(pushed, first)
        assert [(d.by, d.channel, d.decision) for d in decided.decisions] == [("ana", "push", Verb.APPROVE)]
        (word,) = await browser.run(SHOWN, "sayso-done", 1)
        assert (word["title"], word["actions"]) == ("Approved", [])

        second = await pushed.submit()
        handle = await _sent(pushed, browser, second)
        ballot = Ballot(
            request=second.id, decision=Verb.REJECT, by="ben", channel="inbox",
            revision=second.revision, digest=second.digest,
        )  # fmt: skip
        await house.desk.decide(ballot)
        card = await house.desk.card(second.id)
        assert card is not None
        await pushed.push.update(card, replace(pushed.delivery(second, "ana"), handle=handle))
        assert await browser.run(SHOWN, second.id, 0) == []

        assert await browser.run(PRESS, "off", "off") == "off"
        assert await pushed.devices() == ()
        assert {told["urgency"] for told in service.received} == {"high", "normal"}
