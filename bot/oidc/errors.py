"""Why a sign-in by the identity provider came to nothing, for whoever tried; what exactly was wrong is logged."""

from __future__ import annotations

from bot.core.errors import Forbidden, SaysoError


class ProviderFailed(SaysoError):
    """The identity provider did not answer as it must. Try again; if it stays so, tell whoever runs the bot."""

    code = "provider_failed"
    status = 502


class ProviderRefused(Forbidden):
    """The identity provider did not sign you in. Try again, or ask for a one-time link."""

    code = "provider_refused"


class NotBegun(Forbidden):
    """This sign-in was not begun in this browser, was used already, or took longer than ten minutes. Begin it anew."""

    code = "not_begun"
