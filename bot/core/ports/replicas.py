"""The seam between processes that share a store: who is alive, who holds what, and who is told of what changed.

A replica holds the effects and executions that it committed; nobody else performs them while it is alive. It says so
again well within its lease. One that did not is dead to the others, which take over what it held, and whatever it does
later under that name is refused: the name is its fencing number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from bot.core.ports.rows import Effect, Moved, Replica, Taken


class ReplicaTx(Protocol):
    """The part of `Tx` about replicas. Times are by the store's own clock."""

    def join(self, replica: str, name: str, rules: str, lease: timedelta) -> None:
        """Be one of them from now on."""

    def beat(self, replica: str, rules: str, lease: timedelta) -> bool:
        """Be alive for another lease; False where the others have taken over, for good."""

    def alive(self, replica: str) -> bool:
        """Whether the others still leave to it what it holds."""

    def take_over(self, replica: str) -> Taken:
        """Give this one what nobody alive holds, and forget who was found dead."""

    def leave(self, replica: str) -> None:
        """Be none of them any more; what it held is anybody's."""

    def held(self, replica: str) -> Taken:
        """The effects and the unfinished executions that it holds, earliest due and oldest first."""

    def has_effects(self, effect_ids: Sequence[str]) -> bool:
        """Whether this process still holds all of these; always where it has the store to itself."""

    def has_execution(self, execution_id: str) -> bool:
        """Whether this process still holds an execution, as of `has_effects`."""

    def mine(self, effects: Sequence[Effect]) -> tuple[Effect, ...]:
        """Of effects that this unit writes, those that fall to this process.

        The others go to the replicas that hold earlier effects of the same lanes, so that a lane keeps its order.
        """

    def beside(self) -> int:
        """Another number after each commit of another process; 0 always where others may run on the store."""

    def empty_log(self) -> None:
        """After this unit have what a SQLite log says copied into its file, and nothing left in the log."""

    def hold(self, name: str, replica: str) -> bool:
        """Do something for all of them, as reading a mailbox; False where another does. Ends with the replica."""


class ReplicaStore(Protocol):
    """The part of `Store` about replicas."""

    @property
    def shared(self) -> bool:
        """Whether other processes may run on this store."""

    async def replicas(self) -> tuple[Replica, ...]:
        """Every replica, the oldest first; some may be past their time."""

    async def changes(self, after: int, limit: int) -> tuple[Moved, ...]:
        """What changed after an audit line's number, oldest first: whose doing it was is not said."""

    async def attend(self, replica: str, heard: Callable[[bool], None]) -> None:
        """Write as this replica from now on, and listen to the others.

        ``heard`` is called soon after another committed something, True where it left an effect to this one. Nothing
        is promised: a word may be lost with the connection, so what is heard of is looked for now and then as well.
        """
