"""The switch that stops and starts all replays at once; every claim reads it in its own transaction."""

from __future__ import annotations

from bot.core.model import Event
from bot.core.ports import Tx
from bot.desk.ledger import Ledger


async def pause(ledger: Ledger, *, on: bool, by: str, via: str) -> bool:
    """Stop or start all replays; whether that changed anything. What is already running is not torn down."""

    def work(tx: Tx) -> bool:
        if tx.paused() is on:
            return False
        kind = "replays.paused" if on else "replays.resumed"
        tx.pause(on=on, event=Event(type=kind, at=ledger.clock.now(), actor=by, via=via))
        return True

    return await ledger.store.write(work)
