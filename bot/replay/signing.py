"""The headers of a Standard Webhook: its id, its time, and a signature by each secret in force (threat T25)."""

from __future__ import annotations

from datetime import datetime

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError


class Signer:
    """Signs exact bytes with every secret in force; while rotating there are two, and a receiver knows one of them."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        """``secrets`` in Standard Webhooks form (``whsec_`` + base64). Raises ``ValueError`` on one that is not."""
        self._keys = tuple(_key(secret) for secret in secrets)

    @property
    def ready(self) -> bool:
        """Whether there is a secret to sign with."""
        return bool(self._keys)

    def headers(self, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
        """The three headers for these bytes; ``at`` is the attempt's own time, aware and UTC."""
        text = body.decode()
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(key.sign(message_id, at, text) for key in self._keys),
        }


def _key(secret: str) -> Webhook:
    try:
        return Webhook(secret)
    except (ValueError, RuntimeError, EmptyWebhookSecretError) as fault:
        raise ValueError("SAYSO_WEBHOOK_SECRET is not usable: give whsec_ and the base64 of 24 to 64 bytes") from fault
