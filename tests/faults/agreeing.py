"""After a fault: what clients were told, what the store holds, what its audit tells, and what was really done agree."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp
from msgspec import Struct, field

from bot.core.model import ExecutionState, Request
from bot.core.ports import Filter
from store import open_store
from store.audit import Rebuilt
from tests.fakes.receiver import Receiver
from tests.store.test_p13_replay import KEYS, told
from tests.stories.program import REFUND, Caller, Program
from tests.torture.tables import held

LOST = 0
"""The status of a call that got no answer."""

UNTOUCHED = (ExecutionState.NONE, ExecutionState.WAITING, ExecutionState.CANCELLED)


class Client(Struct):
    """An agent that keeps a ledger: by order, what was taken (201 or 200) and what was refused aloud.

    What got no answer at all is on neither side.
    """

    caller: Caller
    taken: dict[str, str] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)

    async def submit(self, order: str, *, amount: float = 3.0) -> int:
        """Submit a refund under its order as key; up to 5 the rules approve it. The status."""
        body = {**REFUND, "arguments": {"order": order, "amount": amount}, "confidence": 0.9}
        try:
            status, answer = await self.caller.call("POST", "/v1/requests", body, {"Idempotency-Key": order})
        except aiohttp.ClientError:
            return LOST
        if status in (200, 201):
            assert self.taken.setdefault(order, answer["id"]) == answer["id"], f"{order} is two requests"
            self.refused.pop(order, None)
        else:
            self.refused[order] = status
        return status

    async def ended(self, order: str, within: int = 20) -> Any:
        """The execution of what was taken under this order, once it has ended."""
        request = await self.caller.get(self.taken[order], f"wait={within}&for=outcome")
        return request["execution"]


async def ready(caller: Caller, within: float = 15.0) -> None:
    """Wait until it says that it is ready, its first tick included."""
    async with asyncio.timeout(within):
        while (await caller.call("GET", "/readyz"))[0] != 200:
            await asyncio.sleep(0.05)


async def agree(
    program: Program, client: Client, *receivers: Receiver, idempotent: bool = False
) -> Mapping[str, Request]:
    """Stop it, and hold it all together (promises P1, P2, P5, P6 and P13); what the store holds, by order."""
    await program.stop()
    store = await open_store(program.environment["SAYSO_DATABASE_URL"], exclusive=False)
    try:
        rows = await held(program.environment["SAYSO_DATABASE_URL"])
        assert _unheld(await told(store)) == _unheld(rows)
        kept = list(await store.requests(Filter(limit=10_000)))
    finally:
        await store.close()
    found = {str(request.content.arguments["order"]): request for request in kept}
    assert len(found) == len(kept), "one key, two requests"
    assert {order: found[order].id for order in client.taken} == client.taken
    assert not client.refused.keys() & found.keys(), "refused aloud, and kept"
    effects: dict[str, int] = {}
    for receiver in receivers:
        for execution, times in receiver.effects.items():
            effects[execution] = effects.get(execution, 0) + times
    runs = {request.execution.id: request.execution for request in kept if request.execution is not None}
    assert effects.keys() <= runs.keys(), "something ran that no row says"
    for name, run in runs.items():
        done = effects.get(name, 0)
        assert done <= (run.attempts_allowed if idempotent else 1), (name, done)
        if run.state is ExecutionState.EXECUTED:
            assert done, f"{name} is told as executed, and nobody did it"
        if run.state in UNTOUCHED or not run.attempts:
            assert not done, f"{name} is told as not begun, and was done"
    return found


def _unheld(rows: Rebuilt) -> dict[str, Any]:
    """The rows without which replica sees to an execution, which is nobody's state but theirs."""
    tables = {name: getattr(rows, name) for name in KEYS}
    runs = tables["executions"].items()
    return tables | {"executions": {key: {**row, "holder": None} for key, row in runs}}
