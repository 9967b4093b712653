"""What `sayso doctor` looks at in push: the key, the ntfy server, the addresses of other services. Nothing is sent."""

from __future__ import annotations

from functools import partial

import aiohttp
from yarl import URL

from bot.core.checkup import Finding, Look, good, wrong
from bot.core.errors import SendFailed
from channels.push.calls import call, failure
from channels.push.guard import session_over
from channels.push.services import ServicesWay
from channels.push.settings import PushSettings
from channels.push.vapid import Vapid


def looks(settings: PushSettings) -> tuple[Look, ...]:
    """Everything to look at, in order."""
    found = [Look(point="web push", run=partial(_web, settings))]
    if settings.ntfy_url is not None:
        found.append(Look(point="ntfy", run=partial(_ntfy, settings.ntfy_url, settings.ntfy_token)))
    if settings.services:
        found.append(Look(point="apprise", run=partial(_services, settings)))
    return tuple(found)


async def _web(settings: PushSettings) -> tuple[Finding, ...]:
    if not settings.web:
        return (good("web push", "off (browsers take push only where SAYSO_PUBLIC_URL is https)"),)
    if settings.vapid_private_key is None:
        return (good("web push", "on, with a key that is made at the first start and kept"),)
    try:
        Vapid(settings.vapid_private_key, settings.vapid_subject)
    except ValueError as fault:
        return (wrong("web push", str(fault), "Leave it out, and one is made."),)
    return (good("web push", f"on; push services reach you at {settings.vapid_subject}"),)


async def _ntfy(url: str, token: str | None) -> tuple[Finding, ...]:
    """Whether the server is there and takes the token; both are only read."""
    session = session_over(aiohttp.TCPConnector())
    base, headers = URL(url.rstrip("/") + "/"), {"Authorization": f"Bearer {token}"} if token else {}
    try:
        for path, what, variable in (
            ("v1/health", "its health", "NTFY_URL"),
            ("v1/account", "the token", "NTFY_TOKEN"),
        ):
            answer = await call(session, "GET", base / path, "ntfy", headers=headers)
            if not answer.good:
                says = f"{failure(answer, 'ntfy').detail} when asked about {what}"
                return (wrong("ntfy", says, f"Check {variable}."),)
    except SendFailed as failed:
        return (wrong("ntfy", failed.detail, "Check NTFY_URL, and that this machine reaches it."),)
    finally:
        await session.close()
    return (good("ntfy", f"{base.host} is well and takes {'the token' if token else 'messages from anybody'}"),)


async def _services(settings: PushSettings) -> tuple[Finding, ...]:
    way = ServicesWay(settings.services)
    await way.start()
    await way.stop()
    fault = way.fault()
    if fault is not None:
        return (wrong("apprise", fault, "Apprise's wiki shows how each service's address is written."),)
    people = sorted({service.person or "everybody" for service in settings.services})
    return (good("apprise", f"addresses for {', '.join(people)}"),)
