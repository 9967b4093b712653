"""The Slack channel keeps the contract that every channel keeps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.core.model import Delivery
from tests.channels.contract import ChannelContract
from tests.channels.slack.conftest import Office, opened
from tests.fakes.slack import buttons, visible_text


class SlackExhibit:
    """Slack at the wire, as the contract looks at it."""

    def __init__(self, office: Office) -> None:
        """The office is running."""
        self._office = office
        self.house = office.house
        self.channel = office.channel

    def seen(self, delivery: Delivery) -> str:
        """Every text of the message."""
        return visible_text(self._office.message(delivery))

    def heard(self, delivery: Delivery) -> str:
        """Every reply in the message's thread."""
        card = self._office.message(delivery)
        replies = self._office.slack.messages(card.channel, thread_ts=card.ts)
        return "\n".join(visible_text(reply) for reply in replies)

    def offered(self, delivery: Delivery) -> set[str]:
        """The buttons but the link."""
        return set(buttons(self._office.message(delivery))) - {"open"}

    def break_down(self) -> None:
        """Every call answers 503."""
        self._office.slack.faults.server_error("*", times=None)

    def mend(self) -> None:
        """Calls work again."""
        self._office.slack.faults.clear()

    def lose(self, delivery: Delivery) -> None:
        """Somebody deletes the message."""
        self._office.message(delivery).deleted = True

    async def approve(self, person: str, delivery: Delivery) -> None:
        """A press of the button."""
        user = self.house.people[person].slack or ""
        await self._office.slack.click(user, self._office.message(delivery), "approve")

    async def told(self, person: str) -> str:
        """The ephemeral message."""
        return await self._office.told(self.house.people[person].slack or "")


class TestSlack(ChannelContract):
    """The suite over Slack, in both modes."""

    name = "slack"

    @pytest.fixture(params=["socket", "http"])
    async def exhibit(self, request: pytest.FixtureRequest) -> AsyncIterator[SlackExhibit]:
        """Slack, connected."""
        async with opened(request.param) as office:
            yield SlackExhibit(office)
