"""The email channel keeps the contract that every channel keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.core.model import Delivery
from tests.channels.contract import ChannelContract
from tests.channels.email.post import Post, opened
from tests.fakes.email import Stage


class EmailExhibit:
    """Mail at the wire, as the contract looks at it."""

    def __init__(self, post: Post) -> None:
        """The post is open."""
        self._post = post
        self.house = post.house
        self.channel = post.channel

    def seen(self, delivery: Delivery) -> str:
        """What a terminal shows of the letter that showed the request last."""
        return self._post.text(self._post.letters_to(delivery)[0])

    def heard(self, delivery: Delivery) -> str:
        """Every later letter of the thread."""
        return "\n".join(self._post.text(mail) for mail in self._post.letters_to(delivery)[1:])

    def offered(self, delivery: Delivery) -> set[str]:
        """What the letter says may be written back: a letter has no buttons."""
        text = self.seen(delivery)
        return {"approve", "edit"} if "Reply with one line: approve" in text else set()

    def break_down(self) -> None:
        """The server is busy."""
        self._post.smtp.refuse(Stage.MAIL, "451 4.3.0 try again later")

    def mend(self) -> None:
        """It is not busy any more."""
        self._post.smtp.behave()

    def lose(self, delivery: Delivery) -> None:
        """Nothing can take a letter back."""

    async def approve(self, person: str, delivery: Delivery) -> None:
        """A person answers a letter of their own about the same request."""
        request = self.house.requests[delivery.request]
        own = delivery if delivery.person == person else await self.house.send(request, person)
        await self._post.answer(own, "approve")

    async def told(self, person: str) -> str:
        """The last letter to this person."""
        address = self.house.people[person].email
        return self._post.text([mail for mail in self._post.smtp.mails if mail.recipients == (address,)][-1])


class TestEmail(ChannelContract):
    """The suite over mail."""

    name = "email"

    @pytest.fixture
    async def exhibit(self) -> AsyncIterator[EmailExhibit]:
        """A channel with a listener for what comes in."""
        async with opened() as post:
            yield EmailExhibit(post)
