"""The notary over a real store: what it signs and when, what it finds (T24), and how it takes up again."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from bot.checkpoints import Notary, Placing
from bot.checkpoints.file import FilePlace
from bot.checkpoints.notary import KEPT, PATROL
from bot.core.checkpoint import EVENT, Signed, SigningKey, genuine, read, text
from store import SqlStore
from tests.checkpoints.conftest import HandClock, tell
from tests.core.trails import NEXT, OURS, THIEF, signed_line


def notary(store: SqlStore, clock: HandClock, *keys: SigningKey, places: tuple[Path, ...] = ()) -> Notary:
    """A notary that does not rest between pieces."""
    return Notary(
        store,
        clock,
        keys=keys,
        house="https://sayso.example.com",
        placings=[Placing(FilePlace(path), pauses=(0.02,)) for path in places],
        pause=0,
    )


async def carried(store: SqlStore) -> list[Signed]:
    """The checkpoints on the trail."""
    events = [json.loads(line.body) for line in await store.audit_lines(0, 10_000)]
    return [read(json.dumps(event["data"])) for event in events if event["type"] == EVENT]


async def test_it_signs_what_it_verified(store: SqlStore, clock: HandClock) -> None:
    """The newest line's number and hash, for this house, by its key; on the trail, and kept."""
    await tell(store, clock, 5)
    head = await store.audit_head()
    await notary(store, clock, OURS).look()
    (signed,) = await carried(store)
    assert genuine(signed)
    made = signed.checkpoint
    assert ((made.seq, made.hash), made.keys, made.every) == (head, (OURS.public,), 3600)
    assert (made.house, made.at) == ("https://sayso.example.com", clock.now())
    assert await store.write(lambda tx: tx.kept(KEPT)) is not None


async def test_it_signs_on_its_schedule_and_only_what_is_new(store: SqlStore, clock: HandClock) -> None:
    """Once an hour, where anything happened: a checkpoint is no reason for the next one."""
    one = notary(store, clock, OURS)
    await one.look()
    assert await carried(store) == []
    await tell(store, clock)
    await one.look()
    await tell(store, clock)
    clock.turn(minutes=59)
    await one.look()
    assert len(await carried(store)) == 1
    clock.turn(minutes=1)
    await one.look()
    assert [signed.checkpoint.seq for signed in await carried(store)] == [1, 3]
    for _ in range(3):
        clock.turn(hours=5)
        await one.look()
    assert len(await carried(store)) == 2
    clock.turn(hours=-30)
    await tell(store, clock)
    await one.look()
    assert len(await carried(store)) == 3


async def test_without_a_key_it_verifies_and_signs_nothing(store: SqlStore, clock: HandClock) -> None:
    """A house that is told of no key has an alarm all the same, and no checkpoint is overdue."""
    await tell(store, clock, 3)
    one = notary(store, clock)
    await one.look()
    assert (one.report.ok, one.report.seq, await carried(store)) == (True, 3, [])
    clock.turn(hours=5)
    assert one.overdue() is None


async def test_after_a_restart_it_takes_up_where_it_signed(store: SqlStore, clock: HandClock, tmp_path: Path) -> None:
    """From the newest checkpoint on; and that one is put wherever checkpoints go, for it may not have got there."""
    await tell(store, clock, 5)
    await notary(store, clock, OURS).look()
    await tell(store, clock, 2)
    file = tmp_path / "kept.jsonl"
    again = notary(store, clock, OURS, places=(file,))
    assert (await again.verify()).seq == 8
    again.start()
    async with asyncio.timeout(60):
        while again.placings[0].placed is None:
            await asyncio.sleep(0.01)
    await again.stop()
    assert [read(line).checkpoint.seq for line in file.read_text().splitlines()] == [5]
    assert len(await carried(store)) == 1


FORGERIES = {
    "a new line edited": ("UPDATE events SET body = replace(body, 'ana', 'bob') WHERE seq = 9", "line 9 was changed"),
    "an old line edited": ("UPDATE events SET body = replace(body, 'ana', 'bob') WHERE seq = 2", "line 2 was changed"),
    "a line deleted": ("DELETE FROM events WHERE seq = 8", "line 8 is missing"),
    "the tail cut": ("DELETE FROM events WHERE seq > 7", "lines 8 to 10 were cut off"),
    "the tail cut and the head moved": (
        "DELETE FROM events WHERE seq > 3; UPDATE chain SET seq = 3, hash = (SELECT hash FROM events WHERE seq = 3)",
        "lines 4 to 5 were cut off",
    ),
    "everything dropped": ("DELETE FROM events; DELETE FROM chain", "were cut off"),
    "the head rewritten": ("UPDATE chain SET hash = replace(hash, substr(hash, 1, 1), 'x')", "line 10 is not the one"),
}
"""What is done to the database between two looks, and what is said of it."""


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_t24_a_forgery_is_found_while_the_bot_runs(
    store: SqlStore, clock: HandClock, database: Path, forgery: str, caplog: pytest.LogCaptureFixture
) -> None:
    """At the next look, in the log once, and from then on nothing is signed."""
    await tell(store, clock, 5)
    one = notary(store, clock, OURS)
    await one.look()
    await tell(store, clock, 4)
    statement, says = FORGERIES[forgery]
    driver = sqlite3.connect(database)
    driver.executescript(statement)
    driver.close()
    for _ in range(2):
        clock.turn(hours=1)
        await one.look()
    assert not one.report.ok
    assert says in str(one.report.fault)
    assert [record.message for record in caplog.records if says in record.message] == [one.report.text()]
    assert one.signed is not None
    assert one.signed.checkpoint.seq == 5
    assert one.overdue() is not None


async def test_t24_old_lines_are_gone_through_again_and_again(
    store: SqlStore, clock: HandClock, database: Path
) -> None:
    """Some at each look, round and round; so an edit is found, however old its line is."""
    await asyncio.gather(*(tell(store, clock) for _ in range(PATROL + 200)))
    one = notary(store, clock, OURS)
    for _ in range(3):
        await one.look()
    driver = sqlite3.connect(database)
    driver.execute("UPDATE events SET body = replace(body, 'ana', 'bob') WHERE seq = ?", (PATROL + 100,))
    driver.commit()
    driver.close()
    for _ in range(3):
        await one.look()
    assert f"line {PATROL + 100} was changed" in str(one.report.fault)


@pytest.mark.parametrize("forged", ["garbage", "{}", "a thief's", "touched"])
async def test_t24_what_is_kept_counts_only_where_a_key_of_ours_signed_it(
    store: SqlStore, clock: HandClock, forged: str
) -> None:
    """The store may be forged: then everything is verified from the first line, and signed anew."""
    await tell(store, clock, 5)
    await notary(store, clock, OURS).look()
    line = (await store.audit_lines(4, 1))[0]
    by_thief, touched = text(signed_line(line, THIEF)), text(signed_line(line, OURS)).replace('"seq":5', '"seq":2')
    stands = {"a thief's": by_thief, "touched": touched}.get(forged, forged)
    await store.write(lambda tx: tx.keep_newer(KEPT, stands))
    again = notary(store, clock, OURS)
    report = await again.verify()
    assert (report.ok, report.seq, again.signed) == (True, 6, None)
    await again.look()
    assert again.signed is not None
    assert again.signed.checkpoint.seq == 6


async def test_of_two_at_once_one_signs(store: SqlStore, clock: HandClock) -> None:
    """Two replicas, or a person beside the bot: one checkpoint, and both know of it."""
    await tell(store, clock, 5)
    later = HandClock()
    later.turn(seconds=1)
    both = [notary(store, clock, OURS), notary(store, later, OURS)]
    await asyncio.gather(*(one.verify() for one in both))
    made = await asyncio.gather(*(one.make(by="sayso", via="scheduler") for one in both))
    assert sorted(made) == [False, True]
    (signed,) = await carried(store)
    assert [one.signed for one in both] == [signed, signed]


async def test_changed_keys_are_told_at_once(
    store: SqlStore, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The old key vouches for the new without waiting for an hour to pass or for anything to happen."""
    await tell(store, clock)
    await notary(store, clock, OURS).look()
    await notary(store, clock, NEXT, OURS).look()
    assert [signed.checkpoint.keys for signed in await carried(store)] == [(OURS.public,), (NEXT.public, OURS.public)]
    assert not caplog.records
    await notary(store, clock, THIEF).look()
    assert "SAYSO_AUDIT_KEY" in caplog.text


async def test_a_checkpoint_that_is_not_made_is_overdue(store: SqlStore, clock: HandClock) -> None:
    """A quarter of an hour after it should have been; all is well again once one is made, or none is needed."""
    one = notary(store, clock, OURS)
    clock.turn(minutes=15)
    assert one.overdue() is None
    clock.turn(minutes=6)
    assert one.overdue() == "a checkpoint has been due for 21 minutes"
    await one.look()
    assert one.overdue() is None


async def test_it_goes_on_after_a_store_that_could_not_be_read(
    store: SqlStore, clock: HandClock, database: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A look that fails is told and made again; nothing ends with it."""
    await tell(store, clock)
    one = notary(store, clock, OURS)
    one.every = timedelta(seconds=0.05)
    driver = sqlite3.connect(database)
    driver.execute("ALTER TABLE events RENAME TO elsewhere")
    one.start()
    async with asyncio.timeout(60):
        while "could not be looked at" not in caplog.text:
            await asyncio.sleep(0.01)
        driver.execute("ALTER TABLE elsewhere RENAME TO events")
        driver.close()
        while one.signed is None:
            await asyncio.sleep(0.01)
    await one.stop()
