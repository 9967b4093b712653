"""Whether the house works, and its figures: what ``/readyz`` and ``/metrics`` say."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.ports import Channel, Stopped
from bot.core.trust.grants import GrantState
from bot.counts import Counts
from bot.courier import Courier
from bot.desk import Live
from bot.desk.trusted import Trusted
from bot.insight import Standing
from bot.process import process_figures
from bot.rules import Rules
from bot.scheduler import Scheduler
from bot.web.house import Figure, Probe

_BAD_RULES = "the file as it is now is not in force; the log and sayso check say why"


async def probes(
    counts: Counts, scheduler: Scheduler, rules: Rules, channels: Mapping[str, Channel], *, leaving: bool = False
) -> Sequence[Probe]:
    """Each part, and whether it is ready; ``leaving``: the bot was told to stop, and answers on for a moment.

    Vital is that requests are taken and kept and that time moves them. While a channel is down, people are asked by
    their others and in the inbox, and a balancer that turned away would take those from them, too.
    """
    if leaving:
        return [Probe("stopping", ok=False, detail="was told to stop")]
    # Together: a store that hangs keeps whoever asks for as long as one answer is waited for, not as two.
    writable, stopped = await asyncio.gather(counts.writable.get(), counts.stopped.get())
    tick, refused = scheduler.fault(), rules.fault()
    found = [
        Probe("store", writable, "writable" if writable else "cannot be written"),
        Probe("scheduler", tick is None, tick or "ticking"),
        # A typo must not take the bot, which goes on by the last good file, out of service.
        Probe("rules", refused is None, _BAD_RULES if refused else rules.current().hash, vital=False),
    ]
    if stopped and writable:
        # Somebody wanted that, so the bot is as ready as they want it.
        found.append(Probe("replays", ok=True, detail=_stopped(stopped), vital=False))
    for name, channel in channels.items():
        fault = await channel.fault()
        found.append(Probe(name, fault is None, fault or "connected", vital=False))
    return found


def _stopped(stopped: Stopped) -> str:
    """Whose replays are stopped, in a line."""
    whole = ["all stopped"] if stopped.everything else []
    agents = [f"stopped for the agent {name}" for name in stopped.agents]
    return ", ".join([*whole, *agents, *(f"stopped for the action {name}" for name in stopped.actions)])


async def figures(counts: Counts, courier: Courier, rules: Rules, live: Live, email: Any) -> Sequence[Figure]:
    """Every sample; ``email`` is the channel, None where it is off."""
    about = "What the courier has still to do, by kind."
    found = [Figure("sayso_courier_waiting", about, n, {"kind": kind}) for kind, n in courier.waiting.items()]
    since = "For how long what is owed outside has been tried in vain, of what failed first; since this bot began."
    found.append(Figure("sayso_effects_failing_seconds", since, courier.failing))
    if email is not None:
        told = "Letters that came in and were put aside without a trace, by reason."
        name, counted = "sayso_letters_put_aside_total", email.aside.items()
        found += [Figure(name, told, count, {"reason": str(reason)}, "counter") for reason, count in counted]
    stopped = await counts.stopped.get()
    return [
        *found,
        *_rules_figures(rules),
        Figure("sayso_inbox_pages_open", "Pages of the inbox that are told of changes.", float(live.watching)),
        *(_switches(stopped) if stopped is not None else ()),
    ]


def _switches(stopped: Stopped) -> list[Figure]:
    named = "Agents and actions whose replays are stopped by name."
    return [
        Figure("sayso_replays_paused", "Whether all replays are stopped.", float(stopped.everything)),
        Figure("sayso_replays_paused_by_name", named, float(len(stopped.agents)), {"kind": "agent"}),
        Figure("sayso_replays_paused_by_name", named, float(len(stopped.actions)), {"kind": "action"}),
    ]


def trust_figures(trust: Trusted) -> list[Figure]:
    """What was earned: grants by state, of those that have not ended."""
    about = "Grants of earned autonomy that have not ended, by state."
    live = (GrantState.PROPOSED, GrantState.IN_FORCE)
    counts = {state: sum(grant.state is state for grant in trust.grants) for state in live}
    return [Figure("sayso_trust_grants", about, float(n), {"state": str(state)}) for state, n in counts.items()]


async def house_figures(
    counts: Counts, scheduler: Scheduler, channels: Mapping[str, Channel], *, leaving: bool
) -> list[Figure]:
    """What the alerts ask: whether each part works, and how far behind it is.

    While the store cannot be read there are none of its own.
    """
    writable, counted = await asyncio.gather(counts.writable.get(), counts.figures())
    late = scheduler.late()
    up = {name: await channel.fault() is None for name, channel in channels.items()}
    return [
        Figure("sayso_store_writable", "Whether the store can be written.", float(writable)),
        Figure("sayso_stopping", "Whether the bot was told to stop.", float(leaving)),
        Figure(
            "sayso_tick_age_seconds",
            "Since time last moved requests; -1 before it first did.",
            -1.0 if late is None else late,
        ),
        *[
            Figure("sayso_channel_up", "Whether a channel is connected.", float(n), {"channel": c})
            for c, n in up.items()
        ],
        *counted,
        *process_figures(),
    ]


def _rules_figures(rules: Rules) -> list[Figure]:
    loaded = rules.loaded_at.timestamp() if rules.loaded_at else 0.0
    told = "Whether the routing file as it is now is not in force, because it is not good."
    return [
        Figure("sayso_routing_info", "Which rules are in force.", 1.0, {"hash": rules.current().hash}),
        Figure("sayso_routing_refused", told, float(rules.fault() is not None)),
        Figure("sayso_routing_loaded_timestamp_seconds", "When it was last read and good.", loaded),
        Figure("sayso_routing_loads_total", "Readings of it that came into force.", rules.loads, {}, "counter"),
        Figure("sayso_routing_refusals_total", "Readings of it that were refused.", rules.refusals, {}, "counter"),
    ]


def insight_figures(standing: Standing) -> Sequence[Figure]:
    """How far what is measured of requests is behind."""
    at = "When what is measured was last level with the trail, in seconds since 1970; 0 where it never was yet."
    level = standing.as_of.timestamp() if standing.as_of is not None else 0.0
    return [
        Figure("sayso_insight_behind", "Lines of the trail that are not measured yet.", float(standing.behind)),
        Figure("sayso_insight_timestamp_seconds", at, level),
    ]
