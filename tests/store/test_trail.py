"""The contract of searching the audit trail: newest first, narrowed, paged, and by what a line says itself."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import replace

from bot.core.ports import AuditQuery, Tx
from store import SqlStore
from tests.store import samples
from tests.store.samples import NOW

DAY = timedelta(days=1)
FORGED = {"note": '"actor":"person:ben","via":"slack"', "inner": {"actor": "person:ben", "via": "slack"}}


@pytest.fixture
async def lines(store: SqlStore) -> None:
    """Nine lines, one a day; the fourth's arguments pretend to be somebody's act."""
    acts = [
        ("request.submitted", "agent:billing", "req_1"),
        ("request.decided", "person:ana", "req_1"),
        ("execution.started", "sayso", "req_1"),
        ("request.submitted", "agent:billing", "req_2"),
        ("execution.failed", "sayso", "req_2"),
        ("key.created", "sayso", None),
        ("request.decided", "person:ben", "req_2"),
        ("request_x", "person:Ana", None),
        ("paused", "person:ana", None),
    ]

    def fill(tx: Tx) -> None:
        for number, (kind, actor, request_id) in enumerate(acts):
            data = FORGED if number == 3 else {"day": f"day {number} 100%"}
            made = samples.event(kind, request_id, **data)
            tx.append(replace(made, actor=actor, at=NOW + number * DAY))

    await store.write(fill)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (AuditQuery(), [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (AuditQuery(limit=2), [9, 8]),
        (AuditQuery(limit=2, before=8), [7, 6]),
        (AuditQuery(before=1), []),
        (AuditQuery(before=1000, limit=1), [9]),
        (AuditQuery(actor="person:ana"), [9, 2]),
        (AuditQuery(actor="person:ana", limit=1, before=9), [2]),
        (AuditQuery(actor="person:ben"), [7]),
        (AuditQuery(actor="person:ben", limit=1, before=7), []),
        (AuditQuery(actor="person:%"), []),
        (AuditQuery(type="request.decided"), [7, 2]),
        (AuditQuery(type="execution.*"), [5, 3]),
        (AuditQuery(type="request_*"), [8]),
        (AuditQuery(type="*"), [9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (AuditQuery(request="req_1"), [3, 2, 1]),
        (AuditQuery(text="DAY 7 100%"), [8]),
        (AuditQuery(text="day _"), []),
        (AuditQuery(text='"person:ben","via"'), [7, 4]),
        (AuditQuery(since=NOW + 6 * DAY), [9, 8, 7]),
        (AuditQuery(until=NOW + 2 * DAY), [2, 1]),
        (AuditQuery(since=NOW + 2 * DAY, until=NOW + 4 * DAY, limit=1), [4]),
        (AuditQuery(since=NOW + 99 * DAY), []),
        (AuditQuery(until=NOW), []),
        (AuditQuery(limit=0), []),
    ],
    ids=str,
)
@pytest.mark.usefixtures("lines")
async def test_each_question_narrows(store: SqlStore, query: AuditQuery, expected: list[int]) -> None:
    """A search keeps exactly what is asked, newest first, and takes no line's data for the line's own words."""
    found = await store.audit_search(query)
    assert [line.seq for line in found] == expected
    known = {line.seq: line for line in await store.audit_lines(0, 100)}
    assert list(found) == [known[seq] for seq in expected]


async def test_a_clock_that_was_set_back_hides_no_line(store: SqlStore) -> None:
    """A line's own time decides, also where the lines around it are an hour ahead."""
    minutes = [0, 1, 60, 2, 3, 61, 62, 4, 5, 6]

    def fill(tx: Tx) -> None:
        for minute in minutes:
            tx.append(replace(samples.event("tick"), at=NOW + timedelta(minutes=minute)))

    await store.write(fill)
    for bound in range(7):
        at = NOW + timedelta(minutes=bound)
        since = await store.audit_search(AuditQuery(since=at))
        until = await store.audit_search(AuditQuery(until=at))
        assert len(since) == sum(minute >= bound for minute in minutes)
        assert len(since) + len(until) == len(minutes)
        assert all(msgspec.json.decode(line.body)["type"] == "tick" for line in since)
