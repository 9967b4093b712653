"""What `sayso doctor` looks at: whether the provider answers, and signs with keys that are taken here."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from bot.core.checkup import Finding, Look, doubtful, good, wrong
from bot.core.ports import Clock
from bot.oidc.discovery import Discovery
from bot.oidc.errors import ProviderFailed

_POINT = "provider"


def looks(issuer: str, redirect_uri: str, clock: Clock) -> Sequence[Look]:
    """The one look at a provider; ``redirect_uri`` has to be registered there, which nobody can see from here."""
    return (Look(point=_POINT, run=partial(_look, issuer, redirect_uri, clock), within=25.0),)


async def _look(issuer: str, redirect_uri: str, clock: Clock) -> tuple[Finding, ...]:
    discovery = Discovery(issuer, clock)
    try:
        await discovery.endpoints()
        keys = await discovery.keys(None)
    except ProviderFailed as failed:
        to_do = "Check OIDC_ISSUER, and that this machine reaches it."
        return (wrong(_POINT, f"{issuer} did not answer as it must: {failed.__notes__[0]}", to_do),)
    if not keys:
        return (doubtful(_POINT, f"{issuer} shows no key that signatures here may be made with", "Ask who runs it."),)
    says = f"{issuer} answers, and signs with {len(keys)} key{'' if len(keys) == 1 else 's'}"
    return (good(_POINT, says, f"The redirect URI to register there is {redirect_uri}"),)
