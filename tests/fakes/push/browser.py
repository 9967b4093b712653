"""A browser that takes push: it keeps its keys to itself, reads what is sent to it, and shows it as our worker does."""

from __future__ import annotations

import base64
import hashlib
import json
import os
from datetime import UTC, datetime
from typing import Any

import http_ece  # type: ignore[import-untyped]  # it has no types
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bot.core.ports import Subscription

_MOST_PAYLOAD = 3_000
_KEYS = {"kind", "tag", "title", "body", "url", "actions"}


class Unreadable(Exception):
    """What came is not what the service worker reads."""


class Browser:
    """One subscription. ``shown`` is what stands on the screen by tag, ``history`` everything that came, read."""

    def __init__(self, endpoint: str, person: str, server_key: str | None) -> None:
        """``server_key``: the only one that may send here (applicationServerKey), base64url."""
        self._key = generate_private_key(SECP256R1())
        self._auth = os.urandom(16)
        self.server_key = server_key
        self.endpoint = endpoint
        self.person = person
        self.shown: dict[str, dict[str, Any]] = {}
        self.history: list[dict[str, Any]] = []

    @property
    def subscription(self) -> Subscription:
        """What its page hands over."""
        public = self._key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return Subscription(
            id=hashlib.sha256(self.endpoint.encode()).hexdigest(),
            person=self.person,
            endpoint=self.endpoint,
            p256dh=text_of(public),
            auth=text_of(self._auth),
            browser="Firefox on Android",
            created_at=datetime.now(UTC),
        )

    def take(self, body: bytes) -> None:
        """Decrypt and show; raises `Unreadable` for what the worker could not use."""
        try:
            data = http_ece.decrypt(body, private_key=self._key, auth_secret=self._auth, version="aes128gcm")
        except Exception as fault:
            raise Unreadable("not encrypted for this browser") from fault
        if len(data) > _MOST_PAYLOAD:
            raise Unreadable(f"{len(data)} bytes are too many")
        payload = json.loads(data)
        self._check(payload)
        self.history.append(payload)
        if payload["kind"] == "close":
            self.shown.pop(payload["tag"], None)
        else:
            self.shown[payload["tag"]] = payload

    @staticmethod
    def _check(payload: dict[str, Any]) -> None:
        if payload.get("kind") == "close":
            if set(payload) != {"kind", "tag"} or not payload["tag"]:
                raise Unreadable(f"a close has {sorted(payload)}")
            return
        if set(payload) != _KEYS or payload["kind"] not in ("ask", "note"):
            raise Unreadable(f"{payload.get('kind')} has {sorted(payload)}")
        if not all(isinstance(payload[key], str) and payload[key] for key in ("tag", "title", "body", "url")):
            raise Unreadable("a text is missing")
        if any(set(action) != {"action", "title", "token"} for action in payload["actions"]):
            raise Unreadable("an action is not whole")
        if len(payload["actions"]) > 2:
            raise Unreadable("browsers show two actions (Notification.maxActions)")


def text_of(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
