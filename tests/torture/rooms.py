"""What people do in Slack, in the inbox and with the files, while the program is tortured."""

from __future__ import annotations

import asyncio
import html
import re

import aiohttp

from bot.clock import SystemClock, entropy
from bot.core.errors import Unavailable
from bot.core.ports import AuditQuery
from bot.desk import Access, Ledger
from bot.desk.switch import pause
from tests.fakes.slack import Message, PersonCannotError, buttons, visible_text
from tests.torture.told import PATIENCE
from tests.torture.world import World

_SEEN = 0.05
_SEE_OTHER = 303


async def pressed(w: World) -> None:
    """Ana presses the button on her card, again where nothing answered, until it is decided."""
    request = await w.submit()
    order = request["arguments"]["order"]
    async with asyncio.timeout(PATIENCE):
        while (await w.agent.get(request["id"]))["state"] == "pending":
            card = _card(w, order)
            if card is not None:
                try:
                    await w.slack.click("U0ANA", card, "approve")
                except PersonCannotError:
                    continue
            await asyncio.sleep(_SEEN)
    done = await w.agent.outcome(request["id"])
    assert [(d["by"], d["channel"]) for d in done["decisions"]] == [("ana", "slack")], done["decisions"]


def _card(w: World, order: str) -> Message | None:
    held = (m for m in w.slack.messages() if "approve" in buttons(m))
    mine = (m for m in held if w.slack.workspace.conversations[m.channel].user == "U0ANA")
    return next((m for m in mine if re.search(rf"\b{order}\b", visible_text(m))), None)


class Window:
    """Lea's browser, which asks again where no answer comes."""

    def __init__(self, w: World) -> None:
        self._w = w
        self._csrf = ""
        self._cookies: dict[str, str] = {}

    async def send(self, method: str, path: str, **form: str) -> tuple[int, str]:
        """A page or a form, once it is answered."""
        w = self._w
        data = {"csrf": self._csrf, **form} if method == "POST" else None
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await self._send(method, path, data)
                except (aiohttp.ClientError, OSError):
                    w.told.lost += 1
                    await asyncio.sleep(_SEEN)

    async def _send(self, method: str, path: str, data: dict[str, str] | None) -> tuple[int, str]:
        base = self._w.lives.base
        headers = {"Origin": base, "Sec-Fetch-Site": "same-origin"}
        connector = aiohttp.TCPConnector(force_close=True)
        async with (
            aiohttp.ClientSession(connector=connector, cookies=self._cookies, headers=headers) as http,
            http.request(method, f"{base}{path}", data=data, allow_redirects=False) as answer,
        ):
            text = await answer.text(errors="replace")
            self._cookies |= {name: morsel.value for name, morsel in answer.cookies.items()}
            return answer.status, text

    async def sign_in(self) -> None:
        """With a link of whoever runs the bot; where its use was not answered, with another."""
        access = Access(Ledger(self._w.beside, SystemClock(), entropy))
        status = 0
        while status != _SEE_OTHER:
            status, _ = await self.send("POST", f"/sign-in/{await access.new_link('lea', by='cli:torture')}")
        status, page = await self.send("GET", "/account")
        found = re.search(r'name="csrf" value="([^"]*)"', page)
        assert found, (status, page[:500])
        self._csrf = html.unescape(found[1])


async def housekeeping(w: World) -> None:
    """Lea asks for a link, signs in, stops and starts the replays, makes a key and revokes it, and leaves."""
    window = Window(w)
    await window.send("POST", "/sign-in", person="lea")
    await window.sign_in()
    # A waiting run is held while the replays are stopped, and goes on once they are not.
    await window.send("POST", "/admin/replays", replays="stop")
    held = await w.submit(amount=1, answer="ok")
    await asyncio.sleep(w.chance.uniform(0, 0.3))
    await window.send("POST", "/admin/replays", replays="start")
    await w.agent.outcome(held["id"])
    for replays in ("stop", "start"):
        await window.send("POST", "/admin/replays", replays=replays, kind="action", name="nobody.asks")
    status, page = await window.send("POST", "/admin/keys", name="temporary", role="agent")
    assert status == 200, page[:300]
    _, page = await window.send("GET", "/admin/keys")
    key = re.search(r"/admin/keys/([^/\"]+)/revoke", page)
    assert key
    await window.send("POST", f"/admin/keys/{key[1]}/revoke")
    await window.send("POST", "/admin/audit/export", format="jsonl")
    await window.send("POST", "/admin/report")
    await window.send("POST", "/sign-out")


async def rewritten(w: World) -> None:
    """The rules are spoilt, and mended; what was approved for another target than theirs does not run."""
    request = await w.submit("moved.issue", answer="ok")
    # Its runs are held meanwhile, however long it takes: a slow machine would else run it before the rules are new.
    ledger = Ledger(w.beside, SystemClock(), entropy)
    await _held(ledger, on=True)
    status, answer = await w.clients["ana"].decide(request, "approve")
    assert status in (200, 409), answer
    w.lives.misruled = True
    w.rules(tail="rulez: []\n")
    w.lives.hang_up()
    await _on_record(w, "config.refused", 1)
    loaded = len(await w.beside.audit_search(AuditQuery(type="config.loaded", limit=1000)))
    w.rules(elsewhere=str(w.number))
    w.lives.hang_up()
    await _on_record(w, "config.loaded", loaded + 1)
    await _held(ledger, on=False)
    done = await w.agent.outcome(request["id"])
    assert done["execution"]["state"] in ("failed", "executed", "unknown"), done


async def _held(ledger: Ledger, *, on: bool) -> None:
    """Hold the runs, or let them go, though the store refuses it for a while: who was killed may hold its lock."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await pause(ledger, on=on, by="cli:torture", via="cli", action="moved.issue")
            except Unavailable:
                await asyncio.sleep(_SEEN)
            else:
                return


async def _on_record(w: World, kind: str, times: int) -> None:
    """Wait until the trail tells of it; where the program was killed, it cannot start and tell before it is mended."""
    for _ in range(100):
        if len(await w.beside.audit_search(AuditQuery(type=kind, limit=1000))) >= times or w.lives.refused:
            return
        await asyncio.sleep(0.1)


ROOMS = (pressed, housekeeping, rewritten)
