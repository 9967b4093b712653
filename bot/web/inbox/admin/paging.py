"""Long lists, so many at a time: a thousand rules must not make one page of ten megabytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from msgspec import Struct
from starlette.requests import Request as Http

T = TypeVar("T")

AT_ONCE = 50
_DIGITS = 6


class Slice(Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list: its items, the place of the first in the whole (0 first), and how many there are in all."""

    items: Sequence[T]
    first: int
    total: int


class Leaf(Struct, frozen=True):
    """Which page is shown, from 1, and how many there are."""

    number: int
    of: int


def number_in(http: Http, name: str) -> int:
    """A whole number out of the address; 0 where there is none that makes sense."""
    given = http.query_params.get(name, "")
    return int(given) if given.isascii() and given.isdigit() and len(given) <= _DIGITS * 2 else 0


def leaf_of(http: Http, longest: int) -> Leaf:
    """The page that the address asks for, or the nearest there is."""
    of = max(1, -(-longest // AT_ONCE))
    return Leaf(min(max(number_in(http, "page"), 1), of), of)


def sliced(items: Sequence[T], leaf: Leaf) -> Slice[T]:
    """What of a list stands on a page."""
    first = (leaf.number - 1) * AT_ONCE
    return Slice(items=items[first : first + AT_ONCE], first=first, total=len(items))
