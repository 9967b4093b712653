"""Pages of the house held by axe: light and dark, wide and narrow, with every fold open."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import axe_playwright_python
from playwright.async_api import Browser, Page, ViewportSize

from tests.web.inbox.house import Standing

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text("utf-8")
"""What is evaluated in a page, so that it can be asked what it finds."""
EVERY = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = ["color-contrast", "target-size", "link-in-text-block", "scrollable-region-focusable"]
"""What depends on the scheme and the width alone."""

FOUND = """async (rules) => {
  const said = await axe.run(document.querySelector("main"), { runOnly: rules });
  return said.violations.map(one => [one.id, ...one.nodes.map(node => node.html)].join(" "));
}"""


WHOLE = """async (rules) => {
  const said = await axe.run(document, { runOnly: rules });
  return said.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`);
}"""


async def barriers(page: Page) -> list[str]:
    """What axe finds once nothing moves any more: what fades in is pale for a moment, longer on a slow machine."""
    found: list[str] = []
    for _ in range(20):
        found = await page.evaluate(WHOLE, EVERY)
        if not found:
            return []
        await asyncio.sleep(0.25)
    return found


async def enter(house: Standing, page: Page) -> None:
    """Sign in as an admin."""
    await page.goto(await house.link("kim"))
    await page.get_by_role("button", name="Sign in as").click()


async def no_barriers(house: Standing, browser: Browser, paths: Iterable[str]) -> None:
    """Axe finds nothing on any of these pages, as an admin sees them; at 320 pixels nothing is cut off."""
    page = await (await browser.new_context(bypass_csp=True)).new_page()
    await enter(house, page)
    for path in paths:
        await page.goto(house.url + path)
        await page.evaluate("for (const fold of document.querySelectorAll('main details')) fold.open = true")
        await page.evaluate(AXE)
        await page.set_viewport_size(ViewportSize(width=1440, height=900))
        await page.emulate_media(color_scheme="light")
        assert await page.evaluate(FOUND, EVERY) == [], path
        await page.set_viewport_size(ViewportSize(width=390, height=844))
        await page.emulate_media(color_scheme="dark")
        assert await page.evaluate(FOUND, LOOKS) == [], path
        await page.set_viewport_size(ViewportSize(width=320, height=700))
        assert await page.evaluate("document.documentElement.scrollWidth") == 320, path
