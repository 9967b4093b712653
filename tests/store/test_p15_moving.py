"""A store that is taken to another database is there whole: every row, every number, the trail verifying."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.core.model import Request
from bot.core.ports import Tx
from store import AlreadyRunning, open_store
from store.chain import verify_store
from store.contents import Contents
from store.engine import database_at
from store.parts import InTheWay
from store.snapshots import Placed, origin_at, place
from tests.postgres import Cluster
from tests.store import life, samples
from tests.store.samples import NOW

LEASE = NOW.resolution * 60_000_000


def nothing(tx: Tx, held: Contents) -> None:
    """Do nothing in it."""
    del tx, held


def silent(what: str, done: int, whole: int) -> None:
    """Hear nothing."""
    del what, done, whole


async def moved(source: str, target: str, *, replace: bool = False) -> Placed[None]:
    """Take a store elsewhere."""
    async with origin_at(source, still=True) as origin:
        return await place(origin, target, nothing, replace=replace, told=silent)


async def grown(url: str) -> Request:
    """One more request, decided, in a store that must verify before and after."""
    store = await open_store(url, exclusive=True)
    assert (await verify_store(store)).ok
    value = await store.write(lambda tx: samples.submit(tx, samples.request(), samples.effect(samples.request())))
    done = await store.write(lambda tx: samples.approve(tx, value.id))
    assert await store.request(value.id) == done
    assert (await verify_store(store)).ok
    await store.close()
    return done


async def test_p15_a_store_goes_around_and_comes_back_whole(tmp_path: Path, cluster: Cluster) -> None:
    """SQLite to PostgreSQL, to another PostgreSQL, back to SQLite, to another file: the same rows, and work goes on."""
    first = f"sqlite+aiosqlite:///{tmp_path / 'first.db'}"
    store = await open_store(first, exclusive=True)
    await life.live(store)
    await store.close()
    databases = [await cluster.make(), await cluster.make()]
    stops = [cluster.url(name) for name in databases]
    stops += [f"sqlite+aiosqlite:///{tmp_path / name}" for name in ("back.db", "last.db")]
    here = first
    for there in stops:
        before = dict(await life.rows(here))
        placed = await moved(here, there)
        after = await life.rows(there)
        assert after == before, there
        assert placed.contents.total == sum(map(len, after.values()))
        await grown(there)
        here = there
    assert database_at(here) == tmp_path / "last.db"
    assert life.files(tmp_path) == ["back.db", "first.db", "last.db"]
    for name in databases:
        await cluster.drop(name)


async def test_p15_nothing_is_moved_from_or_to_where_a_bot_runs(tmp_path: Path, cluster: Cluster) -> None:
    """A running bot's store is not moved, be it told by the lock of a file or by a replica's row; nor is one hit."""
    name = await cluster.make()
    urls = {"file": f"sqlite+aiosqlite:///{tmp_path / 'sayso.db'}", "server": cluster.url(name)}
    for kind, url in urls.items():
        bot = await open_store(url, exclusive=True)
        await bot.write(lambda tx: tx.join("rep_1", "one", "sha256:0", LEASE))
        for source, target in ((url, f"sqlite+aiosqlite:///{tmp_path / kind}"), (urls["file"], url)):
            if kind == "server" or source == url:
                with pytest.raises(AlreadyRunning):
                    await moved(source, target)
        await bot.write(lambda tx: tx.leave("rep_1"))
        await bot.close()
    await cluster.drop(name)


async def test_p15_what_is_there_is_not_written_over_unless_told_so(tmp_path: Path, cluster: Cluster) -> None:
    """A database with anything in it is refused and stays as it is; told to replace it, all of it is replaced."""
    name = await cluster.make()
    first, second = (f"sqlite+aiosqlite:///{tmp_path / file}" for file in ("first.db", "second.db"))
    for url in (first, second, cluster.url(name)):
        store = await open_store(url, exclusive=True)
        await store.write(lambda tx: samples.submit(tx, samples.request()))
        await store.close()
    for target in (second, cluster.url(name)):
        held = await life.rows(target)
        with pytest.raises(InTheWay):
            await moved(first, target)
        assert await life.rows(target) == held
        await moved(first, target, replace=True)
        assert await life.rows(target) == await life.rows(first)
    other = tmp_path / "notes.txt"
    other.write_text("not a database at all, and somebody's")
    with pytest.raises(InTheWay):
        await moved(first, f"sqlite+aiosqlite:///{other}")
    await cluster.drop(name)
