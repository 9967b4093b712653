"""P1 on PostgreSQL: a claim's COMMIT is not answered, and nobody can be asked: it is claimed anew, and run once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec import Struct

from bot.clock import SystemClock, entropy
from bot.core.model import ExecutionState, Submission
from bot.core.ports import Order, Outcome, OutcomeKind
from bot.courier import Courier
from bot.desk import Desk, Ledger, Rounds
from bot.routing import parse
from store import SqlStore, open_store
from tests.desk.house import REFUND, RULES, Wire, ballot
from tests.fakes.proxy import Proxy, Way
from tests.fakes.receiver import End
from tests.postgres import Cluster

NOWHERE = 1
"""A port that nobody listens on."""

WITHIN = 60.0


class Target:
    """What an approved action does, counted."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    async def run(self, order: Order) -> Outcome:
        """See `Replayer.run`."""
        self.ran.append(order.execution)
        return Outcome(kind=OutcomeKind.EXECUTED, result={})

    async def post_event(
        self, url: str, *, event_id: str, event_type: str, at: datetime, data: dict[str, Any], within: timedelta
    ) -> Outcome:
        """See `Herald.post_event`."""
        del url, event_id, event_type, at, data, within
        return Outcome(kind=OutcomeKind.EXECUTED)


class Site(Struct):
    """A store on PostgreSQL, the proxy before it, and where it leads."""

    store: SqlStore
    proxy: Proxy
    port: int


@pytest.fixture
async def site(cluster: Cluster) -> AsyncIterator[Site]:
    """A database of its own behind a proxy."""
    name = await cluster.make()
    async with Proxy(cluster.port) as proxy:
        store = await open_store(cluster.url(name, proxy.port), exclusive=False)
        yield Site(store, proxy, cluster.port)
        await store.close()
    await cluster.drop(name)


async def test_p01_a_claim_whose_commit_nobody_answers_is_made_again(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    """It was committed, and the server is away for as long as it is asked: nothing stays `executing` for ever."""
    ledger = Ledger(site.store, SystemClock(), entropy)
    wires = {"slack": Wire("slack"), "email": Wire("email")}
    policy = parse(RULES.replace("RECEIVER", "http://127.0.0.1:9"), "routing.yaml")
    desk = Desk(ledger, Rounds(ledger, wires), lambda: policy, lambda request: f"https://sayso.test/{request}")
    request, _ = await desk.submit(Submission(action="refund.issue", arguments=REFUND), agent="billing")
    execution = (await desk.decide(ballot(request))).execution
    assert execution is not None
    target = Target()
    courier = Courier(
        desk, ledger.clock, wires, target, herald=target, agent_url=lambda _: None, describe=lambda one: {"id": one.id}
    )
    ledger.courier = courier
    # With its zero byte: BEGIN says READ COMMITTED.
    fault = site.proxy.order(b"COMMIT\0", way=Way.BACK, after=0, end=End.STALL)
    courier.take_execution(execution)
    async with asyncio.timeout(WITHIN):
        while not fault.hits:
            await asyncio.sleep(0.01)
        site.proxy.target = NOWHERE
        site.proxy.cut()
        while not any("could not be claimed" in told for told in caplog.messages):
            await asyncio.sleep(0.01)
        site.proxy.target = site.port
        while (run := await _run_of(site.store, request.id)) is not ExecutionState.EXECUTED:
            assert run in (ExecutionState.EXECUTING, ExecutionState.WAITING)
            await asyncio.sleep(0.05)
    await courier.stop(WITHIN)
    assert target.ran == [execution.id]
    lines = [line.body for line in await site.store.audit(request.id)]
    assert sum('"execution.started"' in body for body in lines) == 2
    assert sum('"execution.retried"' in body for body in lines) == 1


async def _run_of(store: SqlStore, request_id: str) -> ExecutionState:
    request = await store.request(request_id)
    assert request is not None
    assert request.execution is not None
    return request.execution.state
