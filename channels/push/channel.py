"""The push channel: one request, one notification on every screen of a person, gone once it is decided."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

from bot.core.card import Card
from bot.core.errors import SendFailed
from bot.core.model import Delivery, Person, PushWay, Request, State
from bot.core.ports import Clock, Letter, Place
from bot.core.ports.push import Pushes
from bot.core.token import Tokens
from channels.push import notices
from channels.push.acts import Acts
from channels.push.buttons import Buttons, Section
from channels.push.pace import Pace, Turn
from channels.push.settings import INBOX, NAME, SHARED
from channels.push.told import Told, handle_of, told_in
from channels.push.ways import Notice, Way
from channels.push.web import WebWay

_log = logging.getLogger(__name__)
_PURPOSE = "push.act"
_WORD = timedelta(days=1)
"""For how long a word about nothing in particular is worth something."""
_MOST_SUMMED = 10_000


class PushChannel:
    """The `Channel` port for notifications."""

    name = NAME
    redraws = True

    def __init__(
        self,
        ways: Sequence[Way],
        pushes: Pushes,
        *,
        clock: Clock,
        secrets: Sequence[str],
        section: Section,
        public_url: str,
    ) -> None:
        """``ways`` that are on; ``secrets`` sign the buttons, newest first. Nothing is connected before `start`."""
        self._ways = {way.kind: way for way in ways}
        self._web = next((way for way in ways if isinstance(way, WebWay)), None)
        self._pushes = pushes
        self._clock = clock
        self._inbox = f"{public_url}/inbox"
        self.buttons = Buttons(Tokens(secrets, _PURPOSE), clock, section)
        self._acts = Acts(pushes, self.buttons, clock)
        self._pace = Pace()
        self._summed: dict[str, set[str]] = {}

    @property
    def public_key(self) -> str | None:
        """The house's VAPID key (RFC 8292), base64url of the uncompressed point; None where Web Push is off."""
        return self._web.public_key if self._web else None

    async def refresh(self) -> None:
        """Look anew at which browsers take push."""
        if self._web is not None:
            await self._web.refresh()

    def made(self, token: str) -> bool:
        """Whether this house made a button's token, whatever has become of it."""
        return self.buttons.made(token)

    async def act(self, token: str, *, person: str | None) -> Request:
        """Do what a notification's button says; ``person`` is who is signed in (None: nobody). Raises `SaysoError`."""
        return await self._acts.act(token, person=person)

    def place(self, person: Person) -> Place | None:
        """The person's own screens; else the shared place, where there is one and they wish for no other way."""
        if self._reaching(person):
            return Place(person.id, person.id)
        service = self._ways.get(PushWay.APPRISE)
        wished = not person.push or PushWay.APPRISE in person.push
        return Place(SHARED, None) if wished and service is not None and service.reaches(None) else None

    def _reaching(self, person: Person) -> list[Way]:
        wished = person.push or tuple(PushWay)
        return [way for kind, way in self._ways.items() if kind in wished and way.reaches(person)]

    def gathers(self, person: Person, step: timedelta | None, *, ended: bool) -> timedelta | None:
        """As the step says; of what ended nothing is told, it only goes."""
        del person
        return None if ended else step

    async def send(self, card: Card, delivery: Delivery) -> dict[str, Any]:
        """Show a request on all of the person's screens; done once one way took it. Raises `SendFailed`."""
        request = await self._pushes.request(card.request)
        person = self._person(delivery)

        def drawn(way: Way) -> Notice:
            buttons = self.buttons.of(card, request, delivery, way.kind, person) if way.presses else ()
            return notices.ask(card, person, buttons)

        tag, ways = await self._paced(delivery, drawn, (card,))
        return handle_of(Told(tag=tag, ways=ways, revision=card.revision, open=card.state.open))

    async def update(self, card: Card, delivery: Delivery) -> dict[str, Any] | None:
        """Ask again about what changed; take away what there is nothing to decide about. Raises `SendFailed`."""
        before, waits = told_in(delivery), self._waits(card, delivery)
        if waits and (not before.open or card.revision != before.revision):
            return await self.send(card, delivery)
        if waits or not before.open:
            return None
        await self._taken_away(card, delivery, before)
        return handle_of(Told(tag=before.tag, ways=before.ways, revision=card.revision, open=False))

    @staticmethod
    def _waits(card: Card, delivery: Delivery) -> bool:
        """Whether there is something left to decide for whoever was notified: their own vote is given only once."""
        if delivery.person is None or card.state is not State.PENDING:
            return card.state.open
        return any(asked.person == delivery.person for asked in card.asked)

    async def _taken_away(self, card: Card, delivery: Delivery, before: Told) -> None:
        tags = [before.tag] if before.tag != INBOX else []
        summed = self._summed.get(delivery.to, set())
        if summed == {card.request}:
            tags.append(INBOX)
        person = self._person(delivery)
        ways = [self._ways[kind] for kind in before.ways if kind in self._ways]
        for failed in await _failures(way.close(person, tag, card.expires_at) for way in ways for tag in tags):
            if failed.temporary:
                raise failed
            _log.warning("push: a notification of %s stays: %s", card.request, failed.detail)
        summed.discard(card.request)
        if not summed:
            self._summed.pop(delivery.to, None)

    async def stands(self, delivery: Delivery) -> None:
        """Never known. What a screen shows cannot be looked up."""
        del delivery

    async def remind(self, card: Card, delivery: Delivery, note: str) -> None:
        """Show ``note`` in the place of the request's notification. Raises `SendFailed`."""
        told_in(delivery)
        request = await self._pushes.request(card.request)
        person = self._person(delivery)

        def drawn(way: Way) -> Notice:
            buttons = self.buttons.of(card, request, delivery, way.kind, person) if way.presses else ()
            return notices.note(card, person, note, buttons)

        await self._paced(delivery, drawn, (card,))

    async def digest(
        self, asks: Sequence[tuple[Card, Delivery]], tells: Sequence[tuple[Card, Delivery]]
    ) -> Sequence[dict[str, Any]]:
        """Show one notification that says how many wait; what ended is only taken away. Raises `SendFailed`."""
        handles: list[dict[str, Any]] = []
        if asks:
            cards, delivery = [card for card, _ in asks], asks[0][1]
            until = max(card.expires_at for card in cards)
            notice = notices.several(len(cards), self._inbox, until)
            _, ways = await self._paced(delivery, lambda _: notice, cards)
            self._sum_up(delivery, cards)
            handles = [handle_of(Told(tag=INBOX, ways=ways, revision=c.revision, open=True)) for c in cards]
        for card, delivery in tells:
            handles.append(await self.update(card, delivery) or dict(delivery.handle or {}))
        return handles

    async def write(self, letter: Letter, name: str) -> None:
        """Say that there is something to read, and where; what it says is not for a lock screen."""
        person = self._pushes.person(letter.person)
        notice = notices.word("There is something to read for you.", name, letter.link, self._clock.now() + _WORD)
        await self._shown(person, self._reaching(person) if person else [], lambda _: notice)

    async def tell(self, person: Person, text: str, link: str) -> None:
        """Say a word of the house to one person, with a link of ours. Raises `SendFailed`."""
        notice = notices.word(text, "sayso", link, self._clock.now() + _WORD)
        await self._shown(person, self._reaching(person), lambda _: notice)

    async def start(self) -> None:
        """Open every way."""
        for way in self._ways.values():
            await way.start()

    async def stop(self) -> None:
        """Let the connections go."""
        for way in self._ways.values():
            await way.stop()

    async def fault(self) -> str | None:
        """What is wrong right now, in one line, or None."""
        told = [way.fault() for way in self._ways.values()]
        return "; ".join(line for line in told if line) or None

    def _person(self, delivery: Delivery) -> Person | None:
        """Whose notification it is (None: the shared place's). Raises `SendFailed` for who is not known any more."""
        if delivery.person is None:
            return None
        person = self._pushes.person(delivery.person)
        if person is None:
            raise SendFailed(f"{delivery.person} is not in routing.yaml any more", temporary=False)
        return person

    async def _paced(
        self, delivery: Delivery, drawn: Callable[[Way], Notice], cards: Sequence[Card]
    ) -> tuple[str, tuple[PushWay, ...]]:
        """Show a notice, unless that is too many for one minute: its tag, and through which ways it went."""
        person = self._person(delivery)
        ways = self._reaching(person) if person else [w for w in self._ways.values() if w.reaches(None)]
        turn = self._pace.take(delivery.to, self._clock.now())
        if turn is not Turn.SHOW:
            self._sum_up(delivery, cards)
            notice = notices.several(None, self._inbox, max(card.expires_at for card in cards))
            if turn is Turn.SILENT:
                return INBOX, tuple(way.kind for way in ways)
            drawn = lambda _: notice  # noqa: E731  # the same shape as what was given
        try:
            taken = await self._shown(person, ways, drawn)
        except SendFailed:
            self._pace.give_back(delivery.to)
            raise
        return (cards[0].request if turn is Turn.SHOW else INBOX), taken

    def _sum_up(self, delivery: Delivery, cards: Sequence[Card]) -> None:
        if len(self._summed) < _MOST_SUMMED:
            self._summed.setdefault(delivery.to, set()).update(card.request for card in cards)

    @staticmethod
    async def _shown(person: Person | None, ways: Sequence[Way], drawn: Callable[[Way], Notice]) -> tuple[PushWay, ...]:
        """Show through all ways at once; which of them took it. Raises `SendFailed` where none did."""
        if not ways:
            raise SendFailed("no way of push reaches them any more", temporary=False)
        told = await asyncio.gather(*(way.show(person, drawn(way)) for way in ways), return_exceptions=True)
        failures: list[SendFailed] = []
        for one in told:
            if isinstance(one, SendFailed):
                failures.append(one)
            elif isinstance(one, BaseException):
                raise one
        if len(failures) == len(ways):
            raise _together(failures)
        for failed in failures:
            _log.warning("push: one way of several failed: %s", failed.detail)
        return tuple(way.kind for way, one in zip(ways, told, strict=True) if one is None)


async def _failures(acts: Iterable[Awaitable[None]]) -> list[SendFailed]:
    told = await asyncio.gather(*acts, return_exceptions=True)
    for one in told:
        if isinstance(one, BaseException) and not isinstance(one, SendFailed):
            raise one
    return [one for one in told if isinstance(one, SendFailed)]


def _together(failures: Sequence[SendFailed]) -> SendFailed:
    """Several failures as one: it is tried again where one of them may pass."""
    passing = [failed for failed in failures if failed.temporary]
    pauses = [failed.retry_after for failed in passing if failed.retry_after]
    detail = "; ".join(dict.fromkeys(failed.detail for failed in failures))
    return SendFailed(detail, temporary=bool(passing), retry_after=min(pauses, default=None))
