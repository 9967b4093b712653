"""What many facts add up to: counts, and spreads of times that can be added and taken away again.

A request counts in the hour, the day and the month (UTC) in which it was submitted, whenever it is decided.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class Grain(StrEnum):
    """How long a cell's time is."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"


class Sort(StrEnum):
    """What a cell is about, and so what its ``parts`` are.

    ``whole``: nothing, which tells of days and weeks in some hundreds of cells. ``case``: agent, action, rule, and the
    channel of the vote that ended it (empty: none). ``reviewer``: person, agent, action, channel; such a cell adds up
    judgements. ``label``: ``name=value``, agent, action.
    """

    WHOLE = "whole"
    CASE = "case"
    REVIEWER = "reviewer"
    LABEL = "label"


class CellKey(Struct, frozen=True):
    """Which cell; ``at`` is when its hour, day or month begins."""

    grain: Grain
    at: datetime
    sort: Sort
    parts: tuple[str, ...]


class Bin(Struct, frozen=True):
    """Requests that people decided, of about one confidence: how many, how many were approved unchanged.

    ``claimed`` adds up the confidence and ``squares`` the squared distance of it from what came (1: unchanged, 0: not),
    both in millionths, so that taking away what was added leaves nothing.
    """

    count: int
    right: int
    claimed: int
    squares: int


class Corrected(Struct, frozen=True):
    """Edits of one argument: how many, how many of them of numbers, and the sketch of how far those went.

    How far is ``|after - before| / max(|before|, |after|)``, in percent.
    """

    count: int
    numbers: int
    far: dict[int, int]


class Drawn(Struct, frozen=True):
    """Of what a lot took out by one share, and people decided: how many, and how many of them were wrong."""

    count: int
    wrong: int


class Cell(Struct, frozen=True, omit_defaults=True):
    """What the facts (or judgements) of one cell add up to. Adding is commutative; a cell taken from itself is empty.

    ``counts`` are by name; ``spreads`` are sketches of seconds by name (`bot.core.insight.sketch`: bucket to how many),
    ``bins`` those by confidence in steps of a twentieth (0 to 19); ``drawn`` are samples by the share that was drawn,
    in millionths. What was added up before shares were kept is in ``counts`` alone.
    """

    counts: dict[str, int] = {}
    spreads: dict[str, dict[int, int]] = {}
    categories: dict[str, int] = {}
    corrected: dict[str, Corrected] = {}
    bins: dict[int, Bin] = {}
    drawn: dict[int, Drawn] = {}
