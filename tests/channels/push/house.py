"""A house with browsers, topics and addresses, and the push channel at its wires."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.core.errors import SaysoError
from bot.core.model import Delivery, Request, Risk, Verb
from bot.core.ports import Ballot, Subscription
from channels.push import PushChannel, PushSettings, Service
from channels.push import open as open_channel
from tests.channels.house import House
from tests.fakes.email import new_certificate
from tests.fakes.push import Browser, JsonService, NtfyServer, PushService

SECRETS = ("new secret", "old secret")
PUBLIC_URL = "https://sayso.example"
LOW: dict[str, Any] = {"risk": Risk.REVERSIBLE, "confidence": 0.99}
"""What makes a request one that may be decided from a notification."""
HERE = ("127.0.0.0/8", "::1/128")


class PushHouse(House):
    """The `Pushes` port in memory."""

    def __init__(self) -> None:
        """Nobody has a browser."""
        super().__init__()
        self.subscribed: dict[str, Subscription] = {}
        self.forgotten: list[tuple[str, str, str]] = []
        self.kept: dict[str, str] = {}

    async def subscriptions(self, person: str | None = None) -> tuple[Subscription, ...]:
        """Every browser that takes push."""
        return tuple(known for known in self.subscribed.values() if person in (None, known.person))

    async def unsubscribe(self, subscription_id: str, *, by: str, reason: str) -> bool:
        """Forget a browser."""
        self.forgotten.append((subscription_id, by, reason))
        return self.subscribed.pop(subscription_id, None) is not None

    async def keep(self, name: str, value: str) -> str:
        """Keep what was made first."""
        return self.kept.setdefault(name, value)

    def change(self, person: str, **changes: Any) -> None:
        """Change a person of routing.yaml."""
        self.people[person] = replace(self.people[person], **changes)


class Phone(Struct):
    """Everything together. ``section`` is routing.yaml's of this channel; ``private`` what may be reached."""

    house: PushHouse
    channel: PushChannel
    web: PushService
    ntfy: NtfyServer
    services: JsonService
    section: dict[str, Any]
    private: list[str]

    async def browser(self, person: str) -> Browser:
        """A browser of this person's, subscribed with the house's key."""
        made = self.web.browser(person, self.channel.public_key)
        self.house.subscribed[made.subscription.id] = made.subscription
        await self.channel.refresh()
        return made

    async def asked(self, person: str = "ana", **changes: Any) -> tuple[Request, Delivery]:
        """A request of low risk, and its notification."""
        request = self.house.submit(**LOW | changes)
        return request, await self.house.send(request, person)

    async def press(self, token: str, person: str | None) -> str | None:
        """Press a button, signed in as this person; what was said instead of a decision."""
        try:
            await self.channel.act(token, person=person)
        except SaysoError as refusal:
            return refusal.detail
        return None


def rejection(phone: Phone, request_id: str, by: str = "ana") -> Ballot:
    """Somebody rejects the request as it stands, in the inbox."""
    request = phone.house.requests[request_id]
    return Ballot(
        request=request.id,
        decision=Verb.REJECT,
        by=by,
        channel="inbox",
        revision=request.revision,
        digest=request.digest,
    )


@asynccontextmanager
async def opened(
    *, services: tuple[str | None, ...] = (), token: str | None = None, old: bool = False, **settings: Any
) -> AsyncIterator[Phone]:
    """The channel with all its ways. ``services``: who has an Apprise address; ``old``: the ntfy server is."""
    house, section, private = PushHouse(), dict[str, Any](), list(HERE)
    async with PushService() as web, NtfyServer(token=token, old=old) as ntfy, JsonService() as receiver:
        account = {
            "web": True,
            "vapid_subject": "mailto:ops@sayso.example",
            "ntfy_url": ntfy.url,
            "ntfy_token": token,
            "services": tuple(Service(receiver.address(path=person or "all"), person) for person in services),
            **settings,
        }
        channel = open_channel(
            PushSettings(**account),
            pushes=house,
            clock=house.clock,
            secrets=SECRETS,
            section=lambda: section,
            allow_private=lambda: tuple(private),
            public_url=PUBLIC_URL,
            tls=ssl.create_default_context(cafile=str(new_certificate().certificate)),
        )
        house.channel = channel
        await channel.start()
        try:
            yield Phone(house, channel, web, ntfy, receiver, section, private)
        finally:
            await channel.stop()
