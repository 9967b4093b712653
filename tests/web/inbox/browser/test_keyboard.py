"""The queue in a real browser: by keyboard alone, beside somebody else, while it changes, and without the net."""

from __future__ import annotations

import re

from playwright.async_api import Browser, Page, ViewportSize, expect

from bot.core.model import State, Verb
from bot.core.ports import Ballot
from tests.browser import in_one_loop
from tests.web.inbox.barriers import AXE, barriers
from tests.web.inbox.house import Standing
from tests.web.inbox.signed import window

pytestmark = in_one_loop

WITHIN = 4000
"""Milliseconds: the two seconds that are promised, twice over where the machine is shared with other tests."""


async def several(house: Standing, count: int) -> list[str]:
    """So many refunds, in the order in which the queue lists them."""
    return [(await house.submit(arguments={"order": str(n), "amount": n, "currency": "USD"})).id for n in range(count)]


async def shows(page: Page, request_id: str) -> None:
    """Wait until the pane shows a request."""
    await expect(page.locator(f'#pane[aria-busy="false"] [data-request="{request_id}"]')).to_be_visible()


async def told(page: Page, text: str) -> None:
    """Wait until the page says what was decided."""
    await expect(page.locator("#toast")).to_contain_text(text)


async def approve(house: Standing, request_id: str, by: str = "ben") -> None:
    """Somebody approves it elsewhere."""
    request = await house.now(request_id)
    await house.desk.decide(
        Ballot(request=request_id, decision=Verb.APPROVE, by=by, channel="slack", revision=1, digest=request.digest)
    )


async def test_a_key_that_comes_before_what_it_decides_says_so(house: Standing, browser: Browser) -> None:
    """Nothing is approved that is not shown yet; where there is no pane, the page has to be opened first."""
    (one,) = await several(house, 1)
    page = await window(house, browser, "ana")
    await page.route(f"**/requests/{one}", lambda _: None)
    await page.keyboard.press("j")
    await page.keyboard.press("a")
    await expect(page.locator("#hint")).to_have_text("It is still loading. Press the key again once you see it.")
    await page.set_viewport_size({"width": 390, "height": 844})
    await page.keyboard.press("a")
    await expect(page.locator("#hint")).to_have_text("Open it first: press Enter.")
    assert (await house.now(one)).state is State.PENDING


async def taken_back(house: Standing, page: Page, one: str, two: str) -> None:
    """The first is approved and taken back: it is shown again, and waits anew."""
    await page.keyboard.press("j")
    await shows(page, one)
    await page.keyboard.press("a")
    await told(page, "Approved. Refund 0 USD on order 0")
    await shows(page, two)
    await page.keyboard.press("u")
    await shows(page, one)
    assert (await house.now(one)).state is State.PENDING
    await expect(page.locator("#list > li")).to_have_count(4)
    await told(page, "Taken back; it waits for a decision again. Refund 0 USD")


async def edited(page: Page) -> None:
    """The one that is shown is approved with another amount, after one that is no number."""
    await page.keyboard.press("e")
    amount = page.locator("#pane").get_by_role("textbox", name="Amount")
    await expect(amount).to_be_focused()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("24O")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Amount must be a number, such as 100")).to_be_visible()
    await expect(amount).to_be_focused()
    await page.keyboard.press("Control+a")
    await page.keyboard.type("60")
    await page.keyboard.press("Enter")
    await told(page, "Approved with edits.")


async def rejected(page: Page) -> None:
    """The one that is shown is rejected, with a reason whose letters are keys elsewhere."""
    await page.keyboard.press("r")
    await expect(page.locator("#pane").get_by_role("radio").first).to_be_focused()
    await page.keyboard.press("Space")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Never paid; jkax")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await told(page, "Rejected.")


async def asked(page: Page) -> None:
    """The agent of the one that is shown is asked."""
    await page.keyboard.press("s")
    await expect(page.locator("#pane").get_by_role("textbox", name="Your question")).to_be_focused()
    await page.keyboard.type("Why?")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await told(page, "The agent is asked")


async def test_a_queue_is_cleared_by_keyboard_alone(house: Standing, browser: Browser) -> None:
    """Approve, take back, edit with a fault first, reject with a reason, ask: no hand leaves the keys."""
    one, two, three, four = await several(house, 4)
    page = await window(house, browser, "ana")
    await taken_back(house, page, one, two)
    # It waits anew, so it is the last of them now.
    await page.keyboard.press("a")
    await told(page, "Approved.")
    await shows(page, four)
    await page.keyboard.press("k")
    await page.keyboard.press("k")
    await shows(page, two)
    await edited(page)
    await shows(page, three)
    await rejected(page)
    await shows(page, four)
    await asked(page)
    await expect(page.get_by_role("heading", level=1).first).to_have_text("Nothing waits for you")
    assert [(await house.now(id_)).state for id_ in (one, two, three, four)] == [
        *(State.APPROVED, State.APPROVED_WITH_EDITS, State.REJECTED, State.NEEDS_INFO),
    ]


async def test_the_keys_and_their_switch(house: Standing, browser: Browser) -> None:
    """Moving, ticking, searching, the list of keys; none counts in a field, and single keys can be turned off."""
    one, two, _ = await several(house, 3)
    page = await window(house, browser, "ana")
    press = page.keyboard.press
    for key in "jjk":
        await press(key)
    await shows(page, one)
    await press("x")
    await expect(page.get_by_text("1 selected")).to_be_visible()
    await press("*")
    await expect(page.get_by_text("3 selected")).to_be_visible()
    await press("/")
    await page.keyboard.type("ajx?")
    await expect(page.get_by_role("textbox", name="Search")).to_have_value("ajx?")
    await press("Escape")
    await press("Control+a")
    await press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(dialog).to_be_visible()
    await press("a")
    await dialog.get_by_label("Single-key shortcuts").uncheck()
    await press("Escape")
    await expect(dialog).to_be_hidden()
    await page.reload()
    await press("j")
    await press("?")
    await expect(page.locator("[aria-current=true]")).to_have_count(0)
    await expect(dialog).to_be_hidden()
    await page.get_by_role("button", name="Keyboard shortcuts").press("Enter")
    await dialog.get_by_label("Single-key shortcuts").check()
    await dialog.get_by_role("button", name="Close").press("Enter")
    await page.evaluate("document.activeElement.blur()")
    await press("j")
    await shows(page, one)
    await press("o")
    await page.wait_for_url(f"**/requests/{one}")
    await press("j")
    await page.wait_for_url(f"**/requests/{two}")
    await press("r")
    await expect(page.get_by_role("radio").first).to_be_focused()
    await press("Escape")
    await expect(page.get_by_role("radio").first).to_be_hidden()
    await expect(page.get_by_role("link", name="Reject")).to_be_focused()
    await press("g")
    await press("i")
    await page.wait_for_url("**/inbox")
    assert {(await house.now(id_)).state for id_ in (one, two)} == {State.PENDING}


async def test_two_people_race_in_two_panes(house: Standing, browser: Browser) -> None:
    """Within two seconds the slower one is told; their key decides nothing, their button says who was faster."""
    one, two = await several(house, 2)
    ana, ben = await window(house, browser, "ana"), await window(house, browser, "ben")
    for page in (ana, ben):
        await page.keyboard.press("j")
        await shows(page, one)
    # The way back out of a form leads back to the request in the pane, and away from no list.
    await ana.keyboard.press("r")
    await ana.locator("#reject").get_by_role("link", name="Back").click()
    await expect(ana.locator("#reject")).to_be_hidden()
    await ben.keyboard.press("a")
    await told(ben, "Approved.")
    row = ana.locator(f'#list [data-request="{one}"]')
    await expect(row).to_have_class(re.compile(r"\bgone\b"), timeout=WITHIN)
    await expect(ana.locator("#pane").get_by_text("This request has changed since you opened it.")).to_be_visible()
    await ana.keyboard.press("a")
    await ana.get_by_role("button", name="Approve", exact=True).click()
    await expect(ana.get_by_role("alert")).to_contain_text("Already decided. Approved by Ben Okafor at")
    assert len((await house.now(one)).decisions) == 1
    await ana.keyboard.press("j")
    await shows(ana, two)
    await expect(row).to_have_count(0)


async def test_a_list_that_changes_leaves_the_reader_where_they_are(house: Standing, browser: Browser) -> None:
    """Focus, ticks, what is typed and which row is read stay as they are while rows come and go around them."""
    ids = await several(house, 4)
    page = await window(house, browser, "ana")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await shows(page, ids[1])
    await page.keyboard.press("x")
    await page.locator("#q").fill("half typed")
    await approve(house, ids[0])
    await approve(house, ids[3])
    await expect(page.locator("#list > li")).to_have_count(2, timeout=WITHIN)
    await expect(page.get_by_role("heading", level=1).first).to_have_text("2 requests wait for you")
    await expect(page.locator("#q")).to_have_value("half typed")
    await expect(page.locator("#q")).to_be_focused()
    await expect(page.locator(f'[data-request="{ids[1]}"] input[name=pick]')).to_be_checked()
    await expect(page.locator(f'#list [data-request="{ids[1]}"] a')).to_have_attribute("aria-current", "true")
    await shows(page, ids[1])
    await page.keyboard.press("Escape")
    last = page.locator(f'#list [data-request="{ids[2]}"] a')
    await last.focus()
    await page.keyboard.press("j")
    await approve(house, ids[1])
    await expect(page.locator("#list > li")).to_have_count(1, timeout=WITHIN)
    await expect(last).to_be_focused()


async def test_reading_marks_as_read_and_the_net_may_fail(house: Standing, browser: Browser) -> None:
    """A row is read once it was before somebody's eyes; a page that was cut off says so and catches up by itself."""
    one, two = await several(house, 2)
    page = await window(house, browser, "ana")
    await expect(page.locator("#list .unread")).to_have_count(2)
    await page.keyboard.press("j")
    await shows(page, one)
    await expect(page.locator("#list .unread")).to_have_count(1)
    assert await house.store.seen("ana", [one, two]) == {one: 1}
    await page.context.set_offline(True)
    await expect(page.get_by_text("You are offline.")).to_be_visible()
    await approve(house, two)
    await page.context.set_offline(False)
    await expect(page.locator("#list > li")).to_have_count(1)
    await expect(page.get_by_text("You are offline.")).to_be_hidden()


async def test_without_scripts_a_row_is_a_link(house: Standing, browser: Browser) -> None:
    """The list fills the page, filters and ticks are plain forms, and a row leads to the request."""
    one, _ = await several(house, 2)
    page = await window(house, browser, "ana", java_script_enabled=False)
    await expect(page.locator("#pane")).to_be_hidden()
    await expect(page.get_by_role("button", name="Decide together")).to_be_hidden()
    await page.get_by_role("checkbox", name="Select Refund 0 USD").check()
    await expect(page.get_by_role("button", name="Decide together")).to_be_visible()
    await page.get_by_text("Filters", exact=True).click()
    await page.get_by_label("Risk").select_option("Irreversible")
    await page.get_by_role("button", name="Show these").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("2 requests found")
    await page.get_by_role("link", name="Refund 0 USD").click()
    assert page.url == f"{house.url}/requests/{one}"


async def test_the_queue_has_no_barriers(house: Standing, browser: Browser) -> None:
    """Axe finds nothing, in light and dark, wide and narrow, with the dialog open; nothing is cut off at 320 pixels."""
    await several(house, 2)
    await house.submit(action="host.run", arguments={"x" * 90: "y" * 400}, confidence=0.2)
    page = await window(house, browser, "ana", bypass_csp=True)
    await page.evaluate(AXE)
    for scheme in ("light", "dark"):
        for width in (1440, 390):
            await page.set_viewport_size(ViewportSize(width=width, height=900))
            await page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
            await page.keyboard.press("j")
            if width > 1100:
                await expect(page.locator("#pane [data-request]")).to_be_visible()
            await page.keyboard.press("x")
            assert await barriers(page) == [], (scheme, width)
            await page.keyboard.press("?")
            assert await barriers(page) == [], (scheme, width, "dialog")
            await page.keyboard.press("Escape")
    await page.set_viewport_size(ViewportSize(width=320, height=700))
    await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert await page.evaluate("document.documentElement.scrollWidth") == 320
