"""What samples of different shares say together: one drawn by 1 % stands for a hundred."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.core.insight.adding import differences
from bot.core.insight.cell import Cell, Drawn, Grain, Sort
from bot.core.insight.fact import Fact
from bot.core.insight.intervals import Share, share_drawn, share_of
from bot.core.insight.reckoning import figure_of
from bot.core.model import State, Verb
from tests.core.trust.histories import BEGAN, fact, judged


def wrong_of(facts: list[Fact]) -> Share:
    """What these, in one cell, say of samples."""
    cells = differences([(None, each) for each in facts])
    (cell,) = [cell for key, cell in cells.items() if (key.grain, key.sort) == (Grain.MONTH, Sort.WHOLE)]
    assert differences([*((None, each) for each in facts), *((each, None) for each in facts)]) == {}
    return figure_of(cell).rates["sampled_wrong"]


def samples(count: int, wrong: int, share: float) -> list[Fact]:
    """So many of which so many are rejected, drawn by a share."""
    made = [fact(n, BEGAN + timedelta(minutes=n), right=n >= wrong) for n in range(count)]
    return [replace(each, sampled=True, share=share) for each in made]


def test_a_sample_of_one_in_a_hundred_weighs_as_many_as_it_stands_for() -> None:
    """30 of 100 by 1 % and 20 of 1,000 by 50 %: not 4.5 % but 25.3 %; counts and their names are as they were."""
    told = wrong_of([*samples(100, 30, 0.01), *samples(1000, 20, 0.5)])
    assert (told.count, told.of, told.few) == (50, 1100, False)
    assert told.share == pytest.approx((30 * 100 + 20 * 2) / (100 * 100 + 1000 * 2))
    assert told.low < 0.253 < told.high
    # By one share all weigh alike, and a few heavy ones are not many.
    assert wrong_of(samples(100, 30, 0.01)) == share_of(30, 100)
    assert wrong_of([*samples(5, 1, 0.01), *samples(60, 1, 0.9)]).few


def test_samples_of_before_shares_were_kept_weigh_as_the_others_do_on_average() -> None:
    """Cells keep what they had: of those alone nothing changes, and a fact that changes later goes below no zero."""
    counts = Counter(requests=40, decided=40, sampled=40, sampled_wrong=8)
    assert figure_of(Cell(counts=counts)).rates["sampled_wrong"] == share_of(8, 40)
    mixed = figure_of(Cell(counts=counts, drawn={100_000: Drawn(10, 1), 500_000: Drawn(-1, 0), 20_000: Drawn(0, 1)}))
    assert mixed.rates["sampled_wrong"] == share_of(8, 40)
    two = figure_of(Cell(counts=counts, drawn={100_000: Drawn(10, 1), 500_000: Drawn(10, 1)})).rates["sampled_wrong"]
    assert (two.count, two.of) == (8, 40)
    assert two.share == pytest.approx((1 * 10 + 1 * 2 + 6 * 6) / (10 * 10 + 10 * 2 + 20 * 6))


def test_what_comes_to_an_incident_later_moves_within_its_share() -> None:
    """The difference that a fact makes later on is of the same part."""
    fine, harmed = samples(1, 0, 0.25)[0], samples(1, 1, 0.25)[0]
    cells = differences([(fine, harmed)])
    (cell,) = [cell for key, cell in cells.items() if (key.grain, key.sort) == (Grain.HOUR, Sort.WHOLE)]
    assert cell.drawn == {250_000: Drawn(0, 1)}
    assert not differences([(None, replace(fine, sampled=False))]).popitem()[1].drawn
    open_yet = replace(fine, state=State.PENDING, judged=(judged(Verb.ASK),))
    assert not differences([(None, open_yet)]).popitem()[1].drawn


@pytest.mark.parametrize(
    "parts",
    [
        ((0.01, 10_000, 0.3), (0.5, 2000, 0.02)),
        ((0.01, 10_000, 0.02), (0.5, 2000, 0.3)),
        ((0.05, 3000, 0.03), (0.2, 3000, 0.1), (1.0, 100, 0.5)),
    ],
)
def test_the_interval_holds_what_is_true_of_all_that_ran(parts: tuple[tuple[float, int, float], ...]) -> None:
    """Drawn 500 times from so many of which so many are wrong, by such shares: at least 92 in a hundred hold it."""
    lots, held = random.Random(7), 0  # noqa: S311  # a test's, and the same each time
    true = sum(many * wrong for _, many, wrong in parts) / sum(many for _, many, _ in parts)

    def some(many: int, share: float) -> int:
        return min(many, max(0, round(lots.gauss(many * share, (many * share * (1 - share)) ** 0.5))))

    for _ in range(500):
        drawn = {share: (of := some(many, share), some(of, wrong)) for share, many, wrong in parts}
        found = share_drawn(drawn)
        held += found.low <= true <= found.high
    assert held >= 460
