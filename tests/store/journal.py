"""A process to kill: writes changes for as long as it lives and tells its parent of each once it was answered."""

from __future__ import annotations

import asyncio
import sys
from functools import partial

from msgspec.structs import replace

from bot.core.model import ExecutionState, Request
from bot.core.ports import AccountEntry, Change, Tx
from store import SqlStore, open_store, sqlite
from tests.store import samples

RULE, ACCOUNT = "small refunds", "billing"
"""Under which the process counts every request that it submits, an amount of 2 each."""


def _submit(tx: Tx, value: Request) -> None:
    tx.spend(AccountEntry(rule=RULE, key=ACCOUNT, at=samples.NOW, amount=2, request=value.id))
    samples.submit(tx, value, samples.effect(value, id=f"eff_{value.id}"))


def _approve(tx: Tx, request_id: str) -> None:
    samples.approve(tx, request_id, vote=f"dec_{request_id}", run=f"exe_{request_id}")


def _finish(tx: Tx, request_id: str) -> None:
    seen = samples.found(tx, request_id).execution
    if seen is None:
        raise LookupError(f"{request_id} was approved and has no execution")
    done = replace(seen, state=ExecutionState.EXECUTED, attempts=1)
    event = samples.event("done", request_id)
    sent = samples.delivery(samples.found(tx, request_id), id=f"dlv_{request_id}")
    tx.record(Change(event=event, execution_before=seen, execution=done, deliveries=(sent,)))


def _tell(word: str, request_id: str) -> None:
    sys.stdout.write(f"{word} {request_id}\n")
    sys.stdout.flush()


async def _live(store: SqlStore, name: str) -> None:
    number = 0
    while True:
        number += 1
        value = samples.request(id=f"req_{name}_{number}")
        await store.write(partial(_submit, value=value))
        _tell("submitted", value.id)
        await store.write(partial(_approve, request_id=value.id))
        _tell("approved", value.id)
        await store.write(partial(_finish, request_id=value.id))
        _tell("finished", value.id)


async def main(url: str, life: str) -> None:
    """Eight writers at once, with a log that is checkpointed often."""
    sqlite.CHECKPOINT_BYTES = 200_000
    sqlite.CHECKPOINT_PAUSE = 0.0
    store = await open_store(url, exclusive=True)
    _tell("open", life)
    await asyncio.gather(*(_live(store, f"{life}_{n}") for n in range(8)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
