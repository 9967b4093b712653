"""Keys and sessions as rows and back; see `store.rows`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.core.model import Key, Role
from bot.core.ports import Session
from store import rows

KEY_COLUMNS = ("id", "name", "role", "hash", "created_at", "revoked_at")


def key_row(key: Key) -> dict[str, Any]:
    """The row of ``keys``."""
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role.value,
        "hash": key.hash,
        "created_at": rows.micros(key.created_at),
        "revoked_at": rows.micros_or_none(key.revoked_at),
    }


def key_of(row: Sequence[Any]) -> Key:
    """The key that a row of `KEY_COLUMNS` says."""
    return Key(
        id=row[0],
        name=row[1],
        role=Role(row[2]),
        hash=row[3],
        created_at=rows.moment(row[4]),
        revoked_at=rows.moment_or_none(row[5]),
    )


def session_of(row: Sequence[Any]) -> Session:
    """The session that a row of ``sessions`` (id, person, created_at, expires_at) says."""
    return Session(id=row[0], person=row[1], created_at=rows.moment(row[2]), expires_at=rows.moment(row[3]))
