"""What the push channel is given, and the numbers that it keeps to."""

from __future__ import annotations

from datetime import timedelta

from msgspec import Struct

NAME = "push"
"""The channel's name in routing.yaml, in decisions and in the trail."""
SHARED = "(shared)"
"""The place of everybody who has no way of their own; no person's id looks like it."""
INBOX = "inbox"
"""The tag of the one notification that stands for several requests."""

MOST_PAYLOAD = 3_000
"""Bytes of JSON in a Web Push; encrypted it stays below the 4,096 that every service takes (RFC 8030, 7.2)."""
MOST_MESSAGE = 4_096
"""Bytes of an ntfy message; a longer one becomes an attachment there."""
MOST_ACTIONS = 3
"""Buttons of an ntfy message."""
MOST_TTL = timedelta(days=28)
"""For how long push services keep what a browser has not fetched, at most."""
WITHIN = 10.0
"""Seconds that one call of a service may take."""
ONE_LINE, ONE_TEXT, LINES = 80, 3_000, 20
"""Characters of a name in a notification; what a phone's page shows of a request at one look: all text, lines."""


class Service(Struct, frozen=True):
    """One Apprise address, which holds passwords, and whose it is (None: a shared place)."""

    url: str
    person: str | None = None

    def __repr__(self) -> str:
        """Without the address: it must not stand in a log or a traceback."""
        return f"Service(person={self.person!r})"


class PushSettings(Struct, frozen=True, kw_only=True):
    """The accounts. ``web``: whether browsers can subscribe at all, which they do only at an https address.

    ``vapid_private_key`` is base64url of 32 bytes (None: one is made and kept); ``vapid_subject`` is how push services
    reach whoever runs this (RFC 8292, 2.1). ``ntfy_url`` None: ntfy is off.
    """

    web: bool
    vapid_subject: str
    vapid_private_key: str | None = None
    ntfy_url: str | None = None
    ntfy_token: str | None = None
    services: tuple[Service, ...] = ()

    def __repr__(self) -> str:
        """Without the secrets."""
        return f"PushSettings(web={self.web}, ntfy={self.ntfy_url is not None}, services={len(self.services)})"
