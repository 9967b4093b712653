"""Whether an agent still behaves as it did when it earned what it has: how often, how much, how sure, and how right.

Each value is set against those of the evidence as a normal score (its place among them, read off a normal curve), and
the scores run through a two-sided CUSUM (Page 1954). Measured with `ALLOWANCE` 0.5, `THRESHOLD` 10 and evidence of 120
decisions: an agent that behaves as before raises an alarm, on any of three streams, about once in 10,000 actions; a
shift by one standard deviation is found after about 20, values beyond all that was seen before after 5. How often it
asks is held against the hour and the kind of day, for nights and weekends are long runs of long gaps.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from statistics import NormalDist, fmean, pstdev

from msgspec import Struct
from msgspec.structs import replace

from bot.core.trust.pace import elapsed, pace_of

ALLOWANCE = 0.5
THRESHOLD = 10.0
_KEPT = 200
"""Values kept of each stream of a baseline: its quantiles, where there are more."""
_FEWEST = 20
"""Of fewer values nothing is said."""
_LEAST_SPREAD = 0.2
"""Of how far claims lie from outcomes; without it one failure after a flawless history would be an alarm by itself."""
_SLACK = {"rate": 0.2, "confidence": 0.02}
_SLACK_OF_NUMBERS = 0.1
"""Values this near to each other are the same: a machine that asks every hour to the second drifts not by a minute."""
_CLIP = 3.0
_NORMAL = NormalDist()
_RATE, _CONFIDENCE, _OUTCOME = "rate", "confidence", "outcome"


class Baseline(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the agent behaved over its evidence; every list is sorted.

    ``pace`` is how often it asked by the hour (`bot.core.trust.pace`), ``gaps`` from one request to the next how many
    were to be expected, ``numbers`` by pointer those that have a ceiling, ``confidence`` what it claimed. ``claimed``
    is what it claimed on average (1.0 where it claims nothing), ``over`` by how much that lay above the share approved
    unchanged, ``spread`` the standard deviation of that.
    """

    pace: tuple[float, ...] = ()
    gaps: tuple[float, ...] = ()
    numbers: dict[str, tuple[float, ...]] = {}
    confidence: tuple[float, ...] = ()
    claimed: float = 1.0
    over: float = 0.0
    spread: float = _LEAST_SPREAD


class Watch(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the watching got: when the last request came, and by stream the sums upward and downward."""

    seen: int = 0
    last_at: datetime | None = None
    sums: dict[str, tuple[float, float]] = {}


NO_BASELINE = Baseline()
UNWATCHED = Watch()


def baseline_of(
    times: Sequence[datetime],
    numbers: Mapping[str, Sequence[float]],
    claims: Sequence[float | None],
    rights: Sequence[bool],
) -> Baseline:
    """The baseline of requests oldest first; ``claims`` and ``rights`` are of those that people decided, in order."""
    pace = pace_of(times)
    gaps = [elapsed(pace, earlier, later) for earlier, later in pairwise(times)] if pace else []
    given = [claim for claim in claims if claim is not None]
    claimed = fmean(given) if given else 1.0
    apart = [(claimed if c is None else c) - right for c, right in zip(claims, rights, strict=True)]
    return Baseline(
        pace=pace,
        gaps=_quantiles(gaps),
        numbers={pointer: _quantiles(found) for pointer, found in numbers.items()},
        confidence=_quantiles(given),
        claimed=claimed,
        over=fmean(apart) if apart else 0.0,
        spread=max(pstdev(apart), _LEAST_SPREAD) if apart else _LEAST_SPREAD,
    )


def without(baseline: Baseline, gone: Mapping[str, Iterable[float]]) -> Baseline:
    """The baseline without these numbers, by pointer, each as often as it is given: those of requests that are erased.

    Nothing takes their place. Where fewer than `_FEWEST` are left, that stream says nothing any more.
    """
    left = {pointer: list(known) for pointer, known in baseline.numbers.items()}
    for pointer, values in gone.items():
        known = left.get(pointer, [])
        for value in values:
            place = bisect_left(known, value)
            if place < len(known) and known[place] == value:
                del known[place]
    return replace(baseline, numbers={pointer: tuple(known) for pointer, known in left.items()})


def noticed(
    baseline: Baseline, watch: Watch, *, at: datetime, numbers: Mapping[str, float], confidence: float | None
) -> tuple[Watch, str | None]:
    """One more request that the grant covers, and what is other than it was, in words, once it is enough."""
    scores: dict[str, float | None] = {}
    if watch.last_at is not None and baseline.pace:
        scores[_RATE] = score(baseline.gaps, elapsed(baseline.pace, watch.last_at, at), _SLACK[_RATE])
    for pointer, value in numbers.items():
        scores[pointer] = score(baseline.numbers.get(pointer, ()), value, _SLACK_OF_NUMBERS)
    if confidence is not None:
        scores[_CONFIDENCE] = score(baseline.confidence, confidence, _SLACK[_CONFIDENCE])
    summed = _added(watch.sums, {name: z for name, z in scores.items() if z is not None})
    return Watch(seen=watch.seen + 1, last_at=at, sums=summed), _alarm(summed)


def judged(baseline: Baseline, watch: Watch, *, confidence: float | None, right: bool) -> tuple[Watch, str | None]:
    """One more outcome that people gave of the agent's action: whether it claims more than comes true, by now."""
    claimed = baseline.claimed if confidence is None else confidence
    apart = (claimed - right - baseline.over) / baseline.spread
    summed = _added(watch.sums, {_OUTCOME: min(apart, _CLIP)})
    # What turns out better than it was is no reason to take anything back.
    summed[_OUTCOME] = (summed[_OUTCOME][0], 0.0)
    return Watch(seen=watch.seen, last_at=watch.last_at, sums=summed), _alarm(summed)


def score(known: Sequence[float], value: float, slack: float = 0.0) -> float | None:
    """The normal score of a value among those known (sorted); None where those are too few to say.

    What lies within the share ``slack`` of it counts as its equal.
    """
    if len(known) < _FEWEST:
        return None
    # In the middle of its equals, so that a value that always was the same scores 0.
    near = abs(value) * slack
    below, upto = bisect_left(known, value - near), bisect_right(known, value + near)
    place = (below + upto + 1) / (2 * (len(known) + 1))
    return _NORMAL.inv_cdf(place)


def _added(sums: Mapping[str, tuple[float, float]], scores: Mapping[str, float]) -> dict[str, tuple[float, float]]:
    added = dict(sums)
    for name, z in scores.items():
        up, down = added.get(name, (0.0, 0.0))
        added[name] = (max(0.0, up + z - ALLOWANCE), max(0.0, down - z - ALLOWANCE))
    return added


def _alarm(sums: Mapping[str, tuple[float, float]]) -> str | None:
    """What is other, in words: the first stream that passed the threshold."""
    for name, (up, down) in sums.items():
        if max(up, down) < THRESHOLD:
            continue
        if name == _RATE:
            return "it asks less often than it did" if up > down else "it asks more often than it did"
        if name == _CONFIDENCE:
            return f"it claims {'more' if up > down else 'less'} confidence than it did"
        if name == _OUTCOME:
            return "less of it is approved unchanged than its confidence says, compared with what it was"
        return f"its {name} is {'larger' if up > down else 'smaller'} than it was"
    return None


def _quantiles(values: Iterable[float]) -> tuple[float, ...]:
    ordered = sorted(values)
    if len(ordered) <= _KEPT:
        return tuple(ordered)
    return tuple(ordered[(2 * i + 1) * len(ordered) // (2 * _KEPT)] for i in range(_KEPT))
