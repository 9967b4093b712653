"""Whether the bots that share a store are well, and how many there are."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime

from bot.asked import Asked
from bot.core.policy import Policy
from bot.core.ports import Replica, Store
from bot.desk import Replicas
from bot.web.house import Figure, Probe


async def replica_probes(store: Store, alive: Asked[Sequence[Replica]], own: Replicas) -> list[Probe]:
    """One, where the store is shared: whether the others hear this one, and whether all go by the same rules."""
    if not store.shared:
        return []
    if own.fault is not None:
        return [Probe("replicas", ok=False, detail=own.fault, vital=False)]
    found = await alive.get()
    fault = differing(found) if found else "which are alive cannot be read"
    if fault is not None:
        return [Probe("replicas", ok=False, detail=fault, vital=False)]
    return [Probe("replicas", ok=True, detail=f"{len(found)} alive", vital=False)]


def terms(policy: Policy, secrets: Sequence[str]) -> str:
    """What replicas must have in common, as each says it of itself; the secret itself cannot be told from it."""
    mark = hmac.new(secrets[0].encode(), b"sayso.replicas", hashlib.sha256).hexdigest()[:16] if secrets else ""
    return f"{policy.hash} {mark}"


def differing(alive: Sequence[Replica]) -> str | None:
    """In what replicas differ that must not, with their names; None where they do not."""
    rules = {one.name: one.rules.partition(" ")[0] for one in alive}
    if len(set(rules.values())) > 1:
        told = ", ".join(f"{name} by {digest[:19]}" for name, digest in rules.items())
        return f"they go by different rules: {told}"
    if len({one.rules.partition(" ")[2] for one in alive}) > 1:
        return f"SAYSO_SECRET is not the same on {', '.join(rules)}: links and buttons of one are refused by another"
    return None


async def replica_figures(store: Store, alive: Asked[Sequence[Replica]]) -> list[Figure]:
    """How many are alive, and by how many different files of rules they go; nothing where that cannot be read."""
    found = await alive.get() if store.shared else ()
    if not found:
        return []
    rules = float(len({one.rules.partition(" ")[0] for one in found}))
    return [
        Figure("sayso_replicas", "Bots alive on this store.", float(len(found))),
        Figure(
            "sayso_replica_rules", "Different rules that they go by; more than 1 only while a change goes round.", rules
        ),
    ]


async def alive_on(store: Store) -> list[Replica]:
    """The bots alive on a store, the oldest first. Raises `bot.core.errors.Unavailable`."""
    now = datetime.now(UTC)
    return [one for one in await store.replicas() if one.until > now]
