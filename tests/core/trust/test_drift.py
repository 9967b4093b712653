"""Drift: found within the number of actions that the docs state, and seldom where there is none."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from statistics import median

import pytest

from bot.core.trust.drift import NO_BASELINE, UNWATCHED, Baseline, baseline_of, judged, noticed, score
from tests.core.trust.histories import BEGAN

Draw = Callable[[random.Random], float]


def _usual(drawn: random.Random) -> float:
    return drawn.lognormvariate(3.0, 0.5)


def run(
    seed: int, most: int, *, amount: Draw = _usual, faster: float = 1.0, sure: float = 0.9
) -> tuple[int, str | None]:
    """After how many actions an agent with 120 decisions behind it is found to drift, and how it is told."""
    drawn = random.Random(seed)  # noqa: S311  # the same agents each time
    times = [BEGAN]
    for _ in range(119):
        times.append(times[-1] + timedelta(seconds=drawn.expovariate(1 / 3600)))
    claims = [min(1.0, drawn.gauss(0.9, 0.04)) for _ in range(120)]
    known = baseline_of(times, {"/amount": [_usual(drawn) for _ in range(120)]}, claims, [True] * 120)
    watch, now = UNWATCHED, times[-1]
    for count in range(1, most + 1):
        now += timedelta(seconds=drawn.expovariate(1 / 3600) / faster)
        claim = min(1.0, drawn.gauss(sure, 0.04))
        watch, alarm = noticed(known, watch, at=now, numbers={"/amount": amount(drawn)}, confidence=claim)
        if alarm is not None:
            return count, alarm
    return most, None


def test_an_agent_that_stays_as_it_was_is_seldom_taken_for_another() -> None:
    """Of 30 agents with 1,000 actions each, at most a handful raise a false alarm on any of three streams."""
    found = [run(seed, 1000)[1] for seed in range(30)]
    assert sum(alarm is not None for alarm in found) <= 5


@pytest.mark.parametrize(
    ("told", "within", "amount", "faster", "sure"),
    [
        ("larger", 40, lambda drawn: drawn.lognormvariate(3.5, 0.5), 1.0, 0.9),
        ("smaller", 40, lambda drawn: drawn.lognormvariate(2.5, 0.5), 1.0, 0.9),
        ("larger", 7, lambda _: 1000.0, 1.0, 0.9),
        ("more often", 15, _usual, 10.0, 0.9),
        ("less often", 15, _usual, 0.1, 0.9),
        ("less confidence", 20, _usual, 1.0, 0.8),
    ],
)
def test_a_drift_is_found_within_the_stated_number_of_actions(
    told: str, within: int, amount: Draw, faster: float, sure: float
) -> None:
    """Half of the agents sooner than the stated number, and each says what is other."""
    found = [run(seed, 400, amount=amount, faster=faster, sure=sure) for seed in range(15)]
    assert all(alarm is not None for _, alarm in found)
    assert sum(told in str(alarm) for _, alarm in found) >= 13
    assert median(count for count, _ in found) <= within


def test_outcomes_that_fall_short_of_the_confidence_are_found_and_better_ones_are_not() -> None:
    """Four failures close together after a flawless history; one now and then is no drift, and luck never is."""
    flawless = baseline_of([BEGAN], {}, [0.95] * 100, [True] * 100)
    uneven = baseline_of([BEGAN], {}, [0.95] * 100, [n % 2 == 0 for n in range(100)])

    def told(rights: list[bool], known: Baseline = flawless) -> str | None:
        watch, alarm = UNWATCHED, None
        for right in rights:
            watch, alarm = judged(known, watch, confidence=0.95, right=right)
            if alarm is not None:
                break
        return alarm

    assert "approved unchanged" in str(told([False] * 4))
    assert told([False, *[True] * 9] * 20) is None
    assert told([True] * 1000) is None
    assert told([True] * 1000, uneven) is None


def test_a_machine_that_asks_to_the_second_does_not_drift_by_a_few_minutes() -> None:
    """Every hour to the second, of always the same amount; then every 55 minutes, and a little less: the same."""
    times = [BEGAN + timedelta(hours=n) for n in range(120)]
    known = baseline_of(times, {"/amount": [20.0] * 120}, [0.9] * 120, [True] * 120)
    for minutes, drifts in ((55, False), (5, True)):
        watch, alarm = UNWATCHED, None
        for n in range(60):
            at = times[-1] + timedelta(minutes=minutes * n)
            watch, now = noticed(known, watch, at=at, numbers={"/amount": 19.0}, confidence=0.895)
            alarm = alarm or now
        assert (alarm is not None) == drifts, minutes


def test_of_too_few_values_nothing_is_said_and_equal_ones_are_no_drift() -> None:
    """A baseline of less than twenty scores nothing; whoever always asked for the same goes on to."""
    assert score((1.0,) * 19, 5.0) is None
    assert score((1.0,) * 100, 1.0) == pytest.approx(0.0)
    watch, alarm = UNWATCHED, None
    for count in range(100):
        at = BEGAN + timedelta(seconds=count)
        watch, alarm = noticed(NO_BASELINE, watch, at=at, numbers={"/amount": 1e6}, confidence=0.1)
    assert alarm is None
    assert watch.seen == 100
