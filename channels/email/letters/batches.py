"""A letter about what an agent put together: what it comes to, then as many of its requests as are shown whole."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from bot.core.card import Card
from bot.core.card.summary import summary_of
from bot.core.links import batch_page
from channels.email.letters.items import shown_in_digest, weight
from channels.email.letters.sheets import Section, entries
from channels.email.letters.sizes import FURNITURE, HTML, clip, one_line

MOST_OF_A_BATCH = 100
"""Requests of one batch that one letter speaks of."""
_NAME = 300
_SUMMARY = 12_000
"""Bytes of HTML that the summary takes at most: nine lines, their names and numbers bounded."""
_CHANGED = "⟦␠⏎"
"""The marks of `bot.core.scrutiny.visible`: a name that holds one is not the one that it has in an address."""


class Batch(Struct, frozen=True):
    """A batch as a letter has it: its name as cards show it, and its cards, in the order in which they are asked."""

    name: str
    cards: tuple[Card, ...]

    @property
    def link(self) -> str:
        """The address of its page; of the inbox where its name cannot stand in one."""
        changed = any(mark in self.name for mark in _CHANGED)
        return batch_page(self.cards[0].url, None if changed else self.name)

    @property
    def says(self) -> str:
        """Its name on one line of bounded length."""
        return clip(one_line(self.name), _NAME)[0]


def batch_of(cards: Sequence[Card]) -> Batch | None:
    """The one batch that all of these belong to; None where it is not one, or is a single request."""
    names = {card.batch for card in cards}
    name = next(iter(names), None)
    return Batch(name, tuple(cards)) if name and len(names) == 1 and len(cards) > 1 else None


def listed(batch: Batch, links: Sequence[str]) -> tuple[int, ...]:
    """Which of its cards (by index) the letter shows, each of them whole; ``links`` are their pages, in that order."""
    room = HTML - FURNITURE - _SUMMARY
    chosen: list[int] = []
    for index, (card, link) in enumerate(zip(batch.cards, links, strict=True)):
        takes = weight(card, link)
        if shown_in_digest(card) and takes <= room:
            room -= takes
            chosen.append(index)
    return tuple(chosen)


def summary(batch: Batch) -> Section:
    """What all of it comes to, also what is not listed."""
    return Section(kind="facts", head="What it comes to", entries=entries(summary_of(batch.cards)))


def rest(batch: Batch, shown: int) -> tuple[str, ...]:
    """That there is more than is listed, and where."""
    more = len(batch.cards) - shown
    if not more:
        return ()
    said = "1 request is" if more == 1 else f"{more} requests are"
    where = "where not all of it would be seen: the batch’s page shows them"
    return (f"✂ {said} not listed here, {where}. No answer to this letter is about them.",)
