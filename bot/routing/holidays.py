"""Public holidays: ``PT``, ``DE-BY``, dates of one's own, or a list of both.

The days of a country or a part of one are those of the library ``holidays`` (vacanza), which is imported only when a
file names one. It knows them for about a hundred years; what is a day off only in a church, a bank or by choice is not
among them.
"""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

from msgspec import Struct

from bot.routing import moments
from bot.routing.faults import listed, meant, quoted
from bot.routing.nodes import Node, Sequence
from bot.routing.values import Reader

LONGEST_CODE = 40
DATE_LIKE = re.compile(r"[0-9]{4}-.*")


class DaysOff(Struct, frozen=True):
    """The holidays of ``places`` (country, and its part or None) and ``dates``: a `bot.core.policy.Holidays`."""

    places: tuple[tuple[str, str | None], ...] = ()
    dates: tuple[date, ...] = ()

    def __call__(self, first: date, last: date) -> tuple[date, ...]:
        """The holidays from the first date to the last, both included, in order."""
        years = range(first.year, last.year + 1)
        found = {day for place in self.places for year in years for day in _of(*place, year)}
        return tuple(sorted(day for day in {*found, *self.dates} if first <= day <= last))


@lru_cache(maxsize=4096)
def _of(country: str, part: str | None, year: int) -> tuple[date, ...]:
    from holidays import country_holidays  # noqa: PLC0415  # 90 ms and 250 countries that most files do without

    return tuple(country_holidays(country, subdiv=part, years=year, expand=False))


@lru_cache(maxsize=1)
def _known() -> dict[str, list[str]]:
    """Every country's code, and the codes of its parts."""
    from holidays import list_supported_countries  # noqa: PLC0415  # as above

    return list_supported_countries(include_aliases=False)


def holidays(reader: Reader, node: Node) -> DaysOff | None:
    """What a file says of days off; None where nothing of it can be used."""
    places: list[tuple[str, str | None]] = []
    dates: list[date] = []
    for item in reader.items(node, "holidays") if isinstance(node, Sequence) else [node]:
        text = reader.text(item, "holidays", limit=LONGEST_CODE)
        if text is None:
            continue
        if DATE_LIKE.fullmatch(text):
            day = moments.day(reader, item, "a holiday")
            dates += [day] if day else []
        else:
            place = _place(reader, item, text)
            places += [place] if place else []
    if not places and not dates:
        return None
    return DaysOff(tuple(dict.fromkeys(places)), tuple(sorted(set(dates))))


def _place(reader: Reader, node: Node, text: str) -> tuple[str, str | None] | None:
    country, dash, part = text.partition("-")
    known = _known()
    if country not in known:
        fix = meant(country, known, "write a country's two letters and perhaps its part (PT, DE-BY), or dates")
        reader.faults.add(node.place, f"no holidays are known for {quoted(country)}", fix)
        return None
    parts = known[country]
    if dash and part not in parts:
        names = [f"{country}-{name}" for name in parts]
        same = [name for name in names if name.casefold() == text.casefold()]
        there = meant(text, same, "") if same else f"there are: {listed(names, 20)}" * bool(names)
        fix = there or f"write {country}: no parts of it are known"
        reader.faults.add(node.place, f"no holidays are known for the part {quoted(part)} of {country}", fix)
        return None
    return country, part if dash else None
