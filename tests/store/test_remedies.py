"""On each kind of store: switches by name, and a rollback that is erased with what it takes back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from functools import partial
from itertools import count

from bot.core.model import Event, ExecutionState, Submission
from bot.core.ports import About, Outcome, OutcomeKind, Stopped, Tx
from bot.desk import Desk, Ledger, Rounds
from bot.routing import parse
from store import SqlStore
from tests.desk.filed import DEFAULT, filed
from tests.desk.house import MovableClock, ballot
from tests.desk.remedied import ACTIONS, CHAINS, RULES

AT = datetime(2026, 3, 2, tzinfo=UTC)


def _event(kind: str) -> Event:
    return Event(type=kind, at=AT, actor="person:kim", via="cli")


def _turned(tx: Tx, *, agent: str | None, action: str | None, on: bool) -> None:
    before = tx.stopped()
    tx.pause(on=on, event=_event("replays.paused"), agent=agent, action=action)
    assert tx.stopped() != before


async def test_a_switch_by_name_is_seen_in_the_transaction_that_turned_it_and_in_the_next(store: SqlStore) -> None:
    """Also where the unit was read ahead: what stood in memory is not believed once it was written over."""
    for agent, action, on in (("a", None, True), (None, "b", True), ("a", None, False), (None, None, True)):
        await store.write(partial(_turned, agent=agent, action=action, on=on), about=About(requests=("req_none",)))
        found = await store.write(lambda tx: (tx.paused("a", "x"), tx.paused("x", "b"), tx.paused(), tx.stopped()))
        assert found[3] == await store.stopped()
        assert (found[0], found[1]) == (found[3].holds("a", "x"), found[3].holds("x", "b"))
        assert found[2] is await store.paused()
    assert await store.stopped() == Stopped(everything=True, actions=("b",))


async def test_what_takes_it_back_and_what_looks_back_go_with_it(store: SqlStore) -> None:
    """A refund that ran by rule, its review and its rollback: approved, run, settled, erased with one word."""
    numbers = count(1)
    clock = MovableClock()
    ledger = Ledger(store, clock, lambda size: next(numbers).to_bytes(size, "big"))
    policy = parse(filed(ACTIONS, CHAINS, RULES, DEFAULT).replace("RECEIVER", "http://127.0.0.1:9"), "routing.yaml")
    desk = Desk(ledger, Rounds(ledger, {}), lambda: policy, lambda id_: f"https://sayso.test/{id_}")
    given = {"order": "CANARY-1", "amount": 3.0, "card": "CANARY-2", "customer": "dana"}
    first, _ = await desk.submit(Submission(action="refund.issue", arguments=given), agent="billing")
    assert first.execution is not None
    order = (await desk.claim(first.execution.id)).order
    assert order is not None
    await desk.conclude(order, Outcome(kind=OutcomeKind.EXECUTED, result={"id": "re_1"}))
    made = await asyncio.gather(*(desk.roll_back(first.id, by="person:kim", via="api") for _ in range(3)))
    (rollback,) = {one.id: one for one, _ in made}.values()
    done = await desk.decide(ballot(rollback))
    assert done.execution is not None
    taken = (await desk.claim(done.execution.id)).order
    assert taken is not None
    assert taken.arguments["card"] == "CANARY-2"
    await desk.conclude(taken, Outcome(kind=OutcomeKind.EXECUTED))
    stands = await store.request(first.id)
    assert stands is not None
    assert stands.execution is not None
    assert (stands.execution.state, stands.execution.rollback) == (ExecutionState.ROLLED_BACK, rollback.id)
    assert stands.execution.review is not None
    found = await store.write(lambda tx: tx.owned("dana"), about=About(requests=(first.id,)))
    assert set(found) == {first.id, rollback.id, stands.execution.review}
    await desk.forget("dana", by="admin:ops", via="api", cancel=True)
    rows = [await store.request(one) for one in found]
    lines = [line.body for line in await store.audit_lines(0, 1000)]
    assert "CANARY" not in str(rows) + "".join(lines)
