"""An open loop: 80 cycles a second begin whether or not those before them have ended, as people and agents do."""

from __future__ import annotations

from bench.contenders import LANGGRAPH, SAYSO, Setting, standing
from bench.report import Table, percentile

_RATE = 80.0
_WARM = 2.0
"""Seconds before anything counts: whoever has just started loads what it did not need before."""

_TIMES = 4
"""A run is so many times as long as others: of 160 decisions, the p99 would be what befell the second slowest."""
_ROW = "open loop at 80 cycles/s, decision acknowledged p{}: {}"


async def paced(table: Table, setting: Setting) -> None:
    """One round, everybody in turn."""
    for name in (SAYSO, LANGGRAPH):
        try:
            async with standing(name, setting) as it:
                await it.load.paced(rate=_RATE, seconds=_WARM)
                run = await it.load.paced(rate=_RATE, seconds=_TIMES * setting.seconds)
                for share in (50, 99):
                    took = percentile(run.acknowledged, share / 100) * 1000
                    table.add(_ROW.format(share, name), took, unit="ms", digits=2)
        except Exception as problem:  # noqa: BLE001  # whoever fails is reported; the rest goes on
            table.fail(f"the open loop of {name}", problem)
    ours, theirs = _ROW.format(99, SAYSO), _ROW.format(99, LANGGRAPH)
    table.ratio("open loop, decision acknowledged p99, of LangGraph's", ours, theirs, aim="<= 0.1", digits=2)
