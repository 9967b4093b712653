"""Switches, inside a write: whose replays are stopped. See `store.queries.PAUSE` for how they stand."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from bot.core.model import Event
from bot.core.ports import Stopped
from store import queries
from store.cursor import Cursor

if TYPE_CHECKING:
    from store.statements import Statements


class SwitchesTx(ABC):
    """See `bot.core.ports.Tx`."""

    _cursor: Cursor
    _say: Statements

    @abstractmethod
    def append(self, event: Event) -> None:
        """See `Tx.append`."""

    def paused(self, agent: str | None = None, action: str | None = None) -> bool:
        """See `Tx.paused`."""
        return queries.paused(self._cursor, agent, action)

    def stopped(self) -> Stopped:
        """See `Tx.stopped`."""
        return queries.stopped(self._cursor)

    def pause(self, *, on: bool, event: Event, agent: str | None = None, action: str | None = None) -> None:
        """See `Tx.pause`."""
        stands = queries.pausing(self._cursor)
        named = [before + name for before, name in ((queries.AGENT, agent), (queries.ACTION, action)) if name]
        for name in named:
            self._switch(name, int(on))
        if named:
            some = queries.stopped(self._cursor) if stands & queries.NAMED else None
            on = on or (some is not None and bool(some.agents or some.actions))
        bit = queries.NAMED if named else queries.ALL
        self._switch(queries.PAUSE, stands | bit if on else stands & ~bit)
        self.append(event)

    def touch(self) -> None:
        """Write a row, which is what `Store.writable` tries; a new value, for SQLite leaves an equal one unwritten.

        Where somebody has locked the requests, in PostgreSQL, everything else can be written, and it is of no use.
        """
        self._cursor.change(self._say.touch_requests)
        self._switch(queries.TOUCHED, time.time_ns())

    def _switch(self, name: str, position: int) -> None:
        self._cursor.change(self._say.put_switch, {"name": name, "position": position})
