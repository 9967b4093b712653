"""A channel's account, out of the settings. The channel's library is loaded with it: only where it is on."""

from __future__ import annotations

from typing import Any

from bot.settings import Settings
from channels import load


def email_account(settings: Settings) -> Any:
    """`channels.email.EmailSettings`, as the environment says it; only where `Settings.email_on`."""
    return load("email").EmailSettings(
        smtp=settings.smtp,
        sender=settings.email_from,
        reply_to=settings.email_reply_to,
        imap=settings.imap,
        listen=settings.email_listen,
        authserv_id=settings.email_authserv_id,
        dns=settings.email_dns,
    )
