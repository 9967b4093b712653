"""The inbox in a real browser: a person signs in, decides, errs, is overtaken; with and without scripts."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page, ViewportSize, expect

from bot.core.model import State, Verb
from bot.core.ports import Ballot
from tests.browser import in_one_loop
from tests.web.inbox.data import MARKUP
from tests.web.inbox.house import Standing

pytestmark = in_one_loop

PHONE = ViewportSize(width=390, height=844)
DESK = ViewportSize(width=1440, height=900)


async def person(
    house: Standing, browser: Browser, who: str, *, scripts: bool = True, size: ViewportSize = DESK
) -> Page:
    """A window of somebody who signed in by pressing the button of a fresh link."""
    context = await browser.new_context(java_script_enabled=scripts, viewport=size)
    page = await context.new_page()
    await page.goto(await house.link(who))
    await page.get_by_role("button", name="Sign in as").click()
    await expect(page.get_by_role("heading", level=1)).to_contain_text("for you")
    return page


async def test_sign_in_and_approve(house: Standing, browser: Browser) -> None:
    """From the link to the queue to the request to its outcome, by what a person sees."""
    request = await house.submit(reason="Duplicate charge")
    page = await person(house, browser, "ana")
    await page.get_by_role("link", name="Refund 240.0 USD").click()
    await page.get_by_role("button", name="Approve", exact=True).click()
    await expect(page.get_by_role("heading", name="Approved by Ana Silva")).to_be_visible()
    assert (await house.now(request.id)).state is State.APPROVED


@pytest.mark.parametrize(("scripts", "size"), [(True, DESK), (False, PHONE)], ids=["desk", "phone-without-scripts"])
async def test_an_edit_that_errs_and_then_succeeds(
    house: Standing,
    browser: Browser,
    scripts: bool,  # noqa: FBT001  # pytest gives it
    size: ViewportSize,
) -> None:
    """The form opens by its link, comes back with the fault beside the field in focus, and is taken once put right."""
    request = await house.submit()
    page = await person(house, browser, "ana", scripts=scripts, size=size)
    await page.goto(f"{house.url}/requests/{request.id}")
    amount = page.get_by_role("textbox", name="Amount")
    await expect(amount).to_be_hidden()
    await page.get_by_role("link", name="Edit").click()
    await expect(page.get_by_role("button", name="Approve", exact=True)).to_be_hidden()
    await amount.fill("24O")
    await page.get_by_role("button", name="Approve with these edits").click()
    await expect(page.get_by_text("Amount must be a number, such as 100")).to_be_visible()
    await expect(amount).to_be_focused()
    await expect(amount).to_have_value("24O")
    await amount.fill("60")
    await page.get_by_role("combobox", name="Currency").select_option("EUR")
    await page.get_by_role("button", name="Approve with these edits").click()
    await expect(page.get_by_role("heading", name="Approved with edits by Ana Silva")).to_be_visible()
    assert (await house.now(request.id)).content.arguments == {
        **request.content.arguments,
        "amount": 60,
        "currency": "EUR",
    }


async def test_reject_on_a_phone_without_scripts(house: Standing, browser: Browser) -> None:
    """Nothing needs a script, nothing is wider than the screen, and every control is large enough for a thumb."""
    request = await house.submit()
    page = await person(house, browser, "ana", scripts=False, size=PHONE)
    await page.goto(f"{house.url}/requests/{request.id}")
    await page.get_by_role("link", name="Reject").click()
    await page.get_by_text("Wrong target").click()
    await page.get_by_label("Reason").fill("Never paid")
    await page.get_by_role("button", name="Reject it").click()
    await expect(page.get_by_role("heading", name="Rejected by Ana Silva")).to_be_visible()
    await expect(page.locator(".outcome").get_by_text("Never paid")).to_be_visible()
    assert (await house.now(request.id)).decisions[0].category == "wrong_target"


async def test_two_people_race(house: Standing, browser: Browser) -> None:
    """Both have the page open; the second to press is told what the first decided."""
    request = await house.submit()
    ana, ben = await person(house, browser, "ana"), await person(house, browser, "ben")
    for page in (ana, ben):
        await page.goto(f"{house.url}/requests/{request.id}")
    await ben.get_by_role("button", name="Approve", exact=True).click()
    await expect(ben.get_by_role("heading", name="Approved by Ben Okafor")).to_be_visible()
    await ana.get_by_role("button", name="Approve", exact=True).click()
    await expect(ana.get_by_role("alert")).to_contain_text("Already decided. Approved by Ben Okafor at")
    assert len((await house.now(request.id)).decisions) == 1


async def test_an_open_page_is_told_of_a_change_and_not_changed(house: Standing, browser: Browser) -> None:
    """A page on which somebody may decide never swaps its content; the queue does. Its forms are sent once."""
    request = await house.submit()
    page, queue = await person(house, browser, "ana"), await person(house, browser, "ana")
    await page.goto(f"{house.url}/requests/{request.id}")
    await house.desk.decide(
        Ballot(request=request.id, decision=Verb.APPROVE, by="ben", channel="slack", revision=1, digest=request.digest)
    )
    for window in (page, queue):
        await window.evaluate("refresh()")
    await expect(page.get_by_role("status")).to_contain_text("This request has changed")
    await expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    await expect(queue.get_by_role("heading", level=1)).to_have_text("Nothing waits for you")
    assert await page.locator("#decide form").first.evaluate(PRESSED_TWICE) == [True, False]


async def test_t16_a_browser_that_opens_every_link_decides_nothing(house: Standing, browser: Browser) -> None:
    """A scanner with scripts and a session opens whatever is linked to; the request and the link stay as they are."""
    request = await house.submit()
    link = await house.link("ana")
    page = await person(house, browser, "ana")
    seen, todo = set(), [link, f"{house.url}/inbox", f"{house.url}/requests/{request.id}"]
    while todo:
        address = todo.pop()
        seen.add(address)
        if address.partition("?")[0].endswith((".csv", ".json")) or "format=" in address:
            # What is kept as a file shows no page.
            assert (await page.request.get(address)).ok
            continue
        await page.goto(address)
        found = await page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        todo += [a for a in dict.fromkeys(found) if a.startswith(house.url) and a not in seen and a not in todo]
    assert await house.now(request.id) == request
    await page.goto(link)
    await expect(page.get_by_role("button", name="Sign in as Ana Silva")).to_be_visible()


async def test_t20_agent_text_runs_nothing(house: Standing, browser: Browser) -> None:
    """Markup in every field: no dialog, no request to elsewhere, no form but ours, and the policy is never broken."""
    page = await person(house, browser, "ana", size=PHONE)
    noise: list[str] = []
    page.on("dialog", lambda dialog: noise.append(dialog.message))
    page.on("console", lambda message: noise.append(message.text))
    page.on("request", lambda call: None if call.url.startswith(house.url) else noise.append(call.url))
    for text in MARKUP:
        request = await house.submit(
            action="host.run",
            arguments={text: text, "long": text * 200},
            reason=text,
            context={"evidence": [{"title": text, "text": text, "url": text}], "user_request": text},
        )
        await page.goto(f"{house.url}/requests/{request.id}#edit")
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width == PHONE["width"], text
    assert noise == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_has_contrast_and_every_control_room(house: Standing, browser: Browser, scheme: str) -> None:
    """WCAG AA: 4.5 to 1 for text; on a phone every control is at least 44 pixels high."""
    request = await house.submit(
        reason="Because", confidence=0.5, context={"user_request": "Please", "risks": ["Some"]}
    )
    page = await person(house, browser, "ana", size=PHONE)
    await page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    for address in (
        "/inbox",
        f"/requests/{request.id}",
        f"/requests/{request.id}#reject",
        f"/requests/{request.id}#edit",
    ):
        await page.goto(house.url + address)
        assert await page.evaluate(CONTRAST) == [], address
        assert await page.evaluate(SMALL) == [], address
    # WCAG 1.4.10, 1280 by 1024 at 400 %: the buttons do not stand over what they decide about.
    await page.set_viewport_size(ViewportSize(width=320, height=256))
    assert await page.locator(".bar").evaluate("(bar) => getComputedStyle(bar).position") == "static"
    # WCAG 1.4.4: letters twice as large, as a browser's own setting makes them.
    if scheme == "dark":
        await page.set_viewport_size(PHONE)
        session = await page.context.new_cdp_session(page)
        await session.send("Page.setFontSizes", {"fontSizes": {"standard": 32}})
        assert await page.evaluate("getComputedStyle(document.body).fontSize") == "32px"
        assert await page.evaluate(OVER) == []
        assert await page.locator(".bar").evaluate("(bar) => getComputedStyle(bar).position") == "static"


PRESSED_TWICE = """(form) => [1, 2].map(() => form.dispatchEvent(
  new SubmitEvent("submit", { bubbles: true, cancelable: true })))"""
"""Whether a form would be sent by a first press, and by a second one before its answer is there."""

CONTRAST = """() => {
  const parts = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return m.length > 3 ? m : [...m, 1]; };
  const light = (c) => parts(c).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = (e) => { while (e && parts(getComputedStyle(e).backgroundColor)[3] === 0) e = e.parentElement;
    return e ? getComputedStyle(e).backgroundColor : "rgb(255, 255, 255)"; };
  const bad = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.matches(".skip, option")) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) bad.push(`${e.className || e.tagName}: ${ratio.toFixed(2)} ${e.textContent.trim().slice(0, 30)}`);
  }
  return bad;
}"""

OVER = """() => [...document.querySelectorAll(".top *, .bar *")].filter((e) => {
    const [own, around] = [e, e.parentElement].map((one) => one.getBoundingClientRect());
    return e.checkVisibility() && (own.right > innerWidth || own.right > around.right + 1); })
  .map((e) => e.textContent.trim().slice(0, 30))"""
"""What of the frame and of the buttons reaches over the edge, or out of what it stands in."""

SMALL = """() => [...document.querySelectorAll(
    "button, a.button, .back a, .brand, summary, select, input[type=text], label.choice")]
  .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 44)
  .map((e) => `${e.textContent.trim().slice(0, 30)} ${e.getBoundingClientRect().height}`)"""
