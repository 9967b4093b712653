"""The Insights pages in a real browser: no barriers, light and dark, wide and narrow; all of it without a mouse."""

from __future__ import annotations

from datetime import timedelta

from playwright.async_api import Browser, ViewportSize, expect

from bot.core.insight.adding import differences
from bot.core.insight.fact import Correction, Fact, Judgement
from bot.core.model import ExecutionState, Kind, Risk, Severity, State, Then, Verb
from tests.browser import in_one_loop
from tests.web.inbox.barriers import enter, no_barriers
from tests.web.inbox.house import Standing

pytestmark = in_one_loop

ENDS = (
    (State.APPROVED, Verb.APPROVE),
    (State.APPROVED, Verb.APPROVE),
    (State.APPROVED_WITH_EDITS, Verb.APPROVE_WITH_EDITS),
    (State.REJECTED, Verb.REJECT),
)
LONG = "an-agent-" * 14


LOOKED_AT = (
    "/insights?days=7",
    "/insights?from=2026-05-02&until=2026-05-01",
)
"""All kinds of charts, and a page that refuses; few days, for Axe takes its time with each row of a table."""


def fact(house: Standing, number: int) -> Fact:
    """One of many requests, of every sort of end, from ten days ago until now."""
    state, verb = ENDS[number % 4]
    at = house.clock.now() - timedelta(hours=number)
    until = at + timedelta(minutes=3 + number % 50)
    edited = state is State.APPROVED_WITH_EDITS
    vote = Judgement(
        by=("ana", "ben", "kim")[number % 3], verb=verb, at=until, channel="inbox", stage="finance", revision=1,
        had=20.0, waited=180.0 + number, worked=90.0, length=400, fast=not number % 9,
    )  # fmt: skip
    return Fact(
        request=f"req_{number:04d}", created_at=at, agent=(LONG, "b\u202e<i>")[number % 11 == 0], action="refund.issue",
        rule="refunds", kind=Kind.APPROVAL, risk=Risk.REVERSIBLE, state=state, then=Then.STAGES, decided_at=until,
        viewed_at=at + timedelta(minutes=1), confidence=number % 20 / 20, labels={"tier": "gold"}, judged=(vote,),
        execution=ExecutionState.EXECUTED if state.approved else ExecutionState.NONE, started_at=until,
        ended_at=until + timedelta(seconds=2) if state.approved else None,
        category=None if verb is Verb.APPROVE else "policy",
        corrections=(Correction("/" + "deep/" * 40, 100.0, 80.0),) if edited else (),
        incident=Severity.LOW if state.approved and not number % 10 else None,
    )  # fmt: skip


async def lived(house: Standing) -> None:
    """Figures of ten days, of an agent with a long name and of one with a bad name and few requests."""
    added = differences((None, fact(house, number)) for number in range(240))
    await house.store.write(lambda tx: tx.add_cells(added))
    await house.submit()


async def test_figures_have_no_barriers(run: Standing, browser: Browser) -> None:
    """Axe finds nothing on any page, with every table open; at 320 pixels nothing is cut off."""
    await lived(run)
    await no_barriers(run, browser, LOOKED_AT)


async def test_figures_are_read_by_keyboard_without_scripts(run: Standing, browser: Browser) -> None:
    """A table is opened, a filter set and an agent's page reached; nothing that the page draws is forbidden by its CSP.

    What a browser refuses of a page is an error on its console.
    """
    await lived(run)
    refused: list[str] = []
    context = await browser.new_context(java_script_enabled=False, viewport=ViewportSize(width=390, height=844))
    page = await context.new_page()
    page.on("console", lambda message: refused.append(message.text))
    await enter(run, page)
    await page.get_by_role("link", name="Insights", exact=True).press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Insights")
    table = page.get_by_role("region", name="What became of it, as a table")
    await expect(table).to_be_hidden()
    await page.locator("summary", has_text="What became of it").press("Enter")
    await expect(table.get_by_role("row", name="Approved as proposed")).to_be_visible()
    await page.locator("summary", has_text="Other days").press("Enter")
    await page.get_by_label("Action", exact=True).press_sequentially("host.run")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Action: host.run")).to_be_visible()
    await expect(page.get_by_text("There is nothing to count.").first).to_be_visible()
    await page.get_by_role("link", name="Action: host.run").press("Enter")
    await page.get_by_role("link", name=LONG).first.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(LONG)
    await expect(page.get_by_role("img", name="Confidence against outcome")).to_be_visible()
    assert refused == []
