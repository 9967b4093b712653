"""Apprise: any other service, with a link and no buttons. The library is imported only where an address is given."""

from __future__ import annotations

import asyncio
import logging
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from bot.core.errors import SendFailed
from bot.core.model import Person, PushWay
from channels.push.settings import Service
from channels.push.ways import Notice

_log = logging.getLogger(__name__)
_WITHIN = 20.0
"""Seconds for all addresses of one person; a thread that takes longer is left to end by itself."""
_LOCAL = frozenset(
    {"blink1", "dbus", "gio", "glib", "gnome", "kde", "macosx", "qt", "syslog", "windows"}
)  # fmt: skip
"""What would act on this machine itself, where nobody looks."""
_TALKATIVE = ("apprise", "urllib3.connectionpool", "requests")


class ServicesWay:
    """Addresses of people's own, and a shared place for those who have none."""

    kind = PushWay.APPRISE
    presses = False

    def __init__(self, services: Sequence[Service]) -> None:
        """Addresses that Apprise does not take are told by `fault`, by number: they hold passwords."""
        self._services = tuple(services)
        self._known: dict[str | None, Any] = {}
        self._fault: str | None = None
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="apprise")

    async def start(self) -> None:
        """Load the library, and the addresses in it. Waited for: nobody is served before channels have started."""
        with warnings.catch_warnings():
            # Its plugins import what Python is about to drop; that is not for whoever runs us to mend.
            warnings.simplefilter("ignore", DeprecationWarning)
            wrong = self._load()
        if wrong:
            numbers = ", ".join(map(str, wrong))
            self._fault = f"Apprise takes no such address as number {numbers} (see APPRISE_URLS)"
            _log.error("push: %s", self._fault)

    def _load(self) -> list[int]:
        import apprise  # noqa: PLC0415  # it costs half a second, and most houses have none

        for name in _TALKATIVE:
            # What these say at lower levels holds whole addresses, and so passwords.
            logging.getLogger(name).setLevel(logging.CRITICAL)
        asset = apprise.AppriseAsset(
            app_id="Sayso",
            app_desc="Sayso",
            app_url="",
            async_mode=False,
            secure_logging=True,
            storage_mode="memory",
            pgp_autogen=False,
            pem_autogen=False,
            http_redirects=False,
            allow_templates=False,
            service_timeout=_WITHIN,
        )
        wrong: list[int] = []
        for number, service in enumerate(self._services, 1):
            there = self._known.get(service.person) or apprise.Apprise(asset=asset)
            if service.url.partition("://")[0].lower() in _LOCAL or not there.add(service.url):
                wrong.append(number)
            else:
                self._known[service.person] = there
        return wrong

    async def stop(self) -> None:
        """Start nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def fault(self) -> str | None:
        """An address that cannot be used, or None."""
        return self._fault

    def reaches(self, person: Person | None) -> bool:
        """Whether the person, or everybody (None), has an address here."""
        return (person.id if person else None) in self._known

    async def show(self, person: Person | None, notice: Notice) -> None:
        """Send to all of the person's addresses; a failure of one is a failure. Raises `SendFailed`."""
        known = self._known.get(person.id if person else None)
        if known is None:
            raise SendFailed("no Apprise address is given for this person any more", temporary=False)
        body = f"{notice.body}\n\n{notice.url}"
        work = asyncio.get_running_loop().run_in_executor(self._threads, _notify, known, notice.title, body)
        try:
            # Shielded: a thread cannot be stopped, and its future must not be left without its result.
            async with asyncio.timeout(_WITHIN):
                taken = await asyncio.shield(work)
        except TimeoutError:
            raise SendFailed(f"an Apprise service did not answer within {_WITHIN:.0f} s", temporary=True) from None
        if not taken:
            raise SendFailed("an Apprise service did not take the notification", temporary=True)

    async def close(self, person: Person | None, tag: str, until: datetime) -> None:
        """Nothing can be taken back there."""


def _notify(known: Any, title: str, body: str) -> bool:
    """Whether all of them took it; whatever a plugin raises may hold its address, so it is told as a no."""
    try:
        return bool(known.notify(title=title, body=body, body_format="text"))
    except Exception:  # noqa: BLE001  # a plugin of a hundred and fifty
        return False
