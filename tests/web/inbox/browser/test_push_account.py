"""The account's notifications in a real browser: each state says what to do, and axe finds nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from playwright.async_api import Browser, ViewportSize, expect

from tests.browser import in_one_loop
from tests.web.inbox.barriers import AXE
from tests.web.inbox.pushing import Pushing, pushing, subscribed

pytestmark = in_one_loop

PHONE = ViewportSize(width=390, height=844)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}

BLOCKED = "Object.defineProperty(Notification, 'permission', { get: () => 'denied' })"
PLAIN = "delete window.PushManager"
APPLE = PLAIN + "; Object.defineProperty(navigator, 'userAgent', { get: () => 'iPhone' })"
KEEP = """async (told) => {
  const { csrf } = await (await fetch("/push/state")).json();
  const headers = { "Content-Type": "application/json", "X-CSRF": csrf };
  return (await fetch("/push/subscriptions", { method: "POST", headers, body: JSON.stringify(told) })).status;
}"""
SUBSCRIBED = """PushManager.prototype.getSubscription = async () => (%s);
Object.defineProperty(Notification, 'permission', { get: () => 'granted' })"""


@pytest_asyncio.fixture(loop_scope="session")
async def pushed(tmp_path: Path) -> AsyncIterator[Pushing]:
    """A house with a push channel."""
    async with pushing(tmp_path) as opened:
        yield opened


async def test_each_state_says_what_to_do(pushed: Pushing, browser: Browser) -> None:
    """Off, on, blocked, unsupported, an iPhone: its own words, its own buttons, and nothing that axe finds."""
    context = await browser.new_context(bypass_csp=True, viewport=PHONE)
    await context.grant_permissions(["notifications"], origin=pushed.house.url)
    page = await context.new_page()
    await page.goto(await pushed.house.link("ana"))
    await page.get_by_role("button", name="Sign in as").click()
    await expect(page).to_have_url(f"{pushed.house.url}/inbox")
    told = subscribed()
    assert await page.evaluate(KEEP, told) == 201
    for script, words, buttons in (
        (PLAIN, "This browser takes no push notifications", []),
        (APPLE, "add Sayso to the Home Screen first", []),
        (BLOCKED, "does not let Sayso notify you", []),
        ("", "This device is not told", ["Turn on here"]),
        (SUBSCRIBED % json.dumps(told), "This device is told", ["Show me one", "Turn off here"]),
    ):
        opened = await context.new_page()
        await opened.add_init_script(script)
        await opened.goto(f"{pushed.house.url}/account")
        section = opened.locator("#notifications")
        await expect(section.locator("[data-state]:visible")).to_contain_text(words)
        await expect(section.get_by_text("this one")).to_be_visible(visible="told" in words and "not" not in words)
        assert await section.locator("[data-do]:visible").all_inner_texts() == buttons
        if buttons:
            await opened.evaluate(AXE)
            found = await opened.evaluate("(rules) => axe.run('#notifications', rules)", RULES)
            assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
        await opened.close()
    await context.close()
