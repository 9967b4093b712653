"""A browser's window of somebody who is signed in already; how one signs in is held elsewhere."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from playwright.async_api import Browser, Page, ViewportSize

from bot.core.ports import Session
from bot.core.token import hash_of
from tests.web.inbox.house import Standing

DESK = ViewportSize(width=1440, height=900)


async def window(
    house: Standing, browser: Browser, who: str, path: str = "/inbox", size: ViewportSize = DESK, **context: Any
) -> Page:
    """Open a page of the house as this person, in a browser of their own."""
    cookie, now = secrets.token_urlsafe(32), house.clock.now()
    session = Session(id=hash_of(cookie), person=who, created_at=now, expires_at=now + timedelta(days=1))
    await house.store.write(lambda tx: tx.add_session(session))
    opened = await browser.new_context(viewport=size, **context)
    await opened.add_cookies([{"name": "sayso", "value": cookie, "url": house.url}])
    page = await opened.new_page()
    await page.goto(house.url + path)
    return page
