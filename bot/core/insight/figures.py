"""Review figures: what the cells of a period say, of all and group by group, beside the period before.

docs/insight.md says what each of them means, its formula and what it cannot say. Names of counts and of times are
those of `bot.core.insight.names`; names of rates are those of `bot.core.insight.rates`.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.core.insight.calibration import Calibration
from bot.core.insight.intervals import Change, Share


class Spread(Struct, frozen=True, kw_only=True):
    """How long something took, in seconds: of how many, and what half, 90 % and 99 % of them took at most."""

    count: int
    median: float
    p90: float
    p99: float
    few: bool


class Counted(Struct, frozen=True):
    """A category of rejections and edits, and how often people named it."""

    name: str
    count: int


class Edited(Struct, frozen=True, kw_only=True):
    """An argument that people edit: how often, as a share of what they decided, and how far numbers were moved.

    ``median`` and ``p90`` are in percent of the greater of the two numbers, of the ``numbers`` edits that changed one
    number into another that no card hides; None where there are none.
    """

    pointer: str
    edits: Share
    numbers: int
    median: float | None
    p90: float | None


class Figure(Struct, frozen=True, kw_only=True):
    """All that is said of one group, or of everything. What is not known of it is not in its mappings."""

    counts: dict[str, int]
    rates: dict[str, Share]
    times: dict[str, Spread]
    categories: tuple[Counted, ...] = ()
    edited: tuple[Edited, ...] = ()
    calibration: Calibration | None = None


class Group(Struct, frozen=True, kw_only=True):
    """One group: its name, its figures, and how its rates differ from those ``before`` (None: not compared)."""

    name: str
    now: Figure
    before: Figure | None = None
    changes: dict[str, Change] = {}


class Figures(Struct, frozen=True, kw_only=True):
    """The answer to a question (`bot.core.insight.asking.Question`), of whole hours from ``since`` to ``until`` (UTC).

    ``of`` is ``requests``, or ``decisions`` where reviewers are asked about. ``whole`` has the name ``""``. ``groups``
    are the largest first, days and weeks (by the date on which they begin) in order and without gaps; ``left_out`` is
    how many smaller groups are not among them. ``before_since`` is when the period before begins, as long as this one
    and ending where it begins. ``as_of`` is when the figures were read, ``behind`` how many lines of the audit trail
    they do not know yet.
    """

    since: datetime
    until: datetime
    before_since: datetime | None
    by: str
    only: dict[str, str]
    of: str
    whole: Group
    groups: tuple[Group, ...] = ()
    left_out: int = 0
    as_of: datetime
    behind: int = 0
