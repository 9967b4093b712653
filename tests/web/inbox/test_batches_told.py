"""What a batch is called and how its requests are summed up: exactly, and within bounds."""

from __future__ import annotations

from typing import Any

import pytest

from bot.core.links import batch_path
from bot.web.inbox.summary import Summary, summary_of


@pytest.mark.parametrize(
    ("name", "path"),
    [("a b", "/inbox/batches/a%20b"), ("..", None), (".", None), (None, None), ("", None), ("\ud800", None)],
)
def test_a_name_that_cannot_stand_in_an_address_gets_none(name: str | None, path: str | None) -> None:
    """Browsers take dots for a way up, and a lone surrogate has no bytes."""
    assert batch_path(name) == path


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.1, 0.2], {"total": "0.3", "least": "0.1", "most": "0.2"}),
        ([1, 2500], {"total": "2,501", "least": "1", "most": "2,500"}),
        ([1e300, 1], {"total": "1.000000000000000000000000000E+300", "least": "1", "most": "1E+300"}),
        ([-5.5], {"total": "-5.5", "least": "-5.5", "most": "-5.5"}),
        (["a", "a", "b"], {"different": 2, "values": (("a", 2), ("b", 1))}),
        ([True, 1], {"total": "1", "least": "1", "most": "1", "different": 1, "values": (("true", 1),)}),
        ([{"b": 1, "a": 2}, {"a": 2, "b": 1}], {"different": 1, "values": (('{"a": 2, "b": 1}', 2),)}),
        (list("abcde"), {"different": 5}),
        (["x" * 41], {"different": 1}),
        (["a\u202eb"], {"different": 1, "values": (("a⟦U+202E⟧b", 1),)}),
    ],
)
def test_a_summary_is_exact(values: list[Any], expected: dict[str, Any]) -> None:
    """Numbers are added as they are written, truth values are no numbers, texts are counted and shown openly."""
    made = summary_of([{"x": value} for value in values])
    assert made == (Summary(name="x", missing=0, **expected),)


def test_a_summary_says_what_is_not_in_all() -> None:
    """An argument that only some requests have says in how many it is missing."""
    assert [(s.name, s.missing) for s in summary_of([{"a": 1}, {"a": 2, "b": 1}, {}])] == [("a", 1), ("b", 2)]


def test_t22_names_without_end_are_not_all_summed_up() -> None:
    """Of two hundred requests each argument has a name of its own: fifty are told of, and how many more there are."""
    found = summary_of([{f"{request}_{n}": 1 for n in range(1_000)} for request in range(200)])
    assert (len(found), found[-1]) == (51, Summary(name="199950 more names", missing=0))
