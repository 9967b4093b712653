"""Answers, picks, batches and broken glass in a real browser: on a phone without scripts, and at a desk."""

from __future__ import annotations

import re

from playwright.async_api import Browser, Page, expect

from bot.core.model import Kind, Opinion, Option, Request, State
from tests.browser import in_one_loop
from tests.web.inbox.browser.test_inbox import CONTRAST, DESK, PHONE, SMALL, person
from tests.web.inbox.house import Standing

pytestmark = in_one_loop

OPTIONS = (
    Option("full", "All of it", {"order": "1", "amount": 240.0, "currency": "EUR"}),
    Option("half", "Half of it", {"order": "1", "amount": 120.0, "currency": "EUR", "note": "x" * 400}),
)
BATCH = "march"


async def asked(house: Standing, kind: Kind, options: tuple[Option, ...] = ()) -> Request:
    """Something that is no plain approval."""
    return await house.submit(arguments={}, kind=kind, options=options, reason="Which one?")


async def batch(house: Standing, count: int = 3) -> list[Request]:
    """Some refunds of one batch."""
    return [
        await house.submit(arguments={"order": str(i), "amount": 10.0 + i, "currency": "EUR"}, batch=BATCH)
        for i in range(count)
    ]


async def width(page: Page) -> int:
    """How wide the page is."""
    return int(await page.evaluate("document.documentElement.scrollWidth"))


async def test_a_question_on_a_phone_without_scripts(staged: Standing, browser: Browser) -> None:
    """The field stands open; an empty answer comes back with the field in focus; the answer ends it."""
    request = await asked(staged, Kind.QUESTION)
    page = await person(staged, browser, "ana", scripts=False, size=PHONE)
    await page.goto(f"{staged.url}/requests/{request.id}")
    field = page.get_by_role("textbox", name="Your answer")
    await expect(field).to_be_visible()
    await page.get_by_role("link", name="Answer").click()
    await page.get_by_role("button", name="Send the answer").click()
    await expect(page.get_by_text("Write an answer.")).to_be_visible()
    await expect(field).to_be_focused()
    await field.fill("The second")
    await page.get_by_role("button", name="Send the answer").click()
    await expect(page.get_by_role("heading", name="Answered by Ana Silva")).to_be_visible()
    assert (await staged.now(request.id)).answer == "The second"


async def test_declining_a_question_hides_the_answer_and_back_shows_it(staged: Standing, browser: Browser) -> None:
    """One form at a time: what is typed in one is never sent with another."""
    request = await asked(staged, Kind.QUESTION)
    page = await person(staged, browser, "ana", scripts=False, size=PHONE)
    await page.goto(f"{staged.url}/requests/{request.id}")
    field = page.get_by_role("textbox", name="Your answer")
    await page.get_by_role("link", name="Decline").click()
    await expect(field).to_be_hidden()
    await page.get_by_role("button", name="Decline it").click()
    await expect(page.get_by_text("Say why, so that")).to_be_visible()
    await expect(field).to_be_hidden()
    await page.get_by_role("link", name="Back").click()
    await expect(field).to_be_visible()


async def test_an_answer_to_an_exception_goes_with_either_button(staged: Standing, browser: Browser) -> None:
    """What was typed is never lost because the other button was pressed."""
    page = await person(staged, browser, "ana", scripts=False)
    for name in ("Handled", "Mark it as handled"):
        request = await asked(staged, Kind.EXCEPTION)
        await page.goto(f"{staged.url}/requests/{request.id}")
        await page.get_by_role("textbox", name="Your answer").fill("Called them")
        await page.get_by_role("button", name=name, exact=True).click()
        await expect(page.get_by_role("heading", name="Handled by Ana Silva")).to_be_visible()
        assert (await staged.now(request.id)).answer == "Called them"


async def test_a_choice_at_a_desk(staged: Standing, browser: Browser) -> None:
    """Each option's arguments are seen beside its button; the one that is picked is what runs."""
    request = await asked(staged, Kind.CHOICE, OPTIONS)
    page = await person(staged, browser, "ana")
    await page.goto(f"{staged.url}/requests/{request.id}")
    half = page.locator("label.choice", has_text="Half of it")
    await expect(half.get_by_text("120.0")).to_be_visible()
    await expect(half.get_by_text("x" * 400)).to_be_visible()
    await half.click()
    await page.get_by_role("button", name="Approve this option").click()
    await expect(page.get_by_role("heading", name="Chosen by Ana Silva")).to_be_visible()
    assert (await staged.now(request.id)).content.arguments == OPTIONS[1].arguments


async def test_a_batch_on_a_phone_without_scripts(staged: Standing, browser: Browser) -> None:
    """From the queue's one row to the batch, an exception made, the rest approved, and told what became of each."""
    made = await batch(staged)
    page = await person(staged, browser, "ana", scripts=False, size=PHONE)
    await page.get_by_role("link", name=re.compile("Batch of 3")).click()
    await page.get_by_role("checkbox", name=re.compile("^Refund .* on order 1")).uncheck()
    await page.get_by_role("button", name="Approve what is ticked").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("2 of 2 counted")
    states = [(await staged.now(r.id)).state for r in made]
    assert states == [State.APPROVED, State.PENDING, State.APPROVED]
    await page.get_by_role("link", name="1 of this batch is left").click()
    await expect(page.get_by_role("checkbox", name=re.compile("^Refund"))).to_have_count(1)


async def test_enter_in_a_box_decides_nothing(staged: Standing, browser: Browser) -> None:
    """A key pressed while ticking must not be an approval of everything."""
    made = await batch(staged)
    page = await person(staged, browser, "ana")
    await page.goto(f"{staged.url}/inbox/batches/{BATCH}")
    await page.get_by_role("checkbox").first.uncheck()
    await page.get_by_text("Reject, or add a comment").click()
    await page.get_by_role("textbox", name="Comment").fill("Kept")
    await page.get_by_role("checkbox").first.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("Nothing was decided. Press one of the two buttons")
    await expect(page.get_by_role("checkbox", checked=True)).to_have_count(2)
    await expect(page.locator("#comment")).to_have_value("Kept")
    assert {(await staged.now(r.id)).state for r in made} == {State.PENDING}


async def test_an_open_batch_is_told_of_a_change(staged: Standing, browser: Browser) -> None:
    """It is never changed under the finger that is about to approve it."""
    made = await batch(staged)
    page, other = await person(staged, browser, "ana"), await person(staged, browser, "ana")
    await page.goto(f"{staged.url}/inbox/batches/{BATCH}")
    await other.goto(f"{staged.url}/requests/{made[0].id}")
    await other.get_by_role("button", name="Approve", exact=True).click()
    await expect(other.get_by_role("heading", name="Approved by Ana Silva")).to_be_visible()
    await page.evaluate("refresh()")
    await expect(page.get_by_role("status").filter(has_text="changed")).to_contain_text("What waits here has changed")
    await expect(page.locator(".tick input")).to_have_count(3)


async def test_breaking_the_glass_on_a_phone_without_scripts(staged: Standing, browser: Browser) -> None:
    """Closed until it is opened; a reason is asked for by the page itself; then it says for ever what was done."""
    request = await staged.submit(action="contract.sign", arguments={"partner": "Brightwater"})
    page = await person(staged, browser, "dan", scripts=False, size=PHONE)
    await page.goto(f"{staged.url}/requests/{request.id}")
    button = page.get_by_role("button", name="Break the glass and approve it")
    await expect(button).to_be_hidden()
    await page.locator("summary", has_text="Break the glass").click()
    await button.click()
    await expect(page.get_by_text("Say what the emergency is.")).to_be_visible()
    await expect(page.get_by_label("What is the emergency")).to_be_focused()
    await page.get_by_label("What is the emergency").fill("The site is down")
    await button.click()
    await expect(page.get_by_role("heading", name="Approved by breaking the glass by Dan Reyes")).to_be_visible()
    assert (await staged.now(request.id)).decisions[-1].broke_glass


async def pages(house: Standing) -> list[str]:
    """One page of each kind: addresses that Ana and Dan may see."""
    contract = await house.submit(action="contract.sign", arguments={"partner": "B" * 90}, batch="other")
    await house.desk.assess(
        contract.id, by="checker", opinion=Opinion.DOUBT, note="Hm " * 40, revision=1, digest=contract.digest
    )
    letter = {"to": "all@example.com", "subject": "News", "body": "A line\n" * 40}
    mail = await house.submit(action="mail.send", arguments=letter)
    await batch(house)
    kinds = [await asked(house, Kind.QUESTION), await asked(house, Kind.CHOICE, OPTIONS)]
    kinds.append(await asked(house, Kind.EXCEPTION))
    requests = [f"/requests/{r.id}" for r in (contract, mail, *kinds)]
    return ["/inbox", f"/inbox/batches/{BATCH}", *requests, f"{requests[1]}#edit", f"{requests[2]}#reject"]


async def test_every_page_fits_and_can_be_read(staged: Standing, browser: Browser) -> None:
    """WCAG AA contrast by day and by night, room for a thumb, nothing wider than the screen, phone to wide screen."""
    addresses = await pages(staged)
    for who, size in (("ana", PHONE), ("dan", PHONE), ("ana", DESK)):
        page = await person(staged, browser, who, size=size)
        for address in addresses if who == "ana" else addresses[2:4]:
            await page.goto(staged.url + address)
            await page.evaluate("for (const fold of document.querySelectorAll('details')) fold.open = true")
            for night in (True, False):
                await page.emulate_media(color_scheme="dark" if night else "light")
                assert await page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") is night
                assert await page.evaluate(CONTRAST) == [], (address, night)
            assert await width(page) == size["width"], address
            if size == PHONE:
                assert await page.evaluate(SMALL) == [], address
