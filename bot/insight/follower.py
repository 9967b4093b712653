"""Follows the audit's numbers, and measures anew whatever a line was about: exactly once, and off everybody's way.

What a line says is not read, only about which request it is; the fact is made of the rows as they are. So it does not
matter how often a line is looked at, nor what was killed meanwhile: facts, cells and how far the trail was followed are
written in one transaction, each cell by the difference that its facts make (`bot.core.insight.adding`).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.core.errors import SaysoError
from bot.core.insight.adding import differences
from bot.core.insight.fact import Fact
from bot.core.insight.making import fact_of, forgotten
from bot.core.policy import Policy
from bot.core.ports import Clock, Moved, Store, Tx

_log = logging.getLogger(__name__)

LINES = 256
"""Lines of the trail at once, where they are about few requests."""

REQUESTS = 16
"""Requests at once: so many facts and their cells hold up whoever else writes for two milliseconds."""

LOOKS = 0.5
"""Seconds between looks while nothing is left: what happens meanwhile to one request is measured once."""

UNHURRIED = 9.0
"""Pauses are this many times as long as the work was, so a tenth of one core at most is spent on it."""


class Standing(Struct, frozen=True):
    """By how many lines what is measured is behind the trail, and when it was last level with it (None: never yet)."""

    behind: int
    as_of: datetime | None


class Follower:
    """Keeps the facts of one store. Of several that share it, each piece is done by one, whoever commits it first."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        policy: Callable[[], Policy],
        *,
        holds: Callable[[], Awaitable[bool]] | None = None,
        pause: float = UNHURRIED,
    ) -> None:
        """``holds``: whether this process is the one of those that share the store (None: it always is).

        It only spares work that would be in vain: two at once count nothing twice. ``pause``: as `UNHURRIED`.
        """
        self._store = store
        self._clock = clock
        self._policy = policy
        self._holds = holds
        self._pause = pause
        self._worked = 0.0
        self._task: asyncio.Task[None] | None = None
        self.standing = Standing(0, None)

    def start(self) -> None:
        """Follow from now on, beginning where it was left; an old store from its first line."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Follow no more; the next start goes on."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _run(self) -> None:
        refused = False
        while True:
            self._worked, lines = 0.0, 0
            try:
                lines = await self.step()
                refused = False
            except SaysoError as problem:
                if not refused:
                    _log.warning("requests could not be measured, and will be: %s", problem)
                refused = True
            except Exception:  # noqa: BLE001  # whatever it is, figures may not stand still until the next start
                _log.exception("requests could not be measured; the next look tries again")
            rest = self._worked * self._pause
            # Little is left for later than a full piece is; resting, it gathers what follows about the same requests.
            await asyncio.sleep(rest if lines and self.standing.behind else max(rest, LOOKS))

    async def level(self) -> None:
        """Measure all that is there now, without resting."""
        while await self.step():
            pass

    async def step(self) -> int:
        """Measure one piece of what is new; of how many lines it was. Raises `bot.core.errors.Unavailable`."""
        now, after = self._clock.now(), await self._store.followed()
        seq, _ = await self._store.audit_head()
        if seq <= after:
            self.standing = Standing(0, now)
            return 0
        self.standing = replace(self.standing, behind=seq - after)
        if self._holds is not None and not await self._holds():
            return 0
        moved = _piece(await self._store.changes(after, LINES))
        if not moved:
            return 0
        if not await self._measure(after, moved):
            return 0
        left = max(0, seq - moved[-1].seq)
        self.standing = Standing(left, self.standing.as_of if left else now)
        return len(moved)

    async def _measure(self, after: int, moved: Sequence[Moved]) -> bool:
        """Keep the facts of what lines are about; False where another was first."""
        ids = tuple(dict.fromkeys(line.request for line in moved if line.request is not None))
        began = time.perf_counter()
        policy = self._policy()
        reading, hours = policy.attention.reading, policy.hours
        made = [
            fact_of(rows, reading=reading, hours=hours) for rows in (await self._store.measured(ids) if ids else ())
        ]
        facts = {fact.request: fact for fact in made if fact is not None}
        self._worked += time.perf_counter() - began

        def work(tx: Tx) -> bool:
            begun = time.perf_counter()
            # What was read is as old as that: where another measured since, its facts may be newer than these.
            if not tx.follow(after, moved[-1].seq):
                return False
            _keep(tx, facts)
            self._worked += time.perf_counter() - begun
            return True

        return await self._store.write(work, patient=True)


def _keep(tx: Tx, facts: Mapping[str, Fact]) -> None:
    """Write what is other than it was, and add the difference to the cells."""
    ids = tuple(facts)
    standing, bare = tx.facts(ids), tx.forgotten(ids)
    changed = []
    for request_id, fact in facts.items():
        before = standing.get(request_id)
        after = _without(fact, before) if request_id in bare else fact
        if after != before:
            changed.append(after)
    tx.put_facts(changed)
    tx.add_cells(differences((standing.get(fact.request), fact) for fact in changed))


def _without(fact: Fact, before: Fact | None) -> Fact:
    """A fact whose subject was erased, maybe since its rows were read: how long its card was shows in them no more."""
    judged = fact.judged
    if before is not None and len(before.judged) == len(judged):
        judged = before.judged
    return forgotten(replace(fact, judged=judged))


def _piece(lines: Sequence[Moved]) -> Sequence[Moved]:
    """The first of these lines, about so many requests at the most."""
    met: set[str] = set()
    for index, line in enumerate(lines):
        if line.request is not None and line.request not in met:
            if len(met) == REQUESTS:
                return lines[:index]
            met.add(line.request)
    return lines
