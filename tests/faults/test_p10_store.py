"""P10: a store that is full, locked, read-only or broken refuses aloud, nothing starts, and it recovers by itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.core.model import Role
from store import open_store
from store.snapshots import back_up
from tests.fakes import libc
from tests.fakes.libc import Machine
from tests.fakes.receiver import Receiver
from tests.faults.agreeing import Client, agree, ready
from tests.postgres import Cluster
from tests.store.life import files
from tests.stories.program import Caller, Program

_HOLD = (
    "import sqlite3,sys; c=sqlite3.connect(sys.argv[1],isolation_level=None,timeout=30); c.execute('BEGIN IMMEDIATE');"
    "print('held',flush=True); sys.stdin.read(); c.execute('ROLLBACK')"
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 8 MB. Skips where mounting is not allowed, and fails under SAYSO_TEST_ALL=1."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
    mounted = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603  # as root of a test machine
    if mounted.returncode:
        if os.environ.get("SAYSO_TEST_ALL") == "1":
            pytest.fail(f"no file system can be mounted: {mounted.stderr}")
        pytest.skip(f"no file system can be mounted: {mounted.stderr}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)  # noqa: S603, S607  # the one above


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Not a byte is left on the file system."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        size = 1 << 20
        while size:
            try:
                file.write(b"\0" * size)
            except OSError:
                size //= 2
    yield
    ballast.unlink()


@contextmanager
def held_by_another(database: Path) -> Iterator[None]:
    """Another process is in the middle of a write, and does not end it."""
    with subprocess.Popen(  # noqa: S603  # our own interpreter
        [sys.executable, "-c", _HOLD, str(database)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.stdin.close()


@contextmanager
def failing(machine: Machine, field: str, error: int) -> Iterator[None]:
    """The disk answers this error."""
    machine.set(field, error)
    yield
    machine.behave()


async def through(
    program: Program, receiver: Receiver, fault: Callable[[], AbstractContextManager[None]], *, lasting: float = 0.0
) -> None:
    """Before, in and after a fault: submissions, a decision that waits, readings; then all must agree."""
    program.rules(receiver=receiver.url)
    await program.start()
    async with program.caller("billing") as agent, program.caller("ana", Role.REVIEWER) as ana:
        client = Client(agent)
        await ready(agent)
        assert await client.submit("before") == 201
        assert (await client.ended("before"))["state"] == "executed"
        assert await client.submit("waiting", amount=40) == 201
        waiting = await agent.get(client.taken["waiting"])
        with fault():
            await asyncio.sleep(lasting)
            await _refused(client, waiting, ana, receiver)
        await _recovered(client)
        status, decided = await ana.decide(waiting, "approve")
        assert status == 200, decided
        for order in ("refused 1", "refused 2"):
            assert await client.submit(order) == 201
        for order in ("waiting", "refused 1", "refused 2"):
            assert (await client.ended(order))["state"] == "executed"
        await ready(agent)
    await agree(program, client, receiver)
    assert max(receiver.effects.values()) == 1


async def _refused(client: Client, waiting: object, ana: Caller, receiver: Receiver) -> None:
    """A full disk may have room for one more commit in the page that it has; from the first refusal on, all are."""
    number = 0
    while await client.submit(f"still fits {number}") == 201:
        assert (await client.ended(f"still fits {number}"))["state"] == "executed"
        number += 1
    began = receiver.connections, sum(receiver.effects.values())
    statuses = await asyncio.gather(client.submit("refused 1"), client.submit("refused 2"))
    assert set(statuses) == {503}
    status, problem = await ana.decide(waiting, "approve")
    assert (status, problem["status"]) == (503, 503)
    status, said = await ana.call("GET", "/readyz")
    assert (status, "store" in said["detail"]) == (503, True), said
    assert (await ana.call("GET", "/healthz"))[0] == 200
    assert (await client.caller.get(client.taken["waiting"]))["state"] == "pending"
    assert (receiver.connections, sum(receiver.effects.values())) == began


async def _recovered(client: Client) -> None:
    """Without anybody's doing, and within moments."""
    async with asyncio.timeout(15):
        while await client.submit("after") != 201:
            await asyncio.sleep(0.1)
    assert (await client.ended("after"))["state"] == "executed"


async def test_p10_a_file_system_without_room(program: Program, receiver: Receiver, small_disk: Path) -> None:
    """A real file system of 8 MB is filled to the last byte, and later something is deleted."""
    program.environment["SAYSO_DATABASE_URL"] = f"sqlite+aiosqlite:///{small_disk / 'sayso.db'}"
    await through(program, receiver, lambda: filled(small_disk))


@pytest.mark.parametrize(
    ("field", "error"),
    [
        pytest.param("write_error", libc.FULL, marks=pytest.mark.torture),
        ("write_error", libc.READ_ONLY),
        pytest.param("write_error", libc.BROKEN, marks=pytest.mark.torture),
        ("sync_error", libc.BROKEN),
    ],
    ids=["quota", "read-only", "broken", "broken sync"],
)
async def test_p10_a_disk_that_refuses(
    program: Program, receiver: Receiver, machine: Machine, field: str, error: int
) -> None:
    """Writing or syncing fails, as with a quota, a file system that went read-only, a disk that dies."""
    await through(program, receiver, lambda: failing(machine, field, error))


async def test_p10_another_process_holds_the_store(program: Program, receiver: Receiver, tmp_path: Path) -> None:
    """A lock that is held past the busy timeout; once it is let go, writing goes on."""
    await through(program, receiver, lambda: held_by_another(tmp_path / "sayso.db"))


@pytest.mark.torture
async def test_p10_another_process_holds_the_store_for_half_a_minute(
    program: Program, receiver: Receiver, tmp_path: Path
) -> None:
    """30 s, through which the tick and the courier go on trying."""
    await through(program, receiver, lambda: held_by_another(tmp_path / "sayso.db"), lasting=30.0)


async def test_p15_a_backup_that_finds_no_room_names_its_own_disk(
    small_disk: Path, tmp_path: Path, cluster: Cluster
) -> None:
    """Of SQLite and of PostgreSQL, where a table is made first: one line, and nothing that looks like a backup."""
    for url in (f"sqlite+aiosqlite:///{tmp_path / 'sayso.db'}", cluster.url(await cluster.make())):
        await (await open_store(url, exclusive=True)).close()
        backup = back_up(
            url, small_disk / "b.db", replace=False, now=datetime.now(UTC), shown="here", told=lambda *_: None
        )
        with filled(small_disk):
            with pytest.raises(OSError, match=r"No space left on device: .*disk/b\.db\.part"):
                await backup
            assert files(small_disk) == ["ballast"]
