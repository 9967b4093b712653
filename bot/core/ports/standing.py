"""How the house stands: what is counted for its figures, from the store and from whoever writes to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from bot.core.histogram import Histogram


class Standing(Struct, frozen=True, kw_only=True):
    """What indexes answer without looking at a row: cheap however much is stored.

    ``due`` is the earliest moment at which an open request is to be moved on, ``deadline`` the soonest at which its
    next step is asked or it expires, ``oldest`` when the oldest open one was submitted, ``effect_due`` when the
    earliest effect still to be done was or is due. Each is None where there is none.
    """

    due: datetime | None
    deadline: datetime | None
    oldest: datetime | None
    effect_due: datetime | None
    effects: Mapping[str, int]
    sessions: int


class Census(Struct, frozen=True, kw_only=True):
    """What has to be counted one by one, though by indexes alone: requests and executions by state."""

    requests: Mapping[str, int]
    executions: Mapping[str, int]


class Load(Struct, frozen=True):
    """What waits to be written now, and how long the process's commits took since its start."""

    waiting: int
    commits: Histogram
