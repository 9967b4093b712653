"""Messages that hold several requests: sent once, drawn anew as each of them changes, spoken to in their threads.

What a message's buttons stand for is committed before it is sent. A request that changes makes a new version of that,
so that a press on an older screen still decides only what that screen showed (threat T5).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.core.card import Asked, Card
from bot.core.errors import SendFailed
from bot.core.links import batch_page
from bot.core.model import Delivery
from bot.core.ports import Clock, Correspondence, ReplyKey
from bot.core.token import Tokens, hash_of
from channels.slack import bundle, draw
from channels.slack.posts import Posts
from channels.slack.presses import NAME
from channels.slack.sizes import clip

Part = tuple[Card, Delivery]
_PRESSED_LATE = timedelta(days=30)
"""How long after its last request's end a message is still known, so that a late press hears why."""
_TOGETHER = 0.5
"""Seconds for which one word about several requests is gathered into one reply."""
_TITLES, _TITLE = 5, 80


def bundle_of(delivery: Delivery) -> str | None:
    """The name of the message that holds this card with others; None for a card by itself."""
    name = (delivery.handle or {}).get("bundle")
    return name if isinstance(name, str) else None


class _Word(Struct, frozen=True):
    """One word that is about to be said, and the requests that it is about."""

    saying: asyncio.Task[None]
    about: list[Card]


class Bundles:
    """Sends and redraws them. ``tokens`` sign what their buttons carry: the message's name, and what it showed."""

    def __init__(self, posts: Posts, house: Correspondence, clock: Clock, tokens: Tokens) -> None:
        """What is under way is shared by whoever asks for the same."""
        self._posts = posts
        self._house = house
        self._clock = clock
        self._tokens = tokens
        self._running: dict[str, asyncio.Task[None]] = {}
        self._next: dict[str, asyncio.Task[None]] = {}
        self._words: dict[tuple[str, str], _Word] = {}

    async def send(self, asks: Sequence[Part]) -> dict[str, Any]:
        """Post one message for all of these, in the place of the first; its handle. Raises `SendFailed`."""
        first = asks[0][1]
        told = "\n".join([first.to, *(delivery.id for _, delivery in asks)])
        name = "bun_" + hashlib.sha256(told.encode()).hexdigest()[:26]
        message = await self._message(name, [(card, delivery.id) for card, delivery in asks], first.person or "")
        return {**await self._posts.post(first, message), "bundle": name}

    async def _message(self, name: str, parts: Sequence[tuple[Card, str]], person: str) -> dict[str, Any]:
        """The message as its requests are now, what its buttons stand for committed."""
        found = bundle.chosen(parts)
        token = self._tokens.sign([name, found.stamp])
        if await self._house.reply_key(hash_of(token)) is None:
            await self._house.keep_key(
                ReplyKey(
                    hash=hash_of(token),
                    letter=name,
                    channel=NAME,
                    person=person,
                    items=found.items,
                    at=self._clock.now(),
                    expires_at=max(card.expires_at for card, _ in parts) + _PRESSED_LATE,
                )
            )
        first = found.cards[0]
        request = await self._house.request(first.request) if bundle.is_batch(found) else None
        page = batch_page(first.url, request.batch if request else None)
        return bundle.message(found, token, page, self._house.person)

    async def redraw(self, name: str, delivery: Delivery) -> None:
        """Draw the message anew; one drawing serves all who asked before it began. Raises `SendFailed`."""
        coming = self._next.get(name)
        if coming is None:
            coming = self._next[name] = _begun(self._drawn(name, delivery))
        await asyncio.shield(coming)

    async def _drawn(self, name: str, delivery: Delivery) -> None:
        before = self._running.get(name)
        if before is not None:
            await asyncio.wait({before})
        # From here on the requests are read: whoever asks later may know of something newer.
        drawing = self._running[name] = self._next.pop(name)
        try:
            await self._redrawn(name, delivery)
        finally:
            if self._running.get(name) is drawing:
                del self._running[name]

    async def _redrawn(self, name: str, delivery: Delivery) -> None:
        key = await self._house.letter(name)
        parts = []
        for item in key.items if key is not None else ():
            card = await self._house.card(item.request)
            if card is not None:
                parts.append((card, item.delivery))
        if key is None or not parts:
            raise SendFailed(f"what the message {name} held is not known any more", temporary=False)
        # The message was posted under its first request's delivery, by which it is looked for.
        first = replace(delivery, id=key.items[0].delivery)
        await self._posts.update(first, await self._message(name, parts, key.person))

    async def remind(self, name: str, card: Card, delivery: Delivery, note: str) -> None:
        """Say ``note`` in the thread; said of several requests at once, it is one reply. Raises `SendFailed`."""
        key = (name, note)
        word = self._words.get(key)
        if word is None:
            word = self._words[key] = _Word(_begun(self._say(key, delivery)), [])
        word.about.append(card)
        await asyncio.shield(word.saying)

    async def _say(self, key: tuple[str, str], delivery: Delivery) -> None:
        await asyncio.sleep(_TOGETHER)
        cards = self._words.pop(key).about
        asked: dict[str, Asked] = {one.person: one for card in cards for one in card.asked}
        titles = [clip(card.title, _TITLE)[0] for card in cards[:_TITLES]]
        more = f" and {len(cards) - _TITLES} more" if len(cards) > _TITLES else ""
        note = f"{key[1]} ({'; '.join(titles)}{more})"
        everybody = replace(cards[0], asked=tuple(asked.values()))
        await self._posts.reply(delivery, draw.reminder(everybody, note, self._house.person))


def _begun(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """A task whose error is for whoever waits for it, if anybody still does."""
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())
    return task
