"""What several requests come to: how many of each action, and what their numbers add up to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from bot.core.card.values import Card, Line

_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
"""A number as a card shows it: JSON, without the quotes of a text."""
_NUMBERS, _NAME = 4, 60
_LONG = 24
"""Characters of a number that is still written out."""


def summary_of(cards: Sequence[Card], most: int = 8) -> tuple[Line, ...]:
    """A line for each action, most frequent first: ``12 requests; amount 10 to 500, 2,880 in all``.

    Actions beyond the first ``most`` are counted in a line more. Names are the agent's own, so a channel shows them as
    it shows arguments.
    """
    by_action: dict[str, list[Card]] = {}
    for card in cards:
        by_action.setdefault(card.action, []).append(card)
    ordered = sorted(by_action.items(), key=lambda pair: -len(pair[1]))
    lines = [Line(_name(action), _told(some)) for action, some in ordered[:most]]
    if len(ordered) > most:
        rest = sum(len(some) for _, some in ordered[most:])
        lines.append(Line(f"{len(ordered) - most} more actions", _counted(rest)))
    return tuple(lines)


def _told(cards: Sequence[Card]) -> str:
    told = [f"{_name(name)} {_spread(values)}" for name, values in _numbers(cards).items()]
    more = [f"{len(told) - _NUMBERS} more numbers"] if len(told) > _NUMBERS else []
    return "; ".join([_counted(len(cards)), *told[:_NUMBERS], *more])


def _counted(requests: int) -> str:
    return "1 request" if requests == 1 else f"{requests} requests"


def _name(name: str) -> str:
    plain = " ".join(name.split()) or "(no name)"
    return plain if len(plain) <= _NAME else f"{plain[: _NAME - 1]}…"


def _numbers(cards: Sequence[Card]) -> dict[str, list[Decimal]]:
    """The arguments that are a number in every one of these requests: a sum with gaps would mislead."""
    found: dict[str, list[Decimal]] = {}
    for card in cards:
        for line in card.arguments:
            if not line.elided and _NUMBER.fullmatch(line.text):
                found.setdefault(line.label, []).append(Decimal(line.text))
    return {name: values for name, values in found.items() if len(values) == len(cards)}


def _spread(values: Sequence[Decimal]) -> str:
    least, most = min(values), max(values)
    spread = _plain(least) if least == most else f"{_plain(least)} to {_plain(most)}"
    return f"{spread}, {_plain(sum(values, Decimal(0)))} in all" if len(values) > 1 else spread


def _plain(value: Decimal) -> str:
    """With thousands marked; what is too long for that, as a power of ten."""
    whole = value.to_integral_value()
    shown = f"{whole if whole == value else value:,f}"
    return shown if len(shown) <= _LONG else f"{value:.6E}"
