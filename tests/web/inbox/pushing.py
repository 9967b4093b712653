"""A house whose push channel is the real one; the push services that it calls stand on this machine."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

import channels.push
from bot.core.model import Delivery, DeliveryState, PushWay, Request, Verb
from bot.core.ports import Subscription
from channels.push import PushChannel, PushSettings
from tests.web.inbox.house import Standing, standing
from tests.web.inbox.reader import Page, Reader

SECRET = "a secret of the tests, long enough to sign buttons with"


@dataclass
class Pushing:
    """The house and its channel."""

    house: Standing
    push: PushChannel

    def token(self, request: Request, person: str, verb: Verb = Verb.APPROVE, way: PushWay = PushWay.WEB) -> str:
        """What a button of this request's notification carries."""
        return self.push.buttons.sign(request, person, verb, way, "delivery-1")

    async def submit(self) -> Request:
        """A request of low risk, which one of the two who are asked decides."""
        return await self.house.submit(action="refund.reverse", arguments={"order": "10428"})

    def delivery(self, request: Request, person: str) -> Delivery:
        """The row that a notification of this request is sent for."""
        return Delivery(
            id="delivery-1", request=request.id, channel="push", to=person, person=person, stage=0, step=0,
            state=DeliveryState.QUEUED, at=self.house.clock.now(),
        )  # fmt: skip

    async def devices(self, person: str | None = None) -> tuple[Subscription, ...]:
        """The browsers that take push."""
        return await self.house.store.subscriptions(person)


@asynccontextmanager
async def pushing(folder: Path) -> AsyncIterator[Pushing]:
    """Open it; endpoints on this machine count."""
    made: list[PushChannel] = []

    def opened(house: Standing) -> PushChannel:
        house.policy = replace(house.policy, allow_private=("127.0.0.0/8",))
        made.append(
            channels.push.open(
                PushSettings(web=True, vapid_subject="mailto:ops@example.com", ntfy_url="http://127.0.0.1:9"),
                pushes=house.desk,
                clock=house.clock,
                secrets=[SECRET],
                section=dict,
                allow_private=lambda: house.policy.allow_private,
                public_url=house.url,
            )
        )
        return made[0]

    async with standing(folder, push=opened) as house:
        house.change("ana", ntfy="ana-topic")
        await made[0].start()
        try:
            yield Pushing(house, made[0])
        finally:
            await made[0].stop()


def text_of(data: bytes) -> str:
    """As browsers write it: base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def subscribed(endpoint: str = "https://push.example.com/abc") -> dict[str, Any]:
    """``PushSubscription.toJSON()`` of a browser with keys of its own."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    key = text_of(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    keys = {"p256dh": key, "auth": text_of(secrets.token_bytes(16))}
    return {"endpoint": endpoint, "expirationTime": None, "keys": keys}


def id_of(told: dict[str, Any]) -> str:
    """The id of its subscription."""
    return hashlib.sha256(told["endpoint"].encode()).hexdigest()


async def post(reader: Reader, path: str, body: Any, **headers: str) -> Page:
    """Send JSON as a script of ours does; ``None`` as a header leaves it out."""
    given = {**reader.origin, "Content-Type": "application/json", **headers}
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with reader.client.post(reader.house.url + path, data=raw, headers=given, allow_redirects=False) as answer:
        return Page(answer.status, {k.lower(): v for k, v in answer.headers.items()}, await answer.text())


async def csrf(reader: Reader) -> str:
    """The session's token, as a worker asks for it."""
    token: str = json.loads((await reader.get("/push/state")).text)["csrf"]
    return token


async def turn_on(reader: Reader, told: dict[str, Any]) -> Page:
    """Subscribe as a page of ours does."""
    return await post(reader, "/push/subscriptions", told, **{"X-CSRF": await csrf(reader)})


def subscription(endpoint: str, person: str, at: datetime) -> Subscription:
    """The same as the house keeps it."""
    told = subscribed(endpoint)
    return Subscription(
        id=id_of(told), person=person, endpoint=endpoint, browser="Firefox on Linux", created_at=at, **told["keys"]
    )
