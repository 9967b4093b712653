"""Who the house is elsewhere, out of the settings. What a library is needed for is loaded only where it is on."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from bot.clock import entropy
from bot.core.ports import Clock
from bot.process import own_version
from bot.settings import Settings, SettingsError
from channels import load


def tracing(settings: Settings) -> Any:
    """`bot.tracing.Tracing`, None where it is off. Raises `SettingsError` where the extra is not installed."""
    if settings.otel is None:
        return None
    try:
        opened = import_module("bot.tracing")
    except ModuleNotFoundError as missing:
        line = f"OTEL_EXPORTER_OTLP_ENDPOINT: needs the extra otel ({missing}); pip install 'sayso-bot[otel]'."
        raise SettingsError((line,)) from None
    sink = settings.otel
    return opened.Tracing(endpoint=sink.endpoint, headers=sink.headers, service=sink.service, version=own_version())


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


def identity_provider(settings: Settings, clock: Clock) -> Any:
    """`bot.oidc.Provider`, as the environment says it; None where `Settings.oidc` is."""
    told = settings.oidc
    if told is None:
        return None
    return import_module("bot.oidc").Provider(
        issuer=told.issuer,
        client_id=told.client_id,
        client_secret=told.client_secret,
        claim=told.claim,
        name=told.name,
        secrets=settings.secrets,
        clock=clock,
        entropy=entropy,
    )
