"""T24: an audit that was edited, reordered, cut, emptied or chained anew is found, and the report says where."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.core.chain import GENESIS, START, chained, conclude, verify
from bot.core.ports import AuditLine
from store import open_store
from store.chain import verify_store
from tests.store import samples

Lines = list[AuditLine]


def _rechained(lines: Lines) -> Lines:
    """The same bodies with every hash computed anew, as a forger who knows how would."""
    previous, made = GENESIS, []
    for line in lines:
        digest = chained(previous, line.body)
        made.append(replace(line, previous=previous, hash=digest))
        previous = digest
    return made


def _edited(lines: Lines) -> Lines:
    lines[3] = replace(lines[3], body=lines[3].body.replace("person:ana", "person:bob"))
    return lines


def _edited_with_its_hash(lines: Lines) -> Lines:
    body = lines[3].body.replace("person:ana", "person:bob")
    lines[3] = replace(lines[3], body=body, hash=chained(lines[3].previous, body))
    return lines


def _renumbered(lines: Lines) -> Lines:
    lines[3], lines[4] = replace(lines[4], seq=4), replace(lines[3], seq=5)
    return _rechained(lines)


FORGERIES: dict[str, tuple[Callable[[Lines], Lines], int, str]] = {
    "a word edited": (_edited, 3, "line 4 was changed"),
    "edited with its hash": (_edited_with_its_hash, 4, "line 5 does not follow"),
    "two swapped": (lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], 3, "line 4 is missing or out of place"),
    "two swapped and chained anew": (_renumbered, 3, "tells the event of line 5"),
    "one dropped": (lambda lines: [*lines[:3], *lines[4:]], 3, "line 4 is missing"),
    "the first dropped": (lambda lines: lines[1:], 0, "line 1 is missing"),
    "the tail cut": (lambda lines: lines[:7], 7, "lines 8 to 10 were cut off"),
    "all dropped": (lambda _: [], 0, "lines 1 to 10 were cut off"),
    "edited and chained anew": (lambda lines: _rechained(_edited(lines)), 9, "line 10 is not the one"),
    "one added after": (lambda lines: [*lines, replace(lines[-1], seq=11)], 10, "line 11 does not follow"),
}
"""What a forger does to ten lines, the last line that still holds, and what the report says."""


@pytest.fixture
async def honest(url: str) -> Lines:
    """Ten lines as a store wrote them."""
    store = await open_store(url, exclusive=True)
    for _ in range(10):
        await store.write(lambda tx: samples.submit(tx, samples.request()))
    lines = list(await store.audit_lines(0, 100))
    await store.close()
    return lines


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_t24_a_forgery_is_found_where_it_is(honest: Lines, forgery: str) -> None:
    """Against the kept head each forgery is found, with the last line that holds and what is wrong after it."""
    forge, holds, says = FORGERIES[forgery]
    known = {10: honest[-1].hash}
    report = conclude(verify(forge(list(honest)), known=known), known)
    assert not report.ok
    assert report.seq == holds
    assert says in str(report.fault)
    assert says in report.text()


async def test_t24_the_untouched_trail_holds(honest: Lines) -> None:
    """All ten lines verify, at once and in pieces, and the report is the same."""
    known = {10: honest[-1].hash}
    whole = conclude(verify(honest, known=known), known)
    assert (whole.ok, whole.lines, whole.seq, whole.hash) == (True, 10, 10, honest[-1].hash)
    report = START
    for line in honest:
        report = verify([line], since=report, known=known)
    assert conclude(report, known) == whole
    assert "holds: 10 lines" in whole.text()


async def test_t24_a_fault_stays_found(honest: Lines) -> None:
    """A piece that holds does not mend a fault before it."""
    broken = verify([honest[1]])
    assert verify([honest[0]], since=broken) == broken


@pytest.mark.parametrize(
    ("forged", "says"),
    [
        ("UPDATE events SET body = replace(body, 'person:ana', 'person:bob') WHERE seq = 4", "line 4 was changed"),
        ("DELETE FROM events WHERE seq > 7", "lines 8 to 10 were cut off"),
        ("DELETE FROM events", "lines 1 to 10 were cut off"),
        ("UPDATE chain SET hash = replace(hash, substr(hash, 1, 1), 'x')", "line 10 is not the one"),
    ],
)
async def test_t24_a_forged_table_is_found(honest: Lines, url: str, database: Path, forged: str, says: str) -> None:
    """The same in the database file, against its head row."""
    assert len(honest) == 10
    with sqlite3.connect(database) as driver:
        driver.execute(forged)
    driver.close()
    store = await open_store(url, exclusive=True)
    report = await verify_store(store)
    assert not report.ok
    assert says in str(report.fault)
    await store.close()


async def test_t24_a_forged_head_is_found_by_a_checkpoint(honest: Lines, url: str, database: Path) -> None:
    """Lines and head rewritten together pass by themselves, and fail against a number and hash written down before."""
    with sqlite3.connect(database) as driver:
        driver.execute("DELETE FROM events WHERE seq > 7")
        driver.execute("UPDATE chain SET seq = 7, hash = ?", (honest[6].hash,))
    driver.close()
    store = await open_store(url, exclusive=True)
    assert (await verify_store(store)).ok
    report = await verify_store(store, {9: honest[8].hash})
    assert "lines 8 to 9 were cut off" in str(report.fault)
    assert not (await verify_store(store, {7: "0" * 64})).ok
    await store.close()
