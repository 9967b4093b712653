"""Who acts: people, keys; and the event that says what they did."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct


class PersonRole(StrEnum):
    """What somebody who signs in may do beside reading.

    A reviewer decides what they are asked; an admin also runs the house; an auditor reads all and decides nothing.
    """

    REVIEWER = "reviewer"
    ADMIN = "admin"
    AUDITOR = "auditor"


class PushWay(StrEnum):
    """Through what a push reaches somebody."""

    WEB = "web"
    NTFY = "ntfy"
    APPRISE = "apprise"


class Person(Struct, frozen=True, kw_only=True):
    """A person as routing.yaml knows one.

    ``digest``: for how long what they are asked by mail is gathered. ``channels``: through what they wish to be asked
    where a step names none, in order of preference; the next where one does not reach them (empty: through all).
    ``push``: through which ways of the channel push (empty: through all that reach them). ``oidc``: by what the
    identity provider's claim names them (None: by their mail address).
    """

    id: str
    name: str
    email: str | None = None
    slack: str | None = None
    ntfy: str | None = None
    timezone: str = "UTC"
    digest: timedelta | None = None
    channels: tuple[str, ...] = ()
    role: PersonRole = PersonRole.REVIEWER
    push: tuple[PushWay, ...] = ()
    oidc: str | None = None


class Role(StrEnum):
    """What a key may do; a key carries exactly one role."""

    AGENT = "agent"
    REVIEWER = "reviewer"
    ADMIN = "admin"
    ADVISOR = "advisor"


class Key(Struct, frozen=True, kw_only=True):
    """An API key as stored: never the key itself, only its SHA-256."""

    id: str
    name: str
    role: Role
    hash: str
    created_at: datetime
    revoked_at: datetime | None = None


class Event(Struct, frozen=True, kw_only=True):
    """One line of the audit trail: who did what through what, and exactly what changed.

    ``data`` holds the change as the tables took it (``request`` columns, ``revision``, ``decision``, ``execution``,
    ``delivery``), so replaying events in order rebuilds the tables.
    """

    type: str
    at: datetime
    actor: str
    via: str
    request: str | None = None
    data: dict[str, Any] = {}
