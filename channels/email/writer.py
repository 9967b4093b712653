"""Writes letters: each named, its reply address committed before it is sent, so that an answer always finds it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from bot.core.card import Card
from bot.core.errors import SendFailed
from bot.core.links import inbox_of
from bot.core.model import Delivery, Person
from bot.core.ports import Clock, Correspondence, KeyItem, ReplyKey
from bot.core.token import Marks, hash_of
from channels.email.addresses import ReplyAddress
from channels.email.letters import draw
from channels.email.letters.compose import compose
from channels.email.letters.draw import Drawn
from channels.email.names import CARD, Names
from channels.email.settings import NAME, EmailSettings
from channels.email.told import told_by
from channels.email.transport.smtp import Pool

_ANSWERED_LATE = timedelta(days=30)
"""How long after a request's end its letters' reply addresses are still known, so that a late answer hears why."""
_TRIED_FOR = timedelta(hours=2)
"""How long a letter may be tried for; the courier gives up before."""

Part = tuple[Card, Delivery]


class Envelope(Struct, frozen=True, kw_only=True):
    """Which letter it is. ``name`` and ``what`` make its Message-ID, and ``name`` its reply address.

    ``thread`` is the name of the letter that began its thread; ``answers`` the Message-ID that it answers.
    ``kept``: what its reply address stands for was committed just now, and need not be looked up.
    """

    name: str
    what: str = CARD
    thread: str | None = None
    answers: str | None = None
    request: str | None = None
    kept: bool = False


class Writer:
    """Sends letters through one pool of connections."""

    def __init__(
        self,
        settings: EmailSettings,
        letters: Correspondence,
        clock: Clock,
        *,
        names: Names,
        pages: Marks,
        pool: Pool,
    ) -> None:
        """``pages`` marks the links to requests' pages with whom they were given to."""
        self._settings = settings
        self._names = names
        self._pages = pages
        self._pool = pool
        self._letters = letters
        self._clock = clock
        self._address = ReplyAddress(settings.reply_to) if settings.reply_to is not None and settings.hears else None
        self._unsaid: dict[tuple[str, str], datetime] = {}

    @property
    def hears(self) -> bool:
        """Whether letters invite answers."""
        return self._address is not None

    def page(self, card: Card, person: Person) -> str:
        """The address of the request's page, as this person is given it."""
        return f"{card.url}?to={self._pages.make(card.request, person.id)}"

    def person(self, person_id: str | None) -> Person:
        """Somebody to write to. Raises `SendFailed` where routing.yaml has no address for them (any more)."""
        person = self._letters.person(person_id or "")
        if person is None or person.email is None:
            raise SendFailed(f"{person_id} has no mail address in routing.yaml", temporary=False)
        return person

    async def card(self, card: Card, delivery: Delivery, *, thread: str | None = None, note: str | None = None) -> str:
        """Send a request's letter, into an earlier one's ``thread`` where there is one; its name.

        ``note`` stands above it, as where it is shown once more. Of a request that has ended it asks nothing, and has
        no reply address: whoever gets it is only to know.
        """
        person = self.person(delivery.person)
        name = self._names.card(delivery.id, card.revision)
        link = self.page(card, person)
        if not card.state.open:
            drawn = draw.outcome_letter(card, person=person, link=link)
            await self.send(drawn, delivery.to, person, Envelope(name=name, thread=thread, request=card.request))
            return name
        drawn = _in_thread(draw.card_letter(card, person=person, link=link, hears=self.hears, note=note), delivery)
        await self._keep(name, person, (_item(card, delivery, fully_shown=drawn.fully_shown),), (card,))
        what = CARD if note is None else self._moment(name, drawn)
        envelope = Envelope(name=name, what=what, thread=thread, request=card.request, kept=True)
        await self.send(drawn, delivery.to, person, envelope)
        return name

    async def news(self, card: Card, delivery: Delivery, note: str | None) -> None:
        """Add a short letter to the thread: ``note``, or (None) how the request ended."""
        handle = delivery.handle or {}
        person = self.person(delivery.person)
        link = self.page(card, person)
        if note is None:
            drawn, what = draw.outcome_letter(card, person=person, link=link), _ending(card)
        else:
            drawn = draw.news_letter(card, person=person, link=link, hears=self.hears, note=note)
            what = self._moment(handle["latest"], drawn)
        envelope = Envelope(name=handle["latest"], what=what, thread=handle["thread"], request=card.request)
        await self.send(_in_thread(drawn, delivery), delivery.to, person, envelope)

    async def digest(self, asks: Sequence[Part], tells: Sequence[Part]) -> str:
        """Send one numbered letter to one person; its name."""
        first = (*asks, *tells)[0]
        person = self.person(first[1].person)
        parts = (f"{card.revision} {_ending(card)} {delivery.id}" for card, delivery in (*asks, *tells))
        name = self._names.digest(parts)
        batch = draw.batch_of([card for card, _ in asks])
        shown = list(asks)
        if batch is not None:
            chosen = draw.listed(batch, [self.page(card, person) for card, _ in asks])
            shown = [asks[index] for index in chosen]
        items = tuple(_numbered(number, card, delivery) for number, (card, delivery) in enumerate(shown, 1))
        await self._keep(name, person, items, [card for card, _ in shown])
        drawn = draw.digest_letter(
            [(item.number, card, self.page(card, person)) for item, (card, _) in zip(items, shown, strict=True)],
            [(card, self.page(card, person)) for card, _ in tells],
            person=person,
            hears=self.hears,
            inbox=inbox_of(first[0].url),
            batch=batch,
        )
        await self.send(drawn, first[1].to, person, Envelope(name=name, kept=bool(shown)))
        return name

    async def note(self, person: Person, drawn: Drawn) -> None:
        """Send a letter that belongs to no thread and takes no answer."""
        name = f"note_{person.id}"[:64]
        envelope = Envelope(name=name, what=self._moment(name, drawn))
        await self.send(drawn, person.email or "", person, envelope)

    def _moment(self, name: str, drawn: Drawn) -> str:
        """What tells a letter from the others of its thread. A mail server may keep one of two that have one name.

        One that is sent again, because nobody knows whether it went out, bears the moment of its first try.
        """
        now = self._clock.now()
        said = hashlib.sha256(drawn.text.encode(errors="surrogatepass")).hexdigest()[:16]
        for key in [key for key, at in self._unsaid.items() if now - at > _TRIED_FOR]:
            del self._unsaid[key]
        return f"n{int(self._unsaid.setdefault((name, said), now).timestamp())}_{said}"

    async def _keep(self, name: str, person: Person, items: tuple[KeyItem, ...], cards: Sequence[Card]) -> None:
        if self._address is None or not cards:
            return
        key = ReplyKey(
            hash=hash_of(self._names.token(name)),
            letter=name,
            channel=NAME,
            person=person.id,
            items=items,
            at=self._clock.now(),
            expires_at=max(card.expires_at for card in cards) + _ANSWERED_LATE,
        )
        await self._letters.keep_key(key)

    async def send(self, drawn: Drawn, to: str, person: Person, envelope: Envelope) -> None:
        """Send one letter. Raises `SendFailed`, also at once where its address is known to reach nobody.

        A card keeps the address that it went to first; whoever has another one by now is not written to there.
        """
        if to.casefold() != (person.email or "").casefold():
            raise SendFailed(f"{person.id} has another address than {to} in routing.yaml now", temporary=False)
        lost = await self._letters.unreachable(NAME, to)
        if lost is not None:
            since = f"{lost.at:%Y-%m-%d %H:%M} UTC"
            # Said of the address, so that a reminder that is refused here moves its chain on like one refused there.
            detail = f"{to} is not reached by mail since {since}: {lost.error}"
            raise SendFailed(detail, temporary=False, unreachable=True)
        name, what = envelope.name, envelope.what
        reply_to = await self._reply_to(name, kept=envelope.kept)
        try:
            message = compose(
                drawn,
                sender=self._settings.sender,
                to=(person.name, to),
                message_id=self._names.message_id(name, what),
                at=self._clock.now(),
                reply_to=reply_to,
                thread=None if envelope.thread is None else self._names.message_id(envelope.thread),
                answers=envelope.answers,
                kind="auto-generated" if envelope.answers is None else "auto-replied",
                request=envelope.request,
            )
        except ValueError as wrong:
            # routing.yaml takes addresses that no header of ours can hold: waiting makes none of them writable.
            raise SendFailed(f"{to} cannot be written to: {wrong}", temporary=False, unreachable=True) from None
        envelope_id = self._names.envelope_id(name, what)
        await self._pool.send(self._settings.address, to, message, envelope_id=envelope_id)
        self._unsaid.pop((name, what.rpartition("_")[2]), None)

    async def _reply_to(self, name: str, *, kept: bool) -> str | None:
        """The reply address of a letter; kept under its newest token too, where the secret has changed since."""
        if self._address is None:
            return None
        token = self._names.token(name)
        if not kept and await self._letters.reply_key(hash_of(token)) is None:
            key = await self._letters.letter(name)
            if key is None:
                return None
            await self._letters.keep_key(replace(key, hash=hash_of(token), at=self._clock.now()))
        return self._address.of(token)


def _ending(card: Card) -> str:
    """How a request and its run stand, the same however often it is said: so that it is one letter to its reader."""
    told = told_by(card)
    return f"end_{told.state}_{told.run}"


def _in_thread(drawn: Drawn, delivery: Delivery) -> Drawn:
    """A later letter under the subject that its thread began with."""
    subject = (delivery.handle or {}).get("subject")
    return replace(drawn, subject=subject) if subject else drawn


def _numbered(number: int, card: Card, delivery: Delivery) -> KeyItem:
    item = _item(card, delivery, fully_shown=draw.shown_in_digest(card), number=number)
    return replace(item, by_page=not draw.approvable_in_digest(card))


def _item(card: Card, delivery: Delivery, *, fully_shown: bool, number: int = 0) -> KeyItem:
    return KeyItem(
        request=card.request,
        revision=card.revision,
        digest=card.digest,
        delivery=delivery.id,
        fully_shown=fully_shown,
        number=number,
    )
