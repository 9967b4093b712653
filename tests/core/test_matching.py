"""Matchings, against trying every way."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from bot.core.matching import matched

CHOICES = st.lists(st.sets(st.sampled_from("abcd")).map(sorted), max_size=4)


def by_trying(choices: list[list[str]]) -> int:
    """The most that any order of giving the choices away serves."""
    names = ["a", "b", "c", "d"]
    return max(
        sum(given in wanted for given, wanted in zip(order, choices, strict=False)) for order in permutations(names)
    )


@given(CHOICES)
def test_as_many_as_any_way_of_giving_serves(choices: list[list[str]]) -> None:
    """No more, and no fewer."""
    assert matched(choices) == by_trying(choices)


def test_a_thousand_that_each_lead_to_the_next() -> None:
    """Every one of them has to be moved for the last, and no stack runs out."""
    chain = [(str(n), str(n + 1)) for n in range(1000)]
    assert matched([*chain, ("0",)]) == 1001
    assert matched([("0",), *chain, ("1000",)]) == 1001
