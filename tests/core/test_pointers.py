"""JSON Pointers: RFC 6901."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.pointers import below, names, value_at


@pytest.mark.parametrize(
    ("pointer", "name", "member"),
    [("", "amount", "/amount"), ("/a", "b/c", "/a/b~1c"), ("", "m~n", "/m~0n"), ("", "~1", "/~01"), ("/a", "", "/a/")],
)
def test_a_member_is_named_as_the_rfc_says(pointer: str, name: str, member: str) -> None:
    """The RFC's own examples, and the name that only the right order of unescaping brings back."""
    assert below(pointer, name) == member
    assert names(member)[-1] == name


@given(st.lists(st.text()))
def test_every_path_comes_back(path: list[str]) -> None:
    """Whatever the keys hold, walking down and reading the pointer give the same keys."""
    pointer = ""
    for name in path:
        pointer = below(pointer, name)
    assert names(pointer) == tuple(path)


@pytest.mark.parametrize(
    ("path", "found"),
    [((), {"a": [1, {"b": 2}]}), (("a", "1", "b"), 2), (("a", "2"), None), (("a", "²"), None), (("a", "0", "b"), None)],
)
def test_what_stands_at_the_end_of_a_path(path: tuple[str, ...], found: object) -> None:
    """Through objects and lists; nothing where it leads nowhere, or by what is no index."""
    assert value_at({"a": [1, {"b": 2}]}, path) == found
