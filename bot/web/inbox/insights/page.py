"""What a page of figures is made of, and how figures become rows of charts."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from bot.web.inbox.insights.svg.marks import Chart


class Tile(Struct, frozen=True, kw_only=True):
    """A figure in large letters: what it is, what it is now, and a line below; ``tone`` as a tag's."""

    text: str
    value: str
    sub: str = ""
    tone: str = ""
    href: str = ""


class Page(Struct, frozen=True, kw_only=True):
    """``told`` says which period these figures are of, ``behind`` how far they are behind, ``notes`` what to know.

    ``charts`` are drawn in this order, two beside each other unless they are wide. ``choices`` are other ways to group
    (text, address, whether it is this one), offered before the chart of number ``apart``. ``files`` are where the same
    numbers are had, by kind.
    """

    told: str
    behind: str = ""
    notes: tuple[str, ...] = ()
    tiles: tuple[Tile, ...] = ()
    charts: tuple[tuple[Chart, bool], ...] = ()
    choices: tuple[tuple[str, str, bool], ...] = ()
    apart: int = 0
    files: Mapping[str, str] = {}
