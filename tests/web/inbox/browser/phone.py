"""A phone with the worker in it: what is pushed to it, and what stands on its screen."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NamedTuple

from playwright.async_api import BrowserContext, CDPSession, Page, Worker

from tests.web.inbox.pushing import Pushing

NOTED = """() => {
  self.pushes = 0;
  self.addEventListener("push", () => { self.pushes += 1; });
  const show = self.registration.showNotification.bind(self.registration);
  self.stood = [];
  self.registration.showNotification = async (title, options) => {
    await show(title, options);
    self.stood.push(options.tag);
  };
}"""

HEARD = """(before) => new Promise((resolve) => {
  const end = Date.now() + 5000;
  const look = () => (self.pushes > before || Date.now() > end ? resolve(self.pushes > before) : setTimeout(look, 20));
  look();
})"""

SHOWN = """async () => (await self.registration.getNotifications()).map((one) => ({
  tag: one.tag, title: one.title, body: one.body, url: one.data && one.data.url,
  actions: one.actions.map((action) => action.title), stays: one.requireInteraction,
}))"""


class Phone(NamedTuple):
    """One browser with the worker in it."""

    pushing: Pushing
    context: BrowserContext
    page: Page
    worker: Worker
    cdp: CDPSession
    registration: str

    async def push(self, payload: Any) -> None:
        """Have the browser hand a push to the worker: a text as it is, anything else as JSON.

        Until it is heard: the browser drops pushes that come from its tools, in a worker's first moments for sure, and
        on a busy machine now and then.
        """
        data = payload if isinstance(payload, str) else json.dumps(payload)
        told = {"origin": self.pushing.house.url, "registrationId": self.registration, "data": data}
        before = await self.run("() => self.pushes")
        async with asyncio.timeout(60):
            await self.cdp.send("ServiceWorker.deliverPushMessage", told)
            while not await self.run(HEARD, before):
                await self.cdp.send("ServiceWorker.deliverPushMessage", told)

    async def ready(self) -> None:
        """Count what is pushed and shown, push once, and leave nothing of it."""
        await self.run(NOTED)
        await self.push("")
        await self.until_tag("sayso")
        await self.run("async () => { for (const one of await self.registration.getNotifications()) one.close(); }")
        await self.until_tag("sayso", there=False)

    async def run(self, script: str, given: Any = None) -> Any:
        """What a function gives in the worker."""
        async with asyncio.timeout(60):
            return await self.worker.evaluate(script, given)

    async def shown(self) -> list[dict[str, Any]]:
        """The notifications that stand on the screen."""
        shown: list[dict[str, Any]] = await self.run(SHOWN)
        return shown

    async def until(self, expression: str, every: float = 0.02) -> None:
        """Wait until something is so in the worker; looked for at every so many seconds."""
        async with asyncio.timeout(60):
            while not await self.run(expression):
                await asyncio.sleep(every)

    async def until_tag(self, tag: str, *, there: bool = True) -> None:
        """Wait until a notification of this tag is there, or gone.

        Asked for seldom, and not before it is shown: whoever asks while the browser is about to put one on the screen
        makes it forget that one, for what it keeps is held against what stands there.
        """
        if there:
            await self.until(f"() => self.stood.includes({json.dumps(tag)})")
        found = f"(await self.registration.getNotifications({{ tag: {json.dumps(tag)} }})).length"
        await self.until(f"async () => {'' if there else '!'}{found}", every=0.25)
