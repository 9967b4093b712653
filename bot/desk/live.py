"""Who looks at the inbox now: told of each committed change in this process, so that nobody polls the store."""

from __future__ import annotations

import asyncio
from collections import Counter

from msgspec import Struct

from bot.core.errors import Overloaded
from bot.core.model import Request

_MOST_EACH = 24
"""Open pages of one person; browsers allow six a site over HTTP/1.1, so that is four browsers."""

_MOST = 4000
_MOST_KEPT = 256
"""Changes that wait for one page; a page that is behind by more is told to look anew."""


class Moved(Struct, frozen=True):
    """A request changed. ``mine``: the watcher is, was or will be asked about it."""

    request: str
    mine: bool


class Watch:
    """One open page. `next` gives what changed since it was asked last, each request once."""

    def __init__(self, person: str, session: str) -> None:
        self.person = person
        self.session = session
        self._moved: dict[str, Moved] = {}
        self._behind = False
        self._rung = asyncio.Event()
        self.over = False

    def tell(self, moved: Moved) -> None:
        """Keep a change until the page takes it."""
        if len(self._moved) >= _MOST_KEPT:
            self._behind = True
        else:
            self._moved[moved.request] = moved
        self._rung.set()

    def end(self) -> None:
        """Let the page go: its session ended, or the house closes."""
        self.over = True
        self._rung.set()

    async def next(self, within: float) -> tuple[Moved, ...] | None:
        """What changed, waiting up to so many seconds for it; None: too much, so look at everything anew."""
        try:
            await asyncio.wait_for(self._rung.wait(), within)
        except TimeoutError:
            return ()
        self._rung.clear()
        moved, behind = tuple(self._moved.values()), self._behind
        self._moved, self._behind = {}, False
        return None if behind else moved


class Live:
    """The open pages of this process."""

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._each: Counter[str] = Counter()

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
        """A request changed, and that is committed."""
        if not self._watches:
            return
        concerned = {person for stage in request.route.stages for step in stage.steps for person in step.people}
        concerned |= {decision.by for decision in request.decisions}
        for watch in self._watches:
            watch.tell(Moved(request.id, watch.person in concerned))

    def end(self, sessions: frozenset[str] | None = None) -> None:
        """Let the pages of these sessions go (None: all)."""
        for watch in tuple(self._watches):
            if sessions is None or watch.session in sessions:
                watch.end()
