"""The channels there are, as data. A channel's library is imported when the channel is on, and never before."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from importlib import import_module
from typing import Any

from msgspec import Struct


class Ability(StrEnum):
    """What a channel can do beside sending a card."""

    BUTTONS = "buttons"
    """People decide on the card itself."""
    FORMS = "forms"
    """People edit arguments in a form of the channel."""
    REPLIES = "replies"
    """People decide by writing back, in the grammar."""
    UPDATES = "updates"
    """A sent card changes when the request does."""
    SHARED_PLACE = "shared_place"
    """One card at one place can serve everybody who is asked."""
    DIGESTS = "digests"
    """Several cards for one person can be gathered into one letter."""
    QUEUE = "queue"
    """The channel shows each person what waits for them."""
    BRIEF = "brief"
    """A card names agent and action and says nothing else of the request; once it is decided it goes."""


class Entry(Struct, frozen=True, kw_only=True):
    """One channel: the module that holds it (its ``open`` makes the channel), and what it can do."""

    module: str
    abilities: frozenset[Ability] = frozenset()


CHANNELS: Mapping[str, Entry] = {
    "email": Entry(module="channels.email", abilities=frozenset({Ability.REPLIES, Ability.DIGESTS})),
    "push": Entry(module="channels.push", abilities=frozenset({Ability.BRIEF, Ability.BUTTONS, Ability.DIGESTS})),
    "slack": Entry(module="channels.slack", abilities=frozenset(Ability) - {Ability.DIGESTS, Ability.BRIEF}),
}
"""Every channel by its name, which routing.yaml's ``via:`` uses, and its template folder, and its fake."""


def load(name: str) -> Any:
    """A channel's module, its library imported with it; ``open`` in it makes the channel.

    Raises ``KeyError`` for a name that is not registered.
    """
    return import_module(CHANNELS[name].module)
