"""Hearing of what other replicas commit: one connection that listens, opened anew whenever it is lost.

A word lost with the connection is no loss: whoever listens looks for himself now and then, and at once when the
connection stands again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from store import postgres
from store.postgres_door import TROUBLES

log = logging.getLogger(__name__)

CHANNEL = "sayso"
"""What NOTIFY and LISTEN name."""

_AGAIN = 1.0
"""Seconds between tries to connect."""

_TOLD_EVERY = 60.0
"""Seconds between lines of the log about words of strangers."""

_LOOKED_AFTER = 5.0
"""Seconds between looks at whether the connection still answers: one that was cut off without a word says nothing."""


def word(replica: str, told: set[str]) -> str:
    """What `NOTIFY` says: who committed something, and to which replicas it left something to do."""
    return json.dumps({"from": replica, "for": sorted(told)}, separators=(",", ":"))


class Ears:
    """Listens until `close`."""

    def __init__(self, engine: AsyncEngine, replica: str, heard: Callable[[bool], None]) -> None:
        """``heard``: see `bot.core.ports.ReplicaStore.attend`."""
        self._engine = engine
        self._replica = replica
        self._heard = heard
        self._told_after = 0.0
        self._deaf = False
        """Whether it was said that nothing is heard."""
        self._task = asyncio.get_running_loop().create_task(self._listen())

    async def close(self) -> None:
        """Listen no more."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _listen(self) -> None:
        while True:
            try:
                await self._attend()
            except (*TROUBLES, SQLAlchemyError) as error:
                if not self._deaf:
                    log.warning("changes of other replicas are not heard of, only looked for: %s", error)
                self._deaf = True
            except Exception:  # whatever it was, what others leave to this replica is heard of here
                log.exception("changes of other replicas are not heard of, only looked for")
            await asyncio.sleep(_AGAIN)

    async def _attend(self) -> None:
        connection = await self._engine.connect()
        try:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.add_listener(CHANNEL, self._hear)
            self._deaf = False
            self._heard(True)  # noqa: FBT003 - as of a word
            while True:
                await asyncio.sleep(_LOOKED_AFTER)
                await driver.execute("SELECT 1", timeout=_LOOKED_AFTER)
        finally:
            await asyncio.shield(postgres.drop(connection))

    def _hear(self, _connection: Any, _server: int, _channel: str, said: str) -> None:
        try:
            told = json.loads(said)
            if told["from"] != self._replica:
                self._heard(self._replica in told["for"])
        except (ValueError, TypeError, KeyError, RecursionError):
            # Whoever may connect to the database may say anything here, as often as they like.
            if time.monotonic() >= self._told_after:
                self._told_after = time.monotonic() + _TOLD_EVERY
                log.warning("something on the channel %s that is not ours", CHANNEL)
