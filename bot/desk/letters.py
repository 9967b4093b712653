"""Letters at the desk: what they stand for, what became of those that came in, and addresses that reach nobody.

The law: what a letter's reply address stands for is committed before the letter is sent, and what came of an incoming
letter before anybody is told of it. So a crash between any two steps repeats a letter at worst, never a decision.
"""

from __future__ import annotations

import msgspec

from bot.core.model import Delivery, DeliveryState
from bot.core.ports import (
    MOST_ANSWERS,
    Change,
    Cursor,
    Effect,
    EffectKind,
    Handled,
    KeyItem,
    Letter,
    Receipt,
    ReplyKey,
    Tx,
    Unreachable,
)
from bot.desk.ledger import Deed
from bot.desk.part import TRIED_AGAIN, Part

_LAST = "This letter gets no further answers. What you write still counts; its page shows how the request stands."


class Letters(Part):
    """The letters' side; with the people's side it is the `Correspondence` port that channels are given."""

    async def keep_key(self, key: ReplyKey) -> None:
        """Commit what a letter's reply address stands for, before the letter is sent."""
        await self._ledger.store.write(lambda tx: tx.keep_key(key))

    async def reply_key(self, token_hash: str) -> ReplyKey | None:
        """What the reply address with this token's hash stands for."""
        return await self._ledger.store.reply_key(token_hash)

    async def letter(self, name: str) -> ReplyKey | None:
        """What was kept of the letter with this name."""
        return await self._ledger.store.letter(name)

    async def received(self, key: str) -> Receipt | None:
        """What became of an incoming letter, if it was filed."""
        return await self._ledger.store.receipt(key)

    async def file(self, receipt: Receipt, answer: Letter | None, about: Handled) -> bool:
        """Commit that an incoming letter is dealt with, and owe its answer; whether that will be sent."""
        answered: list[bool] = []

        def work(tx: Tx) -> Deed:
            answered[:] = (False,)
            request = self._load(tx, about.request)
            owed = _owed(answer, tx.answers(receipt.thread))
            # The row itself says who was first: beside another writer a look at it beforehand would not.
            if not tx.add_receipt(receipt, answered=owed is not None):
                return Deed(None)
            told = {"reason" if about.refused else "verdict": receipt.verdict}
            kind = "refusal" if about.refused else "letter.received"
            event = self._event(kind, request, actor=about.actor, via=about.via, **told)
            if owed is None:
                tx.append(event)
                return Deed(None)
            note = msgspec.json.encode(owed).decode()
            effects = (self._ledger.effect(EffectKind.LETTER, request.id, about.via, note),)
            tx.record(Change(event=event, effects=effects))
            answered[:] = (True,)
            return Deed(None, effects)

        await self._ledger.commit(work)
        return answered[0]

    async def returned(self, key: ReplyKey, error: str) -> None:
        """A letter came back: its address is unreachable, its cards are failed, and chains move on at once."""
        for item in key.items:
            await self._returned(key, item, error)

    async def _returned(self, key: ReplyKey, item: KeyItem, error: str) -> None:
        def work(tx: Tx) -> Deed:
            delivery = tx.delivery(item.delivery)
            if delivery is None:
                return Deed(None)
            if not self._known(tx, delivery):
                self._lost(tx, key.channel, delivery.to, error)
            # What came back was sent, though the store may not have heard of it yet.
            if delivery.state not in (DeliveryState.SENT, DeliveryState.QUEUED):
                return Deed(None)
            return self._undelivered(tx, delivery, error, ())

        await self._ledger.commit(work)

    @staticmethod
    def _known(tx: Tx, delivery: Delivery) -> bool:
        return delivery.state is DeliveryState.FAILED and tx.unreachable_at(delivery.channel, delivery.to) is not None

    async def still_owed(self, effect: Effect) -> bool:
        """Whether an answer is still to be sent: what it is about may have been erased since (threat T23)."""
        return await self._ledger.store.write(lambda tx: tx.owes(effect.id))

    async def unreachable(self, channel: str, to: str) -> Unreachable | None:
        """Why nobody is reached at an address, if that is known and not older than a day."""
        lost = await self._ledger.store.unreachable_at(channel, to)
        return lost if lost is not None and self._ledger.clock.now() - lost.at < TRIED_AGAIN else None

    async def reached(self, channel: str, to: str) -> None:
        """An address lives: forget that it was unreachable."""
        if await self._ledger.store.unreachable_at(channel, to) is not None:
            await self._ledger.store.write(lambda tx: self._found(tx, channel, to))

    async def reads(self, mailbox: str) -> bool:
        """Whether this process is the one to read a mailbox now."""
        return await self._ledger.holds(f"mailbox {mailbox}")

    async def cursor(self, mailbox: str) -> Cursor | None:
        """How far a mailbox is read."""
        return await self._ledger.store.mailbox(mailbox)

    async def move_cursor(self, cursor: Cursor) -> None:
        """Commit how far a mailbox is read."""
        await self._ledger.store.write(lambda tx: tx.move_cursor(cursor))


def _owed(answer: Letter | None, before: int) -> Letter | None:
    """The answer that is still sent after so many ``before`` it; the last one says that it is."""
    if answer is None or before >= MOST_ANSWERS:
        return None
    if before + 1 < MOST_ANSWERS:
        return answer
    return msgspec.structs.replace(answer, lines=(*answer.lines, _LAST))
