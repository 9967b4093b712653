"""The store against its floor: whole cycles through the writer, and the same rows in plain sqlite3 batched alike.

A cycle is what one approved request costs: submit, decide, claim, finish, each its own unit, each waited for. Run
``python -m bench.store_floor``; ``--busy US`` burns that many microseconds of the event loop a unit, as HTTP would.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvloop
from msgspec.structs import replace

from bench.floor import floor, left_behind
from bot.core.digest import digest_of, new_id
from bot.core.model import (
    Decision,
    Event,
    Execution,
    ExecutionState,
    Kind,
    Request,
    Revision,
    Risk,
    Route,
    Stage,
    State,
    Step,
    Then,
    Track,
    Verb,
)
from bot.core.ports import Change, Effect, EffectKind, Store, Tx
from store import open_store

ROUTE = Route(
    then=Then.STAGES,
    rule="refunds",
    why="refunds go to finance",
    stages=(
        Stage(
            name="finance",
            chain="finance",
            steps=(
                Step(notify=("finance",), people=("ana", "ben"), via=("slack",), wait=timedelta(minutes=15)),
                Step(notify=("lea",), people=("lea",), via=("slack", "email"), wait=timedelta(hours=1)),
            ),
        ),
    ),
    gate=0.85,
    policy="sha256:" + "0" * 64,
)


def _id(prefix: str) -> str:
    return new_id(prefix, datetime.now(UTC), os.urandom(10))


def proposal(now: datetime) -> Request:
    """A request as an agent would put it, with the context a reviewer reads."""
    request_id = _id("req")
    arguments = {"order": "10428", "amount": 240.0, "currency": "USD"}
    target = "https://billing.example.com/refunds"
    digest = digest_of(
        request=request_id, revision=1, agent="billing", action="refund.issue", arguments=arguments, target=target
    )
    content = Revision(
        request=request_id,
        number=1,
        digest=digest,
        author="agent:billing",
        created_at=now,
        action="refund.issue",
        arguments=arguments,
        target=target,
        reason="Customer reported duplicate charge",
        confidence=0.72,
        labels={"tier": "gold"},
        context={
            "user_request": "I was charged twice for my order.",
            "evidence": [{"title": "Ledger", "text": "x" * 600}],
        },
    )
    return Request(
        id=request_id,
        state=State.PENDING,
        kind=Kind.APPROVAL,
        agent="billing",
        action="refund.issue",
        title="Refund 240.0 USD on order 10428",
        risk=Risk.IRREVERSIBLE,
        route=ROUTE,
        content=content,
        created_at=now,
        expires_at=now + timedelta(hours=24),
        tracks=(Track(stage=0, step_at=now),),
        due_at=now + timedelta(minutes=15),
    )


def submit(tx: Tx, now: datetime) -> str:
    """The first unit: the request, its idempotency key, the effect that sends its cards."""
    after = proposal(now)
    if tx.remembered("billing", after.id) is not None:
        raise RuntimeError("an id came twice")
    effect = Effect(id=_id("eff"), kind=EffectKind.CARD, request=after.id, ref="", due_at=now)
    event = Event(type="request.created", at=now, actor="agent:billing", via="api", request=after.id)
    tx.record(Change(event=event, after=after, effects=(effect,)))
    tx.remember("billing", after.id, "0" * 64, after.id, now)
    return after.id


def decide(tx: Tx, request_id: str, now: datetime) -> Execution:
    """The second unit: one person approves, the execution and its effect are written."""
    before = tx.request(request_id)
    if before is None:
        raise RuntimeError("the request was not kept")
    decision = Decision(
        id=_id("dec"),
        request=request_id,
        decision=Verb.APPROVE,
        by="ana",
        at=now,
        channel="slack",
        stage=0,
        stage_name="finance",
        revision=before.revision,
        digest=before.digest,
    )
    execution = Execution(
        id=_id("exe"),
        request=request_id,
        revision=before.revision,
        digest=before.digest,
        state=ExecutionState.WAITING,
        due_at=now,
        attempts_allowed=5,
        idempotent=True,
    )
    after = replace(before, state=State.APPROVED, due_at=None, decided_at=now)
    effect = Effect(id=_id("eff"), kind=EffectKind.REFRESH, request=request_id, ref="", due_at=now)
    event = Event(type="request.approved", at=now, actor="person:ana", via="slack", request=request_id)
    tx.record(
        Change(event=event, before=before, after=after, decision=decision, execution=execution, effects=(effect,))
    )
    return execution


def run(tx: Tx, request_id: str, state: ExecutionState, now: datetime) -> None:
    """The third and fourth unit: claim before the first byte, record the outcome."""
    request = tx.request(request_id)
    seen = None if request is None else request.execution
    if seen is None:
        raise RuntimeError("the execution was not kept")
    claimed = state is ExecutionState.EXECUTING
    execution = replace(
        seen,
        state=state,
        attempts=seen.attempts + claimed,
        result=None if claimed else {"refund": "re_1"},
        started_at=now if claimed else seen.started_at,
        ended_at=None if claimed else now,
    )
    event = Event(type=f"execution.{state.value}", at=now, actor="system", via="replay", request=request_id)
    tx.record(Change(event=event, execution_before=seen, execution=execution))


def burn(microseconds: int) -> None:
    """Keep the event loop busy, holding the interpreter, as parsing and rendering do."""
    until = time.perf_counter_ns() + microseconds * 1000
    while time.perf_counter_ns() < until:
        pass


async def cycle(store: Store, busy: int) -> None:
    """One request from submit to outcome."""
    now = datetime.now(UTC)
    burn(busy)
    request_id = await store.write(lambda tx: submit(tx, now))
    burn(busy)
    await store.write(lambda tx: decide(tx, request_id, now))
    burn(busy)
    await store.write(lambda tx: run(tx, request_id, ExecutionState.EXECUTING, now))
    burn(busy)
    await store.write(lambda tx: run(tx, request_id, ExecutionState.EXECUTED, now))


async def storm(once: Callable[[], Awaitable[Any]], workers: int, seconds: float) -> tuple[float, float]:
    """How many a second ``workers`` get done, and the 99th percentile of one in milliseconds."""
    took: list[float] = []
    until = time.perf_counter() + seconds

    async def work() -> None:
        while (begun := time.perf_counter()) < until:
            await once()
            took.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(workers)))
    took.sort()
    return len(took) / (time.perf_counter() - begun), took[int(len(took) * 0.99)] * 1000


async def measure(folder: Path, workers: int, busy: int, seconds: float) -> str:
    """One line of the table."""
    path = folder / f"store-{workers}.db"
    store = await open_store(f"sqlite+aiosqlite:///{path}", exclusive=True)
    spent = time.process_time()
    rate, late = await storm(lambda: cycle(store, busy), workers, seconds)
    spent = (time.process_time() - spent) / (rate * seconds) * 1e6
    first = await store.audit_lines(0, 1)
    request_id = str(json.loads(first[0].body)["request"])
    reads, _ = await storm(lambda: store.request(request_id), workers, seconds / 3)
    await store.close()
    bare = floor(folder / f"floor-{workers}.db", *left_behind(path, int(rate * seconds)), workers)
    return f"{workers:>9} {rate:>10.0f} {late:>9.1f} {spent:>12.0f} {bare:>12.0f} {reads:>10.0f}"


async def table(busy: int, seconds: float) -> None:
    """Print it."""
    out = sys.stdout.write
    out(f"sqlite {sqlite3.sqlite_version}, python {sys.version.split()[0]}, {busy} µs of event loop a unit\n")
    out(f"{'at a time':>9} {'cycles/s':>10} {'p99 ms':>9} {'µs CPU each':>12} {'bare sqlite3':>12} {'reads/s':>10}\n")
    with tempfile.TemporaryDirectory() as folder:
        for workers in (1, 32, 128):
            out(await measure(Path(folder), workers, busy, seconds) + "\n")


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--busy", type=int, default=0, help="microseconds of event loop a unit")
    parser.add_argument("--seconds", type=float, default=3.0, help="for each line")
    arguments = parser.parse_args()
    uvloop.run(table(arguments.busy, arguments.seconds))


if __name__ == "__main__":
    main()
