"""Verifies a store's trail piece by piece, so slowly that nothing waits for it."""

from __future__ import annotations

import asyncio
import time

from msgspec.structs import replace

from bot.core.chain import START, ChainReport, conclude, verify
from bot.core.ports import Store

_PIECE = 200
"""Lines at once: about a millisecond of the event loop."""

UNHURRIED = 9.0
"""Pauses are this many times as long as the work was, so a tenth of one core at most is spent on it."""


class Walk:
    """How far the trail was verified, from ``since`` on. A fault stays."""

    def __init__(self, store: Store, since: ChainReport = START, *, pause: float = UNHURRIED) -> None:
        """``pause`` is how many times as long as it works it rests."""
        self._store = store
        self._pause = pause
        self.report = since

    async def to_the_head(self) -> None:
        """Verify what was added since, up to the newest line as it is now."""
        seq, digest = await self._store.audit_head()
        if seq < self.report.seq:
            self._broken(f"lines {seq + 1} to {self.report.seq} were cut off.")
        elif seq == self.report.seq and digest != self.report.hash:
            self._broken(f"line {seq} is not the one whose hash was kept: it or an earlier line was rewritten.")
        else:
            await self.to(seq, digest)

    async def to(self, seq: int, digest: str, *, most: int | None = None) -> None:
        """Verify up to line ``seq``, which has to have this hash; at most so many lines."""
        end = seq if most is None else min(seq, self.report.seq + most)
        known = {seq: digest}
        while self.report.ok and self.report.seq < end:
            lines = await self._store.audit_lines(self.report.seq, min(_PIECE, end - self.report.seq))
            if not lines:
                self.report = conclude(self.report, known)
                return
            began = time.perf_counter()
            self.report = verify(lines, since=self.report, known=known)
            await asyncio.sleep((time.perf_counter() - began) * self._pause)

    def _broken(self, fault: str) -> None:
        if self.report.ok:
            self.report = replace(self.report, ok=False, fault=fault)
