"""Push: notifications through Web Push, ntfy and Apprise. A way's libraries are imported when it is on."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bot.core.ports import Clock
from bot.core.ports.push import Pushes
from channels.push.channel import PushChannel
from channels.push.services import ServicesWay
from channels.push.settings import PushSettings, Service
from channels.push.ways import Way
from channels.push.web import WebWay

if TYPE_CHECKING:
    from aiohttp.abc import AbstractResolver

__all__ = ["PushChannel", "PushSettings", "Service", "open"]


def open(  # noqa: A001  # every channel's module has an `open`; nothing here reads files
    settings: PushSettings,
    *,
    pushes: Pushes,
    clock: Clock,
    secrets: Sequence[str],
    section: Callable[[], Mapping[str, Any]],
    allow_private: Callable[[], tuple[str, ...]],
    public_url: str,
    resolver: AbstractResolver | None = None,
    tls: ssl.SSLContext | None = None,
) -> PushChannel:
    """The channel, not yet connected. ``resolver`` and ``tls`` are Web Push's, the system's where None."""
    ways: list[Way] = []
    if settings.web:
        ways.append(
            WebWay(
                pushes,
                clock,
                private_key=settings.vapid_private_key,
                subject=settings.vapid_subject,
                listed=allow_private,
                resolver=resolver,
                tls=tls,
            )
        )
    if settings.ntfy_url is not None:
        from channels.push.ntfy import NtfyWay  # noqa: PLC0415  # it loads the library of calls

        ways.append(NtfyWay(settings.ntfy_url, settings.ntfy_token, public_url))
    if settings.services:
        ways.append(ServicesWay(settings.services))
    return PushChannel(ways, pushes, clock=clock, secrets=secrets, section=section, public_url=public_url)
