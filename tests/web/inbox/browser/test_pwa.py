"""The worker in a real Chromium: what it shows of a push, what its buttons do, and what is there while offline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from playwright.async_api import Browser, expect

from bot.core.model import State, Verb
from tests.browser import in_one_loop
from tests.web.inbox.browser.phone import Phone
from tests.web.inbox.pushing import pushing, subscribed

pytestmark = in_one_loop

CLICKED = """async ({ tag, action }) => {
  const [notification] = await self.registration.getNotifications({ tag });
  const event = new NotificationEvent("notificationclick", { notification, action });
  // What the browser makes itself may be waited for; what a test makes may not, so it is kept here.
  const work = [];
  event.waitUntil = (promise) => work.push(promise);
  self.dispatchEvent(event);
  self.clicked = Promise.all(work);
}"""

RENEWED = """async (told) => {
  // There is no push service behind this browser; what it would answer stands in.
  self.registration.pushManager.subscribe = async (options) => { self.asked = options; return told; };
  const event = new Event("pushsubscriptionchange");
  let work;
  event.waitUntil = (promise) => { work = promise; };
  self.dispatchEvent(event);
  await work;
}"""

COUNTED = """() => {
  const show = self.registration.showNotification.bind(self.registration);
  self.shown = [];
  self.registration.showNotification = (title, options) => { self.shown.push(title); return show(title, options); };
}"""

CONTROLLED = """() => new Promise((resolve) => {
  // Activated, not only in control: the browser drops a push to a worker that is still being activated.
  const look = () => (navigator.serviceWorker.controller?.state === "activated" ? resolve() : setTimeout(look, 20));
  look();
})"""


@pytest_asyncio.fixture(loop_scope="session")
async def phone(tmp_path: Path, browser: Browser) -> AsyncIterator[Phone]:
    """Ana, signed in, with the worker at work and notifications allowed."""
    async with pushing(tmp_path) as pushed:
        context = await browser.new_context()
        await context.grant_permissions(["notifications"], origin=pushed.house.url)
        page = await context.new_page()
        cdp = await context.new_cdp_session(page)
        registrations: list[str] = []
        cdp.on(
            "ServiceWorker.workerRegistrationUpdated",
            lambda told: registrations.extend(one["registrationId"] for one in told["registrations"]),
        )
        await cdp.send("ServiceWorker.enable")
        await page.goto(await pushed.house.link("ana"))
        await page.get_by_role("button", name="Sign in as").click()
        await page.evaluate(CONTROLLED)
        async with asyncio.timeout(30):
            while not (registrations and context.service_workers):
                await asyncio.sleep(0.01)  # each is told by an event of its own, which may come after the page's
        found = Phone(pushed, context, page, context.service_workers[0], cdp, registrations[-1])
        await found.ready()
        yield found
        await context.close()


def ask(phone: Phone, request: Any, **changes: Any) -> dict[str, Any]:
    """What the push channel sends of a request of low risk."""
    buttons = [(verb, phone.pushing.token(request, "ana", verb)) for verb in (Verb.APPROVE, Verb.REJECT)]
    return {
        "kind": "ask",
        "tag": request.id,
        "title": "billing-assistant asks",
        "body": "refund.reverse",
        "url": f"{phone.pushing.house.url}/requests/{request.id}",
        "actions": [{"action": verb, "title": verb.capitalize(), "token": token} for verb, token in buttons],
        **changes,
    }


MALFORMED = ("", "no json", "[]", "null", '{"kind": "ask"}', '{"kind": "ask", "tag": "t", "title": 7}', '{"kind": "x"}')


async def test_t20_what_is_no_push_of_ours_does_no_harm(phone: Phone) -> None:
    """A neutral word is shown, nothing throws, and whatever address a push names, the tap stays in the house."""
    await phone.run(COUNTED)
    for number, payload in enumerate(MALFORMED, 1):
        await phone.push(payload)
        await phone.until(f"async () => self.shown.length === {number}")
    assert await phone.run("() => self.shown") == ["Something waits for you"] * len(MALFORMED)
    await phone.until_tag("sayso")
    (shown,) = await phone.shown()
    assert (shown["title"], shown["url"], shown["actions"]) == ("Something waits for you", "/inbox", [])
    request = await phone.pushing.submit()
    for number, url in enumerate(("https://evil.example/x", "//evil.example/x", "/\\evil.example", "javascript:1", 7)):
        await phone.push(ask(phone, request, url=url, tag=f"tag-{number}"))
        await phone.until_tag(f"tag-{number}")
    assert [shown["url"] for shown in await phone.shown()] == ["/inbox"] * 6


async def test_an_ask_is_decided_by_its_button(phone: Phone) -> None:
    """Both buttons stand there; Approve decides, the notification goes, and a word of it goes by itself."""
    request = await phone.pushing.submit()
    await phone.push(ask(phone, request))
    await phone.until_tag(request.id)
    (shown,) = await phone.shown()
    assert (shown["title"], shown["actions"], shown["stays"]) == (
        "billing-assistant asks",
        ["Approve", "Reject"],
        True,
    )
    assert shown["url"] == f"/requests/{request.id}"
    # The word lingers for seconds; nobody waits for them here.
    await phone.run("""() => {
      const later = self.setTimeout;
      self.setTimeout = (work, after) => (after < 1000 ? later(work, after) : (self.linger = work));
    }""")
    await phone.run(CLICKED, {"tag": request.id, "action": "approve"})
    await phone.until_tag("sayso-done")
    assert [(one["tag"], one["title"], one["body"]) for one in await phone.shown()] == [("sayso-done", "Approved", "")]
    assert (await phone.pushing.house.now(request.id)).state is State.APPROVED
    await phone.until("() => Boolean(self.linger)")
    await phone.run("async () => { self.linger(); await self.clicked; }")
    assert await phone.shown() == []


async def test_a_button_that_does_not_count_says_why(phone: Phone) -> None:
    """Decided elsewhere, signed out, offline: the reason stands there until it is tapped, and nothing was decided."""
    request = await phone.pushing.submit()
    told = ask(phone, request)
    press = {"tag": request.id, "action": "reject"}
    whys = []
    for trouble in ("offline", "signed out"):
        await phone.push(told)
        await phone.until(f"async () => (await self.registration.getNotifications({{ tag: '{request.id}' }}))"
                          ".some((one) => one.actions.length)", every=0.25)  # fmt: skip
        await phone.context.set_offline(trouble == "offline")
        if trouble == "signed out":
            await phone.context.clear_cookies()
        await phone.run(CLICKED, press)
        await phone.run("() => self.clicked")
        (shown,) = await phone.shown()
        assert (shown["title"], shown["url"]) == ("Nothing was decided here", f"/requests/{request.id}")
        whys.append(shown["body"])
    assert whys == [
        "Sayso could not be reached. Tap to open the request, once you are online.",
        "You are not signed in here any more. Tap to sign in and decide.",
    ]
    assert (await phone.pushing.house.now(request.id)).state is State.PENDING


async def test_a_close_takes_the_notification_away(phone: Phone) -> None:
    """With a page of ours on the screen it goes; in the pocket one quiet word of it takes its place, never two."""
    first, second = await phone.pushing.submit(), await phone.pushing.submit()
    await phone.push(ask(phone, first))
    await phone.until_tag(first.id)
    await phone.push({"kind": "close", "tag": first.id})
    await phone.until_tag(first.id, there=False)
    assert await phone.shown() == []
    await phone.page.goto("about:blank")
    await phone.until(
        "async () => !(await self.clients.matchAll({ type: 'window', includeUncontrolled: true })).length"
    )
    for request in (first, second):
        await phone.push(ask(phone, request))
        await phone.until_tag(request.id)
        await phone.push({"kind": "close", "tag": request.id})
        await phone.until_tag(request.id, there=False)
        await phone.until_tag("sayso-done")
    assert [(one["tag"], one["title"]) for one in await phone.shown()] == [("sayso-done", "It was decided")]
    await phone.page.goto(f"{phone.pushing.house.url}/inbox")
    await phone.until_tag("sayso-done", there=False)


async def test_a_browser_that_got_another_address_tells_the_house(phone: Phone) -> None:
    """The worker subscribes anew with the house's key, and shows that it is the session's own."""
    told = subscribed()
    await phone.run(RENEWED, told)
    (kept,) = await phone.pushing.devices()
    assert (kept.person, kept.endpoint) == ("ana", told["endpoint"])
    assert await phone.run("() => self.asked") == {
        "userVisibleOnly": True,
        "applicationServerKey": phone.pushing.push.public_key,
    }


async def test_offline_and_back(phone: Phone) -> None:
    """A page that cannot be reached is told so and comes by itself once it can; nothing of a request is kept."""
    request = await phone.pushing.house.submit(reason="A secret reason")
    page, url = phone.page, f"{phone.pushing.house.url}/requests/{request.id}"
    await page.goto(url)
    await phone.context.set_offline(True)
    await page.goto(url)
    await expect(page.get_by_role("heading", name="Sayso cannot be reached")).to_be_visible()
    assert page.url == url
    assert await page.evaluate("getComputedStyle(document.querySelector('.panel')).borderRadius") == "14px"
    await phone.context.set_offline(False)
    await expect(page.get_by_text("A secret reason")).to_be_visible()
    kept = await phone.run("""async () => {
      const found = [];
      for (const name of await caches.keys()) found.push(...await (await caches.open(name)).keys());
      return found.map((one) => new URL(one.url).pathname).sort();
    }""")
    assert [path.split(".")[0] for path in kept] == ["/offline", "/static/icon", "/static/inbox", "/static/offline"]


async def test_a_form_is_not_sent_while_offline(phone: Phone) -> None:
    """What was written stays, the page says so, and once back the same press counts."""
    request = await phone.pushing.house.submit()
    page = phone.page
    await page.goto(f"{phone.pushing.house.url}/requests/{request.id}#reject")
    await page.get_by_text("Wrong target").click()
    await page.get_by_label("Reason").fill("Never paid")
    await phone.context.set_offline(True)
    await page.get_by_role("button", name="Reject it").click()
    await expect(page.get_by_role("alert")).to_contain_text("nothing was sent")
    await expect(page.get_by_label("Reason")).to_have_value("Never paid")
    await phone.context.set_offline(False)
    await expect(page.get_by_role("alert")).to_have_count(0)
    await page.get_by_role("button", name="Reject it").click()
    await expect(page.get_by_role("heading", name="Rejected by Ana Silva")).to_be_visible()
