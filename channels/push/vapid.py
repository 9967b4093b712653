"""Who we are to push services (VAPID, RFC 8292): a key of ours, and a token that it signs for each of them."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02  # type: ignore[import-untyped]  # it has no types
from yarl import URL

_VALID = timedelta(hours=12)
"""A token may be valid for 24 hours at most (RFC 8292, 2); clocks differ."""
_FRESH = timedelta(hours=6)
"""For how long one is used again: services ask that it be, and one that is seen by anybody else is soon worthless."""
_MOST_KEPT = 64
_KEY_BYTES = 32


class Vapid:
    """Signs for one key and one subject (``mailto:`` or ``https:``)."""

    def __init__(self, private_key: str, subject: str) -> None:
        """``private_key``: base64url of its 32 bytes. Raises ``ValueError`` where it is none, without repeating it."""
        signer = _signer(private_key)
        if signer is None:
            raise ValueError("VAPID_PRIVATE_KEY: not a private key of 32 bytes in base64url")
        self._signer = signer
        # The library's own check of the subject refuses ports; services take any mailto: or https:.
        self._signer.conf = {"no-strict": True}
        self._subject = subject
        self._made: dict[str, tuple[datetime, str]] = {}
        key: EllipticCurvePrivateKey = self._signer.private_key
        self.public_key = _text(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    def header(self, endpoint: URL, now: datetime) -> str:
        """The Authorization header for a service. Raises ``ValueError`` for an address that has no plain origin."""
        audience = str(endpoint.origin())
        kept = self._made.get(audience)
        if kept is not None and timedelta(0) <= now - kept[0] < _FRESH:
            return kept[1]
        claims = {"aud": audience, "exp": int((now + _VALID).timestamp()), "sub": self._subject}
        try:
            header = str(self._signer.sign(claims)["Authorization"])
        except Exception:  # noqa: BLE001  # the library raises errors of its own making; what it says may hold claims
            raise ValueError("this endpoint has no origin that can be signed for") from None
        if len(self._made) >= _MOST_KEPT:
            self._made.clear()
        self._made[audience] = (now, header)
        return header


def _signer(private_key: str) -> Any:
    """What signs with a key, or None where it is none; whatever a library says of a key may hold the key."""
    try:
        whole = len(base64.urlsafe_b64decode(private_key + "=" * (-len(private_key) % 4))) == _KEY_BYTES
        return Vapid02.from_raw(private_key.encode()) if whole else None
    except Exception:  # noqa: BLE001  # the libraries raise a dozen kinds
        return None


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
