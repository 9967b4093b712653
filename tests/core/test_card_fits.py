"""A card that is cut to fit says so, never in silence, and what was left out cannot be approved on it (T2)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core.card import (
    Line,
    fit,
    shorten,
)
from bot.core.model import (
    Replies,
    Verb,
)
from tests.core.test_card import card


def test_a_text_that_fits_is_left_alone() -> None:
    """To the character."""
    assert shorten("x" * 10, 10) == ("x" * 10, False)


def test_a_shortened_text_states_its_true_length() -> None:
    """And stays within its limit, where that holds the mark at all."""
    text, cut = shorten("x" * 1_000, 100)
    assert cut
    assert len(text) <= 100
    assert text.endswith("of 1000 characters shown]")
    assert shorten("x" * 1_000, 3) == ("… [shortened: 0 of 1000 characters shown]", True)


def lines(count: int, each: int) -> tuple[Line, ...]:
    """So many lines of so many characters."""
    return tuple(Line(f"a{n}", "x" * each) for n in range(count))


def test_a_card_that_fits_is_left_alone() -> None:
    """The very same card."""
    found = card()
    assert fit(found, line=100, lines=5, total=1_000) is found


@pytest.mark.parametrize(
    "changes",
    [
        {"arguments": lines(1, 101)},
        {"arguments": lines(6, 1)},
        {"arguments": lines(4, 90), "claims": lines(4, 90)},
        {"arguments": (Line("x" * 151, "1"),)},
        {"claims": lines(1, 101)},
        {"claims": lines(5, 1)},
        {"title": "x" * 151},
    ],
    ids=["long", "many", "total", "long name", "long claim", "many claims", "title"],
)
def test_t02_whatever_is_left_out_takes_approval_off(changes: dict[str, Any]) -> None:
    """It is marked where it is missing, and neither Approve nor Edit is offered."""
    found = fit(replace(card(), **changes), line=100, lines=5, total=600)
    assert not found.fully_shown
    assert found.buttons == (Verb.REJECT, Verb.ASK, Verb.ESCALATE)
    marked = " ".join(
        (found.title, *(text for line in (*found.arguments, *found.claims) for text in (line.label, line.text)))
    )
    assert "[shortened:" in marked or "more not shown here]" in marked
    assert found.digest == card().digest


@pytest.mark.parametrize("mode", Replies)
def test_t02_what_is_not_shown_whole_is_not_approved_by_reply(mode: Replies) -> None:
    """The mode is lowered where anything was left out, and never raised; where nothing was, it stays."""
    about = replace(card(), replies=mode)
    assert fit(about, line=100, lines=5, total=1_000).replies is mode
    cut = fit(replace(about, arguments=lines(1, 101)), line=100, lines=5, total=600)
    assert cut.replies is max(mode, Replies.REJECT_ONLY, key=lambda each: each.rank)


def test_arguments_are_served_before_claims() -> None:
    """Where there is room for one of both, it is what would run."""
    found = fit(replace(card(), arguments=lines(1, 300), claims=lines(1, 300)), line=400, lines=9, total=350)
    assert found.arguments == lines(1, 300)
    assert found.claims == (Line("…", "[1 more not shown here]", elided=True),)
    assert not found.fully_shown


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 400)), max_size=12),
    st.integers(60, 300),
    st.integers(1, 12),
    st.integers(100, 2_000),
)
def test_t02_nothing_is_ever_left_out_in_silence(
    sizes: list[tuple[int, int]], line: int, most: int, total: int
) -> None:
    """Either every character is there, or the card says that it is not fully shown; and it keeps its limits."""
    whole = replace(card(), arguments=tuple(Line("n" * name, "x" * text) for name, text in sizes))
    found = fit(whole, line=line, lines=most, total=total)
    assert found.fully_shown is (found.arguments == whole.arguments)
    assert len(found.arguments) <= most
    assert all(len(item.text) <= max(line, 96) for item in found.arguments)
    assert (Verb.APPROVE in found.buttons) is found.fully_shown
