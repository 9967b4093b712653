"""Refusals are recorded, and an actor who is refused without end fills no disk (T13)."""

from __future__ import annotations

import json

import pytest

from bot.core import errors
from bot.desk.refusals import LINES
from tests.desk.house import House


async def lines(house: House, kind: str) -> list[dict[str, object]]:
    """The trail's lines of one kind, oldest first."""
    found = [json.loads(line.body) for line in await house.store.audit_lines(0, 10_000)]
    return [line for line in found if line["type"] == kind]


async def test_t13_refusals_without_end_are_counted(house: House) -> None:
    """The first sixty a minute have a line each, the rest one line together; others are not hidden behind them."""
    request = await house.submit()
    for _ in range(LINES + 40):
        with pytest.raises(errors.NotAssigned):
            await house.decide(request, "eva")
    with pytest.raises(errors.NotAssigned):
        await house.decide(request, "zoe")
    assert [len([e for e in await lines(house, "refusal") if e["actor"] == f"person:{p}"]) for p in ("eva", "zoe")] == [
        LINES,
        1,
    ]
    assert await lines(house, "refusals.counted") == []
    await house.later(minutes=1)
    (counted,) = await lines(house, "refusals.counted")
    assert (counted["actor"], counted["data"]) == ("person:eva", {"count": 40})
    with pytest.raises(errors.NotAssigned):
        await house.decide(request, "eva")
    assert len(await lines(house, "refusal")) == LINES + 2
    await house.later(minutes=2)
    assert len(await lines(house, "refusals.counted")) == 1
