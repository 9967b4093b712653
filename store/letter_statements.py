"""What the store says about letters: reply keys, receipts, mailboxes, unreachable addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import Dialect

from store.prepared import Prepared
from store.tables import mailboxes, receipts, reply_keys, unreachable

CURSOR_COLUMNS = ("name", "validity", "uid")
RECEIPT_COLUMNS = ("key", "thread", "verdict", "at")
UNREACHABLE_COLUMNS = ("channel", "address", "error", "at")


class LetterStatements:
    """The statements about letters, for one kind of database."""

    def __init__(self, dialect: Dialect, insert: Callable[[sa.Table], Any]) -> None:
        """``insert`` is the dialect's own, which knows ``ON CONFLICT``."""
        self._dialect = dialect
        self._insert = insert
        k, r, m, u, bind = reply_keys.c, receipts.c, mailboxes.c, unreachable.c, sa.bindparam
        self.put_key = self._put(reply_keys, "hash")
        self.drop_keys = self._prepare(sa.delete(reply_keys).where(k.expires_at <= bind("now")))
        self.reply_key = self._prepare(sa.select(k.body).where(k.hash == bind("hash")))
        self.letter = self._prepare(sa.select(k.body).where(k.letter == bind("letter")).limit(1))
        self.receipt = self._prepare(sa.select(*(r[n] for n in RECEIPT_COLUMNS)).where(r.key == bind("key")))
        self.add_receipt = self._put(receipts, "key", once=True)
        self.drop_receipts = self._prepare(sa.delete(receipts).where(r.at <= bind("before")))
        answered = sa.select(sa.func.sum(r.answered)).where(r.thread == bind("thread"))
        self.answers = self._prepare(answered)
        self.mailbox = self._prepare(sa.select(*(m[n] for n in CURSOR_COLUMNS)).where(m.name == bind("name")))
        self.put_mailbox = self._put(mailboxes, "name")
        everybody = sa.select(*(u[n] for n in UNREACHABLE_COLUMNS))
        at = (u.channel == bind("channel"), u.address == bind("address"))
        self.unreachable = self._prepare(everybody.order_by(u.at))
        self.unreachable_at = self._prepare(everybody.where(*at))
        self.put_unreachable = self._put(unreachable, "channel", "address")
        self.drop_unreachable = self._prepare(sa.delete(unreachable).where(*at))

    def _prepare(self, construct: sa.sql.ClauseElement) -> Prepared:
        return Prepared(construct, self._dialect)

    def _put(self, table: sa.Table, *keys: str, once: bool = False) -> Prepared:
        """Insert a row, or (unless ``once``) write over the one with its keys."""
        insert = self._insert(table).inline()
        names = [column.name for column in table.columns]
        rest = {name: insert.excluded[name] for name in names if name not in keys}
        put = insert.on_conflict_do_nothing() if once else insert.on_conflict_do_update(index_elements=keys, set_=rest)
        return Prepared(put, self._dialect, names)
