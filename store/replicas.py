"""The replicas that share a store, inside a write: the part of `bot.core.ports.Tx` about who holds what."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from bot.core.model import Execution
from bot.core.ports import Effect, Moved, Replica, Taken
from store import rows
from store.cursor import Cursor
from store.prepared import Row
from store.shapes import LANES_ASKED

T = TypeVar("T")
log = logging.getLogger(__name__)

_MICROSECOND = timedelta(microseconds=1)


def replicas(cursor: Cursor) -> tuple[Replica, ...]:
    """Every replica, the oldest first; some may be past their time."""
    return tuple(
        Replica(id=row[0], name=row[1], rules=row[2], started_at=rows.moment(row[3]), until=rows.moment(row[4]))
        for row in cursor.all(cursor.say.replicas.replicas)
    )


def changes(cursor: Cursor, after: int, limit: int) -> tuple[Moved, ...]:
    """Numbers and requests of the audit lines after one, oldest first."""
    found = cursor.all(cursor.say.replicas.changes, {"after": after, "limit": limit})
    return tuple(Moved(seq=seq, request=request) for seq, request in found)


def _effects(found: Sequence[Row]) -> tuple[Effect, ...]:
    return tuple(_readable(found, rows.effect_of))


def _executions(found: Sequence[Row]) -> tuple[Execution, ...]:
    return tuple(_readable(found, lambda row: rows.execution_of(row[0])))


def _readable(found: Sequence[Row], read: Callable[[Row], T]) -> Iterator[T]:
    """What can be read of rows; one that was spoilt may not keep a replica from all the others."""
    for row in found:
        try:
            yield read(row)
        except (ValueError, TypeError):
            log.exception("a row that cannot be read is left aside: %.200s", row[0])


class ReplicasTx(ABC):
    """See `bot.core.ports.ReplicaTx`."""

    _cursor: Cursor
    _elsewhere: dict[str, str]
    """Effects of this transaction that another replica is to see to, for it holds their lane: by id."""

    @abstractmethod
    def _flush_effects(self) -> None:
        """Write the effects that have gathered."""

    def join(self, replica: str, name: str, rules: str, lease: timedelta) -> None:
        """See `ReplicaTx.join`."""
        row = {"id": replica, "name": name, "rules": rules, "lease": lease // _MICROSECOND}
        self._cursor.change(self._cursor.say.replicas.join, row)

    def beat(self, replica: str, rules: str, lease: timedelta) -> bool:
        """See `ReplicaTx.beat`."""
        row = {"id_": replica, "rules": rules, "lease": lease // _MICROSECOND}
        return bool(self._cursor.change(self._cursor.say.replicas.beat, row))

    def alive(self, replica: str) -> bool:
        """See `ReplicaTx.alive`."""
        return self._cursor.one(self._cursor.say.replicas.alive, {"id": replica}) is not None

    def take_over(self, replica: str) -> Taken:
        """See `ReplicaTx.take_over`."""
        self._flush_effects()
        say = self._cursor.say.replicas
        dead = tuple(one for (one,) in self._cursor.all(say.dead) if one != replica)
        for one in dead:
            self._cursor.change(say.leave, {"id": one})
        if dead:
            self._cursor.change(say.free_leases)
        effects = _effects(self._cursor.all(say.orphaned_effects))
        bodies = self._cursor.all(say.orphaned_executions)
        if effects:
            self._cursor.change(say.take_effects, {"me": replica})
        if bodies:
            self._cursor.change(say.take_executions, {"me": replica})
        return Taken(replicas=dead, effects=effects, executions=_executions(bodies))

    def leave(self, replica: str) -> None:
        """See `ReplicaTx.leave`."""
        say = self._cursor.say.replicas
        self._cursor.change(say.give_effects, {"me": replica})
        self._cursor.change(say.give_executions, {"me": replica})
        self._cursor.change(say.leave, {"id": replica})
        self._cursor.change(say.free_leases)

    def held(self, replica: str) -> Taken:
        """See `ReplicaTx.held`."""
        self._flush_effects()
        say = self._cursor.say.replicas
        effects = _effects(self._cursor.all(say.effects_of, {"me": replica}))
        return Taken(effects=effects, executions=_executions(self._cursor.all(say.executions_of, {"me": replica})))

    def has_effects(self, effect_ids: Sequence[str]) -> bool:
        """See `ReplicaTx.has_effects`."""
        me, say = self._cursor.me, self._cursor.say.replicas
        return me is None or all(self._cursor.one(say.has_effect, {"id": one, "me": me}) for one in effect_ids)

    def has_execution(self, execution_id: str) -> bool:
        """See `ReplicaTx.has_execution`."""
        me, say = self._cursor.me, self._cursor.say.replicas
        return me is None or self._cursor.one(say.has_execution, {"id": execution_id, "me": me}) is not None

    def mine(self, effects: Sequence[Effect]) -> tuple[Effect, ...]:
        """See `ReplicaTx.mine`."""
        me = self._cursor.me
        lanes = tuple(dict.fromkeys(effect.lane for effect in effects))
        if me is None or not lanes:
            return tuple(effects)
        holders: dict[str, str] = {}
        for first in range(0, len(lanes), LANES_ASKED):
            asked = lanes[first : first + LANES_ASKED]
            values: dict[str, Any] = {f"lane_{i}": asked[min(i, len(asked) - 1)] for i in range(LANES_ASKED)}
            for lane, holder in self._cursor.all(self._cursor.say.replicas.lanes, values):
                holders.setdefault(lane, holder)
        others = {effect.id: holders[effect.lane] for effect in effects if holders.get(effect.lane, me) != me}
        self._elsewhere.update(others)
        self._cursor.told.update(others.values())
        return tuple(effect for effect in effects if effect.id not in others)

    def hold(self, name: str, replica: str) -> bool:
        """See `ReplicaTx.hold`."""
        return bool(self._cursor.change(self._cursor.say.replicas.hold, {"name": name, "me": replica}))
