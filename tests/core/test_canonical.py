"""Canonical JSON: the quick way and the whole of RFC 8785 write the same bytes."""

from __future__ import annotations

from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from bot.core.digest import canonical

NUMBERS = (
    st.integers(-(2**53), 2**53) | st.floats() | st.sampled_from([1e-4, 9.9e-5, 1e16, 1e21, 5e-324, -0.0, 2.0**53])
)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner),
    max_leaves=20,
)


@given(VALUES)
def test_canonical_writes_what_rfc_8785_says(value: Any) -> None:
    """Whatever the value, the bytes (or the refusal) are those of the reference implementation."""
    try:
        expected = rfc8785.dumps(value)
    except ValueError:
        with pytest.raises(ValueError):  # noqa: PT011  # its own subclass or a codec's: the callers catch the base
            canonical(value)
    else:
        assert canonical(value) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (240.0, "240"),
        (-0.0, "0"),
        (0.72, "0.72"),
        (1e-7, "1e-7"),
        (1e-6, "0.000001"),
        (1e21, "1e+21"),
        (0.1 + 0.2, "0.30000000000000004"),
        ({"b": 1, "a": '\x7f\x1f\n"\\/€'}, '{"a":"\x7f\\u001f\\n\\"\\\\/€","b":1}'),
        ({"\ufb33": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ufb33":1}'),
    ],
)
def test_canonical_numbers_strings_and_order(value: Any, text: str) -> None:
    """Numbers as ECMAScript writes them, strings with the fewest escapes, keys by UTF-16 code units."""
    assert canonical(value) == text.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, -(2**53), "\ud800", {"\udfff": 1}])
def test_canonical_refuses_what_it_cannot_write_exactly(value: Any) -> None:
    """NaN, infinity, integers beyond 2^53-1 and lone surrogates are refused."""
    with pytest.raises(ValueError):  # noqa: PT011  # as above
        canonical(value)
