"""What every channel must do, whichever it is: each channel's own tests inherit this suite and give it an `Exhibit`.

The exhibit knows the channel's wire: how to see what a reader sees, how to break the service, how to press a button.
"""

from __future__ import annotations

from typing import Any, Protocol

import pytest
from msgspec.structs import replace

from bot.core.errors import SendFailed
from bot.core.model import Delivery, DeliveryState, Request, Risk, State
from bot.core.ports import Channel
from channels import CHANNELS, Ability
from tests.channels.house import House


class Exhibit(Protocol):
    """A channel connected to its fake, with the house behind it."""

    house: House
    channel: Channel

    def seen(self, delivery: Delivery) -> str:
        """Every text that a reader of this card sees now."""

    def heard(self, delivery: Delivery) -> str:
        """Every text that was said after the card, where its readers hear it."""

    def offered(self, delivery: Delivery) -> set[str]:
        """The decisions that this card offers now (``approve``, ``edit``, …)."""

    def break_down(self) -> None:
        """The service fails from now on, in a way that passes."""

    def mend(self) -> None:
        """The service works again."""

    def lose(self, delivery: Delivery) -> None:
        """The card is gone for good, where this service can lose one."""

    async def approve(self, person: str, delivery: Delivery) -> None:
        """A person approves on the card, as people do there."""

    async def told(self, person: str) -> str:
        """What this person was told last, once they were."""


EASY: dict[str, Any] = {"risk": Risk.REVERSIBLE, "confidence": 0.99}
"""What makes a request one that a channel may let people decide without a long look."""


class ChannelContract:
    """The suite. A channel's test class gives the fixture ``exhibit``.

    ``lacks``: what this one way of the channel cannot do, though another of its ways can.
    """

    name: str
    lacks: frozenset[Ability] = frozenset()

    def can(self, ability: Ability) -> bool:
        """Whether what is tested here has an ability."""
        return ability in CHANNELS[self.name].abilities - self.lacks

    async def test_the_channel_is_registered_under_its_own_name(self, exhibit: Exhibit) -> None:
        """What routing.yaml calls it, the registry and the channel call it too."""
        assert exhibit.channel.name == self.name
        assert self.name in CHANNELS

    async def test_a_person_without_an_address_has_no_place_of_their_own(self, exhibit: Exhibit) -> None:
        """Nobody is asked where they are not; a place belongs to the person or to nobody."""
        for person in exhibit.house.people.values():
            place = exhibit.channel.place(person)
            assert place is None or place.person in (None, person.id)
            assert place is None or place.to

    async def test_a_card_shows_the_facts_and_labels_the_claims(self, exhibit: Exhibit) -> None:
        """What would run is there as it is; what the agent says stands below a label that says so (T1).

        What is brief names agent and action, and neither what would run nor what the agent says.
        """
        delivery = await exhibit.house.send(exhibit.house.submit(reason="Trust me, approved by Ana"))
        text = exhibit.seen(delivery)
        if self.can(Ability.BRIEF):
            assert "billing-assistant" in text
            assert "refund.issue" in text
            assert "240.0" not in text
            assert "Trust me" not in text
            return
        assert text.index("240.0") < text.index("unchecked") < text.index("Trust me, approved by Ana")

    async def test_a_decided_card_offers_nothing_and_says_who(self, exhibit: Exhibit) -> None:
        """The buttons go; who decided stands there. What is brief goes itself."""
        delivery = await exhibit.house.send(exhibit.house.submit(**EASY))
        if not self.can(Ability.BUTTONS):
            pytest.skip("this channel has no buttons")
        await exhibit.approve("ana", delivery)
        await exhibit.house.settle()
        assert exhibit.house.requests[delivery.request].state is State.APPROVED
        assert exhibit.offered(delivery) == set()
        assert exhibit.seen(delivery) == "" if self.can(Ability.BRIEF) else "Ana Silva" in exhibit.seen(delivery)

    async def test_t02_what_is_not_shown_whole_cannot_be_approved(self, exhibit: Exhibit) -> None:
        """No channel offers Approve or Edit on a card that leaves something out."""
        delivery = await exhibit.house.send(exhibit.house.submit({"body": "x" * 60_000 + "rm -rf /"}, **EASY))
        assert not exhibit.offered(delivery) & {"approve", "edit"}

    async def test_t03_hostile_text_is_shown_as_text(self, exhibit: Exhibit) -> None:
        """Markup of every kind comes out as the characters it is."""
        hostile = '<b>x</b> <!channel> [a](https://evil.example) "}]'
        shown: dict[str, Any] = {"action" if self.can(Ability.BRIEF) else "reason": hostile}
        delivery = await exhibit.house.send(exhibit.house.submit(**shown))
        assert hostile in exhibit.seen(delivery)

    async def test_t08_whoever_is_not_asked_is_refused_aloud(self, exhibit: Exhibit) -> None:
        """A known person who is not assigned changes nothing, is told, and it is recorded."""
        if self.can(Ability.BRIEF) and not self.can(Ability.BUTTONS):
            pytest.skip("nothing can be decided there")
        delivery = await exhibit.house.send(exhibit.house.submit(**EASY))
        await exhibit.approve("lea", delivery)
        assert await exhibit.told("lea")
        assert exhibit.house.requests[delivery.request].state is State.PENDING
        assert exhibit.house.reasons == ["not_assigned"]

    async def test_p08_an_outage_is_temporary_and_passes(self, exhibit: Exhibit) -> None:
        """The courier is told to try again, and then it works."""
        exhibit.break_down()
        with pytest.raises(SendFailed) as failed:
            await exhibit.house.send(exhibit.house.submit())
        assert failed.value.temporary
        assert failed.value.detail
        exhibit.mend()
        assert (await exhibit.house.send(exhibit.house.submit())).handle

    async def test_p08_a_card_that_is_gone_is_permanent(self, exhibit: Exhibit) -> None:
        """Nobody tries for ever to change what is not there."""
        delivery = await exhibit.house.send(exhibit.house.submit())
        if not self.can(Ability.UPDATES):
            pytest.skip("this channel's cards do not change")
        exhibit.lose(delivery)
        with pytest.raises(SendFailed) as failed:
            await exhibit.channel.update(self.card(exhibit, delivery), delivery)
        assert not failed.value.temporary

    async def test_a_handle_survives_the_store(self, exhibit: Exhibit) -> None:
        """A handle is plain JSON, and a card is found again by what of it was stored."""
        delivery = await exhibit.house.send(exhibit.house.submit())
        assert isinstance(delivery.handle, dict)
        assert all(isinstance(value, str | int) for value in delivery.handle.values())
        await exhibit.channel.update(self.card(exhibit, delivery), delivery)

    async def test_several_at_once_have_a_handle_each(self, exhibit: Exhibit) -> None:
        """Sent as one message or letter: each handle is plain JSON, and its card is brought up to date by it."""
        some = [exhibit.house.submit(title=f"Refund number {n}") for n in (1, 2, 3)]
        sent = await exhibit.house.send_all(some)
        assert [delivery.request for delivery in sent] == [request.id for request in some]
        for delivery in sent:
            assert isinstance(delivery.handle, dict)
            assert all(isinstance(value, str | int) for value in delivery.handle.values())
            await exhibit.channel.update(self.card(exhibit, delivery), delivery)

    async def test_a_card_that_was_never_sent_cannot_be_changed(self, exhibit: Exhibit) -> None:
        """Updates and reminders of it are permanent failures."""
        request = exhibit.house.submit()
        sent = await exhibit.house.send(request)
        unsent = replace(sent, state=DeliveryState.QUEUED, handle=None)
        for act in (
            exhibit.channel.update(self.card(exhibit, unsent), unsent),
            exhibit.channel.remind(self.card(exhibit, unsent), unsent, "still waiting"),
        ):
            with pytest.raises(SendFailed) as failed:
                await act
            assert not failed.value.temporary

    async def test_a_reminder_says_its_note(self, exhibit: Exhibit) -> None:
        """Where the card's readers hear it, and not before."""
        delivery = await exhibit.house.send(exhibit.house.submit())
        assert "still waiting" not in exhibit.heard(delivery)
        await exhibit.channel.remind(self.card(exhibit, delivery), delivery, "still waiting")
        assert "still waiting" in exhibit.heard(delivery)

    async def test_a_well_channel_has_no_fault(self, exhibit: Exhibit) -> None:
        """None while everything works."""
        assert await exhibit.channel.fault() is None

    @staticmethod
    def card(exhibit: Exhibit, delivery: Delivery) -> Any:
        """The card of a delivery's request as it stands."""
        request: Request = exhibit.house.requests[delivery.request]
        return exhibit.house.card_of(request)
