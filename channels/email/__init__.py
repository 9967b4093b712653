"""Email: cards as letters, answers to them as decisions. Importing it imports aiosmtplib."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bot.core.ports import Clock, Correspondence
from channels.email.channel import EmailChannel
from channels.email.settings import EmailSettings

__all__ = ["EmailChannel", "EmailSettings", "open"]


def open(  # noqa: A001  # every channel's module has an `open`; nothing here reads files
    settings: EmailSettings,
    *,
    letters: Correspondence,
    clock: Clock,
    secrets: Sequence[str],
    section: Callable[[], Mapping[str, Any]],
) -> EmailChannel:
    """The channel, not yet connected."""
    return EmailChannel(settings, letters, clock=clock, secrets=secrets, section=section)
