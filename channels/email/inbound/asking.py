"""How DKIM's keys are asked for. Apart from `channels.email.inbound.keys`, for what that loads takes 50 ms and 3 MB."""

from __future__ import annotations

from collections.abc import Callable

Resolve = Callable[[bytes], bytes | None]
"""The TXT record of a name, None where there is none; raises `KeysUnknown` where that cannot be found out now."""


class KeysUnknown(Exception):
    """The DNS does not answer, so nobody knows yet whether a signature holds."""
