"""What the doctor says of push: what is on, what is wrong, and no secret; it sends nothing."""

from __future__ import annotations

from bot.core.checkup import Finding, Level
from channels.push import PushSettings, Service
from channels.push.checks import looks
from channels.push.keys import new_key
from tests.fakes.push import JsonService, NtfyServer

SUBJECT = "mailto:ops@sayso.example"


async def found(settings: PushSettings) -> list[Finding]:
    """Every finding."""
    return [finding for look in looks(settings) for finding in await look.run()]


async def test_everything_is_well() -> None:
    """A key, a server that takes the token, addresses that can be used."""
    async with NtfyServer(token="tk_hunter2") as ntfy, JsonService() as service:
        settings = PushSettings(
            web=True, vapid_private_key=new_key(), vapid_subject=SUBJECT, ntfy_url=ntfy.url, ntfy_token="tk_hunter2",
            services=(Service(service.address(), "ana"), Service(service.address())),
        )  # fmt: skip
        told = await found(settings)
        assert [(finding.point, finding.level) for finding in told] == [
            ("web push", Level.OK), ("ntfy", Level.OK), ("apprise", Level.OK),
        ]  # fmt: skip
        assert SUBJECT in told[0].says
        assert "ana, everybody" in told[2].says
        assert ntfy.published == service.taken == []


async def test_what_is_off_or_made_later_is_said() -> None:
    """Web Push without a key of one's own is on; without https it is off, which is no fault."""
    (made,) = await found(PushSettings(web=True, vapid_subject=SUBJECT))
    (off,) = await found(PushSettings(web=False, vapid_subject=SUBJECT))
    assert made.level is off.level is Level.OK
    assert "first start" in made.says
    assert "https" in off.says


async def test_what_is_wrong_names_its_variable_and_no_secret() -> None:
    """A wrong key, a refused token, a server that is not there, an address that Apprise does not know."""
    async with NtfyServer(token="tk_right") as ntfy:
        told = await found(
            PushSettings(
                web=True, vapid_private_key="hunter2", vapid_subject=SUBJECT, ntfy_url=ntfy.url, ntfy_token="hunter2",
                services=(Service("nonsense://hunter2"),),
            )
        )  # fmt: skip
        ntfy.break_down(503)
        (_, broken) = await found(PushSettings(web=False, vapid_subject=SUBJECT, ntfy_url=ntfy.url))
    (_, gone) = await found(PushSettings(web=False, vapid_subject=SUBJECT, ntfy_url=ntfy.url))
    assert {finding.level for finding in (*told, broken, gone)} == {Level.WRONG}
    text = " ".join(f"{finding.says} {finding.to_do}" for finding in (*told, broken, gone))
    for variable in ("VAPID_PRIVATE_KEY", "NTFY_URL", "APPRISE_URLS"):
        assert variable in text
    assert "hunter2" not in text
