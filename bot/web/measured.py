"""Figures as they leave the house: one JSON value, or one table; from the API and from the command line alike."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from bot.core.insight.figures import Figures, Group
from bot.core.insight.tabled import COLUMNS, rows_of
from bot.core.insight.waiting import Queue
from bot.web.spreadsheet import table


class Metrics(
    Struct, frozen=True, kw_only=True, rename={"since": "from", "until": "to", "before_since": "before_from"}
):
    """The figures of a period, rounded outward to whole hours; ``before_from`` to ``from`` is the period before.

    ``of`` says whether they are of requests or of decisions that people made. ``behind`` is how many lines of the audit
    trail they do not know yet. ``queue`` is what waits now, whatever the period; agents are not told.
    """

    since: datetime
    until: datetime
    before_since: datetime | None
    by: str
    only: dict[str, str]
    of: str
    as_of: datetime
    behind: int
    whole: Group
    groups: tuple[Group, ...]
    left_out: int
    queue: Queue | None


def shown(found: Figures, queue: Queue | None) -> Metrics:
    """The answer, with what waits now (None: not told)."""
    return Metrics(
        since=found.since,
        until=found.until,
        before_since=found.before_since,
        by=found.by,
        only=found.only,
        of=found.of,
        as_of=found.as_of,
        behind=found.behind,
        whole=found.whole,
        groups=found.groups,
        left_out=found.left_out,
        queue=queue,
    )


def table_of(figures: Figures) -> bytes:
    """The figures as CSV; no cell of it is one that a spreadsheet takes for a formula."""
    rows = ([row.get(name) for name in COLUMNS] for row in rows_of(figures))
    return table([COLUMNS, *rows]).encode()
