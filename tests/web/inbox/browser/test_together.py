"""What was picked, decided together in a real browser: sixty at once, with two exceptions."""

from __future__ import annotations

from playwright.async_api import Browser, expect

from bot.core.model import State
from tests.browser import in_one_loop
from tests.web.inbox.browser.test_inbox import person
from tests.web.inbox.house import Standing
from tests.web.inbox.test_together import letters, picked, states

pytestmark = in_one_loop


async def test_sixty_newsletters_of_which_two_are_bad(staged: Standing, browser: Browser) -> None:
    """By keyboard and script: the buttons count, all and none are one press, and the two are rejected thereafter."""
    made = await letters(staged, 60)
    page = await person(staged, browser, "ana")
    await page.goto(staged.url + picked(made))
    box = page.locator(".tick input")
    await expect(page.get_by_role("button", name="Approve 60")).to_be_visible()
    await page.get_by_role("button", name="None").click()
    await expect(page.get_by_role("button", name="Approve 0")).to_be_visible()
    await page.get_by_role("button", name="All").click()
    await box.nth(16).focus()
    await page.keyboard.press("j")
    await page.keyboard.press("Space")
    await box.nth(42).focus()
    await page.keyboard.press("k")
    await page.keyboard.press("Space")
    await expect(page.get_by_text("58 of 60 ticked")).to_be_visible()
    await page.get_by_role("button", name="Approve 58").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("58 of 58 counted")
    await page.get_by_role("link", name="Decide the 2 you left out").click()
    await page.get_by_text("Reject, or add a comment").click()
    await page.get_by_label("Comment").fill("Not our readers")
    await page.get_by_label("What is wrong with them?").select_option("wrong_target")
    await page.get_by_role("button", name="Reject 2").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("2 of 2 counted")
    assert [n for n, state in enumerate(await states(staged, made)) if state is State.REJECTED] == [17, 41]
    assert {d.comment for d in (await staged.now(made[41].id)).decisions} == {"Not our readers"}
