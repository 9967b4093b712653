"""Who may come in while everybody comes at once: agents wait in a short line, people never do (T13, P17).

Agents' calls go through a gate. So many are at work at a time that the loop and the writer are never more than some
milliseconds from a click; the rest wait in a line an agent (`bot.web.line`). A call that is at work has its body: one
that comes slowly, or never, holds no place but its connection. Large bodies are read beside the gate, into a room of
their own, which nobody can fill alone. Decisions, the inbox, Slack, mail and health pass by all of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import Receive, Scope

from bot.core.errors import Overloaded
from bot.web.exchange import announced, read_body
from bot.web.house import Figure
from bot.web.line import Line, Slot

INSIDE = 48
"""Agents' calls at work at a time. With fewer a commit has fewer to share its sync; with more a click waits longer."""

A_PLACE = 32 * 1024
"""Bytes of a body that go with one place; a larger one takes more of them. 48 bodies of 256 KiB in one transaction are
35 MB for the disk to sync, and a click would wait for it."""

SMALL = 16 * 1024
"""Bytes of a body that is read as it comes, before its call takes anything. Whoever has every connection there may be
(`bot.web.wire`) and sends as much on each has 128 MB."""

TO_COME = 8 * 1024 * 1024
"""Bytes of larger bodies that are read at a time, by what their heads say: 28 of the largest. Shared, so that one key
has half of them at most, and as many keys as there are bodies are needed to keep the next out (T13)."""

IN_LINE = 512
"""Calls that wait to come in, of all agents, and as many whose large bodies wait to be read. Each holds a connection,
and up to 64 KiB of its body."""

WAITS = 4_000
"""Calls that wait for a decision or an outcome (``wait=``), of all."""

WAITS_EACH = 2_000
"""Those of one key's name."""


_REASONS = ("agent", "connections", "house", "invalid_http", "unread", "waits")


class Gate:
    """One a process; lives in one event loop."""

    def __init__(self, *, inside: int = INSIDE, in_line: int = IN_LINE, to_come: int = TO_COME) -> None:
        self.refused: Counter[str] = Counter()
        """How often somebody was refused, by why: ``agent``, ``house``, ``waits``."""
        self._work = Line(inside, in_line, self.refused)
        self._coming = Line(to_come // A_PLACE, in_line, self.refused, shared=True)
        self._waits: Counter[str] = Counter()

    async def enter(self, agent: str, size: int = 0) -> Slot:
        """Come in, in turn, with a body of ``size`` bytes that is here. Raises `Overloaded` where the line is full."""
        return await self._work.enter(agent, 1 + size // A_PLACE)

    async def admit(self, agent: str, scope: Scope, receive: Receive) -> tuple[Slot, bytes]:
        """Read a call's body, then come in with it. Raises `Overloaded`, and as `bot.web.exchange.read_body`."""
        size = announced(scope)
        if size <= SMALL:
            body = await read_body(scope, receive, known=True) if size else b""
            return await self.enter(agent, len(body)), body
        # Kept until the call is in, for so long the body is held beside what is at work.
        room = await self._coming.enter(agent, 1 + size // A_PLACE)
        try:
            body = await read_body(scope, receive, known=True)
            return await self.enter(agent, len(body)), body
        finally:
            room.leave()

    @contextmanager
    def waits(self, name: str) -> Iterator[None]:
        """While somebody of that name waits for a decision. Raises `Overloaded` where too many do."""
        if self._waits.total() >= WAITS or self._waits[name] >= WAITS_EACH:
            self.refused["waits"] += 1
            told = "Too many calls wait for decisions; ask without wait, or use a webhook. Try again later."
            raise Overloaded(told, retry_after=self._work.retry_after())
        self._waits[name] += 1
        try:
            yield
        finally:
            self._waits[name] -= 1
            if not self._waits[name]:
                del self._waits[name]

    def _in_line(self) -> int:
        return self._work.waiting + self._coming.waiting

    def figures(self) -> list[Figure]:
        """What is inside and what waits."""
        return [
            Figure(
                "sayso_calls_inside",
                "Places that agents' calls at work take: one, and more for a large body.",
                self._work.inside,
            ),
            Figure("sayso_calls_in_line", "Agents' calls that wait to come in.", self._in_line()),
            Figure("sayso_calls_awaiting", "Calls that wait for a decision or an outcome.", self._waits.total()),
        ]


def refusals(*counted: Counter[str]) -> list[Figure]:
    """How often somebody was refused, by reason."""
    about = "Calls and connections that were refused because there were too many, by reason."
    # The known ones from the start: of a count that is not there before its first one, no rate says that one.
    reasons = sorted(set(_REASONS).union(*counted))
    found = {why: sum(one[why] for one in counted) for why in reasons}
    return [Figure("sayso_refused_total", about, n, {"reason": why}, "counter") for why, n in found.items()]
