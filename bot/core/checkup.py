"""What an examination of the installation is made of: looks, each bounded in time, and what each of them found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from enum import StrEnum

from msgspec import Struct


class Level(StrEnum):
    """How good a point is."""

    OK = "ok"
    """As it should be."""
    WARNING = "warning"
    """It works, or may work; somebody should know."""
    WRONG = "wrong"
    """It does not work."""


class Finding(Struct, frozen=True, kw_only=True):
    """One point: what was found, in a line without secrets, and what to do about it (empty: nothing)."""

    point: str
    level: Level
    says: str
    to_do: str = ""


def good(point: str, says: str, to_do: str = "") -> Finding:
    """A point that is as it should be; ``to_do`` is a hint."""
    return Finding(point=point, level=Level.OK, says=says, to_do=to_do)


def doubtful(point: str, says: str, to_do: str = "") -> Finding:
    """A point that somebody should know of."""
    return Finding(point=point, level=Level.WARNING, says=says, to_do=to_do)


def wrong(point: str, says: str, to_do: str = "") -> Finding:
    """A point that does not work."""
    return Finding(point=point, level=Level.WRONG, says=says, to_do=to_do)


class Look(Struct, frozen=True, kw_only=True):
    """One thing to look at. ``within``: seconds after which it counts as wrong."""

    point: str
    run: Callable[[], Awaitable[tuple[Finding, ...]]]
    within: float = 10.0
