"""How Slack reaches the app: signed HTTP posts to the request URL, or Socket Mode; retries for events alone.

Sources: https://docs.slack.dev/authentication/verifying-requests-from-slack, https://docs.slack.dev/apis/events-api
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import aiohttp

from tests.fakes.slack.errors import Json, person_cannot
from tests.fakes.slack.socket_mode import SocketMode
from tests.fakes.slack.state import Ack, Delivery, State

if TYPE_CHECKING:
    from tests.fakes.slack.state import Settings
    from tests.fakes.slack.workspace import Workspace

FIRST_OK, AFTER_OK, SERVER_ERROR = 200, 300, 500
_RETRY_REASONS = {"operation_timeout": "http_timeout", "dispatch_failed": "connection_failed"}
_FORM = "application/x-www-form-urlencoded"


def sign(secret: str, body: bytes, timestamp: int | None = None) -> dict[str, str]:
    """Return the two headers of Slack's `v0` signature over the raw body; `timestamp` is Unix seconds."""
    at = str(int(time.time()) if timestamp is None else timestamp)
    digest = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": f"v0={digest}"}


def encode(kind: str, payload: Json) -> tuple[bytes, str]:
    """Return the HTTP body of a payload and its content type."""
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    fields = {"payload": json.dumps(payload)} if kind == "interactive" else payload
    return urlencode(fields).encode(), _FORM


class Deliveries(State):
    """State that can reach the app."""

    def __init__(self, settings: Settings | None = None, workspace: Workspace | None = None) -> None:
        """Start without a session; the server opens it."""
        super().__init__(settings, workspace)
        self.socket = SocketMode(self)
        self.session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes, headers: dict[str, str]) -> Ack:
        """Post raw bytes to the request URL as they are: for forged, stale or replayed calls too."""
        if self.session is None or not self.request_url:
            person_cannot("the fake is not started, or has no request_url")
        started = time.monotonic()
        timeout = aiohttp.ClientTimeout(total=self.settings.ack_timeout)
        try:
            async with self.session.post(
                self.request_url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as response:
                text = await response.text()
        except TimeoutError:
            return Ack(None, delay=time.monotonic() - started, error="operation_timeout")
        except aiohttp.ClientError:
            return Ack(None, delay=time.monotonic() - started, error="dispatch_failed")
        error = ""
        if not FIRST_OK <= response.status < AFTER_OK:
            error = "http_service_error" if response.status >= SERVER_ERROR else "http_client_error"
        answer: object = None
        if response.content_type == "application/json" and text:
            try:
                answer = json.loads(text)
            except ValueError:
                error = error or "http_client_error"
        return Ack(
            response.status,
            answer if isinstance(answer, dict) else {},
            text,
            time.monotonic() - started,
            error,
            dict(response.headers),
        )

    async def _once(self, delivery: Delivery, attempt: int = 0, reason: str = "") -> Ack:
        if not self.request_url:
            ack = await self.socket.deliver(delivery, attempt, reason)
        else:
            delivery.body, content_type = encode(delivery.kind, delivery.payload)
            delivery.headers = {
                "Content-Type": content_type,
                "Accept": "*/*",
                "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
                **sign(self.settings.signing_secret, delivery.body),
            }
            if attempt:
                delivery.headers |= {"X-Slack-Retry-Num": str(attempt), "X-Slack-Retry-Reason": reason}
            ack = await self.post(delivery.body, delivery.headers)
        delivery.acks.append(ack)
        return ack

    async def deliver(self, kind: str, payload: Json) -> Ack:
        """Deliver a click, submission or command once; it is never delivered again."""
        delivery = Delivery(kind, payload)
        self.deliveries.append(delivery)
        return await self._once(delivery)

    async def deliver_event(self, payload: Json) -> Ack:
        """Deliver an event, and again up to three times while it is not acknowledged with 2xx within the time."""
        delivery = Delivery("events_api", payload)
        self.deliveries.append(delivery)
        ack = await self._once(delivery)
        for attempt, delay in enumerate(self.settings.retry_delays, start=1):
            if ack.ok or ack.headers.get("X-Slack-No-Retry") == "1":
                break
            reason = _RETRY_REASONS.get(ack.error, "http_error") if self.request_url else "timeout"
            await asyncio.sleep(delay)
            ack = await self._once(delivery, attempt, reason)
        ack.attempts = len(delivery.acks)
        return ack

    async def redeliver(self, delivery: Delivery) -> Ack:
        """Send the same signed HTTP request once more, byte for byte, as an attacker with a recording would."""
        ack = await self.post(delivery.body, delivery.headers)
        delivery.acks.append(ack)
        return ack

    async def verify_url(self) -> bool:
        """Do the `url_verification` handshake; true if the challenge came back."""
        challenge = hashlib.sha256(str(time.time_ns()).encode()).hexdigest()
        payload = {"token": self.settings.verification_token, "challenge": challenge, "type": "url_verification"}
        body = json.dumps(payload).encode()
        headers = {"Content-Type": "application/json", **sign(self.settings.signing_secret, body)}
        ack = await self.post(body, headers)
        return ack.ok and challenge in {ack.body.get("challenge"), ack.text}
