"""Who is asked, as written: chains, their steps and ends, the stages of a rule."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

from bot.core.model import IfEmpty, OnExpiry, OnUndeliverable
from bot.core.policy.expressions import Condition


class ChainStep(Struct, frozen=True, kw_only=True):
    """One step as written: whom (people, groups, schedules), through which channels (empty: all), and for how long.

    ``clock`` names a calendar, or is `OWN_CLOCK`; None is wall time. ``fallback``: who is asked where it asks nobody.
    """

    notify: tuple[str, ...]
    via: tuple[str, ...] = ()
    wait: timedelta | None = None
    remind: timedelta | None = None
    digest: timedelta | None = None
    clock: str | None = None
    if_empty: IfEmpty = IfEmpty.SKIP
    fallback: tuple[str, ...] = ()
    on_undeliverable: OnUndeliverable = OnUndeliverable.NEXT
    anytime: bool = False


OWN_CLOCK = "people"
"""The ``clock`` that runs while somebody who is asked is at work."""


class Exhausted(Struct, frozen=True, kw_only=True):
    """What becomes of a request at the end of its chain: who is told, and how it ends (None: it waits on)."""

    notify: tuple[str, ...] = ()
    then: OnExpiry | None = None


class Chain(Struct, frozen=True, kw_only=True):
    """One entry of ``chains:``; it begins again ``repeat`` times before it has come to its end."""

    steps: tuple[ChainStep, ...] = ()
    repeat: int = 0
    exhausted: Exhausted = Exhausted()


class StageSpec(Struct, frozen=True, kw_only=True):
    """One stage of a rule; with ``condition`` it is asked only where that holds, or cannot be answered.

    Stages next to each other with the same ``parallel`` (not 0) are asked together.
    """

    name: str
    chain: str
    approvals: int = 1
    condition: Condition | None = None
    rejections: int = 1
    distinct_groups: bool = False
    parallel: int = 0
