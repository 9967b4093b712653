"""The contract of what limits count and of what was rejected: windows, whose, what is given back, what is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.model import Request, State
from bot.core.ports import AccountEntry, Change, Overtaken, Tx
from store import SqlStore, open_store
from tests.store import samples
from tests.store.samples import NOW

DAY = timedelta(days=1)
MICRO = timedelta(microseconds=1)


def entry(of: Request, amount: int = 5, **changes: Any) -> AccountEntry:
    """What a request adds to an account."""
    base = AccountEntry(rule="small refunds", key="billing refund.issue", at=NOW, amount=amount, request=of.id)
    return replace(base, **changes)


def spent(since: datetime = NOW - DAY, **whose: str) -> Callable[[Tx], tuple[int, int]]:
    """A unit that asks how an account stands."""
    account = {"rule": "small refunds", "key": "billing refund.issue", **whose}
    return lambda tx: tx.spent(account["rule"], account["key"], since)


def spend(*amounts: int, **changes: Any) -> Callable[[Tx], None]:
    """A unit that submits one request for each amount and adds it to the account."""

    def work(tx: Tx) -> None:
        for amount in amounts:
            value = samples.submit(tx, samples.request())
            tx.spend(entry(value, amount, **changes))

    return work


async def test_an_account_is_summed_within_its_window(store: SqlStore) -> None:
    """From ``since`` on, that moment too; whole numbers of any size, nothing before there is anything."""
    assert await store.write(spent()) == (0, 0)
    await store.write(spend(499_000_001, 1))
    await store.write(spend(7, at=NOW - DAY))
    await store.write(spend(1_000, at=NOW - DAY - MICRO))
    assert await store.write(spent()) == (3, 499_000_009)
    assert await store.write(spent(NOW)) == (2, 499_000_002)
    assert await store.write(spent(NOW + MICRO)) == (0, 0)


async def test_accounts_are_apart(store: SqlStore) -> None:
    """By rule and by key; a unit sees what it has just added itself."""

    def work(tx: Tx) -> list[tuple[int, int]]:
        spend(1)(tx)
        spend(2, rule="other")(tx)
        spend(4, key="mailer refund.issue")(tx)
        return [spent()(tx), spent(rule="other")(tx), spent(key="mailer refund.issue")(tx), spent(rule="o")(tx)]

    assert await store.write(work) == [(1, 1), (1, 2), (1, 4), (0, 0)]


@pytest.mark.parametrize("state", list(State))
async def test_what_was_not_done_is_given_back(store: SqlStore, state: State) -> None:
    """A request that waits or was approved counts; one that came to nothing does not."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    await store.write(lambda tx: tx.spend(entry(value)))
    after = replace(value, state=state)
    await store.write(lambda tx: tx.record(Change(event=samples.event("x", value.id), before=value, after=after)))
    counts = state.open or state.approved
    assert await store.write(spent()) == ((1, 5) if counts else (0, 0))


@pytest.mark.parametrize(
    ("amounts", "total"),
    [
        ((2**63 - 1, 2**63 - 1, 2**63 - 1), 3 * (2**63 - 1)),
        ((2**63, 10**30), 2 * (2**63 - 1)),
        ((-(10**30), 2**63 - 1), 0),
        ((-1, -(2**32), 2**32 + 2), 1),
        ((0, 0), 0),
    ],
    ids=str,
)
async def test_no_amount_is_too_large_to_be_counted(store: SqlStore, amounts: tuple[int, ...], total: int) -> None:
    """What an agent writes cannot make the sum overflow, which would refuse everybody's requests under the rule."""
    await store.write(spend(*amounts))
    assert await store.write(spent()) == (len(amounts), total)


async def test_many_at_once_are_counted_one_after_the_other(store: SqlStore) -> None:
    """Each unit sees what the units before it added, so of twenty at once exactly four stay under the limit (T11)."""

    def submit(tx: Tx) -> bool:
        under = spent()(tx)[1] + 499 <= 2_000
        value = samples.submit(tx, samples.request(state=State.APPROVED if under else State.PENDING))
        tx.spend(entry(value, 499 if under else 0))
        return under

    assert sum(await asyncio.gather(*(store.write(submit) for _ in range(20)))) == 4


async def test_what_a_failed_unit_added_is_gone(store: SqlStore) -> None:
    """With its request, whether it raises by itself or is overtaken; what others wrote in the same batch stays."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    stale = replace(value, tracks=())

    def overtaken(tx: Tx) -> None:
        tx.spend(entry(value, 100))
        tx.keep_rejection("f", value.id, NOW)
        tx.record(Change(event=samples.event("x", value.id), before=stale, after=value))

    good, bad = await asyncio.gather(store.write(spend(5)), store.write(overtaken), return_exceptions=True)
    assert (good, type(bad)) == (None, Overtaken)
    assert await store.write(spent()) == (1, 5)
    assert await store.write(lambda tx: tx.rejected("f", NOW)) is None


async def test_a_rejection_is_found_by_its_fingerprint(store: SqlStore) -> None:
    """The newest one at or after the time; of two at one moment the one kept later; another's is not taken for it."""
    await store.write(lambda tx: tx.keep_rejection("f", "req_old", NOW - DAY))
    await store.write(lambda tx: tx.keep_rejection("f", "req_first", NOW))
    await store.write(lambda tx: tx.keep_rejection("f", "req_second", NOW))
    await store.write(lambda tx: tx.keep_rejection("f", "req_late", NOW - MICRO))
    assert await store.write(lambda tx: tx.rejected("f", NOW - DAY)) == "req_second"
    assert await store.write(lambda tx: tx.rejected("f", NOW)) == "req_second"
    assert await store.write(lambda tx: tx.rejected("f", NOW + MICRO)) is None
    assert await store.write(lambda tx: tx.rejected("g", NOW - DAY)) is None


async def test_what_is_too_old_is_forgotten(store: SqlStore) -> None:
    """After 400 days, a few with each that comes; what is younger stays to the moment."""
    old, edge = NOW - 400 * DAY - MICRO, NOW - 400 * DAY

    def fill(tx: Tx) -> None:
        spend(*[1] * 20, at=old)(tx)
        spend(1, at=edge)(tx)
        for number in range(20):
            tx.keep_rejection("old", f"req_{number}", old)
        tx.keep_rejection("edge", "req_edge", edge)

    def left(tx: Tx) -> tuple[int, str | None]:
        return spent(old)(tx)[0], tx.rejected("old", old)

    await store.write(fill)
    assert await store.write(left) == (21, "req_19")
    counts = []
    for _ in range(4):
        await store.write(spend(1))
        await store.write(lambda tx: tx.keep_rejection("new", "req_new", NOW))
        counts.append((await store.write(left))[0])
    assert counts == [14, 7, 4, 5]
    assert (await store.write(left))[1] is None
    assert await store.write(lambda tx: tx.rejected("edge", edge)) == "req_edge"


async def test_accounts_outlive_the_process(url: str) -> None:
    """Limits and cool-downs hold across a restart."""
    store = await open_store(url, exclusive=True)
    await store.write(spend(5))
    await store.write(lambda tx: tx.keep_rejection("f", "req_1", NOW))
    await store.close()
    store = await open_store(url, exclusive=True)
    assert await store.write(spent()) == (1, 5)
    assert await store.write(lambda tx: tx.rejected("f", NOW)) == "req_1"
    await store.close()
