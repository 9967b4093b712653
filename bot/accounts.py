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


def push_account(settings: Settings) -> Any:
    """`channels.push.PushSettings`, as the environment says it; only where `Settings.push_on`."""
    push, told = load("push"), settings.push
    return push.PushSettings(
        web=told.web,
        vapid_private_key=told.vapid_private_key,
        vapid_subject=told.vapid_subject,
        ntfy_url=told.ntfy_url,
        ntfy_token=told.ntfy_token,
        services=tuple(push.Service(url, person) for person, url in told.services),
    )
