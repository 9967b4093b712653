"""A number of places, taken in turn: whoever finds none waits in a line of their own, and the lines are served in turn.

So one that runs wild waits behind itself. What does not fit into its line is told at once to come again, and when.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, deque

from bot.core.errors import Overloaded

AT_A_TIME = 4
"""Calls let in between two looks of the loop at its sockets: a body of 256 KiB takes milliseconds to parse."""

_Turn = tuple[asyncio.Future[None], int]
"""Whoever waits, and how many places they need."""

_LONGEST = 60
"""Seconds; the most that anybody is told to stay away."""

_LOOKS_BACK = 5.0


class Slot:
    """Places of a line; given back once, whether early or at the end."""

    __slots__ = ("_agent", "_line", "_places")

    def __init__(self, line: Line, agent: str, places: int) -> None:
        self._line = line
        self._agent = agent
        self._places = places

    def leave(self) -> None:
        """Make room for the next."""
        if self._places:
            self._line.left(self._agent, self._places)
            self._places = 0


class Line:
    """Places of one kind, and who waits for them. Lives in one event loop.

    ``most`` places, ``in_line`` calls that wait for one; ``refused`` counts whom it turned away, by why: ``agent`` (its
    own line was full), ``house`` (all were). Where ``shared``, nobody may hold more places than are free beside theirs
    (Choudhury and Hahne, *Dynamic Queue Length Thresholds*, 1998): one takes half of them at most, two a third each, so
    that there is always room for one more who has none.
    """

    def __init__(self, most: int, in_line: int, refused: Counter[str], *, shared: bool = False) -> None:
        self._most = most
        self._most_in_line = in_line
        self._refused = refused
        self._shared = shared
        self.inside = 0
        self.waiting = 0
        self._lines: OrderedDict[str, deque[_Turn]] = OrderedDict()
        self._holds: Counter[str] = Counter()
        self._letting_in = False
        self._done = 0
        self._since = time.monotonic()
        self._rate = 0.0

    async def enter(self, agent: str, places: int = 1) -> Slot:
        """Take so many places, in turn. Raises `Overloaded` where the line is full, the agent's own or that of all."""
        if not self.waiting and self._room(places) and self._may(agent, places):
            self._take(agent, places)
        else:
            await self._queue(agent, places)
        return Slot(self, agent, places)

    def _room(self, places: int) -> bool:
        """Whether so many are free. However many somebody needs, they come in alone."""
        return self.inside + places <= self._most or not self.inside

    def _may(self, agent: str, places: int) -> bool:
        """Whether somebody may hold so many more; who has none may hold what they need."""
        if not self._shared or not (held := self._holds[agent]):
            return True
        return held + places <= self._most - self.inside - places

    def _take(self, agent: str, places: int) -> None:
        self.inside += places
        if self._shared:
            self._holds[agent] += places

    async def _queue(self, agent: str, places: int) -> None:
        line = self._lines.get(agent)
        lines = len(self._lines) + (line is None)
        # The last quarter is kept for who has no share yet: a line that is full keeps nobody else out.
        share = max(1, self._most_in_line // lines if lines > 1 else self._most_in_line * 3 // 4)
        if line is not None and len(line) >= share:
            raise self._overloaded("agent", f"{agent} has {len(line)} calls waiting already; nothing was changed.")
        if self.waiting >= self._most_in_line and line is not None:
            raise self._overloaded("house", "Too many calls wait already; nothing was changed.")
        if self.waiting >= 2 * self._most_in_line:
            raise self._overloaded("house", "Too many calls wait already; nothing was changed.")
        if line is None:
            line = self._lines[agent] = deque()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append((turn, places))
        self.waiting += 1
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                Slot(self, agent, places).leave()
            raise

    def _overloaded(self, why: str, detail: str) -> Overloaded:
        self._refused[why] += 1
        return Overloaded(f"{detail} Try again later.", retry_after=self.retry_after())

    def retry_after(self) -> float:
        """Seconds until what waits now is through, by the rate of the last seconds."""
        return min(_LONGEST, max(1.0, self.waiting / self._rate)) if self._rate else 1.0

    def left(self, agent: str, places: int) -> None:
        """So many that an agent had are free."""
        self.inside -= places
        if self._shared:
            self._holds[agent] -= places
            if not self._holds[agent]:
                del self._holds[agent]
        self._done += 1
        now = time.monotonic()
        if now - self._since >= 1:
            fresh = self._done / (now - self._since)
            # Of after a pause nothing is known of before it.
            old = self._rate if now - self._since < _LOOKS_BACK else fresh
            self._rate = (old + fresh) / 2 if old else fresh
            self._done, self._since = 0, now
        self._let_in()

    def _let_in(self) -> None:
        if self.waiting and not self._letting_in:
            self._letting_in = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        """Let a few in, one agent after the other, then let the loop look at its sockets."""
        self._letting_in = False
        for _ in range(AT_A_TIME):
            while (agent := self._first()) is not None:
                turn, places = self._turn(agent)
                if not turn.done():
                    self._take(agent, places)
                    turn.set_result(None)
                    break
        if self._first() is not None:
            self._let_in()

    def _first(self) -> str | None:
        """Whose turn it is, where there is room for them; only who holds too much already is overtaken."""
        for agent, line in self._lines.items():
            places = line[0][1]
            if self._may(agent, places):
                return agent if self._room(places) else None
        return None

    def _turn(self, agent: str) -> _Turn:
        """The first of an agent's line, which goes behind the others, or away where nobody is left in it."""
        line = self._lines.pop(agent)
        turn = line.popleft()
        self.waiting -= 1
        if line:
            self._lines[agent] = line
        return turn
