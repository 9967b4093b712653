"""What a notification has told so far, kept in the delivery's handle: flat JSON, and nothing of the request in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from bot.core.errors import SendFailed
from bot.core.model import Delivery, PushWay


class Told(Struct, frozen=True, kw_only=True):
    """Under which tag it stands and through which ways; for which revision; whether a decision was still to come."""

    tag: str
    ways: tuple[PushWay, ...]
    revision: int
    open: bool


def handle_of(told: Told) -> dict[str, Any]:
    """The handle that says so."""
    return {"tag": told.tag, "ways": " ".join(told.ways), "revision": told.revision, "open": int(told.open)}


def told_in(delivery: Delivery) -> Told:
    """What a delivery's handle says; raises `SendFailed` where it was never sent."""
    handle = delivery.handle
    if not handle:
        raise SendFailed("the notification was never sent, so there is nothing to change", temporary=False)
    return Told(
        tag=str(handle["tag"]),
        ways=_ways(str(handle["ways"]).split()),
        revision=int(handle["revision"]),
        open=bool(handle["open"]),
    )


def _ways(names: Iterable[str]) -> tuple[PushWay, ...]:
    known = set(PushWay)
    return tuple(PushWay(name) for name in names if name in known)
