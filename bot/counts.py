"""What is counted in the store for the figures, kept a few seconds, so that no number of scrapes costs more than one.

What has to be counted one by one is counted again only after a hundred times as long as the counting took: it never
takes more than a hundredth of one reader, however much is stored.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from bot.asked import Asked
from bot.core.model import ExecutionState, State
from bot.core.ports import Clock, Replica, Stopped, Store
from bot.core.ports.standing import Census, Standing
from bot.sharing import alive_on
from bot.web.calls import histogram
from bot.web.house import Figure

T = TypeVar("T")

_GLANCE_SECONDS = 2.0
_CENSUS_SECONDS = 10.0
_SHARE = 100


class _Kept(Generic[T]):
    """A value that is asked for again once it is old."""

    def __init__(self, ask: Callable[[], Awaitable[T]], seconds: float) -> None:
        self._ask = ask
        self._seconds = seconds
        self._until = 0.0
        self._value: T | None = None

    async def get(self) -> T:
        """The value, of now or of a moment ago."""
        began = time.monotonic()
        value = self._value
        if value is None or began >= self._until:
            value = self._value = await self._ask()
            ended = time.monotonic()
            self._until = ended + max(self._seconds, _SHARE * (ended - began))
        return value


class Counts:
    """The store's figures."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.writable: Asked[bool] = Asked(store.writable, otherwise=False)
        self.stopped: Asked[Stopped | None] = Asked(store.stopped, otherwise=None)
        self.alive: Asked[Sequence[Replica]] = Asked(lambda: alive_on(store), otherwise=())
        """The bots alive on a shared store; none where nobody can say."""
        self._counted: Asked[list[Figure]] = Asked(self._count, otherwise=[])
        self._store = store
        self._clock = clock
        self._glance: _Kept[Standing] = _Kept(lambda: store.standing(clock.now()), _GLANCE_SECONDS)
        self._census: _Kept[Census] = _Kept(store.census, _CENSUS_SECONDS)

    def close(self) -> None:
        """Ask the store nothing more."""
        for asked in (self.writable, self.stopped, self.alive, self._counted):
            asked.close()

    async def figures(self) -> list[Figure]:
        """Every sample; without those of the rows while the store cannot be read."""
        return [*await self._counted.get(), *self._load()]

    async def _count(self) -> list[Figure]:
        standing = await self._glance.get()
        return [*self._lags(standing), *_waiting(standing), *_by_state(await self._census.get())]

    def _load(self) -> list[Figure]:
        """What the writer says, which needs no reading."""
        load = self._store.load()
        return [
            Figure("sayso_write_queue", "Changes that wait to be written, or are being written.", load.waiting),
            *histogram("sayso_commit_seconds", "How long it took to run and commit a batch of changes.", load.commits),
        ]

    def _lags(self, standing: Standing) -> list[Figure]:
        now = self._clock.now()
        past = {
            "sayso_due_lag_seconds": ("How late the earliest due step of an open request is.", standing.due),
            "sayso_deadline_overdue_seconds": (
                "How long the soonest deadline of an open request is past: its chain is stale.",
                standing.deadline,
            ),
            "sayso_oldest_open_seconds": ("Age of the oldest open request.", standing.oldest),
            "sayso_effects_overdue_seconds": ("How late the earliest effect still to be done is.", standing.effect_due),
        }
        return [
            Figure(name, about, max(0.0, (now - at).total_seconds()) if at is not None else 0.0)
            for name, (about, at) in past.items()
        ]


def _waiting(standing: Standing) -> list[Figure]:
    effects = standing.effects
    return [
        Figure("sayso_effects", "Effects that wait to be done, in all.", sum(effects.values())),
        *[
            Figure("sayso_effects_waiting", "Effects that wait to be done, by kind.", count, {"kind": kind})
            for kind, count in sorted(effects.items())
        ],
        Figure("sayso_sessions", "Browsers that are signed in.", standing.sessions),
    ]


def _by_state(census: Census) -> list[Figure]:
    is_open, has_ended = "Open requests, by state.", "Requests that ended, by state, whenever that was."
    troubled = "Executions by state, without those that went well."
    counted, runs = census.requests, census.executions
    return [
        *[Figure("sayso_requests_open", is_open, counted.get(s, 0), {"state": s}) for s in State if s.open],
        *[
            Figure("sayso_requests_ended_total", has_ended, counted.get(s, 0), {"state": s}, "counter")
            for s in State
            if not s.open
        ],
        *[
            Figure("sayso_executions", troubled, runs.get(s, 0), {"state": s})
            for s in ExecutionState
            if s is not ExecutionState.EXECUTED
        ],
    ]
