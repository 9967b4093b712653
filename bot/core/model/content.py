"""What is proposed: a submission, the revisions it becomes, and what a person changed in them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from bot.core.model.states import Kind, Risk

Arguments = dict[str, Any]


class Option(Struct, frozen=True, forbid_unknown_fields=True):
    """One of the alternatives of a ``choice``, whose arguments are what runs, or one of the answers to a question."""

    id: str
    title: str
    arguments: Arguments = {}


class Submission(Struct, frozen=True, kw_only=True):
    """What an agent posts, parsed once. ``risk``, ``confidence`` (0 to 1) and ``labels`` are the agent's claims."""

    action: str
    arguments: Arguments = {}
    reason: str | None = None
    confidence: float | None = None
    kind: Kind = Kind.APPROVAL
    risk: Risk | None = None
    labels: dict[str, Any] = {}
    on_behalf_of: str | None = None
    context: dict[str, Any] = {}
    options: tuple[Option, ...] = ()
    batch: str | None = None
    revises: str | None = None
    expires_in: timedelta | None = None


class Revision(Struct, frozen=True, kw_only=True):
    """A request's exact content, never changed once written.

    ``arguments`` are what would run; ``proposed`` are the agent's own where a person edited them.
    ``author`` is ``agent:<name>`` or ``person:<name>``. ``target`` is what the digest binds: a URL,
    ``module:name`` or ``agent``. ``chosen`` is the option whose arguments these are; ``differs`` is what is other than
    in the request that this one revises. ``takes_back`` is the executed request that this one is to roll back.
    """

    request: str
    number: int
    digest: str
    author: str
    created_at: datetime
    action: str
    arguments: Arguments
    target: str
    proposed: Arguments | None = None
    reason: str | None = None
    confidence: float | None = None
    labels: dict[str, Any] = {}
    context: dict[str, Any] = {}
    on_behalf_of: str | None = None
    options: tuple[Option, ...] = ()
    chosen: str | None = None
    differs: tuple[Edit, ...] = ()
    takes_back: str | None = None


class Edit(Struct, frozen=True):
    """One argument that a person changed; ``kind``: ``changed``, ``added``, ``removed`` (the missing side is None)."""

    pointer: str
    before: Any
    after: Any
    kind: str = "changed"
