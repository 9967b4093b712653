"""The routing.yaml in force: loaded at start, loaded again when the file changes, and never replaced by a bad one."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from datetime import datetime
from pathlib import Path
from time import sleep

from bot.checkpoints.threads import in_thread
from bot.core.model import Event
from bot.core.policy import Policy
from bot.core.ports import Clock, Store
from bot.routing import load

_log = logging.getLogger(__name__)
_REASON = 2000
_WITHIN = 5.0
"""Seconds that a reading keeps the tick waiting; a disk may hang for good."""
_QUIET = 0.2
"""Seconds for which a file has to stay as it is before it is read: half of one may be whole rules, and laxer ones."""


class Rules:
    """Holds the policy in force; `look` finds out whether the file says something else by now.

    ``loads`` counts how often the file was read and is in force, ``refusals`` how often it was not good;
    ``loaded_at`` is when it was last read and good.
    """

    def __init__(self, path: Path, policy: Policy, *, store: Store, clock: Clock) -> None:
        """``policy`` is what ``path`` held a moment ago."""
        self._path = path
        self._policy = policy
        self._store = store
        self._clock = clock
        self._seen = _stamp(path)
        # A moment ago it may have held something else, of which the stamp says nothing.
        self._told_to = not _holds(path, policy)
        self._reading: tuple[asyncio.Task[Policy], tuple[int, ...]] | None = None
        """A reading that has not come back, and what told the file from others as it began."""
        self._fault: str | None = None
        self.loads = 0
        self.loaded_at: datetime | None = None
        self.refusals = 0

    def current(self) -> Policy:
        """The policy in force."""
        return self._policy

    def fault(self) -> str | None:
        """Why the file as it is now is not in force, or None."""
        return self._fault

    async def begin(self) -> None:
        """Put on record which rules are in force from now on."""
        await self._note("config.loaded", policy=self._policy.hash)
        self._in_force()

    def reload(self) -> None:
        """Let the next look read the file though it seems unchanged, as whoever sends SIGHUP wishes."""
        self._told_to = True

    async def look(self) -> None:
        """Load the file if it changed. A bad one is refused aloud, and the last good one stays in force (T26).

        What comes of it is put on record first: while the store cannot be written nothing changes, and the next
        look tries again. A file whose disk hangs is no better, and keeps nobody waiting for it.
        """
        stamp = _stamp(self._path)
        if stamp == self._seen and not self._told_to:
            return
        # Before the reading: who says so while it is read means what the file holds by then.
        told, self._told_to = self._told_to, False
        try:
            await self._loaded(stamp)
        except BaseException:
            self._told_to, self._reading = self._told_to or told, None
            raise

    async def _loaded(self, stamp: tuple[int, ...]) -> None:
        reading = await self._read(stamp)
        if not reading.done():
            self._told_to = True
            return
        self._reading = None
        try:
            policy = reading.result()
        except Exception as problem:  # noqa: BLE001  # whatever a file does to the reader, it is not in force
            reason = str(problem) or type(problem).__name__
            self._fault = f"{self._path.name} was changed and is not in force: {reason}"
            _log.error("%s", self._fault)  # the person at fault needs the line, not our stack
            await self._note("config.refused", policy=self._policy.hash, reason=reason[:_REASON])
            self.refusals += 1
        else:
            # A file that was put back is told, too: the last that anybody heard is that it was refused.
            if policy.hash != self._policy.hash or self._fault is not None:
                await self._note("config.loaded", policy=policy.hash)
                _log.info("%s loaded: %s", self._path.name, policy.hash)
            self._policy, self._fault = policy, None
            self._in_force()
        self._seen = stamp

    async def _read(self, stamp: tuple[int, ...]) -> asyncio.Task[Policy]:
        """The reading of this file that is under way; of one that hangs that is said once."""
        known = self._reading
        # Another file may have been put in the place of one that hangs.
        fresh = known is None or known[1] != stamp
        if known is None or fresh:
            # A thread of its own: the program waits for asyncio's as it ends, and names are resolved in them.
            known = asyncio.get_running_loop().create_task(in_thread(lambda: _settled(self._path))), stamp
            self._reading = known
        task, _ = known
        await asyncio.wait({task}, timeout=_WITHIN if fresh else 0)
        if fresh and not task.done():
            self._fault = f"{self._path.name} was changed and is not in force: it was not read within {_WITHIN:g} s"
            _log.error("%s", self._fault)
        return task

    def _in_force(self) -> None:
        self.loads += 1
        self.loaded_at = self._clock.now()

    async def _note(self, kind: str, **data: str) -> None:
        event = Event(type=kind, at=self._clock.now(), actor="sayso", via="file", data=dict(data))
        await self._store.write(lambda tx: tx.append(event))


def _settled(path: Path) -> Policy:
    """What a file holds once nobody is at writing it; raises what is wrong with it."""
    stamp = _stamp(path)
    while True:
        sleep(_QUIET)
        before, stamp = stamp, _stamp(path)
        if stamp == before:
            return load(path)


def _holds(path: Path, policy: Policy) -> bool:
    try:
        return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest() == policy.hash
    except OSError:
        return False


def _stamp(path: Path) -> tuple[int, ...]:
    """What tells a changed file: times in ns, size, inode; zeros where it is gone.

    The time of its last change counts beside that of its content, or a file that may be read at last would not be.
    """
    try:
        stat = path.stat()
    except OSError:
        return (0, 0, 0, 0)
    return (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)
