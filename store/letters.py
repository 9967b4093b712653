"""What is kept of letters, inside a write and beside it; shapes in `bot.core.ports.letters`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec

from bot.core.ports import Cursor as MailboxCursor
from bot.core.ports import Receipt, ReplyKey, Unreachable
from store import rows
from store.cursor import Cursor

_KEPT = timedelta(days=90)
"""How long receipts stay; no mail server brings a letter again after that."""

_key = msgspec.json.Decoder(ReplyKey)


def reply_key(cursor: Cursor, token_hash: str) -> ReplyKey | None:
    """What the reply address with this token's hash stands for."""
    return _key_of(cursor.one(cursor.say.letters.reply_key, {"hash": token_hash}))


def letter(cursor: Cursor, name: str) -> ReplyKey | None:
    """What was kept of the letter with this name."""
    return _key_of(cursor.one(cursor.say.letters.letter, {"letter": name}))


def _key_of(row: tuple[Any, ...] | None) -> ReplyKey | None:
    return None if row is None else _key.decode(row[0])


def receipt(cursor: Cursor, key: str) -> Receipt | None:
    """What became of an incoming letter, if it was filed."""
    row = cursor.one(cursor.say.letters.receipt, {"key": key})
    return None if row is None else Receipt(key=row[0], thread=row[1], verdict=row[2], at=rows.moment(row[3]))


def mailbox(cursor: Cursor, name: str) -> MailboxCursor | None:
    """How far a mailbox is read."""
    row = cursor.one(cursor.say.letters.mailbox, {"name": name})
    return None if row is None else MailboxCursor(mailbox=row[0], validity=row[1], uid=row[2])


def unreachable(cursor: Cursor) -> tuple[Unreachable, ...]:
    """Every address at which a channel reaches nobody, longest first."""
    return tuple(_unreachable_of(row) for row in cursor.all(cursor.say.letters.unreachable))


def unreachable_at(cursor: Cursor, channel: str, to: str) -> Unreachable | None:
    """Why nobody is reached at an address, if that is known."""
    row = cursor.one(cursor.say.letters.unreachable_at, {"channel": channel, "address": to})
    return None if row is None else _unreachable_of(row)


def _unreachable_of(row: tuple[Any, ...]) -> Unreachable:
    return Unreachable(channel=row[0], to=row[1], error=row[2], at=rows.moment(row[3]))


class LettersTx:
    """The part of `bot.core.ports.Tx` that is about letters."""

    _cursor: Cursor

    def keep_key(self, key: ReplyKey) -> None:
        """See `LetterTx.keep_key`. Keys that are out of force go with it."""
        self._cursor.change(self._cursor.say.letters.drop_keys, {"now": rows.micros(key.at)})
        row = {"hash": key.hash, "letter": key.letter, "body": rows.json_text(key)}
        self._cursor.change(self._cursor.say.letters.put_key, row | {"expires_at": rows.micros(key.expires_at)})

    def add_receipt(self, received: Receipt, *, answered: bool) -> bool:
        """See `LetterTx.add_receipt`. Receipts that are too old to matter go with it."""
        before = rows.micros(received.at - _KEPT)
        self._cursor.change(self._cursor.say.letters.drop_receipts, {"before": before})
        said = {"key": received.key, "thread": received.thread, "verdict": received.verdict}
        row = said | {"at": rows.micros(received.at), "answered": int(answered)}
        return bool(self._cursor.change(self._cursor.say.letters.add_receipt, row))

    def answers(self, thread: str) -> int:
        """See `LetterTx.answers`."""
        row = self._cursor.one(self._cursor.say.letters.answers, {"thread": thread})
        return int(row[0] or 0) if row else 0

    def move_cursor(self, moved: MailboxCursor) -> None:
        """See `LetterTx.move_cursor`."""
        row: dict[str, str | int] = {"name": moved.mailbox, "validity": moved.validity, "uid": moved.uid}
        self._cursor.change(self._cursor.say.letters.put_mailbox, row)

    def unreachable_at(self, channel: str, to: str) -> Unreachable | None:
        """See `LetterTx.unreachable_at`."""
        return unreachable_at(self._cursor, channel, to)

    def mark_unreachable(self, lost: Unreachable) -> None:
        """See `LetterTx.mark_unreachable`."""
        row = {"channel": lost.channel, "address": lost.to, "error": lost.error, "at": rows.micros(lost.at)}
        self._cursor.change(self._cursor.say.letters.put_unreachable, row)

    def forget_unreachable(self, channel: str, to: str) -> bool:
        """See `LetterTx.forget_unreachable`."""
        # Most often there is nothing to forget, and looking costs less than writing.
        if self.unreachable_at(channel, to) is None:
            return False
        row = {"channel": channel, "address": to}
        return bool(self._cursor.change(self._cursor.say.letters.drop_unreachable, row))
