"""What is measured is kept alike by every store: facts found by index and page, cells added and taken away again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace
from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool

from bot.core.errors import Invalid
from bot.core.insight.adding import cells_of, difference, differences
from bot.core.insight.asking import Question
from bot.core.insight.cell import Cell, CellKey, Grain, Sort
from bot.core.insight.fact import Fact, Judgement
from bot.core.model import ExecutionState, Kind, Risk, State, Then, Verb
from bot.core.ports import Change, Tx
from bot.core.ports.insight import FactQuery
from bot.insight import reading
from store import SqlStore
from store.columns import metadata
from store.shapes import measured_of
from store.statements import statements_for
from tests.desk.house import MovableClock
from tests.store.samples import event, execution, request, submit

FIRST = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
VOTE = Judgement(by="ana", verb=Verb.APPROVE, at=FIRST, channel="inbox", stage="finance", revision=1, had=2.5)


def fact(request_id: str, minute: int = 0, **changes: object) -> Fact:
    """A fact that people decided, submitted so many minutes after `FIRST`."""
    plain = Fact(
        request=request_id,
        created_at=FIRST + timedelta(minutes=minute),
        agent="billing",
        action="refund.issue",
        rule="refunds",
        kind=Kind.APPROVAL,
        risk=Risk.REVERSIBLE,
        state=State.APPROVED,
        then=Then.STAGES,
        confidence=0.5,
        labels={"region": 'north \x00 " east'},
        judged=(VOTE,),
    )
    return replace(plain, **changes)


def keep(tx: Tx, *facts: Fact) -> None:
    """Put facts, with their cells, as the follower does."""
    standing = tx.facts([one.request for one in facts])
    tx.put_facts(facts)
    tx.add_cells(differences((standing.get(one.request), one) for one in facts))


async def cells(store: SqlStore) -> dict[CellKey, Cell]:
    """Every cell."""
    found: dict[CellKey, Cell] = {}
    for sort in Sort:
        for grain in Grain:
            found |= await store.cells(sort, grain, FIRST - timedelta(days=31), FIRST + timedelta(days=400))
    return found


async def test_facts_are_found_in_pages(store: SqlStore) -> None:
    """Oldest first, narrowed by whose they are, when they were submitted, and whether people decided."""
    ids = [f"req_{number:02d}" for number in range(70)]

    def work(tx: Tx) -> None:
        for number, request_id in enumerate(ids):
            submit(tx, request(id=request_id))
            rule, practice = ("tiny", "refunds")[number % 2], number == 69
            keep(tx, fact(request_id, number // 2, rule=rule, practice=practice))

    await store.write(work)
    pages: list[str] = []
    query = FactQuery(limit=30)
    while page := await store.facts_of(query):
        pages += [one.request for one in page]
        query = replace(query, after=page[-1].request)
    assert pages == ids[:69]
    assert await store.facts_of(FactQuery(after="req_none")) == ()
    assert [one.request for one in await store.facts_of(FactQuery(practice=True))] == ["req_69"]
    bounded = FactQuery(rule="tiny", since=FIRST + timedelta(minutes=3), until=FIRST + timedelta(minutes=5))
    assert [one.request for one in await store.facts_of(bounded)] == ["req_06", "req_08"]
    opened = fact("req_00", rule="tiny", state=State.PENDING, judged=())
    await store.write(lambda tx: keep(tx, opened))
    decided = await store.facts_of(FactQuery(agent="billing", action="refund.issue", decided=True, limit=2))
    assert [one.request for one in decided] == ["req_01", "req_02"]
    assert await store.facts_of(FactQuery(rule="tiny", limit=1)) == (opened,)


async def test_cells_are_added_taken_away_and_forgotten(store: SqlStore) -> None:
    """What is written adds to what stands there; a cell that comes to nothing is gone, and a failed write adds none."""
    first, second = fact("req_1"), fact("req_2", 30, labels={"region": "south"})

    def work(tx: Tx) -> None:
        for one in (first, second):
            submit(tx, request(id=one.request))
            keep(tx, one)

    await store.write(work)
    whole = differences([(None, first), (None, second)])
    assert await cells(store) == whole
    hours = await store.cells(Sort.CASE, Grain.HOUR, FIRST, FIRST + timedelta(hours=1))
    assert len(hours) == 1
    assert await store.cells(Sort.CASE, Grain.HOUR, FIRST - timedelta(hours=1), FIRST) == ()
    changed = replace(second, labels={}, state=State.REJECTED)
    await store.write(lambda tx: keep(tx, changed))
    assert await cells(store) == differences([(None, first), (None, changed)])
    await store.write(lambda tx: tx.add_cells(difference(first, None)))
    assert await cells(store) == cells_of(changed)


async def test_a_label_that_is_another_each_time_is_no_weight_on_others(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of labels those that are asked about are read, however they are called, and of all no more than fits."""
    name = 'odd"%_/'
    facts = [
        fact(f"req_{n:02d}", labels={name: "north", "ticket": str(n), "note": f'["{name}=north'}) for n in range(30)
    ]

    def work(tx: Tx) -> None:
        for one in facts:
            submit(tx, request(id=one.request))
        keep(tx, *facts)

    await store.write(work)
    hour = (Sort.LABEL, Grain.HOUR, FIRST, FIRST + timedelta(hours=1))
    assert len(await store.cells(*hour)) == 32
    ((key, cell),) = await store.cells(*hour, first=f"{name}=")
    assert (key.parts[0], cell.counts["requests"]) == (f"{name}=north", 30)
    assert len(await store.cells(*hour, first="ticket=", most=7)) == 7
    monkeypatch.setattr(reading, "MOST", 20)
    clock = MovableClock(FIRST + timedelta(hours=2))
    asked = Question(since=FIRST, until=FIRST + timedelta(hours=1), by=f"label:{name}")
    (group,) = (await reading.Reading(store, clock).figures(asked)).groups
    assert (group.name, group.now.counts["requests"]) == ("north", 30)
    with pytest.raises(Invalid, match="shorter period"):
        await reading.Reading(store, clock).figures(replace(asked, by="label:ticket"))


async def test_only_from_where_it_stands_is_it_followed_on(store: SqlStore) -> None:
    """Of two that measured the same lines, the second to commit keeps nothing."""
    assert await store.followed() == 0
    assert await store.write(lambda tx: tx.follow(0, 7))
    assert not await store.write(lambda tx: tx.follow(0, 9))
    assert await store.followed() == 7


async def test_rows_are_read_whole(store: SqlStore) -> None:
    """All that a fact is made of: who opened it when, what was cancelled, how the review afterwards stands."""

    def work(tx: Tx) -> None:
        first = submit(tx, request(id="req_a"))
        submit(tx, request(id="req_b"))
        tx.mark_seen("ana", "req_a", 1, FIRST)
        tx.mark_seen("ana", "req_a", 1, FIRST + timedelta(hours=1))
        run = execution(first, state=ExecutionState.CANCELLED)
        tx.record(Change(event=event("execution.cancelled", first.id), execution=run))

    await store.write(work)
    found = {rows.request.id: rows for rows in await store.measured(["req_b", "req_a", "req_a", "req_c"])}
    assert set(found) == {"req_a", "req_b"}
    assert (found["req_a"].opened, found["req_a"].taken_back) == ({1: {"ana": FIRST}}, True)
    assert (found["req_b"].opened, found["req_b"].taken_back, found["req_b"].review) == ({}, False, None)


def test_facts_and_cells_are_found_by_index() -> None:
    """SQLite's own plan says so; nothing is scanned or sorted, however many there are."""
    say = statements_for("sqlite").insight
    page = FactQuery(agent="a", action="b", after="x")
    plans = [
        (say.page.of(measured_of(page, 1)[0]), "facts_case (agent=? AND action=? AND (created_at,request)>(?,?))"),
        (say.page.of(measured_of(FactQuery(rule="r", since=FIRST), None)[0]), "facts_rule (rule=? AND created_at>?"),
        (say.page.of(measured_of(FactQuery(), None)[0]), "SCAN facts USING INDEX facts_oldest"),
        (say.tallies_between, "SEARCH tallies USING PRIMARY KEY (key>? AND key<?)"),
        (say.tallies, "SEARCH tallies USING PRIMARY KEY (key=?)"),
        (say.opened, "USING INDEX seen_request (request=?)"),
        (say.deliveries, "USING INDEX deliveries_request (request=?)"),
        (say.taken_back, "executions USING INDEX"),
        (say.forgotten, "belongings USING INDEX"),
    ]
    with closing(sqlite3.connect(":memory:")) as driver:
        metadata.create_all(create_engine("sqlite://", creator=lambda: driver, poolclass=StaticPool))
        for statement, wanted in plans:
            marks = statement.sql.count("?")
            told = driver.execute(f"EXPLAIN QUERY PLAN {statement.sql}", [None] * marks).fetchall()
            plan = "; ".join(row[3] for row in told)
            assert wanted in plan, plan
            assert "TEMP B-TREE" not in plan, plan
