"""A mail's link in a real browser: scanners that run scripts, hover, wait and press; and the person it is for."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, Page, Route, expect

from bot.core.model import Request, State
from tests.browser import in_one_loop
from tests.web.inbox.browser.test_inbox import CONTRAST, DESK, PHONE, SMALL, person
from tests.web.inbox.house import MARKS, Standing

pytestmark = in_one_loop


FOCUSED = "(one) => one.checkVisibility({ visibilityProperty: true }) && (one.focus(), true)"
"""Focuses an element, if it is seen; whether it is."""


async def stranger(browser: Browser) -> Page:
    """A window in which nobody is signed in."""
    return await (await browser.new_context(viewport=PHONE)).new_page()


async def scan(page: Page, house: Standing, link: str) -> set[str]:
    """Open a link and every link that it leads to; on each let its scripts run, hover over all, and wait an hour.

    Of other pages than the link's own one address each, whatever is asked of them.
    """
    own = urlsplit(link).path
    await page.clock.install()
    seen: set[str] = set()
    todo = [house.url + link]
    while todo:
        address = todo.pop()
        seen.add(address)
        if urlsplit(address).path.endswith((".csv", ".json")) or "format=" in urlsplit(address).query:
            # What is kept as a file shows no page.
            assert (await page.request.get(address)).ok
            continue
        await page.goto(address, wait_until="networkidle")
        # An address with a fragment opens a form of a page that was looked at whole.
        within = "form " if urlsplit(address).fragment else ""
        for element in await page.locator(", ".join(within + tag for tag in ("a", "button", "input", "summary"))).all():
            if await element.evaluate(FOCUSED):
                await element.hover(force=True)
        await page.clock.fast_forward("01:00:00")
        await page.wait_for_load_state("networkidle")
        found = await page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        for a in dict.fromkeys(found):
            known = {*seen, *todo}
            fresh = a not in known and urlsplit(a).path not in {urlsplit(k).path for k in known} - {own}
            if a.startswith(house.url) and fresh:
                todo.append(a)
    return seen


async def untouched(house: Standing, request: Request, lines: int) -> None:
    """The house is as it was: the request, the trail, and nobody's mailbox."""
    assert (await house.now(request.id), await house.lines()) == (request, lines)
    assert house.letters == []


async def test_t16_a_scanner_that_runs_scripts_decides_nothing(house: Standing, browser: Browser) -> None:
    """Signed in as nobody, and as the very person whom the mail is for: nothing has changed afterwards."""
    request = await house.submit()
    link = house.mailed(request.id, "ana")
    lines = await house.lines()
    seen = await scan(await stranger(browser), house, link)
    assert f"{house.url}/sign-in?next=/requests/{request.id}" in seen
    await untouched(house, request, lines)
    signed_in = await person(house, browser, "ana")
    lines = await house.lines()
    calls: list[tuple[str, str]] = []
    signed_in.on("request", lambda call: calls.append((call.method, call.url.removeprefix(house.url))))
    seen = await scan(signed_in, house, link)
    sent = {path for method, path in calls if method != "GET"}
    assert sent == {f"/requests/{request.id}/read"}, "that it was seen is written down by the page's own script alone"
    assert {f"{house.url}/inbox", f"{house.url}{link}#reject"} <= seen
    await untouched(house, request, lines)


async def test_t16_a_scanner_that_presses_buttons_reaches_the_right_mailbox_only(
    house: Standing, browser: Browser
) -> None:
    """Without a session the one button sends one sign-in link to the person whom the mail was for anyway."""
    request = await house.submit()
    page = await stranger(browser)
    for _ in range(3):
        await page.goto(house.url + house.mailed(request.id, "ana"))
        buttons = await page.get_by_role("button").all()
        assert len(buttons) == 1
        await buttons[0].click()
        await expect(page.get_by_role("status")).to_contain_text("Look into the mailbox of a••@example.com")
    assert house.letters == ["ana"]
    assert await house.now(request.id) == request


async def test_t17_the_person_it_is_for_decides(house: Standing, browser: Browser) -> None:
    """From the mail on a phone: the button, the sign-in link in the same browser, the request, the decision."""
    request = await house.submit(reason="Duplicate charge")
    page = await stranger(browser)
    link = house.url + house.mailed(request.id, "ana")
    await page.goto(link)
    await page.get_by_role("button", name="Send a sign-in link to that address").click()
    await expect(page.get_by_role("status")).to_contain_text("A sign-in link is on its way")
    (token,) = await house.emailed()
    await page.goto(f"{house.url}/sign-in/{token}")
    await page.get_by_role("button", name="Sign in as Ana Silva").click()
    await expect(page).to_have_url(f"{house.url}/requests/{request.id}")
    await page.goto(link)
    await page.get_by_role("link", name="Reject").click()
    await page.get_by_text("Wrong amount").click()
    await page.get_by_label("Reason").fill("Twice the sum")
    await page.get_by_role("button", name="Reject it").click()
    await expect(page).to_have_url(f"{house.url}/requests/{request.id}")
    await page.goto(link)
    await expect(page.get_by_role("heading", name="Rejected by Ana Silva")).to_be_visible()
    assert (await house.now(request.id)).state is State.REJECTED


async def test_t17_somebody_else_is_refused_and_has_two_ways_on(house: Standing, browser: Browser) -> None:
    """Open it as oneself, without the mark; or sign out, and be back where the right person asks for a link."""
    request = await house.submit()
    page = await person(house, browser, "ben")
    link = house.url + house.mailed(request.id, "ana")
    await page.goto(link)
    await expect(page.get_by_role("heading", level=1)).to_have_text("This link was sent to somebody else")
    await page.get_by_role("link", name="Open the request as Ben Okafor").click()
    await expect(page).to_have_url(f"{house.url}/requests/{request.id}")
    await expect(page.get_by_role("button", name="Approve", exact=True)).to_be_visible()
    await page.goto(link)
    await page.get_by_role("button", name="Sign out and use this link").click()
    await expect(page).to_have_url(link)
    await expect(page.get_by_text("This link was sent to a••@example.com")).to_be_visible()


async def test_t17_no_other_site_is_told_the_mark(house: Standing, browser: Browser) -> None:
    """Following a link of the agent's from the marked page names no page of ours to where it leads."""
    away = "https://pay.example.com/ch_1"
    request = await house.submit(context={"evidence": [{"title": "Two captures", "url": away}]})
    page = await person(house, browser, "ana")
    told: list[dict[str, str]] = []

    async def answer(route: Route) -> None:
        told.append(await route.request.all_headers())
        await route.fulfill(body="seen")

    await page.context.route("https://pay.example.com/**", answer)
    await page.goto(house.url + house.mailed(request.id, "ana"))
    async with page.context.expect_page() as opened:
        await page.get_by_role("link", name=away).click()
    other = await opened.value
    await expect(other.get_by_text("seen")).to_be_visible()
    assert len(told) == 1
    assert "referer" not in told[0]
    assert not [value for value in told[0].values() if MARKS.make(request.id, "ana") in value]
    assert await other.evaluate("[document.referrer, window.opener]") == ["", None]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_pages_around_a_mail_have_contrast_and_room(house: Standing, browser: Browser, scheme: str) -> None:
    """WCAG AA on a phone and at a desk, and nothing is wider than the screen."""
    request = await house.submit()
    link = house.mailed(request.id, "ana")
    await house.returned("ben@example.com", "550 5.1.1 " + "x" * 300)
    ben, nobody = await person(house, browser, "ben"), await stranger(browser)
    for page, paths in (
        (nobody, (link, f"{link}&asked")),
        (ben, (link, "/inbox", f"/requests/{request.id}")),
    ):
        await page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
        for size in (PHONE, DESK):
            await page.set_viewport_size(size)
            for path in paths:
                await page.goto(house.url + path)
                assert await page.evaluate("document.documentElement.scrollWidth") == size["width"], path
                assert await page.evaluate(CONTRAST) == [], path
                assert await page.evaluate(SMALL) == [], path
