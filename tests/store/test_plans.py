"""What is asked often is answered by an index, never by a scan: SQLite's own plan says so."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest

from bot.core.model import Kind, Risk, State
from bot.core.ports import Filter, Wanted
from store import open_store
from store.prepared import Prepared
from store.shapes import AFTER, MINE, listing_of, queue_of
from store.statements import statements_for

SAY = statements_for("sqlite")
OPEN = (State.PENDING, State.NEEDS_INFO)
DAY = datetime(2026, 11, 21, tzinfo=UTC)


def _page(query: Filter) -> Prepared:
    return SAY.listing.of(listing_of(query, (1, "req_1") if query.cursor else None)[0])


def _queue(wanted: Wanted) -> Prepared:
    return SAY.queue.page.of((*queue_of(wanted)[0], *((AFTER,) if wanted.after else ())))


def _count(wanted: Wanted) -> Prepared:
    names = queue_of(wanted)[0]
    if names == MINE:
        return SAY.queue.count_mine
    return (SAY.queue.count_found if wanted.text else SAY.queue.count).of(names)


def _alike(wanted: Wanted) -> Prepared:
    return (SAY.queue.alike_found if wanted.text else SAY.queue.alike).of(queue_of(wanted)[0])


def _trail(*bounds: str, request: bool = False) -> Prepared:
    return SAY.trail.search.of(("between", *(("request",) if request else ()), "type*", *bounds, "actor", "text"))


WAITING = "assignments USING COVERING INDEX assignments_waiting (person=? AND request=?"
EVERYTHING = Wanted(
    waits_for="a",
    asked=("a", "b"),
    agent="a",
    action="b",
    kind=Kind.APPROVAL,
    risk=Risk.READ_ONLY,
    escalated=True,
    text="x",
    unread_by="a",
    after="x",
)

PLANS = [
    ("due", SAY.due.ids, "USING INDEX requests_due (due_at<?)"),
    ("due, whole", SAY.due.whole, "requests USING INDEX requests_due (due_at<?)"),
    ("due, with revisions", SAY.due.whole, "revisions USING INDEX sqlite_autoindex_revisions_1 (request=?"),
    ("cards of many", SAY.due.cards[20], "USING INDEX deliveries_request (request=?)"),
    ("next due", SAY.due.next, "USING INDEX requests_due"),
    ("count open", SAY.count_open, "USING INDEX requests_open_agent (agent=?)"),
    ("what waits", _queue(Wanted()), "SCAN requests USING INDEX requests_deadline"),
    ("what waits for one", _queue(Wanted(waits_for="ana")), WAITING),
    ("the next page", _queue(Wanted(after="x")), "requests_deadline ((deadline,id)>(?,?))"),
    ("all wishes", _queue(EVERYTHING), "requests_deadline ((deadline,id)>(?,?))"),
    ("asked", _queue(EVERYTHING), "assignments USING PRIMARY KEY (person=? AND created_at=? AND request=?)"),
    ("unread", _queue(EVERYTHING), "seen USING PRIMARY KEY (person=? AND request=? AND revision=?)"),
    ("escalated and open", _queue(Wanted(escalated=True)), "SCAN requests USING INDEX requests_deadline"),
    ("an action's open", _queue(Wanted(action="a")), "SCAN requests USING INDEX requests_deadline"),
    ("how many for one", _count(Wanted(waits_for="ana")), "USING COVERING INDEX assignments_waiting (person=?)"),
    ("how many of an agent", _count(Wanted(agent="a", waits_for="ana")), "requests_open_agent (agent=?)"),
    ("how many of an action", _count(Wanted(action="a")), "SCAN requests USING INDEX requests_d"),
    ("open names", SAY.queue.open_names, "USING INDEX requests_open_agent"),
    ("alike", _alike(Wanted(waits_for="a")), "USING INDEX requests_open_agent"),
    ("troubled", SAY.queue.troubled, "USING INDEX executions_troubled"),
    ("troubled requests", SAY.queue.troubled, "requests USING INDEX sqlite_autoindex_requests_1 (id=?)"),
    ("undelivered", SAY.queue.undelivered, "USING INDEX deliveries_failed"),
    ("seen", SAY.visits.seen, "seen USING COVERING INDEX seen_request (request=? AND person=?)"),
    ("a session", SAY.visits.session, "USING INDEX sqlite_autoindex_sessions_1 (id=?)"),
    ("a link", SAY.visits.link, "USING INDEX sqlite_autoindex_links_1 (hash=?)"),
    ("a person's browsers", SAY.visits.subscriptions_of, "USING INDEX subscriptions_person (person=?)"),
    ("what is kept", SAY.visits.kept, "USING INDEX sqlite_autoindex_kept_1 (name=?)"),
    ("a search of the trail", _trail("since", "until"), "events USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"),
    ("a request's trail", _trail(request=True), "events USING INDEX events_request (request=?"),
    ("count since", SAY.count_since, "USING COVERING INDEX requests_agent (agent=? AND created_at>?)"),
    ("one", SAY.request, "USING INDEX sqlite_autoindex_requests_1 (id=?)"),
    ("decisions", SAY.decisions, "USING INDEX decisions_request (request=?)"),
    ("unfinished", SAY.unfinished, "USING INDEX executions_unfinished"),
    ("deliveries", SAY.deliveries, "USING INDEX deliveries_request (request=?)"),
    ("a card's place", SAY.delivery_at, "USING INDEX deliveries_handle (channel=? AND handle_key=?)"),
    ("audit", SAY.audit, "USING INDEX events_request (request=?)"),
    ("audit lines", SAY.audit_lines, "USING INTEGER PRIMARY KEY (rowid>?)"),
    ("key", SAY.key, "USING INDEX sqlite_autoindex_keys_2 (hash=?)"),
    ("a delivery", SAY.delivery, "USING INDEX sqlite_autoindex_deliveries_1 (id=?)"),
    ("a reply key", SAY.letters.reply_key, "USING INDEX sqlite_autoindex_reply_keys_1 (hash=?)"),
    ("a letter", SAY.letters.letter, "USING INDEX reply_keys_letter (letter=?)"),
    ("keys out of force", SAY.letters.drop_keys, "USING INDEX reply_keys_expires (expires_at<?)"),
    ("a receipt", SAY.letters.receipt, "USING INDEX sqlite_autoindex_receipts_1 (key=?)"),
    ("receipts too old", SAY.letters.drop_receipts, "USING INDEX receipts_at (at<?)"),
    ("answers to a thread", SAY.letters.answers, "USING INDEX receipts_thread (thread=?)"),
    ("a mailbox", SAY.letters.mailbox, "USING INDEX sqlite_autoindex_mailboxes_1 (name=?)"),
    ("an address", SAY.letters.unreachable_at, "sqlite_autoindex_unreachable_1 (channel=? AND address=?)"),
    ("an address back", SAY.letters.drop_unreachable, "sqlite_autoindex_unreachable_1 (channel=? AND address=?)"),
    ("an account", SAY.accounts.spent, "accounts USING INDEX accounts_spent (rule=? AND key=? AND at>?)"),
    ("an account's requests", SAY.accounts.spent, "requests USING INDEX sqlite_autoindex_requests_1 (id=?)"),
    ("entries too old", SAY.accounts.sweep_accounts, "SEARCH accounts USING INTEGER PRIMARY KEY (rowid<?)"),
    ("a rejection", SAY.accounts.rejected, "USING INDEX rejections_fingerprint (fingerprint=? AND at>?)"),
    ("rejections too old", SAY.accounts.sweep_rejections, "SEARCH rejections USING INTEGER PRIMARY KEY (rowid<?)"),
    ("between", _page(Filter(since=DAY, until=DAY)), "requests_newest (created_at>? AND created_at<?)"),
    ("an agent's since", _page(Filter(agent="a", since=DAY)), "requests_agent (agent=? AND created_at>?)"),
    ("newest", _page(Filter(cursor="x")), "requests_newest ((created_at,id)<(?,?))"),
    ("an agent's", _page(Filter(agent="a")), "USING INDEX requests_agent (agent=?)"),
    ("an action's", _page(Filter(action="a")), "USING INDEX requests_action (action=?)"),
    ("a batch", _page(Filter(batch="b")), "USING INDEX requests_batch (batch=?)"),
    ("escalated", _page(Filter(escalated=True)), "USING INDEX requests_escalated"),
    ("ended", _page(Filter(states=(State.REJECTED,))), "USING INDEX requests_state (state=?)"),
    ("a queue", _page(Filter(states=OPEN, reviewer="ana")), "assignments USING PRIMARY KEY (person=? AND created_at=?"),
    ("all for one", _page(Filter(reviewer="ana")), "assignments USING PRIMARY KEY (person=?"),
]


@pytest.fixture
async def driver(url: str, database: Path) -> Any:
    """A plain connection to a migrated, empty database."""
    await (await open_store(url, exclusive=True)).close()
    with sqlite3.connect(database) as connection:
        yield connection
    connection.close()


@pytest.mark.parametrize(("statement", "expected"), [plan[1:] for plan in PLANS], ids=[plan[0] for plan in PLANS])
async def test_an_index_answers(driver: sqlite3.Connection, statement: Prepared, expected: str) -> None:
    """The plan names the index; no table is scanned, and only a short list is ever sorted."""
    blanks = (None,) * statement.sql.count("?")
    steps = [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement.sql}", blanks)]
    plan = "\n".join(steps)
    assert expected in plan, plan
    assert not [step for step in steps if step.startswith("SCAN") and "USING" not in step], plan


@pytest.mark.parametrize("name", ["due.ids", "due.whole", "due.next", "unfinished", "accounts.rejected"])
async def test_what_is_asked_always_is_not_sorted(driver: sqlite3.Connection, name: str) -> None:
    """What every tick, every batch and every submission asks comes in order from its index."""
    statement: Prepared = attrgetter(name)(SAY)
    blanks = (None,) * statement.sql.count("?")
    steps = [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement.sql}", blanks)]
    assert not [step for step in steps if "TEMP B-TREE" in step], steps


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(waits_for="a"), Wanted(agent="a"), EVERYTHING], ids=str)
async def test_a_queue_stops_at_its_page(driver: sqlite3.Connection, wanted: Wanted) -> None:
    """Its requests come in order from their index, so that no more are read than are shown or passed over."""
    statement = _queue(wanted)
    blanks = (None,) * statement.sql.count("?")
    steps = [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement.sql}", blanks)]
    assert "USING INDEX requests_deadline" in steps[0], steps
    assert not [step for step in steps if "TEMP B-TREE" in step], steps


async def test_the_queue_is_read_from_what_is_open(driver: sqlite3.Connection) -> None:
    """A person's queue walks the open requests by their partial index, not that person's whole past."""
    statement = _page(Filter(states=OPEN, reviewer="ana"))
    blanks = (None,) * statement.sql.count("?")
    plan = [row[3] for row in driver.execute(f"EXPLAIN QUERY PLAN {statement.sql}", blanks)]
    assert plan[0] == "SCAN requests USING INDEX requests_open", plan


def _pairs(one: object, other: object) -> list[tuple[str, Prepared, Prepared]]:
    return [(name, mine, getattr(other, name)) for name, mine in vars(one).items() if isinstance(mine, Prepared)]


def test_every_statement_has_a_twin() -> None:
    """Each statement compiles for PostgreSQL as well, with the same parameters, numbered as asyncpg wants them."""
    twin = statements_for("postgresql")
    names = ("letters", "accounts", "queue", "visits", "trail")
    parts = (SAY, twin), *((getattr(SAY, name), getattr(twin, name)) for name in names)
    pairs = [pair for part in parts for pair in _pairs(*part)]
    assert len(pairs) > 75
    for name, mine, other in pairs:
        assert "?" not in other.sql, name
        assert ("$1" in other.sql) == ("?" in mine.sql), name
    narrow = Filter(states=OPEN, reviewer="ana", agent="a", action="b", batch="c", escalated=True, since=DAY, until=DAY)
    for query in (Filter(), narrow):
        narrowed, values = listing_of(query, (1, "req_1"))
        statement = twin.listing.of(narrowed)
        assert len(statement.pick(values)) == max(n for n in range(1, 20) if f"${n}" in statement.sql)
    open_, given = queue_of(EVERYTHING)
    given |= {"after_at": 1, "after_id": "x", "limit": 50}
    twins = twin.queue.page.of((*open_, AFTER)), twin.queue.count_found.of(open_), twin.queue.alike_found.of(open_)
    for statement in twins:
        assert len(statement.pick(given)) == max(n for n in range(1, 40) if f"${n}" in statement.sql)
