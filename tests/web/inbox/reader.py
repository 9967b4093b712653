"""A person at a browser without scripts: keeps cookies, follows nothing by itself, sends forms as pages hold them."""

from __future__ import annotations

import html
import re
from typing import NamedTuple

import aiohttp

from tests.web.inbox.house import Standing


class Page(NamedTuple):
    """One answer."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def words(self) -> str:
        """The page as a person reads it: no markup, entities resolved, one space where there were many."""
        return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", self.text)).split())

    def hidden(self, name: str) -> str:
        """The first hidden field of that name."""
        found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)">', self.text)
        assert found, f"no hidden field {name}"
        return html.unescape(found[1])


class Reader:
    """One browser. ``public`` is the origin that its forms name, which is the house's own unless told otherwise."""

    def __init__(self, house: Standing, client: aiohttp.ClientSession) -> None:
        self.house = house
        self.client = client
        self.origin = {"Origin": house.url, "Sec-Fetch-Site": "same-origin"}

    async def send(
        self, method: str, path: str, data: dict[str, str] | None = None, headers: dict[str, str] | None = None
    ) -> Page:
        """Send anything, as it is."""
        async with self.client.request(
            method, self.house.url + path, data=data, headers=headers, allow_redirects=False
        ) as answer:
            text = await answer.text(errors="replace")
            return Page(answer.status, {k.lower(): v for k, v in answer.headers.items()}, text)

    async def get(self, path: str) -> Page:
        """Open a page."""
        return await self.send("GET", path)

    async def post(self, path: str, **data: str) -> Page:
        """Send a form from our own page."""
        return await self.send("POST", path, data, self.origin)

    async def sign_in(self, person: str) -> Page:
        """Open a fresh link and press its button."""
        path = (await self.house.link(person)).removeprefix(self.house.url)
        return await self.post(path)

    async def decide(self, request_id: str, decision: str, **data: str) -> Page:
        """Open the request's page and send one of its forms; a key's ``__`` stands for ``:``."""
        page = await self.get(f"/requests/{request_id}")
        return await self.decide_on(page, request_id, decision, **data)

    async def decide_on(self, page: Page, request_id: str, decision: str, **data: str) -> Page:
        """Send one of the forms of a page that was opened before."""
        bound = {name: page.hidden(name) for name in ("csrf", "revision", "digest")}
        given = {key.replace("__", ":"): value for key, value in data.items()}
        return await self.post(f"/requests/{request_id}/decisions", decision=decision, **(bound | given))
