"""A request's page in a real browser: sound in every kind and state, undo by hand, two sides where there is room."""

from __future__ import annotations

from playwright.async_api import Browser, Page, ViewportSize, expect

from bot.core.model import State
from tests.browser import in_one_loop
from tests.web.inbox.barriers import AXE
from tests.web.inbox.house import Standing
from tests.web.inbox.states import edited_thrice, states

pytestmark = in_one_loop

PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1440, height=900)
FAULTS = """async () => (await axe.run(document, {resultTypes: ["violations"]})).violations
  .map((found) => `${found.id}: ${found.nodes.map((node) => node.target).join(" ")}`)"""


async def person(house: Standing, browser: Browser, who: str, *, scripts: bool = True) -> Page:
    """A window of somebody who signed in; what is injected to look at the page is let in."""
    context = await browser.new_context(java_script_enabled=scripts, viewport=DESK, bypass_csp=True)
    page = await context.new_page()
    await page.goto(await house.link(who))
    await page.get_by_role("button", name="Sign in as").click()
    await page.wait_for_url("**/inbox")
    return page


async def test_every_kind_and_state_is_sound(house: Standing, browser: Browser) -> None:
    """Axe finds nothing, with all panels open, and nothing is wider than a phone; light and dark by turns."""
    page = await person(house, browser, "ana")
    for number, (name, path) in enumerate((await states(house)).items()):
        await page.set_viewport_size(PHONE if number % 2 else DESK)
        await page.emulate_media(color_scheme="light" if number % 4 < 2 else "dark")
        await page.goto(house.url + path)
        await page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        await page.evaluate(AXE)
        assert await page.evaluate(FAULTS) == [], name
        assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, name


async def test_undo_by_hand_without_scripts(house: Standing, browser: Browser) -> None:
    """Approve, think again, undo: the page waits for a decision and says who took it back."""
    request = await house.submit()
    page = await person(house, browser, "ana", scripts=False)
    await page.goto(f"{house.url}/requests/{request.id}")
    await page.get_by_role("button", name="Approve", exact=True).click()
    await expect(page.get_by_text("You approved it, and nothing has run yet.")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    await expect(page.get_by_text("Ana Silva took the approval back before anything ran")).to_be_visible()
    assert (await house.now(request.id)).state is State.PENDING


async def test_two_sides_where_there_is_room(house: Standing, browser: Browser) -> None:
    """Before stands left of after on a wide screen, and above it on a phone; a comparison is asked for by the form."""
    request = await edited_thrice(house)
    page = await person(house, browser, "ana")
    await page.goto(f"{house.url}/requests/{request.id}")
    await page.get_by_label("Compare revision").select_option("1")
    await page.get_by_label("with revision").select_option("3")
    await page.get_by_role("button", name="Compare").click()
    await expect(page.get_by_role("heading", name="Revision 1 against revision 3")).to_be_visible()
    old = page.locator("#compared .changed .old").first
    new = page.locator("#compared .changed .new").first
    left, right = await old.bounding_box(), await new.bounding_box()
    assert left
    assert right
    assert (left["y"], left["x"] < right["x"]) == (right["y"], True)
    await page.set_viewport_size(PHONE)
    left, right = await old.bounding_box(), await new.bounding_box()
    assert left
    assert right
    assert (left["x"], left["y"] < right["y"]) == (right["x"], True)


async def test_in_a_narrow_pane_the_decision_stays_at_hand(house: Standing, browser: Browser) -> None:
    """In a pane of 640 pixels beside the queue the buttons stand at its foot, within the window."""
    request = await house.submit(reason="Charged twice")
    page = await person(house, browser, "ana")
    await page.goto(f"{house.url}/requests/{request.id}")
    await page.add_style_tag(content="main { max-width: 640px !important; }")
    box = await page.get_by_role("button", name="Approve", exact=True).bounding_box()
    facts = await page.locator(".facts .panel").first.bounding_box()
    action = await page.locator(".action").bounding_box()
    assert box
    assert facts
    assert action
    assert box["y"] + box["height"] < DESK["height"]
    assert facts["y"] > action["y"] + action["height"]
