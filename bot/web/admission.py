"""Who may come in while everybody comes at once: agents wait in a short line, people never do (T13, P17).

Agents' calls go through a gate before their body is read. So many are inside at a time that the loop and the writer are
never more than some milliseconds from a click; the rest wait in a line an agent, which are served in turn, so that one
that runs wild waits behind itself. What does not fit into its line is told at once to come again, and when. Decisions,
the inbox, Slack, mail and health pass by the gate.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager

from bot.core.errors import Overloaded
from bot.web.house import Figure

INSIDE = 48
"""Agents' calls at work at a time. With fewer a commit has fewer to share its sync; with more a click waits longer."""

A_PLACE = 32 * 1024
"""Bytes of a body that go with one place; a larger one takes more of them. 48 bodies of 256 KiB in one transaction are
35 MB for the disk to sync, and a click would wait for it."""

TO_COME = 4
"""A quarter of the places, at most, is held by one agent's calls whose bodies have yet to come: whoever sends theirs
byte by byte has half a minute, and else six calls of one key would keep everybody out as long (T13)."""

IN_LINE = 512
"""Calls that wait to come in, of all agents. Each holds a connection, and up to 64 KiB of its body."""

AT_A_TIME = 4
"""Calls let in between two looks of the loop at its sockets: a body of 256 KiB takes milliseconds to parse."""

WAITS = 4_000
"""Calls that wait for a decision or an outcome (``wait=``), of all."""

WAITS_EACH = 2_000
"""Those of one key's name."""

_Turn = tuple[asyncio.Future[None], int, int]
"""Whoever waits, how many places they need, and how many of them until their body has come."""

_LONGEST = 60
"""Seconds; the most that anybody is told to stay away."""

_LOOKS_BACK = 5.0


class Slot:
    """A place inside; given back once, whether early or at the end."""

    __slots__ = ("_agent", "_awaited", "_gate", "_places")

    def __init__(self, gate: Gate, agent: str, places: int, awaited: int) -> None:
        self._gate = gate
        self._agent = agent
        self._places = places
        self._awaited = awaited

    def come(self) -> None:
        """The body has come: from here on the call is at work."""
        if self._awaited:
            self._gate.come(self._agent, self._awaited)
            self._awaited = 0

    def leave(self) -> None:
        """Make room for the next: the rest of the call waits for people, or is over."""
        self.come()
        if self._places:
            self._gate.left(self._places)
            self._places = 0


class Gate:
    """One a process; lives in one event loop."""

    def __init__(self, *, inside: int = INSIDE, in_line: int = IN_LINE) -> None:
        self._most_inside = inside
        self._most_in_line = in_line
        self._inside = 0
        self._waiting = 0
        self._lines: OrderedDict[str, deque[_Turn]] = OrderedDict()
        self._letting_in = False
        self._awaited: Counter[str] = Counter()
        self._waits: Counter[str] = Counter()
        self._done = 0
        self._since = time.monotonic()
        self._rate = 0.0
        self.refused: Counter[str] = Counter()
        """How often somebody was refused, by why: ``agent``, ``house``, ``waits``."""

    async def enter(self, agent: str, size: int = 0) -> Slot:
        """Come in, in turn, with a body of ``size`` bytes. Raises `Overloaded` where the line is full.

        That is the agent's own, or that of all.
        """
        places = 1 + size // A_PLACE
        awaited = places if size else 0
        if not self._waiting and self._room(places) and self._may_come(agent, awaited):
            self._take(agent, places, awaited)
        else:
            await self._queue(agent, places, awaited)
        return Slot(self, agent, places, awaited)

    def _room(self, places: int) -> bool:
        """Whether so many are free. However many somebody needs, they come in alone."""
        return self._inside + places <= self._most_inside or not self._inside

    def _may_come(self, agent: str, awaited: int) -> bool:
        """Whether an agent may have so many places more that wait for a body; one body may always."""
        held = self._awaited[agent]
        return not awaited or not held or held + awaited <= self._most_inside // TO_COME

    def _take(self, agent: str, places: int, awaited: int) -> None:
        self._inside += places
        if awaited:
            self._awaited[agent] += awaited

    def come(self, agent: str, awaited: int) -> None:
        """A body that held so many places has come, or will not."""
        self._awaited[agent] -= awaited
        if not self._awaited[agent]:
            del self._awaited[agent]
        self._let_in()

    async def _queue(self, agent: str, places: int, awaited: int) -> None:
        line = self._lines.get(agent)
        lines = len(self._lines) + (line is None)
        # The last quarter is kept for who has no share yet: a line that is full keeps nobody else out.
        share = max(1, self._most_in_line // lines if lines > 1 else self._most_in_line * 3 // 4)
        if line is not None and len(line) >= share:
            raise self._overloaded("agent", f"{agent} has {len(line)} calls waiting already; nothing was changed.")
        if self._waiting >= self._most_in_line and line is not None:
            raise self._overloaded("house", "Too many calls wait already; nothing was changed.")
        if self._waiting >= 2 * self._most_in_line:
            raise self._overloaded("house", "Too many calls wait already; nothing was changed.")
        if line is None:
            line = self._lines[agent] = deque()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line.append((turn, places, awaited))
        self._waiting += 1
        self._let_in()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                Slot(self, agent, places, awaited).leave()
            raise

    def _overloaded(self, why: str, detail: str) -> Overloaded:
        self.refused[why] += 1
        return Overloaded(f"{detail} Try again later.", retry_after=self.retry_after())

    def retry_after(self) -> float:
        """Seconds until what waits now is through, by the rate of the last seconds."""
        return min(_LONGEST, max(1.0, self._waiting / self._rate)) if self._rate else 1.0

    def left(self, places: int) -> None:
        """So many places are free."""
        self._inside -= places
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
        if self._waiting and not self._letting_in:
            self._letting_in = True
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        """Let a few in, one agent after the other, then let the loop look at its sockets."""
        self._letting_in = False
        for _ in range(AT_A_TIME):
            while (agent := self._first()) is not None:
                turn, places, awaited = self._turn(agent)
                if not turn.done():
                    self._take(agent, places, awaited)
                    turn.set_result(None)
                    break
        if self._first() is not None:
            self._let_in()

    def _first(self) -> str | None:
        """Whose turn it is, where there is room for them; only who awaits too much already is overtaken."""
        for agent, line in self._lines.items():
            _, places, awaited = line[0]
            if self._may_come(agent, awaited):
                return agent if self._room(places) else None
        return None

    def _turn(self, agent: str) -> _Turn:
        """The first of an agent's line, which goes behind the others, or away where nobody is left in it."""
        line = self._lines.pop(agent)
        turn = line.popleft()
        self._waiting -= 1
        if line:
            self._lines[agent] = line
        return turn

    @contextmanager
    def waits(self, name: str) -> Iterator[None]:
        """While somebody of that name waits for a decision. Raises `Overloaded` where too many do."""
        if self._waits.total() >= WAITS or self._waits[name] >= WAITS_EACH:
            raise self._overloaded("waits", "Too many calls wait for decisions; ask without wait, or use a webhook.")
        self._waits[name] += 1
        try:
            yield
        finally:
            self._waits[name] -= 1
            if not self._waits[name]:
                del self._waits[name]

    def figures(self) -> list[Figure]:
        """What is inside and what waits."""
        return [
            Figure(
                "sayso_calls_inside",
                "Places that agents' calls at work take: one, and more for a large body.",
                self._inside,
            ),
            Figure("sayso_calls_in_line", "Agents' calls that wait to come in.", self._waiting),
            Figure("sayso_calls_awaiting", "Calls that wait for a decision or an outcome.", self._waits.total()),
        ]


def refusals(*counted: Counter[str]) -> list[Figure]:
    """How often somebody was refused, by reason."""
    about = "Calls and connections that were refused because there were too many, by reason."
    reasons: Counter[str] = sum(counted, Counter())
    return [Figure("sayso_refused_total", about, n, {"reason": why}, "counter") for why, n in sorted(reasons.items())]
