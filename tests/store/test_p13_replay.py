"""P13: replaying the audit from nothing gives the rows that the tables hold, after whatever happened.

What no event tells of follows from the requests: by when each is to be decided, and for whom it waits.
"""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.card import next_step_at
from bot.core.model import DeliveryState, ExecutionState, OnExpiry, Request, State, Track, Verb
from bot.core.ports import Change, Filter, Overtaken, Tx
from store import SqlStore, open_store, rows
from store.audit import Rebuilt, replay
from store.chain import verify_store
from tests.store import samples
from tests.store.samples import NOW

KEYS = {
    "requests": ("id",),
    "revisions": ("request", "number"),
    "decisions": ("id",),
    "executions": ("id",),
    "deliveries": ("id",),
}


def held(database: Path) -> Rebuilt:
    """The rows that the tables hold, as `Rebuilt` has them."""
    driver = sqlite3.connect(database)
    driver.row_factory = sqlite3.Row
    found: dict[str, dict[Any, dict[str, Any]]] = {}
    for table, key in KEYS.items():
        kept = [dict(row) for row in driver.execute(f"SELECT * FROM {table}")]  # noqa: S608 - a table of ours
        for row in kept:
            row.pop("n", None)
            row.pop("deadline", None)
        found[table] = {row[key[0]] if len(key) == 1 else tuple(row[k] for k in key): row for row in kept}
    driver.close()
    return Rebuilt(**found)


async def told(store: SqlStore) -> Rebuilt:
    """The rows that the audit tells, its chain verified."""
    assert (await verify_store(store)).ok
    return replay(await store.audit_lines(0, 1_000_000))


async def follows(store: SqlStore, database: Path) -> int:
    """Hold deadlines and who is waited for against the requests; how many people are waited for."""
    requests = {value.id: value for value in await store.requests(Filter(limit=10_000))}
    with closing(sqlite3.connect(database)) as driver:
        deadlines = driver.execute("SELECT id, deadline FROM requests WHERE open = 1").fetchall()
        waiting = driver.execute("SELECT person, request FROM assignments WHERE waiting = 1").fetchall()
    for request_id, deadline in deadlines:
        value = requests[request_id]
        assert deadline == rows.micros(next_step_at(value) or value.expires_at), request_id
    people = {(person, value.id) for value in requests.values() for person in value.assignees}
    pending = {(p, r) for p, r in people if requests[r].state is State.PENDING and requests[r].waits_for(p)}
    assert sorted(waiting) == sorted(pending)
    return len(waiting)


class Life:
    """Requests that anything may happen to, in any order that the store accepts."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - the same life again for the same seed
        self.ids: list[str] = []

    def step(self, tx: Tx) -> None:
        """One change, mostly of one that is there."""
        if not self.ids or self.chance.random() < 0.2:
            made = samples.request(due_at=self._moment(), batch=self.chance.choice([None, "b1"]))
            tx.record(Change(event=samples.event("made", made.id, seen="digest"), after=made))
            self.ids.append(made.id)
            return
        now = samples.found(tx, self.chance.choice(self.ids))
        deed = self.chance.choice(
            [self._move, self._advise, self._revise, self._vote, self._run, self._deliver, self._refuse, self._late]
        )
        deed(tx, now)

    def _moment(self) -> Any:
        return self.chance.choice([None, NOW + timedelta(microseconds=self.chance.randrange(10**12))])

    def _tracks(self) -> tuple[Track, ...]:
        """Where a request may stand: nowhere, in one stage, in both at once."""
        return tuple(
            samples.track(
                stage,
                step=self.chance.randrange(2),
                step_at=self._moment(),
                remind_at=self._moment(),
                held_until=self._moment(),
                round=self.chance.randrange(3),
                exhausted=self.chance.random() < 0.5,
            )
            for stage in range(2)
            if self.chance.random() < 0.6
        )

    def _advise(self, tx: Tx, now: Request) -> None:
        said = samples.assessment(now, by=self.chance.choice(["critic", "lawyer"]))
        after = replace(now, advice=(*now.advice, said) if self.chance.random() < 0.8 else ())
        tx.record(Change(event=samples.event("advised", now.id), before=now, after=after))

    def _move(self, tx: Tx, now: Request) -> None:
        after = replace(
            now,
            state=self.chance.choice(list(State)),
            tracks=self._tracks(),
            due_at=self._moment(),
            decided_at=self._moment(),
            escalation_level=self.chance.randrange(3),
            answer=self.chance.choice([None, "a", "é\u2028"]),
        )
        tx.record(Change(event=samples.event("moved", now.id), before=now, after=after))

    def _revise(self, tx: Tx, now: Request) -> None:
        content = samples.revision(now.id, now.revision + 1, amount=self.chance.random() * 1e6)
        route = replace(now.route, rule=f"r{self.chance.randrange(3)}", on_expiry=self.chance.choice(list(OnExpiry)))
        after = replace(now, content=content, route=route, title=f"title {now.revision}", state=State.PENDING)
        tx.record(Change(event=samples.event("revised", now.id), before=now, after=after))

    def _vote(self, tx: Tx, now: Request) -> None:
        vote = samples.decision(now, self.chance.choice(["ana", "ben"]), self.chance.choice(list(Verb)))
        after = self.chance.choice([None, replace(now, state=State.APPROVED)])
        before = None if after is None else now
        tx.record(Change(event=samples.event("voted", now.id), before=before, after=after, decision=vote))

    def _run(self, tx: Tx, now: Request) -> None:
        seen = now.execution
        if seen is None or seen.revision != now.revision:
            change = Change(event=samples.event("approved", now.id), execution=samples.execution(now))
        else:
            state = self.chance.choice(list(ExecutionState))
            after = replace(seen, state=state, attempts=seen.attempts + 1, result={"n": [1, 2.5, None]}, ended_at=NOW)
            change = Change(event=samples.event("ran", now.id), execution_before=seen, execution=after)
        tx.record(change)

    def _deliver(self, tx: Tx, now: Request) -> None:
        known = tx.deliveries(now.id)
        sent = tuple(replace(d, state=DeliveryState.SENT, handle={"channel": "C", "ts": d.id}) for d in known[:1])
        fresh = (samples.delivery(now, revision=now.revision),)
        tx.record(Change(event=samples.event("sent", now.id), deliveries=sent + fresh))

    def _refuse(self, tx: Tx, now: Request) -> None:
        tx.append(samples.event("refused", now.id, reason="not_assigned"))

    def _late(self, tx: Tx, now: Request) -> None:
        """A change from an old reading, with parts that must go with it."""
        before = replace(now, tracks=(*now.tracks, samples.track(1, round=9)))
        vote, run = samples.decision(now, "lea"), samples.execution(now, revision=99)
        after = replace(before, state=State.APPROVED)
        event = samples.event("late", now.id)
        tx.record(Change(event=event, before=before, after=after, decision=vote, execution=run))


@pytest.mark.parametrize("seed", range(4))
async def test_p13_replaying_the_audit_rebuilds_the_tables(url: str, database: Path, seed: int) -> None:
    """After hundreds of random changes, refused ones among them, both say the same to the last column."""
    store = await open_store(url, exclusive=True)
    life = Life(seed)
    overtaken = 0
    for _ in range(300):
        try:
            await store.write(life.step)
        except Overtaken:
            overtaken += 1
    assert overtaken
    assert await told(store) == held(database)
    assert await follows(store, database)
    await store.close()


async def test_p13_a_changed_row_is_noticed(url: str, database: Path) -> None:
    """The comparison is not blind: one flipped column in a table makes it differ."""
    store = await open_store(url, exclusive=True)
    await store.write(lambda tx: samples.submit(tx, samples.request()))
    assert await told(store) == held(database)
    with sqlite3.connect(database) as driver:
        driver.execute("UPDATE revisions SET content = replace(content, '240.0', '241.0')")
    driver.close()
    assert await told(store) != held(database)
    await store.close()
