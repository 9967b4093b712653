"""The document in a real browser: no barriers, nothing asked of anywhere, nothing cut off, pages on paper."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.async_api import Browser, ViewportSize

from tests.browser import in_one_loop
from tests.desk.house import open_house
from tests.reports.test_report import checkpoint, live, note, read
from tests.web.inbox.barriers import AXE, EVERY, FOUND


@in_one_loop
async def test_the_document_has_no_barriers_and_prints(tmp_path: Path, browser: Browser) -> None:
    """Axe finds nothing, at 320 pixels only tables scroll, one file is all that is loaded, and it prints to A4."""
    async with open_house(tmp_path / "sayso.db") as house:
        house.rule(lambda rules: rules + "\nbreak_glass: {people: [lea], review: finance}\n")
        await live(house)
        await checkpoint(house)
        for _ in range(3):
            await note(house, "config.refused", reason="x" * 400)
        _, text = await read(house)
    document = tmp_path / "report.html"
    document.write_text(text, encoding="utf-8")
    page = await browser.new_page(viewport=ViewportSize(width=1200, height=900))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(document.as_uri())
    assert asked == [document.as_uri()]
    await page.evaluate(AXE)
    assert await page.evaluate(FOUND, EVERY) == []
    await page.set_viewport_size(ViewportSize(width=320, height=700))
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
    printed = await page.pdf(prefer_css_page_size=True)
    sizes = set(re.findall(rb"/MediaBox \[0 0 ([0-9.]+) ([0-9.]+)\]", printed))
    # A4 in points: 595 by 842.
    assert {(round(float(wide)), round(float(high))) for wide, high in sizes} <= {(595, 842), (596, 842), (595, 843)}
    assert sizes
