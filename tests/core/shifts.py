"""Who is on duty at a moment, out of the shifts around it."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.core.duty import shifts
from bot.core.model import Schedule


def on_duty(schedule: Schedule, at: datetime) -> str | None:
    """Who is on duty then; None: nobody."""
    found = shifts(schedule, at, at + timedelta.resolution)
    return found[0].person if found else None
