"""Verifies the trail while the bot runs, and signs how far it holds; nothing is signed that was not verified before.

Each checkpoint is on the trail itself, so an export can be verified by whoever knows a key; and the newest is kept
aside, where verifying takes up again after a restart. What was verified before is gone through again and again, slowly,
for somebody may change an old line.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec

from bot.checkpoints.placing import Placing
from bot.checkpoints.walk import UNHURRIED, Walk
from bot.core.chain import START, ChainReport
from bot.core.checkpoint import EVENT, Signed, SigningKey, document, genuine, read, sign, text
from bot.core.errors import SaysoError
from bot.core.model import Event
from bot.core.ports import Clock, Store, Tx

_log = logging.getLogger(__name__)

KEPT = "audit.checkpoint"
"""Under which name the store keeps the newest."""

LOOKS_EVERY = timedelta(seconds=60)
PATROL = 1000
"""Lines that were verified before and are verified again at each look: a million and a half a day."""

OVERDUE = timedelta(minutes=15)
"""So long after a checkpoint was due and not made, somebody should look."""


class Notary:
    """One house's trail. Without keys it verifies and signs nothing."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        keys: tuple[SigningKey, ...] = (),
        house: str = "",
        every: timedelta = timedelta(hours=1),
        placings: Sequence[Placing] = (),
        pause: float = UNHURRIED,
    ) -> None:
        """``every`` is how often to sign; ``pause`` as in `Walk`."""
        self.keys = keys
        self.every = every
        self.placings = tuple(placings)
        self.signed: Signed | None = None
        self._store = store
        self._clock = clock
        self._house = house
        self._pause = pause
        self._stands: str | None = None
        self._walk: Walk | None = None
        self._patrol = Walk(store, pause=pause)
        self._well_at = clock.now()
        self._told = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def report(self) -> ChainReport:
        """How far the trail was verified, and what is wrong with it."""
        if not self._patrol.report.ok:
            return self._patrol.report
        return START if self._walk is None else self._walk.report

    def overdue(self) -> str | None:
        """For how long a checkpoint has been due and was not made, in words; None where all is well."""
        late = self._clock.now() - self._well_at
        if not self.keys or late <= OVERDUE:
            return None
        return f"a checkpoint has been due for {late // timedelta(minutes=1)} minutes"

    def start(self) -> None:
        """Look at once, and every minute from then on; put checkpoints where they belong."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(placing.run()) for placing in self.placings]
        self._tasks.append(loop.create_task(self._run()))

    async def stop(self) -> None:
        """Look no more; what was not placed is placed after the next start."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except SaysoError as problem:
                _log.warning("the audit trail could not be looked at, and will be again: %s", problem)
            except Exception:  # noqa: BLE001  # whatever it is, the alarm for a forged trail may not end with it
                _log.exception("the audit trail could not be looked at; the next look tries again")
            await asyncio.sleep(min(LOOKS_EVERY, self.every).total_seconds())

    async def look(self) -> None:
        """Verify what is new and some of what is old; sign where that is due."""
        await self.verify()
        if self.report.ok:
            await self._patrol_on()
        if not self.report.ok:
            if not self._told:
                _log.error("%s", self.report.text())
            self._told = True
            return
        if not self.keys or not await self._due() or await self.make(by="sayso", via="scheduler"):
            self._well_at = self._clock.now()

    async def verify(self) -> ChainReport:
        """Verify from the newest checkpoint of ours on (without one: everything), or from where this ended last."""
        if self._walk is None:
            self._take(await self._store.write(_standing))
            self._walk = Walk(self._store, _since(self.signed), pause=self._pause)
        await self._walk.to_the_head()
        return self.report

    async def _patrol_on(self) -> None:
        if self._walk is None:
            return
        front = self._walk.report
        await self._patrol.to(front.seq, front.hash, most=PATROL)
        if self._patrol.report.ok and self._patrol.report.seq >= front.seq:
            self._patrol = Walk(self._store, pause=self._pause)

    def _take(self, stands: str | None) -> None:
        """What the store keeps; it counts only where one of our keys signed it, for the store may be forged."""
        self._stands = stands
        if stands is None:
            return
        try:
            signed = read(stands)
        except msgspec.DecodeError:
            signed = None
        ours = {key.public for key in self.keys}
        if signed is None or not genuine(signed) or not ours & set(signed.checkpoint.keys):
            if self.keys:
                _log.warning(
                    "no key of SAYSO_AUDIT_KEY signed the newest checkpoint: the next one will be of a stranger to"
                    " whoever trusts the key before; put that behind the new one, separated by a comma"
                )
            return
        self.signed = signed
        for placing in self.placings:
            placing.give(signed)

    async def _due(self) -> bool:
        """Whether lines were added since the newest and it is time; or keys were changed, which is told at once."""
        if self.signed is None:
            return self.report.seq > 0
        if self._rotated() or abs(self._clock.now() - self.signed.checkpoint.at) >= self.every:
            return await self.anything_new()
        return False

    def _rotated(self) -> bool:
        return self.signed is not None and self.signed.checkpoint.keys != tuple(key.public for key in self.keys)

    async def anything_new(self) -> bool:
        """Whether lines but checkpoints were added since the newest, or keys changed: whether to sign by hand."""
        if self._rotated():
            return True
        after = 0 if self.signed is None else self.signed.checkpoint.seq
        lines = await self._store.audit_lines(after, 3)
        return any(not line.body.startswith(f'{{"seq":{line.seq},"type":"{EVENT}",') for line in lines)

    async def make(self, *, by: str, via: str) -> bool:
        """Sign how far the trail was verified, on the trail; False where another process was quicker.

        ``by`` and ``via`` are who asked for it, as the trail tells it.
        """
        report, at = self.report, self._clock.now()
        signed = sign(
            keys=self.keys,
            house=self._house,
            seq=report.seq,
            digest=report.hash,
            at=at,
            every=round(self.every.total_seconds()),
        )
        stands = await self._store.write(_putting(signed, self._stands, at=at, by=by, via=via))
        self._take(stands)
        return stands == text(signed)


def _standing(tx: Tx) -> str | None:
    return tx.kept(KEPT)


def _putting(signed: Signed, expected: str | None, *, at: datetime, by: str, via: str) -> Callable[[Tx], str | None]:
    """The unit of work that puts a checkpoint on the trail where the newest is still the expected one."""

    def work(tx: Tx) -> str | None:
        stands = tx.kept(KEPT)
        if stands != expected:
            return stands
        tx.append(Event(type=EVENT, at=at, actor=by, via=via, data=document(signed)))
        tx.keep_newer(KEPT, text(signed))
        return text(signed)

    return work


def _since(signed: Signed | None) -> ChainReport:
    if signed is None:
        return START
    checkpoint = signed.checkpoint
    return ChainReport(lines=checkpoint.seq, seq=checkpoint.seq, hash=checkpoint.hash)
