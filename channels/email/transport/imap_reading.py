"""The thread that reads a mailbox: connects, catches up, waits for news, and comes back whatever happens."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import random
import threading
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from msgspec import Struct

from bot.core.errors import Overloaded, Unavailable
from bot.core.ports import Cursor
from bot.core.servers import Server
from channels.email.transport.imap_connection import ImapConnection, ImapFailed, Unfetchable, mailbox_name, told
from channels.email.transport.imap_owed import AGAIN, Owed

_log = logging.getLogger(__name__)

_IDLE_FOR = 120.0
"""RFC 2177 asks for less than 29 minutes; a network that forgets us without a word is noticed by this too."""
POLL_EVERY = 15.0
_FIRST_LOOK = timedelta(days=2)
_LOOK_BACK = timedelta(days=32)
"""After a change of UIDVALIDITY: longer than a request lives, and receipts know what was read before."""
_AGAIN_FROM, _AGAIN_MOST, _SETTLED_AGAIN = 1.0, 60.0, 60.0
_STEADY = 10.0
"""A connection that lasted so long was a good one, and the next is made soon."""
_TRIES = 3
_TRIES_AFTER = 0.5
_CUTS = 10
"""How often a connection may end over one letter. More than `_TRIES`, since it may be the network's doing."""
_STORE_AGAIN_FROM, _STORE_AGAIN_MOST = 0.5, 30.0

T = TypeVar("T")


class Calls(Struct, frozen=True, kw_only=True):
    """What the thread has done on the event loop: a letter taken, the cursor asked for, the cursor moved."""

    take: Callable[[bytes, int], Awaitable[None]]
    cursor: Callable[[], Awaitable[Cursor | None]]
    moved: Callable[[Cursor], Awaitable[None]]


class _Stopped(Exception):
    """The thread is to end."""


class Reading:
    """One run of the thread, from `start` to `stop`; ``fault`` is what is wrong right now.

    ``tried`` is set once the first attempt to open the folder has ended, ``ended`` once all of it is over.
    ``busy_since`` is when it began to wait for the server, by the monotonic clock.
    """

    def __init__(self, server: Server, calls: Calls, loop: asyncio.AbstractEventLoop) -> None:
        """Nothing runs yet. ``loop`` is the running one."""
        self._server, self._calls, self._loop = server, calls, loop
        self._name = mailbox_name(server)
        self._stopping = threading.Event()
        self._connection: ImapConnection | None = None
        self._asked: concurrent.futures.Future[Any] | None = None
        self._broken: Counter[tuple[int, int]] = Counter()
        self._owed = Owed()
        self.fault: str | None = "connecting"
        self.busy_since: float | None = None
        self.tried = asyncio.Event()
        self.ended = asyncio.Event()

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._run, name=f"imap {self._name}", daemon=True).start()

    def stop(self) -> None:
        """Say that it is to end, and wake it from any wait for the server. From the event loop."""
        self._stopping.set()
        self.abort()

    def abort(self) -> None:
        """End the connection that there is; another one follows."""
        if self._connection is not None:
            self._connection.abort()

    def give_up(self) -> None:
        """Take back what it has asked of the event loop and still waits for."""
        if self._asked is not None:
            self._asked.cancel()

    def _run(self) -> None:
        try:
            self._read_on()
        except _Stopped:
            pass
        finally:
            self._tell(self.tried)
            self._tell(self.ended)

    def _tell(self, event: asyncio.Event) -> None:
        # The loop may be gone by now.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(event.set)

    def _read_on(self) -> None:
        again = _AGAIN_FROM
        while not self._stopping.is_set():
            began = time.monotonic()
            connection = self._connection = ImapConnection(self._server)
            try:
                self._read(connection)
            except _Stopped:
                raise
            except Exception as fault:  # noqa: BLE001  # a server that lies breaks the libraries in ways they do not name
                self.fault = told(fault)
                self._tell(self.tried)
                if time.monotonic() - began > _STEADY:
                    again = _AGAIN_FROM
                settled = isinstance(fault, ImapFailed) and fault.settled
                wait = max(again, _SETTLED_AGAIN) if settled else again
                again = min(again * 2, _AGAIN_MOST)
                self._pause(wait * random.uniform(0.75, 1.0))  # noqa: S311  # so that not all come back at once
            finally:
                self.busy_since = None
                connection.close()

    def _pause(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise _Stopped

    def _read(self, connection: ImapConnection) -> None:
        self.busy_since = time.monotonic()
        connection.open()
        self.fault = None
        self._tell(self.tried)
        at = self._news(connection, self._catch_up(connection))
        while not self._stopping.is_set():
            self.busy_since = None
            owed = self._owed.uids(connection.validity)
            if connection.idles:
                connection.idle(AGAIN if owed else _IDLE_FOR)
            else:
                self._pause(POLL_EVERY)
                connection.noop()
            self.busy_since = time.monotonic()
            at = self._news(connection, at)
            self._handle(connection, owed, 0)
        raise _Stopped

    def _news(self, connection: ImapConnection, at: int) -> int:
        """Read until nothing is new: what arrived while a letter was handled was told then, and is not told again."""
        while uids := connection.after(at):
            at = self._handle(connection, uids, at)
        return at

    def _catch_up(self, connection: ImapConnection) -> int:
        """Read everything that came since the cursor was moved; the UID up to which all is read."""
        known = self._ask(self._calls.cursor)
        if known is not None and known.validity == connection.validity:
            return self._handle(connection, connection.after(known.uid), known.uid)
        # Before the search, so that what comes meanwhile is behind it.
        last = connection.next_uid - 1 if connection.next_uid else max(connection.all(), default=0)
        today = datetime.now(UTC)
        found = connection.since((today - (_FIRST_LOOK if known is None else _LOOK_BACK)).date())
        at = self._handle(connection, found, 0)
        if last > at:
            self._move(connection, last)
        return max(last, at)

    def _handle(self, connection: ImapConnection, uids: list[int], at: int) -> int:
        for uid in uids:
            if self._stopping.is_set():
                raise _Stopped
            which = (connection.validity, uid)
            at = uid
            if self._owed.knows(which):
                continue
            self.busy_since = time.monotonic()
            fetched = self._fetch(connection, uid)
            # The server is not waited for here, and the store may take its time.
            self.busy_since = None
            if fetched is not None:
                self._hand_over(uid, *fetched)
                self._owed.settled(which)
            self._move(connection, uid)
            self.busy_since = time.monotonic()
            if fetched is not None:
                connection.mark_seen(uid)
        return at

    def _fetch(self, connection: ImapConnection, uid: int) -> tuple[bytes, int] | None:
        """A letter; None where it is gone, or where the server was asked often enough for it, for now or for good."""
        which = (connection.validity, uid)
        try:
            found = connection.fetch(uid)
        except Exception as fault:
            if self._stopping.is_set():
                raise _Stopped from None
            self._broken[which] += 1
            most = _TRIES if isinstance(fault, Unfetchable) else _CUTS
            if self._broken[which] < most:
                raise
            if isinstance(fault, Unfetchable) and self._owed.later(which):
                _log.warning("%s: letter %d is not given for now, and asked for again later", self._name, uid)
                return None
            self._owed.settled(which)
            _log.error("%s: letter %d is passed over, the server does not give it", self._name, uid)
            if isinstance(fault, Unfetchable):
                return None
            # The connection is gone with it; the next one begins behind this letter.
            self._move(connection, uid)
            raise
        if found is None:
            self._owed.settled(which)
        return found

    def _hand_over(self, uid: int, raw: bytes, size: int) -> None:
        again = 0
        while True:
            try:
                self._ask(lambda: self._calls.take(raw, size))
            except _Stopped:
                raise
            except Exception as fault:  # noqa: BLE001  # one bad letter must not end the reading of all others
                again += 1
                where = traceback.extract_tb(fault.__traceback__)[-1]
                # Not the text of it, which may be the letter's.
                _log.error(
                    "%s: letter %d failed, time %d: %s at %s:%s",
                    self._name, uid, again, type(fault).__name__, where.name, where.lineno,
                )  # fmt: skip
                if again >= _TRIES:
                    return
                self._pause(_TRIES_AFTER)
            else:
                return

    def _move(self, connection: ImapConnection, uid: int) -> None:
        at = self._owed.cursor(connection.validity, uid)
        cursor = Cursor(mailbox=self._name, validity=connection.validity, uid=at)
        self._ask(lambda: self._calls.moved(cursor), to_the_end=True)

    def _ask(self, what: Callable[[], Awaitable[T]], *, to_the_end: bool = False) -> T:
        """Have something done on the event loop; again and again while the store is unavailable or has too much to do.

        ``to_the_end``: it is begun, though not repeated, while everything is being stopped.
        """
        again = _STORE_AGAIN_FROM
        before = self.fault
        while True:
            if self._stopping.is_set() and not to_the_end:
                raise _Stopped
            work = _awaited(what)
            try:
                self._asked = asyncio.run_coroutine_threadsafe(work, self._loop)
            except RuntimeError:
                work.close()
                raise _Stopped from None
            try:
                done: T = self._asked.result()
            except (Unavailable, Overloaded):
                self.fault = "letters wait, since the store cannot be written"
                self._pause(again)
                again = min(again * 2, _STORE_AGAIN_MOST)
            except concurrent.futures.CancelledError:
                if self._stopping.is_set():
                    raise _Stopped from None
                raise ImapFailed("what takes letters was cancelled") from None
            else:
                self.fault = before
                return done


def _awaited(what: Callable[[], Awaitable[T]]) -> Coroutine[Any, Any, T]:
    async def done() -> T:
        return await what()

    return done()
