"""Which edits show that somebody looked: those of weight, as docs/attention.md defines it."""

from __future__ import annotations

import time
from typing import Any

import pytest

from bot.core.edits import differences
from bot.core.slightness import slight

ALIKE: tuple[tuple[Any, Any], ...] = (
    ("Order 10428", "order-10428 "),
    (100, 101),
    (100, 100.0),
    (0, 0.01),
    (0.02, 0.03),
    (-0.005, 0.005),
    (None, ["", {}]),
    (["ana", "ben", "lea"], ["lea", "Ana", "ben"]),
    ([1000, 2000, 5], [2010, 5, 1000]),
    (["ana", ""], ["ana"]),
    ([{"to": "ana", "sum": 100}, {"to": "ben", "sum": 101}], [{"sum": 100, "to": "ben"}, {"to": "ana", "sum": 101}]),
    ([{"sum": 100.0, "days": 5}, {"sum": 100.5, "days": 1}], [{"sum": 100.5, "days": 5}, {"sum": 100, "days": 1}]),
    ([["b", "a"], []], [[], ["a", "b"]]),
)
OF_WEIGHT: tuple[tuple[Any, Any], ...] = (
    ("order 10428", "order 10429"),
    (100, 102),
    (0, 1),
    (0, 0.02),
    (0.5, -0.5),
    (0, None),
    (1, True),
    (["ana"], ["ana", "ana"]),
    (["ana", "ben"], ["ana", "lea"]),
    ([{"to": "ana", "sum": 100}, {"to": "ben", "sum": 1}], [{"to": "ana", "sum": 1}, {"to": "ben", "sum": 100}]),
    ([["a"], ["b", "c"]], [["a", "b"], ["c"]]),
)


@pytest.mark.parametrize(("pairs", "same"), [(ALIKE, True), (OF_WEIGHT, False)])
def test_another_order_and_hundredths_near_zero_are_of_no_weight(pairs: tuple[Any, ...], *, same: bool) -> None:
    """Either way round, by itself and deep within something else."""
    for one, other in pairs:
        for before, after in ((one, other), (other, one)):
            for within in (before, after), ({"lines": [{"of": before}]}, {"lines": [{"of": after}]}):
                edits = differences({"it": within[0]}, {"it": within[1]})
                assert edits
                assert slight(edits) is same, within


def test_a_hostile_value_is_compared_in_no_time() -> None:
    """Thousands of items, and a list 60 levels down: linear, however they are turned round; deeper is of weight."""
    flat = [{"n": n, "to": f"person {n}"} for n in range(3_000)]
    deep: Any = list(range(6_000))
    for _ in range(60):
        deep = [deep, "x"]
    began = time.process_time()
    assert slight(differences({"it": [*flat, deep]}, {"it": [deep, *reversed(flat)]}))
    for _ in range(900):
        deep = [deep]
    assert not slight(differences({"it": [deep]}, {"it": [deep, "y"]}))
    assert time.process_time() - began < 5
