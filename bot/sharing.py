"""Whether the bots that share a store are well, and how many there are."""

from __future__ import annotations

from datetime import UTC, datetime

from bot.core.errors import SaysoError
from bot.core.ports import Replica, Store
from bot.desk import Replicas
from bot.web.house import Figure, Probe


async def replica_probes(store: Store, own: Replicas) -> list[Probe]:
    """One, where the store is shared: whether the others hear this one, and whether all go by the same rules."""
    if not store.shared:
        return []
    if own.fault is not None:
        return [Probe("replicas", ok=False, detail=own.fault, vital=False)]
    try:
        alive = await _alive(store)
    except SaysoError as trouble:
        return [Probe("replicas", ok=False, detail=trouble.detail, vital=False)]
    rules = {one.rules for one in alive}
    if len(rules) > 1:
        told = ", ".join(f"{one.name} by {one.rules[:19]}" for one in alive)
        return [Probe("replicas", ok=False, detail=f"they go by different rules: {told}", vital=False)]
    return [Probe("replicas", ok=True, detail=f"{len(alive)} alive", vital=False)]


async def replica_figures(store: Store) -> list[Figure]:
    """How many are alive, and by how many different files of rules they go."""
    if not store.shared:
        return []
    try:
        alive = await _alive(store)
    except SaysoError:
        return []
    rules = float(len({one.rules for one in alive}))
    return [
        Figure("sayso_replicas", "Bots alive on this store.", float(len(alive))),
        Figure(
            "sayso_replica_rules", "Different rules that they go by; more than 1 only while a change goes round.", rules
        ),
    ]


async def _alive(store: Store) -> list[Replica]:
    now = datetime.now(UTC)
    return [one for one in await store.replicas() if one.until > now]
