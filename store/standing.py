"""How the house stands, for its figures: the ends of indexes, and counts of what only indexes need be read for."""

from __future__ import annotations

from datetime import datetime

from bot.core.ports.standing import Census, Standing
from store import rows
from store.cursor import Cursor


def standing(cursor: Cursor, now: datetime) -> Standing:
    """What the ends of the indexes say, and what waits to be done."""
    say = cursor.say.standing
    due, deadline, oldest = (_moment(cursor.one(statement)) for statement in say.ends)
    waiting = cursor.all(say.effects)
    live = cursor.one(say.sessions, {"now": rows.micros(now)})
    return Standing(
        due=due,
        deadline=deadline,
        oldest=oldest,
        effect_due=rows.moment_or_none(min((at for _, _, at in waiting), default=None)),
        effects={kind: count for kind, count, _ in waiting},
        sessions=live[0] if live else 0,
    )


def census(cursor: Cursor) -> Census:
    """Requests and executions by state."""
    say = cursor.say.standing
    return Census(
        requests=dict(cursor.all(say.requests)),
        executions=dict(row for statement in say.executions for row in cursor.all(statement)),
    )


def _moment(row: tuple[int | None, ...] | None) -> datetime | None:
    return rows.moment_or_none(row[0]) if row else None
