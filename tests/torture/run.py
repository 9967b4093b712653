"""One torture: the whole workload through a row of kills, then what everybody holds, compared."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from pathlib import Path

from msgspec import Struct

from tests.torture.hindsight import HINDSIGHT
from tests.torture.lives import AT_ITS_END
from tests.torture.points import passed
from tests.torture.reconcile import reconcile
from tests.torture.rooms import ROOMS
from tests.torture.stories import STORIES
from tests.torture.world import World, together, world

Story = Callable[[World], Awaitable[None]]
_ROUNDS = 3
_SETTLES_WITHIN = 180.0


class Report(Struct, frozen=True):
    """What a torture came to: the kills that happened, the points that were passed, and what was counted."""

    killed: tuple[str, ...]
    points: frozenset[str]
    passed: int
    lost: int
    requests: int
    taken_within: float
    """The longest time, in seconds, from a kill to a replica beside having taken over."""


async def torture(  # what makes one torture, each by its name
    folder: Path,
    url: str,
    *,
    seed: int,
    kills: Sequence[str] = (),
    mate: bool = False,
    wanted: Collection[str] = (),
    but: Collection[Story] = (),
) -> Report:
    """Run it in an empty folder over an empty store. Raises whatever does not hold, as a group where several do not.

    The workload is run again, a few times at most, while a kill is still to come, or a point that is ``wanted`` was not
    passed, as where a slow machine overtook somebody. It is all stories ``but`` these. ``mate``: see `Lives`.
    """
    async with world(folder, url, tuple(kills), seed, mate=mate) as w:
        await w.lives.begin()
        await w.lives.up()
        for number in range(max(_ROUNDS, len(kills))):
            if number and not w.lives.awaited() and not _left(w, wanted):
                break
            stories = [story for story in (*STORIES, *ROOMS, *HINDSIGHT) if story not in but]
            w.chance.shuffle(stories)
            await together(*(story(w) for story in stories))
        await _settle(w)
        await w.lives.end()
        await reconcile(w)
        found, most = passed(w.lives.points)
        return Report(
            tuple(w.lives.killed),
            frozenset(found),
            most,
            w.told.lost,
            len(w.told.submitted),
            max(w.lives.taken_after, default=0.0),
        )


def _left(w: World, wanted: Collection[str]) -> set[str]:
    """The points that more work may bring about and that are not passed yet."""
    return {name for name in wanted if not name.startswith(AT_ITS_END)} - passed(w.lives.points)[0]


async def _settle(w: World) -> None:
    """Wait until nothing is owed outside any more, and nothing runs."""
    await w.lives.up()
    try:
        async with asyncio.timeout(_SETTLES_WITHIN):
            while True:
                owed = await w.beside.write(lambda tx: tx.effects())
                runs = await w.beside.write(lambda tx: tx.unfinished())
                if not owed and not runs:
                    return
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AssertionError(f"left behind: effects {owed}, executions {runs}") from None
