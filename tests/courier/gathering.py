"""A house where Ana and Ben gather their mail, for the tests of digests."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.core.model import Request
from tests.desk.house import House, Wire, open_house
from tests.desk.replayed import prove
from tests.fakes.receiver import Receiver

PAGED = """  paged:
    - {notify: [ana], via: [email], wait: 45m}
    - {notify: [lea], via: [slack]}
  hurried:
    - {notify: [ana], via: [email], wait: 45m, digest: 2m}
  all:
    - {notify: [ana, ben, lea], via: [email], wait: 45m}
  legal"""
RULES = """rules:
  - {name: hurried, when: action == "hurry.me", stages: [{name: hurried, chain: hurried}]}
  - {name: all, when: action == "all.of", stages: [{name: all, chain: all}]}
"""


def rules(text: str) -> str:
    """Ana and Ben gather for ten minutes, Lea does not; `page.me` asks Ana by mail, `hurry.me` in a hurry."""
    text = re.sub(r"  paged:.*?  legal", PAGED, text, flags=re.DOTALL).replace("rules:\n", RULES)
    return re.sub(r"(email: (?:ana|ben)@example.com),", r"\1, digest: 10m,", text)


def mail() -> dict[str, Wire]:
    """A channel that redraws and one of letters."""
    return {"slack": Wire("slack"), "email": Wire("email", redraws=False)}


@asynccontextmanager
async def open_gathering(path: Path, receiver: Receiver) -> AsyncIterator[House]:
    """A house with these rules and the courier at work; at the end the trail must tell the tables (P13)."""
    address = receiver.url.removesuffix("/hook")
    async with open_house(path, channels=mail(), receiver=address) as opened:
        opened.rule(rules)
        await opened.work()
        yield opened
        assert opened.courier is not None
        await opened.courier.stop(2)
        await prove(opened.store)


async def page(house: House, action: str = "page.me") -> Request:
    """A request that asks Ana."""
    return await house.submit(action, agent="eva")


def owed(house: House) -> list[tuple[str, int]]:
    """Effects still in the file, by kind and tries."""
    return [(kind, tries) for kind, tries in house.sql("select kind, attempts from effects order by n")]


async def states(house: House, *requests: Request) -> list[str]:
    """What became of each request's first card."""
    return [str((await house.store.deliveries(request.id))[0].state) for request in requests]
