"""Whether the house works, and its figures: what ``/readyz`` and ``/metrics`` say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.ports import Channel, Store
from bot.courier import Courier
from bot.desk import Live
from bot.rules import Rules
from bot.scheduler import Scheduler
from bot.web.house import Figure, Probe

_BAD_RULES = "the file as it is now is not in force; the log and sayso check say why"


async def probes(store: Store, scheduler: Scheduler, rules: Rules, channels: Mapping[str, Channel]) -> Sequence[Probe]:
    """Each part, and whether it is ready."""
    writable = await store.writable()
    tick, refused = scheduler.fault(), rules.fault()
    found = [
        Probe("store", writable, "writable" if writable else "cannot be written"),
        Probe("scheduler", tick is None, tick or "ticking"),
        # A typo must not take the bot, which goes on by the last good file, out of service.
        Probe("rules", refused is None, _BAD_RULES if refused else rules.current().hash, vital=False),
    ]
    for name, channel in channels.items():
        fault = await channel.fault()
        found.append(Probe(name, fault is None, fault or "connected"))
    return found


async def figures(store: Store, courier: Courier, rules: Rules, live: Live, email: Any) -> Sequence[Figure]:
    """Every sample; ``email`` is the channel, None where it is off."""
    about = "What the courier has still to do, by kind."
    found = [Figure("sayso_courier_waiting", about, n, {"kind": kind}) for kind, n in courier.waiting.items()]
    if email is not None:
        told = "Letters that came in and were put aside without a trace, by reason."
        name, counted = "sayso_letters_put_aside_total", email.aside.items()
        found += [Figure(name, told, count, {"reason": str(reason)}, "counter") for reason, count in counted]
    paused = await store.paused()
    return [
        *found,
        *_rules_figures(rules),
        Figure("sayso_inbox_pages_open", "Pages of the inbox that are told of changes.", float(live.watching)),
        Figure("sayso_replays_paused", "Whether all replays are stopped.", float(paused)),
    ]


def _rules_figures(rules: Rules) -> list[Figure]:
    told = "Whether the routing file as it is now is not in force, because it is not good."
    return [
        Figure("sayso_routing_info", "Which rules are in force.", 1.0, {"hash": rules.current().hash}),
        Figure("sayso_routing_refused", told, float(rules.fault() is not None)),
        Figure("sayso_routing_loads_total", "Readings of it that came into force.", rules.loads, {}, "counter"),
        Figure("sayso_routing_refusals_total", "Readings of it that were refused.", rules.refusals, {}, "counter"),
    ]
