"""Each way of push keeps the contract that every channel keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.model import Delivery, PushWay, Verb
from channels import Ability
from tests.channels.contract import ChannelContract
from tests.channels.push.house import Phone, opened
from tests.fakes.push import Browser

TOPIC = "ana-x7Qm"


class _Exhibit:
    """What is alike in all three."""

    way: PushWay

    def __init__(self, phone: Phone) -> None:
        """The phone is open."""
        self._phone = phone
        self.house = phone.house
        self.channel = phone.channel
        self._said: str | None = None

    def lose(self, delivery: Delivery) -> None:
        """Nobody knows whether a notification still stands."""

    async def approve(self, person: str, delivery: Delivery) -> None:
        """Press the button; whoever was never asked has one of a time when they were."""
        token = self.tokens(delivery).get("approve") if person == delivery.person else None
        if token is None:
            request = self.house.requests[delivery.request]
            token = self.channel.buttons.sign(request, person, Verb.APPROVE, self.way, delivery.id)
        self._said = await self._phone.press(token, person if self.way is PushWay.WEB else None)

    async def told(self, person: str) -> str:
        """What the press was answered with."""
        del person
        return self._said or ""

    def tokens(self, delivery: Delivery) -> dict[str, str]:
        """The buttons that stand there."""
        raise NotImplementedError

    def offered(self, delivery: Delivery) -> set[str]:
        """What they decide."""
        return set(self.tokens(delivery))


class WebExhibit(_Exhibit):
    """A browser, as the contract looks at it."""

    way = PushWay.WEB

    def __init__(self, phone: Phone, browser: Browser) -> None:
        """It is Ana's."""
        super().__init__(phone)
        self._browser = browser

    def _shown(self, delivery: Delivery) -> dict[str, Any]:
        return self._browser.shown.get(delivery.request, {"title": "", "body": "", "actions": []})

    def seen(self, delivery: Delivery) -> str:
        """What stands on the screen."""
        shown = self._shown(delivery)
        return f"{shown['title']}\n{shown['body']}".strip()

    def heard(self, delivery: Delivery) -> str:
        """Every word about it since."""
        return "\n".join(p["body"] for p in self._browser.history if p["tag"] == delivery.request and "body" in p)

    def tokens(self, delivery: Delivery) -> dict[str, str]:
        """The actions of the notification."""
        return {action["action"]: action["token"] for action in self._shown(delivery)["actions"]}

    def break_down(self) -> None:
        """The push service is overloaded."""
        self._phone.web.break_down(503)

    def mend(self) -> None:
        """It is not any more."""
        self._phone.web.mend()


class NtfyExhibit(_Exhibit):
    """A topic, as the contract looks at it."""

    way = PushWay.NTFY

    def _shown(self, delivery: Delivery) -> dict[str, Any]:
        return self._phone.ntfy.shown.get((TOPIC, delivery.request), {"title": "", "message": "", "actions": []})

    def seen(self, delivery: Delivery) -> str:
        """What stands on the phone."""
        shown = self._shown(delivery)
        return f"{shown['title']}\n{shown['message']}".strip()

    def heard(self, delivery: Delivery) -> str:
        """Every word about it since."""
        return "\n".join(m["message"] for m in self._phone.ntfy.published if m["sequence_id"] == delivery.request)

    def tokens(self, delivery: Delivery) -> dict[str, str]:
        """The buttons that post."""
        buttons = [action for action in self._shown(delivery)["actions"] if action["action"] == "http"]
        return {button["label"].lower(): button["url"].rpartition("/")[2] for button in buttons}

    def break_down(self) -> None:
        """The server asks for a pause."""
        self._phone.ntfy.break_down(429)

    def mend(self) -> None:
        """It takes messages again."""
        self._phone.ntfy.mend()


class AppriseExhibit(_Exhibit):
    """A service of Apprise, as the contract looks at it."""

    way = PushWay.APPRISE

    def seen(self, delivery: Delivery) -> str:
        """The last message about the request."""
        return self._about(delivery)[-1]

    def heard(self, delivery: Delivery) -> str:
        """Every message about it."""
        return "\n".join(self._about(delivery))

    def _about(self, delivery: Delivery) -> list[str]:
        texts = [f"{taken['title']}\n{taken['message']}" for taken in self._phone.services.taken]
        return [text for text in texts if text.endswith(f"/requests/{delivery.request}")]

    def tokens(self, delivery: Delivery) -> dict[str, str]:
        """There are no buttons."""
        del delivery
        return {}

    def break_down(self) -> None:
        """The service fails."""
        self._phone.services.break_down(500)

    def mend(self) -> None:
        """It does not any more."""
        self._phone.services.mend()


class TestWeb(ChannelContract):
    """The suite over Web Push."""

    name = "push"

    @pytest.fixture
    async def exhibit(self) -> AsyncIterator[WebExhibit]:
        """Ana has a browser."""
        async with opened(ntfy_url=None) as phone:
            yield WebExhibit(phone, await phone.browser("ana"))


class TestNtfy(ChannelContract):
    """The suite over ntfy."""

    name = "push"

    @pytest.fixture
    async def exhibit(self) -> AsyncIterator[NtfyExhibit]:
        """Ana has a topic."""
        async with opened(token="tk_sayso") as phone:
            phone.house.change("ana", ntfy=TOPIC)
            phone.house.change("lea", ntfy="lea-topic")
            yield NtfyExhibit(phone)


class TestApprise(ChannelContract):
    """The suite over Apprise."""

    name = "push"
    lacks = frozenset({Ability.BUTTONS})

    @pytest.fixture
    async def exhibit(self) -> AsyncIterator[AppriseExhibit]:
        """Ana has an address."""
        async with opened(services=("ana",)) as phone:
            yield AppriseExhibit(phone)
