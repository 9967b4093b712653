"""Puts the newest checkpoint at one place, however long that takes; nothing else waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from bot.checkpoints.place import Place, PlaceFailed
from bot.core.checkpoint import Signed

_log = logging.getLogger(__name__)

PAUSES = (1.0, 5.0, 15.0, 60.0, 300.0, 600.0)
"""Seconds between attempts; the last goes on for ever."""


class Placing:
    """One place, what is there of ours, and why the newest is not. A place that was away gets the newest alone.

    The newest pins every line that older ones pin, so nothing has to gather while a place is away.
    """

    def __init__(self, place: Place, pauses: Sequence[float] = PAUSES) -> None:
        self.place = place
        self.placed: Signed | None = None
        self.fault: str | None = None
        self.failures = 0
        self._pauses = pauses
        self._newest: Signed | None = None
        self._told = asyncio.Event()

    def give(self, signed: Signed) -> None:
        """A checkpoint that is committed."""
        if self._newest is None or signed.checkpoint.seq >= self._newest.checkpoint.seq:
            self._newest = signed
            self._told.set()

    async def run(self) -> None:
        """Put what is given, until cancelled."""
        failed = 0
        while True:
            await self._told.wait()
            self._told.clear()
            signed = self._newest
            if signed is None or await self._put(signed):
                failed = 0
                continue
            pause = self._pauses[min(failed, len(self._pauses) - 1)]
            failed += 1
            # Only the pause makes it due again: a newer one is taken along, and is no reason to try sooner.
            await asyncio.sleep(pause)
            self._told.set()

    async def _put(self, signed: Signed) -> bool:
        try:
            async with asyncio.timeout(_LONGEST):
                await self.place.put(signed)
        except (PlaceFailed, TimeoutError) as problem:
            self._failed(str(problem) or f"no answer within {_LONGEST:g} s")
            return False
        except Exception as problem:  # noqa: BLE001  # a place that fails in a new way is tried on like any other
            _log.exception("a checkpoint could not be put at %s", self.place.name)
            self._failed(f"{type(problem).__name__}: {problem}")
            return False
        if self.fault is not None:
            _log.info("checkpoints reach %s again", self.place.name)
        self.placed, self.fault = signed, None
        return True

    def _failed(self, fault: str) -> None:
        self.failures += 1
        if fault != self.fault:
            _log.warning("a checkpoint does not reach %s, and is tried on: %s", self.place.name, fault)
        self.fault = fault


_LONGEST = 30.0
"""Seconds for one attempt, whatever the place itself allows."""
