"""The house's pages in a real browser: no barriers, nothing cut off, and what asks twice does so without scripts."""

from __future__ import annotations

from playwright.async_api import Browser, ViewportSize, expect

from bot.core.model import Role
from bot.web.house import Probe
from bot.web.inbox.admin import PAGES
from tests.browser import in_one_loop
from tests.web.inbox.barriers import enter, no_barriers
from tests.web.inbox.house import Standing
from tests.web.inbox.trouble import failed, lost, undelivered

pytestmark = in_one_loop


async def crowded(house: Standing) -> None:
    """Something on every page, with texts that have no place to break."""
    request = await house.submit(reason="why")
    await failed(house, "e" * 300 + "\u202e")
    await lost(house, **{"n" * 80: "v" * 300})
    await undelivered(house, request, "550 " + "x" * 200)
    await house.returned("ana@example.com", "550 no such mailbox")
    await house.access.new_key("billing-assistant", Role.AGENT, by="tests")
    await house.access.sign_in(await house.access.new_link("ana", by="cli"), browser="Firefox on Linux")
    house.probes += [Probe("store", True, "writable"), Probe("email", False, "e" * 200)]  # noqa: FBT003  # Probe's shape


async def test_the_house_has_no_barriers(run: Standing, browser: Browser) -> None:
    """Axe finds nothing on any page, in light and dark, wide and narrow; at 320 pixels nothing is cut off."""
    await crowded(run)
    await no_barriers(run, browser, [path for path, _ in PAGES])


async def test_stopping_and_making_a_key_without_scripts(run: Standing, browser: Browser) -> None:
    """The keyboard alone opens the question, presses Yes, fills the form; the key is there, once."""
    context = await browser.new_context(java_script_enabled=False, viewport=ViewportSize(width=390, height=844))
    page = await context.new_page()
    await enter(run, page)
    await page.get_by_role("link", name="Admin", exact=True).click()
    sure = page.get_by_role("button", name="Yes, stop them all")
    await expect(sure).to_be_hidden()
    await page.get_by_text("Stop all replays").focus()
    await page.keyboard.press("Enter")
    await expect(sure).to_be_visible()
    await sure.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("All replays are stopped")
    assert await run.desk.paused()
    await page.get_by_role("link", name="Keys").click()
    await page.get_by_role("textbox", name="Name").fill("newcomer")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("The key", exact=True)).to_contain_text("sk_agent_")
    await page.get_by_role("link", name="I have it").click()
    await expect(page.get_by_text("newcomer", exact=True)).to_be_visible()
    await expect(page.get_by_label("The key", exact=True)).to_have_count(0)
