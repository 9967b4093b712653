"""Letters as they are seen: in a real browser, by day and by night, on a phone; and by the oldest mail program."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Browser

from tests.browser import in_one_loop
from tests.channels.email.letters.drawn import every_letter, samples
from tests.channels.email.letters.reading import Reading

# What WCAG 2.2 asks of text (1.4.3), measured as it says there; a text counts against the nearest colour behind it.
CONTRAST = """
() => {
  const parts = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !element.getClientRects().length) continue;
    const [one, other] = [light(parts(getComputedStyle(element).color)), light(behind(element))].sort((a, b) => b - a);
    found.push([(one + 0.05) / (other + 0.05), walk.currentNode.data.trim().slice(0, 40)]);
  }
  return found;
}
"""
WIDEST = """
() => {
  const cells = [...document.querySelectorAll('td')].filter(td => td.closest('[align=center] table'));
  return Math.max(...cells.map(td => Math.max(td.getBoundingClientRect().width, td.scrollWidth)));
}
"""
LOOK = f"() => [document.scrollingElement.scrollWidth, ({WIDEST})(), ({CONTRAST})()]"


@in_one_loop
async def test_every_letter_is_readable_on_a_phone_by_day_and_by_night(browser: Browser) -> None:
    """At 390 pixels nothing reaches over the edge, at 1440 no line is wider than 600; contrast is 4.5 or better."""
    letters = samples()
    hostile = {
        f"hostile {n}": drawn for n, drawn in enumerate(every_letter("W" * 300 + " https://evil.example/" + "x" * 200))
    }
    for scheme in ("light", "dark"):
        for width in (390, 1440):
            page = await (
                await browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
            ).new_page()
            for name, drawn in (letters | hostile).items():
                await page.set_content(drawn.html)
                wide, widest, contrasts = await page.evaluate(LOOK)
                assert wide <= width, (name, scheme)
                # How wide the widest cell that holds text is; what it holds may not stick out of it.
                assert widest <= min(width, 600), (name, scheme, width)
                assert len(contrasts) > 5
                low = [(ratio, text) for ratio, text in contrasts if ratio < 4.5]
                assert not low, (name, scheme, low)


@in_one_loop
async def test_the_colours_turn_with_the_reader(browser: Browser) -> None:
    """Light by day, dark by night, declared so that a program need not guess."""
    drawn = samples()["pending"]
    grounds = {}
    for scheme in ("light", "dark"):
        page = await (await browser.new_context(color_scheme=scheme)).new_page()
        await page.set_content(drawn.html)
        grounds[scheme] = await page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor")
    assert grounds == {"light": "rgb(255, 255, 255)", "dark": "rgb(30, 30, 28)"}
    metas = {attrs.get("name"): attrs.get("content") for tag, attrs in Reading(drawn.html).tags if tag == "meta"}
    assert metas["color-scheme"] == metas["supported-color-schemes"] == "light dark"


@pytest.mark.parametrize("name", samples())
def test_outlook_draws_every_letter(name: str) -> None:
    """Word's engine knows tables and inline styles: nothing else lays a letter out, and the sheet only colours."""
    html = samples()[name].html
    sheet = re.search(r"<style>(.*?)</style>", html, re.DOTALL)
    assert sheet is not None
    rest = html.replace(sheet[0], "")
    assert not re.search(r"(?:flex|grid|position|float|transform|calc\(|var\()", re.sub(r">[^<]*<", "><", rest))
    night = re.search(r"@media \(prefers-color-scheme: dark\) \{\n(.*)\n\}", sheet[1], re.DOTALL)
    assert night is not None
    rules = set(re.findall(r"([a-z-]+):", re.sub(r"\.[a-z]+ \{", "", night[1])))
    assert rules <= {"background", "color", "border-color"}
    assert re.fullmatch(r"\s*:root \{[^}]*\}\s*", sheet[1].replace(night[0], ""))


@pytest.mark.parametrize("name", samples())
def test_every_cell_and_paragraph_brings_its_own_style(name: str) -> None:
    """Gmail drops the sheet in some accounts: without it colours, sizes and spaces are still there."""
    seen = Reading(samples()[name].html)
    bare = [tag for tag, attrs in seen.tags if tag in ("p", "a", "body") and not attrs.get("style")]
    assert bare == []
    tables = [attrs for tag, attrs in seen.tags if tag == "table"]
    assert tables
    # A screen reader would read a layout as rows and columns, and Word would put space and lines between its cells.
    assert all(attrs.get("role") == "presentation" for attrs in tables)
    assert all({attrs.get(name) for name in ("cellpadding", "cellspacing", "border")} == {"0"} for attrs in tables)


def test_gmail_links_nothing_by_itself() -> None:
    """What looks like an address is parted by an element, which adds no character to it."""
    for text in ("https://evil.example/pay", "www.evil.example", "pay@evil.example", "evil.example"):
        for drawn in every_letter(text):
            body = re.sub(r'href="[^"]*"', "", drawn.html.partition("</title>")[2])
            assert text not in body
            assert text in Reading(body).text
