"""The contract of lists: newest first, narrowed by every filter, paged without loss."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.core.model import Request, State
from bot.core.ports import Change, Filter, Tx
from store import SqlStore
from tests.store import samples
from tests.store.samples import NOW


@pytest.fixture
async def filled(store: SqlStore) -> dict[str, Request]:
    """Five requests, oldest first, each different in one respect."""
    named = {
        "plain": samples.request(created_at=NOW),
        "other agent": samples.request(created_at=NOW + timedelta(seconds=1), agent="mailer"),
        "other action": samples.request(created_at=NOW + timedelta(seconds=2), action="mail.send", batch="b1"),
        "escalated": samples.request(
            created_at=NOW + timedelta(seconds=3), escalation_level=1, tracks=(samples.track(step=1),)
        ),
        "ended": samples.request(created_at=NOW + timedelta(seconds=3), state=State.REJECTED, batch="b1"),
    }

    def fill(tx: Tx) -> None:
        for value in named.values():
            samples.submit(tx, value)

    await store.write(fill)
    return named


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Filter(), ["ended", "escalated", "other action", "other agent", "plain"]),
        (Filter(agent="mailer"), ["other agent"]),
        (Filter(action="mail.send"), ["other action"]),
        (Filter(batch="b1"), ["ended", "other action"]),
        (Filter(states=(State.REJECTED,)), ["ended"]),
        (Filter(states=(State.PENDING, State.NEEDS_INFO), batch="b1"), ["other action"]),
        (Filter(states=(State.PENDING, State.REJECTED), limit=2), ["ended", "escalated"]),
        (Filter(states=()), []),
        (Filter(escalated=True), ["escalated"]),
        (Filter(escalated=False, batch="b1"), ["ended", "other action"]),
        (Filter(reviewer="lea"), ["escalated"]),
        (Filter(reviewer="ana", agent="billing", escalated=False), ["other action", "plain"]),
        (Filter(reviewer="nobody"), []),
        (Filter(limit=1), ["ended"]),
        (Filter(since=NOW + timedelta(seconds=2)), ["ended", "escalated", "other action"]),
        (Filter(until=NOW + timedelta(seconds=2)), ["other agent", "plain"]),
        (Filter(since=NOW + timedelta(seconds=1), until=NOW + timedelta(seconds=3), agent="billing"), ["other action"]),
        (Filter(since=NOW + timedelta(seconds=1), until=NOW + timedelta(seconds=1)), []),
    ],
    ids=str,
)
async def test_each_filter_narrows(
    store: SqlStore, filled: dict[str, Request], query: Filter, expected: list[str]
) -> None:
    """A filter keeps exactly what it says, newest first, equal times by id."""
    found = await store.requests(query)
    assert [value.id for value in found] == [filled[name].id for name in expected]


async def test_pages_follow_each_other(store: SqlStore, filled: dict[str, Request]) -> None:
    """Page after page gives every request once, also where times are equal; an unknown cursor gives none."""
    seen: list[str] = []
    cursor = None
    while page := await store.requests(Filter(cursor=cursor, limit=2)):
        seen += [value.id for value in page]
        cursor = seen[-1]
    assert seen == [value.id for value in reversed(filled.values())]
    assert await store.requests(Filter(cursor="req_none")) == ()


async def test_a_page_brings_whole_requests(store: SqlStore, filled: dict[str, Request]) -> None:
    """Decisions and executions come with a page as they come with one request."""
    await store.write(lambda tx: samples.approve(tx, filled["plain"].id))
    page = await store.requests(Filter())
    assert [value for value in page if value.decisions] == [await store.request(filled["plain"].id)]


async def test_who_was_asked_later_finds_it(store: SqlStore) -> None:
    """The people of the next step are reviewers from then on; those of the first remain."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    assert await store.requests(Filter(reviewer="lea")) == ()
    after = replace(value, tracks=(samples.track(step=1),), escalation_level=1)
    await store.write(lambda tx: tx.record(Change(event=samples.event("x", value.id), before=value, after=after)))
    ended = replace(after, state=State.REJECTED, due_at=None)
    await store.write(lambda tx: tx.record(Change(event=samples.event("y", value.id), before=after, after=ended)))
    for reviewer in ("ana", "ben", "lea"):
        assert [found.id for found in await store.requests(Filter(reviewer=reviewer))] == [value.id]
        assert await store.requests(Filter(reviewer=reviewer, states=(State.PENDING,))) == ()
