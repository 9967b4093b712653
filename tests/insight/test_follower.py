"""What happens in a real house becomes facts and cells, exactly once, whatever is cut off in between."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.core.insight import names
from bot.core.insight.adding import differences
from bot.core.insight.cell import Cell, CellKey, Grain, Sort
from bot.core.insight.fact import Fact
from bot.core.model import State, Verb
from bot.core.ports.insight import FactQuery
from bot.insight import Follower
from store import SqlStore
from tests.desk.house import House, edits, open_house

SINCE, UNTIL = datetime.fromisoformat("2026-01-01T00:00:00Z"), datetime.fromisoformat("2027-01-01T00:00:00Z")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A house without doors."""
    async with open_house(tmp_path / "sayso.db") as opened:
        yield opened


def following(house: House) -> Follower:
    """Its follower, which never rests."""
    return Follower(house.store, house.clock, lambda: house.policy, pause=0.0)


async def facts(store: SqlStore) -> tuple[Fact, ...]:
    """Every fact."""
    return await store.facts_of(FactQuery()) + await store.facts_of(FactQuery(practice=True))


async def cells(store: SqlStore) -> dict[CellKey, Cell]:
    """Every cell."""
    found: dict[CellKey, Cell] = {}
    for sort in Sort:
        for grain in Grain:
            found |= await store.cells(sort, grain, SINCE, UNTIL)
    return found


async def anew(store: SqlStore) -> Mapping[CellKey, Cell]:
    """The cells that all facts add up to, counted from nothing."""
    return differences((None, fact) for fact in await facts(store))


async def life(house: House) -> tuple[str, str, str, str]:
    """A few requests, and what becomes of each: approved after a view, edited, rejected, open."""
    first = await house.submit(labels={"region": "north", "tags": ["a"]}, confidence=0.4)
    house.clock.move(minutes=1)
    await house.store.write(lambda tx: tx.mark_seen("ana", first.id, 1, house.clock.now()))
    house.clock.move(minutes=4)
    await house.decide(first)
    second = await house.submit(confidence=0.9)
    house.clock.move(seconds=0.5)
    await house.decide(second, verb=Verb.APPROVE_WITH_EDITS, arguments=edits(second, amount=120.0))
    third = await house.submit()
    house.clock.move(hours=2)
    await house.decide(third, verb=Verb.REJECT, comment="not theirs", category="wrong_amount")
    fourth = await house.submit()
    return first.id, second.id, third.id, fourth.id


async def test_a_life_becomes_facts_and_cells(house: House) -> None:
    """Who decided how fast and what, views, edits and categories are as they happened; cells are their sum."""
    first, second, third, fourth = await life(house)
    await following(house).level()
    known = {fact.request: fact for fact in await facts(house.store)}
    assert set(known) == {first, second, third, fourth}
    seen = known[first]
    assert seen.labels == {"region": "north"}
    assert seen.numbers == {"/amount": 240.0}
    assert seen.viewed_at is not None
    assert seen.viewed_at - seen.created_at == timedelta(minutes=1)
    (judgement,) = seen.judged
    assert (judgement.by, judgement.had, judgement.waited, judgement.fast) == ("ana", 240.0, 300.0, False)
    (correction,) = known[second].corrections
    assert (correction.pointer, correction.before, correction.after) == ("/amount", 240.0, 120.0)
    assert (known[second].judged[0].fast, known[second].judged[0].had) == (True, 0.5)
    assert (known[third].category, known[third].state) == ("wrong_amount", State.REJECTED)
    assert known[fourth].state is State.PENDING
    kept = await cells(house.store)
    assert kept == await anew(house.store)
    days = [cell for key, cell in kept.items() if (key.sort, key.grain) == (Sort.CASE, Grain.DAY)]
    total = {name: sum(cell.counts.get(name, 0) for cell in days) for name in (names.REQUESTS, names.DECIDED)}
    assert total == {names.REQUESTS: 4, names.DECIDED: 3}


async def test_nothing_is_counted_twice(house: House) -> None:
    """Two followers at once, and one over every line anew, leave the cells as they are."""
    await life(house)
    one, other = following(house), following(house)
    async with asyncio.timeout(60):
        await asyncio.gather(*(follower.step() for follower in (one, other)))
    await one.level()
    kept = await cells(house.store)
    assert kept == await anew(house.store)
    await house.store.write(lambda tx: tx.keep_newer("insight.followed", "0"))
    await other.level()
    assert await cells(house.store) == kept
    assert one.standing.behind == 0


async def test_a_piece_that_is_cut_off_is_done_again(house: House) -> None:
    """Whatever of a piece was written before its transaction failed is gone with it, and nothing is missing later."""
    await life(house)
    follower = following(house)
    for table in ("kept", "facts", "tallies"):
        house.sql(f"CREATE TRIGGER cut AFTER INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'cut off'); END")
        with pytest.raises(sqlite3.Error, match="cut off"):
            await follower.step()
        house.sql("DROP TRIGGER cut")
        assert await facts(house.store) == ()
        assert await cells(house.store) == {}
        assert await house.store.followed() == 0
    await follower.level()
    assert await cells(house.store) == await anew(house.store) != {}


async def test_it_keeps_up_by_itself(house: House) -> None:
    """A quiet house's figures are fresh within moments, and what it says of itself is so."""
    follower = following(house)
    follower.start()
    await life(house)
    async with asyncio.timeout(60):
        while len(await facts(house.store)) < 4 or follower.standing.behind:
            await asyncio.sleep(0.01)
    await follower.stop()
    assert follower.standing.as_of is not None
    assert await cells(house.store) == await anew(house.store)


async def test_t23_what_is_hidden_or_erased_is_in_no_figure(house: House) -> None:
    """Neither a redacted number nor a subject's stands in a fact; once erased, no label, number or correction does."""
    house.rule(
        lambda text: text.replace(
            "  mail.send:\n", "  mail.send:\n    redact: [/card/limit]\n    subject: /customer/number\n"
        )
    )
    arguments = {"order": "1", "amount": 10.0, "card": {"limit": 77.5}, "customer": {"number": 4711}}
    first = await house.submit(
        "mail.send", arguments=arguments, labels={"who": "4711", "region": "north", "token": "abcd1234"}
    )
    house.clock.move(minutes=1)
    await house.decide(first, verb=Verb.APPROVE_WITH_EDITS, arguments=edits(first, amount=5.0))
    follower = following(house)
    await follower.level()
    (fact,) = await facts(house.store)
    assert fact.numbers == {"/amount": 10.0}
    assert fact.labels == {"region": "north"}
    assert [one.pointer for one in fact.corrections] == ["/amount"]
    await house.store.write(lambda tx: tx.erase("4711", at=house.clock.now(), actor="admin:ops", via="api"))
    for _ in range(2):  # at once, in the transaction that erased; and after the follower saw the erasure's line
        (bare,) = await facts(house.store)
        assert (bare.numbers, bare.labels, bare.corrections) == ({}, {}, ())
        assert (bare.state, bare.judged) == (fact.state, fact.judged)
        kept = await cells(house.store)
        assert kept == await anew(house.store)
        assert not any(key.sort is Sort.LABEL for key in kept)
        await follower.level()
    # One that read the rows before they were erased, and writes after it.
    await house.store.write(lambda tx: tx.keep_newer("insight.followed", "0"))
    await following(house).level()
    assert await facts(house.store) == (bare,)
