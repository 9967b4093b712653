"""The lower bound: what it may never do, held against every short history and against many long ones."""

from __future__ import annotations

import random
from itertools import accumulate

import pytest

from bot.core.trust.bound import flawless, lower


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_t15_over_every_history_the_bound_ever_passes_the_truth_no_more_often_than_is_said(share: float) -> None:
    """Exact over all histories of 60: the chance that any look finds the bound above the true share is within error."""
    error, alive, passed = 0.05, {0: 1.0}, 0.0
    for seen in range(1, 61):
        grown: dict[int, float] = {}
        for right, chance in alive.items():
            for now, so in ((right + 1, chance * share), (right, chance * (1 - share))):
                if lower(now, seen - now, error=error, toward=0.95) > share:
                    passed += so
                else:
                    grown[now] = grown.get(now, 0.0) + so
        alive = grown
    assert passed <= error


def test_t15_whoever_looks_after_each_of_2000_decisions_is_deceived_no_more_often_than_is_said() -> None:
    """Of 400 agents just below what is asked for, at most the stated share ever seems to reach it."""
    drawn, deceived = random.Random(7), 0  # noqa: S311  # the same histories each time
    for _ in range(400):
        rights = list(accumulate(drawn.random() < 0.949 for _ in range(2000)))
        looks = [(right, n) for n, right in enumerate(rights, start=1) if right / n > 0.96 and n % 5 == 0]
        deceived += any(lower(right, n - right, error=0.05, toward=0.95) >= 0.95 for right, n in looks)
    assert deceived <= 400 * 0.05


def test_the_bound_lies_below_what_was_seen_and_tightens_with_more_of_it() -> None:
    """It is never above the share seen, grows with what was right and falls with what was wrong."""
    same = [lower(19 * n, n, error=0.05, toward=0.95) for n in (1, 5, 20, 100, 1000)]
    assert same == sorted(same)
    assert same[-1] < 0.95
    assert same[-1] == pytest.approx(0.95, abs=0.01)
    assert lower(200, 1, error=0.05, toward=0.95) < lower(200, 0, error=0.05, toward=0.95)
    assert lower(0, 3, error=0.05, toward=0.95) == lower(0, 0, error=0.05, toward=0.95) == 0.0


@pytest.mark.parametrize(("toward", "fewest"), [(0.9, 45), (0.95, 92), (0.99, 472)])
def test_so_many_flawless_decisions_are_needed_at_the_least(toward: float, fewest: int) -> None:
    """The docs' figures, and one fewer is not enough."""
    assert flawless(error=0.05, toward=toward) == fewest
    assert lower(fewest - 1, 0, error=0.05, toward=toward) < toward <= lower(fewest, 0, error=0.05, toward=toward)
