"""What several requests come to: counted by action, their numbers added up, nothing made up."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.card import Card, Line, card_of, literal
from bot.core.card.summary import summary_of
from tests.core.requests import request, route, stage, step


def card(action: str = "refund.issue", **arguments: Any) -> Card:
    """A card of this action with these arguments."""
    lines = tuple(Line(name, literal(value)) for name, value in arguments.items())
    return replace(
        card_of(request(way=route(stage(step("ana")))), people={}, url="https://x"), action=action, arguments=lines
    )


def test_actions_are_counted_and_their_numbers_added_up() -> None:
    """The most frequent first; a sum in the numbers' own decimals, thousands marked."""
    cards = [card("mail.send", to="x"), *(card(order=str(n), amount=n * 1000.1, days=3) for n in (1, 2, 3))]
    assert summary_of(cards) == (
        Line("refund.issue", "3 requests; amount 1,000.1 to 3,000.3, 6,000.6 in all; days 3, 9 in all"),
        Line("mail.send", "1 request"),
    )


def test_only_what_is_a_number_in_all_of_them_is_added_up() -> None:
    """A text of digits is a text, what was shortened is not read, and a sum with gaps would mislead."""
    assert summary_of([card(a=1, b="1", c=True), card(a=2, b="2")]) == (
        Line("refund.issue", "2 requests; a 1 to 2, 3 in all"),
    )
    gaps = [card(a=1), card(b=1)]
    assert summary_of(gaps) == (Line("refund.issue", "2 requests"),)
    cut = replace(card(a=1), arguments=(Line("a", "1", elided=True),))
    assert summary_of([cut, card(a=1)]) == (Line("refund.issue", "2 requests"),)


def test_it_stays_short_whatever_agents_call_things() -> None:
    """Eight actions and four numbers each are named; names are cut, and huge numbers are powers of ten."""
    many = [card(f"act.{n}", **{f"n{i}": i for i in range(6)}) for n in range(10)]
    lines = summary_of(many)
    assert len(lines) == 9
    assert lines[-1] == Line("2 more actions", "2 requests")
    assert lines[0].text.endswith("; 2 more numbers")
    (line,) = summary_of([card("a" * 999, **{"n\n" * 99: 1e300})] * 2)
    assert len(line.label) == 60
    assert "\n" not in line.text
    assert "2.000000E+300 in all" in line.text


@given(st.lists(st.integers(-(10**12), 10**12) | st.decimals(-9999, 9999, places=2), min_size=1, max_size=30))
def test_the_sum_is_the_sum(values: list[int | Decimal]) -> None:
    """Of whole numbers and of cents alike, without a float in between."""
    cards = [replace(card(), arguments=(Line("n", f"{value}"),)) for value in values]
    (line,) = summary_of(cards)
    told = [Decimal(text.replace(",", "")) for text in re.findall(r"-?[0-9][0-9,]*(?:\.[0-9]+)?", line.text)]
    assert told[0] == len(values)
    assert told[1] == min(values)
    assert told[-1] == (sum(values) if len(values) > 1 else values[0])
