"""Who looks at the inbox now: told of committed changes in this process, so that nobody polls the store.

What changes within a moment is told together, and of very much at once no more than that: on a busy day neither the
commits nor the pages may wait for five hundred lines being written about each request.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from msgspec import Struct

from bot.core.errors import Overloaded
from bot.core.model import Request

MOMENT = 0.1
"""Seconds for which changes are gathered before pages are told."""

MOST_TOLD = 32
"""Requests that a page is told of by name at one time; of more it hears that it is to look at everything anew."""

_MOST_EACH = 24
"""Open pages of one person; browsers allow six a site over HTTP/1.1, so that is four browsers."""

_MOST = 4000


class Moved(Struct, frozen=True):
    """A request changed (None: many did). ``mine``: the watcher is, was or will be asked about it, or one of them."""

    request: str | None
    mine: bool


class Watch:
    """One open page. `next` gives what changed since it was asked last, each request once."""

    def __init__(self, person: str, session: str) -> None:
        self.person = person
        self.session = session
        self._moved: dict[str | None, bool] = {}
        self._rung = asyncio.Event()
        self.over = False

    def tell(self, changed: dict[str, set[str]], everybody: set[str]) -> None:
        """Keep what changed, each with whom it concerns, until the page takes it; ``everybody`` is all of them."""
        if not changed:
            return
        if None in self._moved or len(changed) + len(self._moved) > MOST_TOLD:
            self._moved = {None: self.person in everybody or any(self._moved.values())}
        else:
            for request, concerned in changed.items():
                self._moved[request] = self.person in concerned or self._moved.get(request, False)
        self._rung.set()

    def end(self) -> None:
        """Let the page go: its session ended, or the house closes."""
        self.over = True
        self._rung.set()

    async def next(self, within: float) -> tuple[Moved, ...]:
        """What changed, waiting up to so many seconds for it; nothing where nothing did, or the page is let go."""
        try:
            # Not wait_for: on Python 3.11 that loses a cancellation which comes as the bell rings, and whoever hung up
            # would be told of changes for as long as a stream may last.
            async with asyncio.timeout(within):
                await self._rung.wait()
        except TimeoutError:
            return ()
        self._rung.clear()
        moved, self._moved = self._moved, {}
        return tuple(Moved(request, mine) for request, mine in moved.items())


class Live:
    """The open pages of this process."""

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._each: Counter[str] = Counter()
        self._changed: dict[str, set[str]] = {}

    @property
    def watching(self) -> int:
        """How many pages are open."""
        return len(self._watches)

    def watch(self, person: str, session: str) -> Watch:
        """Begin to watch; hand it back with `leave`. Raises `Overloaded` where a person or all together have enough."""
        if self._each[person] >= _MOST_EACH or len(self._watches) >= _MOST:
            raise Overloaded("Too many pages are open; this one is brought up to date less often.")
        watch = Watch(person, session)
        self._watches.add(watch)
        self._each[person] += 1
        return watch

    def leave(self, watch: Watch) -> None:
        """Stop watching."""
        if watch in self._watches:
            self._watches.discard(watch)
            self._each[watch.person] -= 1
            if not self._each[watch.person]:
                del self._each[watch.person]

    def tell(self, request: Request) -> None:
        """A request changed, and that is committed: within a `MOMENT` the pages hear of it."""
        if not self._watches:
            return
        if not self._changed:
            asyncio.get_running_loop().call_later(MOMENT, self._told)
        concerned = self._changed.setdefault(request.id, set())
        concerned.update(person for stage in request.route.stages for step in stage.steps for person in step.people)
        concerned.update(decision.by for decision in request.decisions)

    def _told(self) -> None:
        changed, self._changed = self._changed, {}
        everybody = {person for concerned in changed.values() for person in concerned}
        for watch in self._watches:
            watch.tell(changed, everybody)

    def end(self, sessions: frozenset[str] | None = None) -> None:
        """Let the pages of these sessions go (None: all)."""
        for watch in tuple(self._watches):
            if sessions is None or watch.session in sessions:
                watch.end()
