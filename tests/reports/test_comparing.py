"""A title is held against the one on the trail, in which values may be hidden."""

from __future__ import annotations

import time

import pytest
from msgspec import to_builtins

from bot.core.redaction import MARK
from bot.reports.comparing import _same_text
from bot.reports.trail import fold_of
from tests.store import samples


@pytest.mark.parametrize(
    ("told", "text", "same"),
    [
        ("plain", "plain", True),
        ("plain", "plain and more", False),
        (f"Pay {MARK} to {MARK}", "Pay 5 to to ben", True),
        (f"{MARK} ab{MARK}ab", "x ab ab ab", True),
        (f"Pay {MARK} to {MARK}.", "Pay 5 to ben!", False),
    ],
)
def test_what_is_hidden_may_be_anything(told: str, text: str, *, same: bool) -> None:
    """And nothing else may differ."""
    assert _same_text(told, text) is same


def test_a_title_of_marks_alone_is_read_at_once() -> None:
    """Whoever edits such a row would else stop the house for as long as its report is read."""
    began = time.process_time()
    assert not _same_text(MARK * 10 + "a", "x" * 200 + "b")
    assert time.process_time() - began < 1


def test_a_decision_that_an_older_sayso_wrote_is_compared_by_what_it_knew() -> None:
    """Its line names no broken glass, and its row as of now does: it is no other decision, and the report is good."""
    made = to_builtins(samples.decision(samples.request()))
    older = {name: value for name, value in made.items() if name != "broke_glass"}
    assert fold_of(older) == fold_of(made)
    assert fold_of(made) not in (fold_of(made | {"broke_glass": True}), fold_of(made | {"by": "ben"}))
