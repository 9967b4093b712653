"""The contract of grants: each a row of its own, found by key, the newest word of it alone."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from msgspec.structs import replace

from bot.core.ports import Tx
from bot.core.trust.drift import UNWATCHED, baseline_of, noticed
from bot.core.trust.grants import Ending, Grant, GrantState
from store import SqlStore
from tests.store.samples import NOW

GRANT = Grant(
    id="grt_2",
    rule="refunds",
    terms="sha256:0",
    agent="billing\0\x1b",
    action="refund.issue",
    ceilings={"/amount": 50.0},
    level=0,
    confidence=0.9,
    irreversible=False,
    sample=0.1,
    per_day=18,
    lasts=timedelta(days=30),
    ask="admins",
    request="req_1",
    proposed_at=NOW,
    baseline=baseline_of([NOW, NOW + timedelta(hours=1)], {"/amount": [1.5, 2.0]}, [0.9, None], [True, False]),
)


def put(tx: Tx, grant: Grant) -> None:
    """Write it."""
    tx.put_grant(grant)


async def test_a_grant_is_kept_whole_and_written_over(store: SqlStore) -> None:
    """All of it comes back, oldest proposal first; what is put again stands in the place of the one before."""
    older = replace(GRANT, id="grt_1", proposed_at=NOW - timedelta(days=1))
    await store.write(partial(put, grant=GRANT))
    await store.write(partial(put, grant=older))
    assert await store.grants() == (older, GRANT)
    watch, _ = noticed(GRANT.baseline, UNWATCHED, at=NOW, numbers={"/amount": 3.0}, confidence=None)
    ended = replace(GRANT, state=GrantState.ENDED, ending=Ending.DRIFT, why="it drifts", ended_at=NOW, watch=watch)
    await store.write(partial(put, grant=ended))
    assert await store.write(lambda tx: (tx.grant("grt_2"), tx.grants(), tx.grant("grt_3"))) == (
        ended,
        (older, ended),
        None,
    )


async def test_what_a_unit_wrote_it_reads_and_a_lost_unit_leaves_nothing(store: SqlStore) -> None:
    """A grant that was ended in this transaction has ended for what comes after it there."""

    def work(tx: Tx) -> None:
        tx.put_grant(GRANT)
        assert tx.grant("grt_2") == GRANT
        raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        await store.write(work)
    assert await store.grants() == ()
