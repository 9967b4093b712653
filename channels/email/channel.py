"""The email channel: cards as letters over SMTP, answers to them through a mailbox or a listener."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from bot.core.card import Card
from bot.core.errors import SendFailed
from bot.core.model import Delivery, Person
from bot.core.ports import Clock, Correspondence, Letter, Place
from bot.core.token import PAGE, Marks
from channels.email.letters import draw
from channels.email.mailroom import Mailroom
from channels.email.names import Names
from channels.email.settings import NAME, EmailSettings
from channels.email.told import decided_by, handle_of, told_by, told_in
from channels.email.transport.smtp import Pool
from channels.email.writer import Envelope, Part, Writer

if TYPE_CHECKING:
    from channels.email.transport.imap import Mailbox
    from channels.email.transport.listener import Listener

_UNASKED = "If you did not ask for it, leave it alone: nothing happens, and nobody else can use it."
_OUTCOMES_AFTER = timedelta(hours=1)
"""How long outcomes are gathered for somebody who gathers nothing else."""

_VARIABLES: Mapping[str, str] = {"Pool": "SMTP_URL", "Mailbox": "IMAP_URL", "Listener": "EMAIL_LISTEN"}
"""Where whoever reads of a fault would mend it, by what has it."""


class EmailChannel:
    """The `Channel` port for mail.

    ``section`` is routing.yaml's own of this channel as it is now; ``secrets`` sign tokens and names, newest first.
    ``aside`` counts the letters that came in and were put aside without a trace, by named reason.
    """

    name = NAME
    redraws = False

    def __init__(
        self,
        settings: EmailSettings,
        letters: Correspondence,
        *,
        clock: Clock,
        secrets: Sequence[str],
        section: Callable[[], Mapping[str, Any]],
    ) -> None:
        """Nothing is connected before `start`."""
        self._section = section
        names = Names(secrets, settings.domain)
        self._pool = Pool(settings.smtp)
        self._writer = Writer(settings, letters, clock, names=names, pages=Marks(secrets, PAGE), pool=self._pool)
        self._doors: list[Mailbox | Listener] = []
        self.aside: Mapping[str, int] = {}
        if settings.hears:
            room = Mailroom(settings, names, letters, clock, page=self._writer.page)
            self.aside = room.aside
            if settings.imap is not None:
                from channels.email.transport.imap import Mailbox, mailbox_name  # noqa: PLC0415  # with imap-tools: 1 MB

                name = mailbox_name(settings.imap)
                cursor, mine = partial(letters.cursor, name), partial(letters.reads, name)
                moved = letters.move_cursor
                self._doors.append(Mailbox(settings.imap, take=room.fetched, cursor=cursor, moved=moved, mine=mine))
            if settings.listen is not None:
                from channels.email.transport.listener import Listener  # noqa: PLC0415  # with aiosmtpd: 1 MB

                self._doors.append(Listener(settings.listen, take=room.take))

    def place(self, person: Person) -> Place | None:
        """The person's own mailbox."""
        return Place(person.email, person.id) if person.email else None

    def gathers(self, person: Person, step: timedelta | None, *, ended: bool) -> timedelta | None:
        """As the step says, else the person; outcomes where ``outcomes: digest`` says so."""
        if not ended:
            return step or person.digest
        return (person.digest or _OUTCOMES_AFTER) if self._outcomes == "digest" else None

    @property
    def _outcomes(self) -> str:
        return str(self._section().get("outcomes", "thread"))

    async def send(self, card: Card, delivery: Delivery) -> dict[str, Any]:
        """Send a request's letter; the handle says what it told. Raises `SendFailed`.

        A letter that is sent again, because nobody knows whether it went out, has the same Message-ID and token.
        """
        name = await self._writer.card(card, delivery)
        return handle_of(name, name, told_by(card), draw.subject_of(card))

    async def update(self, card: Card, delivery: Delivery) -> dict[str, Any] | None:
        """Write what has changed since the last letter, if that matters to its reader. Raises `SendFailed`."""
        handle = _handle(delivery)
        before, now = told_in(handle), told_by(card)
        if before == now:
            return None
        latest = str(handle["latest"])
        if card.state.open and now.revision != before.revision:
            latest = await self._writer.card(card, delivery, thread=handle["thread"])
        elif not card.state.open and self._wants_outcome(card, delivery):
            await self._writer.news(card, delivery, None)
        elif card.state.open and now.level > before.level:
            asked = ", ".join(asked.name for asked in card.asked)
            await self._say(card, delivery, f"It was escalated. Asked now: {asked}.")
        return handle_of(handle["thread"], latest, now, handle.get("subject"))

    def _wants_outcome(self, card: Card, delivery: Delivery) -> bool:
        """Whether how it ended is news: whoever decided it knows that already, but not how the run ended."""
        before, now = told_in(_handle(delivery)), told_by(card)
        if self._outcomes == "off":
            return False
        if now.run != before.run:
            return True
        return before.open and (decided_by(card) is None or decided_by(card) != delivery.person)

    async def stands(self, delivery: Delivery) -> None:
        """Never known. A letter cannot be changed, and one that is sent again is the same letter."""
        del delivery

    async def remind(self, card: Card, delivery: Delivery, note: str) -> None:
        """Say ``note`` in the letter's thread. Raises `SendFailed`."""
        _handle(delivery)
        await self._say(card, delivery, note)

    async def _say(self, card: Card, delivery: Delivery, note: str) -> None:
        handle = _handle(delivery)
        if Names.is_digest(handle["latest"]):
            # An answer to a digest says numbers: to be answered alone, the request is shown alone.
            await self._writer.card(card, delivery, thread=handle["thread"], note=note)
        else:
            await self._writer.news(card, delivery, note)

    async def digest(self, asks: Sequence[Part], tells: Sequence[Part]) -> Sequence[dict[str, Any]]:
        """Send a numbered letter for all of it (several, where it is too much for one). Raises `SendFailed`.

        Of a batch the letter says what it comes to, and lists what it shows whole.
        """
        wanted = [(card, delivery) for card, delivery in tells if self._wants_outcome(card, delivery)]
        handles: list[dict[str, Any]] = []
        most = draw.MOST_ASKS if draw.batch_of([card for card, _ in asks]) is None else draw.MOST_OF_A_BATCH
        for start in range(0, len(asks) or 1, most):
            some = asks[start : start + most]
            name = await self._writer.digest(some, wanted if start == 0 else ()) if some or wanted else ""
            handles += [handle_of(name, name, told_by(card), draw.subject_of(card)) for card, _ in some]
        told = [(card, _handle(delivery)) for card, delivery in tells]
        return (
            *handles,
            *(handle_of(kept["thread"], kept["latest"], told_by(card), kept.get("subject")) for card, kept in told),
        )

    async def write(self, letter: Letter, name: str) -> None:
        """Send words into a thread. Raises `SendFailed`."""
        person = self._writer.person(letter.person)
        says = "Open the inbox" if Names.is_digest(letter.thread) else "Open the full request"
        drawn = draw.words(letter.subject, letter.lines, link=letter.link, link_says=says)
        envelope = Envelope(name=letter.thread, what=name, thread=letter.thread, answers=letter.answers)
        await self._writer.send(drawn, person.email or "", person, envelope)

    async def tell(self, person: Person, text: str, link: str) -> None:
        """Send one person alone a link of ours, as for signing in. Raises `SendFailed`, also without an address."""
        known = self._writer.person(person.id)
        await self._writer.note(known, draw.words("Sign in to Sayso", (text, _UNASKED), link=link, link_says="Sign in"))

    async def start(self) -> None:
        """Open what answers come in through; what cannot be opened yet is tried on in the background."""
        for door in self._doors:
            await door.start()

    async def stop(self) -> None:
        """Take in nothing more, and let the connections go."""
        for door in self._doors:
            await door.stop()
        await self._pool.close()

    async def fault(self) -> str | None:
        """What is wrong right now, in one line, or None."""
        told = [(await part.fault(), _VARIABLES[type(part).__name__]) for part in (self._pool, *self._doors)]
        return "; ".join(f"{line} (see {variable})" for line, variable in told if line is not None) or None


def _handle(delivery: Delivery) -> dict[str, Any]:
    if not delivery.handle:
        raise SendFailed("the letter was never sent, so there is nothing to add to it", temporary=False)
    return delivery.handle
