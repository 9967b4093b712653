"""Keys, sessions, links and subscriptions as rows and back; see `store.rows`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.core.model import Key, Role
from bot.core.ports import Link, Session, Subscription, Way
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


def session_row(session: Session) -> dict[str, Any]:
    """The row of ``sessions``."""
    return {
        "id": session.id,
        "person": session.person,
        "created_at": rows.micros(session.created_at),
        "expires_at": rows.micros(session.expires_at),
        "way": session.way.value,
        "browser": session.browser,
        "seen_at": rows.micros_or_none(session.seen_at),
    }


def session_of(row: Sequence[Any]) -> Session:
    """The session that a row of `store.visit_statements.SESSION_COLUMNS` says."""
    return Session(
        id=row[0],
        person=row[1],
        created_at=rows.moment(row[2]),
        expires_at=rows.moment(row[3]),
        way=Way(row[4]),
        browser=row[5],
        seen_at=rows.moment_or_none(row[6]),
    )


def link_of(row: Sequence[Any]) -> Link:
    """The link that a row of hash, person, expiry and browser says."""
    return Link(hash=row[0], person=row[1], expires_at=rows.moment(row[2]), browser=row[3])


def subscription_row(subscription: Subscription) -> dict[str, Any]:
    """The row of ``subscriptions``."""
    return {
        "id": subscription.id,
        "person": subscription.person,
        "endpoint": subscription.endpoint,
        "p256dh": subscription.p256dh,
        "auth": subscription.auth,
        "browser": subscription.browser,
        "created_at": rows.micros(subscription.created_at),
    }


def subscription_of(row: Sequence[Any]) -> Subscription:
    """The subscription that a row of `store.visit_statements.SUBSCRIPTION_COLUMNS` says."""
    return Subscription(
        id=row[0],
        person=row[1],
        endpoint=row[2],
        p256dh=row[3],
        auth=row[4],
        browser=row[5],
        created_at=rows.moment(row[6]),
    )
