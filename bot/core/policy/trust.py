"""``trust:`` of a rule: on what evidence some of what it asks people about may run by rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct


class Trust(Struct, frozen=True, kw_only=True):
    """What has to be shown, agent by agent and action by action, before anything is proposed, and within what bounds.

    ``ask`` is the chain that decides about proposals; only admins of it may. ``at_least`` counted decisions within
    ``window``, on ``days`` days and by ``reviewers`` people at the least, at most ``per_day`` of one day counted (0:
    all), and a lower bound of ``unchanged`` for the share that was approved as proposed, which holds but for a chance
    of ``error``, however often it is looked at. ``bands`` are ceilings, rising, by pointer into the arguments
    (``/amount``): each needs evidence of its own, and nothing above the last is ever proposed. ``confidence`` is what
    the agent has to claim (None: nothing). ``irreversible`` names the irreversible actions for which the admin lifts
    that nothing is proposed for such. What is granted is sampled by the share ``sample`` and ends after ``lasts``.
    """

    ask: str
    at_least: int = 100
    unchanged: float = 0.95
    error: float = 0.05
    window: timedelta = timedelta(days=90)
    days: int = 10
    reviewers: int = 2
    per_day: int = 0
    bands: Mapping[str, tuple[float, ...]] = {}
    confidence: float | None = None
    irreversible: tuple[str, ...] = ()
    sample: float = 0.1
    lasts: timedelta = timedelta(days=30)
