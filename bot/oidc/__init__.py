"""Signing in by an identity provider: OpenID Connect, authorization code flow with PKCE, any provider, by discovery.

Imported where one is configured, and by the composition root alone. It knows the core; the pages that begin and end a
sign-in are the inbox's (`bot.web.inbox.account`), which meets it as the protocol `bot.web.inbox.house.Oidc`.
"""

from __future__ import annotations

from bot.oidc.errors import NotBegun, ProviderFailed, ProviderRefused
from bot.oidc.provider import Provider

__all__ = ["NotBegun", "Provider", "ProviderFailed", "ProviderRefused"]
