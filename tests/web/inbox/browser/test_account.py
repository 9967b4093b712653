"""Signing in and the account in a real browser: by the provider, by a link, elsewhere; and whether everybody can."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, expect

from bot.core.ports import Way
from tests.browser import in_one_loop
from tests.fakes import oidc as fake
from tests.web.inbox.barriers import AXE
from tests.web.inbox.browser.test_inbox import DESK, PHONE, SMALL
from tests.web.inbox.house import Standing, standing
from tests.web.inbox.test_oidc import client

pytestmark = in_one_loop

NARROW = ViewportSize(width=320, height=640)
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest_asyncio.fixture(loop_scope="session")
async def there() -> AsyncIterator[fake.Provider]:
    """A provider that listens."""
    async with fake.Provider() as provider:
        yield provider


@pytest_asyncio.fixture(loop_scope="session")
async def house(tmp_path: Path, there: fake.Provider) -> AsyncIterator[Standing]:
    """A house that people may sign in to by it."""
    async with standing(tmp_path, oidc=client(there)) as opened:
        yield opened


async def faults(page: Page, rules: dict[str, Any]) -> list[Any]:
    """What axe finds by these rules, and what is too small for a thumb."""
    await page.evaluate(AXE)
    run = (
        "(rules) => axe.run({runOnly: rules}).then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))"
    )
    found: list[Any] = await page.evaluate(run, rules)
    return [*found, *(await page.evaluate(SMALL))]


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
async def test_by_the_provider(house: Standing, browser: Browser, scripts: bool) -> None:  # noqa: FBT001  # pytest gives it
    """Button, provider, back: on the request that one wanted to see, and nothing broke the pages' policy on the way."""
    request = await house.submit()
    page = await (await browser.new_context(java_script_enabled=scripts)).new_page()
    noise: list[str] = []
    page.on("console", lambda message: noise.append(message.text) if message.type == "error" else None)
    await page.goto(f"{house.url}/requests/{request.id}")
    await page.get_by_role("button", name="Go on with Fake ID").click()
    await expect(page.get_by_role("heading", name="Fake ID")).to_be_visible()
    await page.get_by_role("link", name="Yes, I am Ana").click()
    await expect(page).to_have_url(f"{house.url}/requests/{request.id}")
    await expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    assert [session.way for session in await house.access.sessions("ana")] == [Way.OIDC]
    assert noise == []


async def test_t17_a_link_in_another_browser(house: Standing, browser: Browser) -> None:
    """Asked for at a desk, opened on a phone, where the page sends one for it; both sign in, and one ends the other."""
    desk = await (await browser.new_context(viewport=DESK)).new_page()
    phone = await (await browser.new_context(viewport=PHONE)).new_page()
    await desk.goto(f"{house.url}/sign-in")
    await desk.get_by_label("Your person id or mail address").fill("ana")
    await desk.get_by_role("button", name="Send me a link").click()
    await expect(desk.get_by_role("status")).to_contain_text("a link is on its way")
    (first,) = await house.emailed()
    await phone.goto(f"{house.url}/sign-in/{first}")
    await expect(phone.get_by_role("heading", level=1)).to_have_text("This link was asked for in another browser")
    await phone.get_by_role("button", name="Send a link for this browser").click()
    await expect(phone.get_by_role("status")).to_contain_text("a link is on its way")
    _, second = await house.emailed(2)
    for page, token in ((phone, second), (desk, first)):
        await page.goto(f"{house.url}/sign-in/{token}")
        await page.get_by_role("button", name="Sign in as Ana Silva").click()
        await expect(page).to_have_url(f"{house.url}/inbox")
    await desk.get_by_role("link", name="Ana Silva").click()
    await desk.get_by_role("button", name="End Chrome").click()
    await expect(desk.get_by_role("status").filter(has_text="Signed out there.")).to_be_visible()
    await phone.goto(f"{house.url}/inbox")
    await expect(phone).to_have_url(f"{house.url}/sign-in")


async def opened(house: Standing, page: Page, there: fake.Provider) -> AsyncIterator[str]:
    """Bring every page of signing in and of the account before a person, one after the other; what each is called."""
    printed, bound = await house.link("ana"), await house.access.new_link("ana", by="inbox", browser="0" * 64)
    for name, address in (
        ("sign-in", f"{house.url}/sign-in"),
        ("asked", f"{house.url}/sign-in?asked"),
        ("link", printed),
        ("elsewhere", f"{house.url}/sign-in/{bound}"),
        ("spent", f"{house.url}/sign-in/none"),
    ):
        await page.goto(address)
        yield name
    there.claims["email"] = "stranger@example.com"
    await page.goto(f"{house.url}/sign-in")
    await page.get_by_role("button", name="Go on with Fake ID").click()
    await page.get_by_role("link", name="Yes, I am Ana").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("Nobody here is known")
    yield "unknown"
    for name in ("Safari on iPhone", "Samsung Internet on Android"):
        await house.access.begin("ana", way=Way.OIDC, browser=name)
    await page.goto(printed)
    await page.get_by_role("button", name="Sign in as Ana Silva").click()
    await expect(page).to_have_url(f"{house.url}/inbox")
    await page.goto(f"{house.url}/account?ended")
    yield "account"
    await page.goto(await house.link("ben"))
    yield "link-over-another"


async def test_everybody_can_use_the_pages(house: Standing, there: fake.Provider, browser: Browser) -> None:
    """Axe finds nothing at a desk in light, nor on a phone in dark; at 320 pixels nothing is wider than the screen."""
    page = await (await browser.new_context()).new_page()
    async for name in opened(house, page, there):
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size(DESK)
        assert await faults(page, {"type": "tag", "values": RULES}) == [], name
        await page.emulate_media(color_scheme="dark")
        await page.set_viewport_size(PHONE)
        assert await faults(page, {"type": "rule", "values": ["color-contrast", "target-size"]}) == [], name
        await page.set_viewport_size(NARROW)
        assert await page.evaluate("document.documentElement.scrollWidth") == NARROW["width"], name
