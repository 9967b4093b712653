"""Drift after a grant: how many actions until it is tightened, and how often one that does not turn raises an alarm.

An agent earns a grant with its evidence, then acts under it; about one in ten actions is sampled. What takes the grant
back is what takes it back at the desk: the first sampled one that people do not approve unchanged, or an alarm of
`bot.core.trust.drift`. Amounts above the grant's ceiling go to people and are not counted here.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from msgspec import Struct

from bench.year.checks.histories import START
from bench.year.findings import Finding, share, spread
from bot.core.trust.drift import UNWATCHED, Baseline, baseline_of, judged, noticed

CHECK = "3. What drifts is tightened at once"
_SAMPLE = 0.1
_LASTS = 30
_DAY = timedelta(days=1)
_EVIDENCE, _DAYS = 150, timedelta(days=14)
"""What the grant was earned with, at the least: so many decisions, and two weeks, for ten days are asked for."""
_CEILING = 200.0
_NIGHT, _DAWN, _DUSK = 0.15, 7, 19
_WEEKEND, _AT_WEEKENDS = 5, 0.3
_PEAK = 1.6


class Way(Struct, frozen=True, kw_only=True):
    """How an agent acts: proposals a day, its amounts in standard deviations above what they were, its mistakes.

    ``cycle``: less at night and at weekends, as people's days go; else evenly.
    """

    name: str
    a_day: float = 6.0
    shift: float = 0.0
    wrong: float = 0.02
    cycle: bool = True


class Action(Struct, frozen=True):
    """One action under the grant."""

    at: datetime
    amount: float
    confidence: float
    right: bool


class Caught(Struct, frozen=True):
    """What took a grant back, after how many actions and days since it turned."""

    actions: int
    days: float
    why: str


AS_EVER = Way(name="does not turn")
TURNED = (
    Way(name="twice as often", a_day=12.0),
    Way(name="amounts one standard deviation higher", shift=1.0),
    Way(name="wrong 20% of the time instead of 2%", wrong=0.2),
    Way(name="all three at once", a_day=12.0, shift=1.0, wrong=0.2),
)
WITHIN = (250, 50, 150, 50)
"""Within so many actions nine in ten of those are to be tightened."""


def acts(draw: Random, way: Way, since: datetime) -> Iterator[Action]:
    """What it does, without end."""
    now = since
    while True:
        # Thinned from the busiest hours' pace, so that the times are those of a day with a night in it.
        now += timedelta(days=draw.expovariate(way.a_day * _PEAK))
        if draw.random() >= _pace(way, now) / _PEAK:
            continue
        amount = min(draw.lognormvariate(3.4 + 0.7 * way.shift, 0.7), _CEILING)
        hard = draw.random()
        right = draw.random() >= min(1.0, way.wrong * 4 * hard**3)
        yield Action(now, amount, min(max(0.97 - 0.1 * hard**3 + draw.gauss(0, 0.02), 0.0), 1.0), right)


def _pace(way: Way, now: datetime) -> float:
    if not way.cycle:
        return 1.0
    pace = _PEAK if _DAWN <= now.hour < _DUSK else _NIGHT
    return pace * (_AT_WEEKENDS if now.weekday() >= _WEEKEND else 1.0)


def baseline(draw: Random, way: Way) -> tuple[Baseline, datetime]:
    """The behaviour over the evidence, and when that ended."""
    known: list[Action] = []
    for action in acts(draw, way, START):
        known.append(action)
        if len(known) >= _EVIDENCE and action.at - START >= _DAYS:
            break
    made = baseline_of(
        [a.at for a in known],
        {"/amount": [a.amount for a in known]},
        [a.confidence for a in known],
        [a.right for a in known],
    )
    return made, known[-1].at


def caught(draw: Random, made: Baseline, way: Way, since: datetime, *, days: float, sample: float) -> Caught | None:
    """What takes the grant back within so many days, acting that way; None: nothing does."""
    watch = UNWATCHED
    for actions, action in enumerate(acts(draw, way, since), 1):
        if action.at - since > timedelta(days=days):
            return None
        numbers = {"/amount": action.amount}
        watch, alarm = noticed(made, watch, at=action.at, numbers=numbers, confidence=action.confidence)
        if alarm is None and draw.random() < sample:
            if not action.right:
                return Caught(actions, (action.at - since) / _DAY, "the sample")
            watch, alarm = judged(made, watch, confidence=action.confidence, right=True)
        if alarm is not None:
            return Caught(actions, (action.at - since) / _DAY, alarm)
    raise AssertionError("it never ends")


def detections(draw: Random, way: Way, *, runs: int) -> list[Caught]:
    """How those that turn this way are caught, each with evidence of its own."""
    found = []
    for _ in range(runs):
        made, since = baseline(draw, AS_EVER)
        one = caught(draw, made, way, since, days=3650, sample=_SAMPLE)
        if one is not None:
            found.append(one)
    return found


def alarms(draw: Random, way: Way, *, runs: int, days: float = 365) -> list[Caught]:
    """Alarms of those that go on as they were; the sample is left out, for it takes back for what is really wrong."""
    found = []
    for _ in range(runs):
        made, since = baseline(draw, way)
        one = caught(draw, made, way, since, days=days, sample=0.0)
        if one is not None:
            found.append(one)
    return found


def check(seed: int, *, runs: int = 200) -> Iterator[Finding]:
    """The findings."""
    draw = Random(f"{seed} drift")  # noqa: S311  # the same each time
    for way, within in zip(TURNED, WITHIN, strict=True):
        found = sorted(detections(draw, way, runs=runs), key=lambda one: one.actions)
        nine = found[len(found) * 9 // 10].actions
        yield Finding(
            check=CHECK,
            name=f"{way.name}: actions until tightened (the middle eight in ten)",
            found=spread([one.actions for one in found]),
            wanted=f"nine in ten within {within}",
            good=nine <= within,
        )
        sampled = sum(one.why == "the sample" for one in found)
        yield Finding(check=CHECK, name=f"{way.name}: found by the sample, not by an alarm", found=share(sampled, runs))
    for a_day in (6.0, 30.0):
        for cycle in (False, True):
            way = Way(name="", a_day=a_day, cycle=cycle)
            got = alarms(draw, way, runs=runs)
            name = f"does not turn, {a_day:g} a day, {'with nights and weekends' if cycle else 'evenly'}: "
            yield Finding(check=CHECK, name=name + "false alarm within a year", found=share(len(got), runs))
            soon = sum(one.days <= _LASTS for one in got)
            yield Finding(check=CHECK, name=name + f"within {_LASTS} days, as a grant lasts", found=share(soon, runs))
