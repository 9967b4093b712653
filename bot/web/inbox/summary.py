"""A batch at a glance: of each number among the arguments its sum and bounds, of each text how many there are."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from bot.core.model import Arguments
from bot.core.scrutiny import visible

_FEW = 4
"""So many different values are named, with how often each is there."""

_MOST = 50
"""Names of arguments that are summed up; of more nobody gets a picture at a glance."""

_SHORT = 40
_PLAIN = Decimal("1e15")
"""From here on a number is written as it is, without thousands set apart."""


class Summary(Struct, frozen=True, kw_only=True):
    """One argument over all requests, texts already `visible`. ``missing``: so many requests do not have it.

    ``total``, ``least`` and ``most`` are of its numbers ("" where it has none), ``different`` how many different other
    values there are, ``values`` those with how often each is there, where they are few and short.
    """

    name: str
    missing: int
    total: str = ""
    least: str = ""
    most: str = ""
    different: int = 0
    values: tuple[tuple[str, int], ...] = ()


def summary_of(batch: Sequence[Arguments]) -> tuple[Summary, ...]:
    """Every argument that any of the requests has, in the order in which they first come, `_MOST` at most.

    An agent may name each otherwise; that the others are not summed up is said as the last.
    """
    names = list(dict.fromkeys(name for arguments in batch for name in arguments))
    found = tuple(_one(name, [a[name] for a in batch if name in a], len(batch)) for name in names[:_MOST])
    return found if len(names) <= _MOST else (*found, Summary(name=f"{len(names) - _MOST} more names", missing=0))


def _one(name: str, values: list[Any], of: int) -> Summary:
    numbers = [exact(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
    others = Counter(text_of(v) for v in values if isinstance(v, bool) or not isinstance(v, int | float))
    told: tuple[tuple[str, int], ...] = ()
    if len(others) <= _FEW and all(len(text) <= _SHORT for text in others):
        told = tuple((visible(text), count) for text, count in others.most_common())
    found = Summary(name=visible(name), missing=of - len(values), different=len(others), values=told)
    if not numbers:
        return found
    total, least, most = (written(n) for n in (sum(numbers, Decimal(0)), min(numbers), max(numbers)))
    return Summary(
        name=found.name,
        missing=found.missing,
        different=found.different,
        values=told,
        total=total,
        least=least,
        most=most,
    )


def exact(value: float) -> Decimal:
    """The number as it is written, so that 0.1 and 0.2 are 0.3."""
    return Decimal(repr(value))


def text_of(value: Any) -> str:
    """A value as one text, the same for the same value."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def written(number: Decimal) -> str:
    """A number with its thousands set apart, without zeros that say nothing."""
    if abs(number) >= _PLAIN:
        return str(number)
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def lengths(arguments: Arguments) -> int:
    """Characters that a reader has before them."""
    return sum(_length((name, value)) for name, value in arguments.items())


def _length(pair: Iterable[Any]) -> int:
    return sum(len(text_of(part)) for part in pair)
