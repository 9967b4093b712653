"""A place that fails is tried on, said to fail, and holds up nothing."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from bot.checkpoints import Placing
from bot.checkpoints.file import FilePlace
from bot.core.checkpoint import read
from tests.core.trails import Trail


async def until(condition: object) -> None:
    """Wait until a condition (a function) holds."""
    assert callable(condition)
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.005)


async def test_a_place_that_was_away_gets_the_newest(tmp_path: Path) -> None:
    """It is tried again and again, says why, and gets the newest alone; then it is said to be well."""
    trail = Trail().grow(3)
    first, second = trail.signed(), trail.signed()
    folder = tmp_path / "not mounted"
    placing = Placing(FilePlace(folder / "kept.jsonl"), pauses=(0.01, 0.02))
    task = asyncio.create_task(placing.run())
    placing.give(first)
    await until(lambda: placing.failures >= 3)
    assert placing.fault == "No such file or directory"
    placing.give(second)
    placing.give(first)
    folder.mkdir()
    await until(lambda: placing.placed is not None)
    assert placing.placed == second
    assert placing.fault is None
    assert [read(line) for line in (folder / "kept.jsonl").read_bytes().splitlines()] == [second]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_disk_that_hangs_is_left_hanging(tmp_path: Path) -> None:
    """A FIFO that nobody writes to hangs as a dead network disk does; only its own thread waits for it."""
    pipe = tmp_path / "hangs"
    os.mkfifo(pipe)
    place = FilePlace(pipe)
    reading = asyncio.create_task(place.read())
    placing = Placing(FilePlace(tmp_path / "well.jsonl"))
    task = asyncio.create_task(placing.run())
    placing.give(Trail().grow(1).signed())
    await until(lambda: placing.placed is not None)
    assert not reading.done()
    reading.cancel()
    task.cancel()
    await asyncio.gather(reading, task, return_exceptions=True)
    # Let the thread go: somebody opens the other end at last.
    os.close(os.open(pipe, os.O_WRONLY))
