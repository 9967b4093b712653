"""T23: nobody finds out what is hidden by trying values, for the right one is answered as any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.errors import Invalid
from bot.core.model import Request, State, Verb
from bot.core.ports import Ballot
from bot.core.redaction import MARK
from tests.desk.house import House, ballot, open_house

ACTIONS = """
actions:
  card.charge:
    redact: [pin]
    editable: [note]
    execute: {agent: true}
"""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A desk with an action whose hidden argument is fixed."""
    async with open_house(tmp_path / "sayso.db") as opened:
        opened.rule(lambda rules: rules.replace("\nactions:\n", ACTIONS))
        yield opened


def _by_api(request: Request, arguments: dict[str, Any]) -> Ballot:
    return replace(ballot(request, verb=Verb.APPROVE_WITH_EDITS, arguments=arguments), channel="api")


async def test_t23_a_guess_is_refused_whether_it_is_right_or_not(house: House) -> None:
    """Through the API a reviewer may send anything; the mark goes through, and the right value is told from none."""
    request = await house.submit("card.charge", arguments={"pin": "4711", "note": "a", "to": "b"})

    async def tried(**arguments: Any) -> str:
        with pytest.raises(Invalid) as refused:
            await house.desk.decide(_by_api(request, arguments))
        return refused.value.detail

    assert await tried(pin="4711", note="a", to="b") == await tried(pin="4712", note="a", to="b")
    assert await tried(pin="4711", note="c", to="d") == await tried(pin="4712", note="c", to="d")
    await house.desk.decide(_by_api(request, {"pin": MARK, "note": "c", "to": "b"}))
    now = await house.now(request)
    assert (now.state, now.content.arguments["pin"]) == (State.APPROVED_WITH_EDITS, "4711")
