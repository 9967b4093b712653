"""The contract of what is kept of letters: keys, receipts, mailboxes, addresses that reach nobody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.core.ports import Change, Cursor, KeyItem, Receipt, ReplyKey, Tx, Unreachable
from store import SqlStore, open_store
from tests.store import samples
from tests.store.samples import NOW

DAY = timedelta(days=1)


def item(number: int = 0, **changes: Any) -> KeyItem:
    """One request as a letter showed it."""
    base = KeyItem(
        request=f"req_{number}",
        revision=2,
        digest="sha256:" + "a" * 64,
        delivery=f"dlv_{number}",
        fully_shown=True,
        number=number,
    )
    return replace(base, **changes)


def key(name: str = "a", **changes: Any) -> ReplyKey:
    """What a letter's reply address stands for."""
    base = ReplyKey(
        hash=f"hash of {name}",
        letter=f"letter {name}",
        channel="email",
        person="ana",
        items=(item(),),
        at=NOW,
        expires_at=NOW + 30 * DAY,
    )
    return replace(base, **changes)


def receipt(name: str = "a", thread: str = "letter a", **changes: Any) -> Receipt:
    """What became of an incoming letter."""
    return replace(Receipt(key=f"key of {name}", thread=thread, verdict="approve", at=NOW), **changes)


def lost(to: str = "ana@example.com", **changes: Any) -> Unreachable:
    """An address at which nobody is reached."""
    return replace(Unreachable(channel="email", to=to, error="550 5.1.1 no such user", at=NOW), **changes)


def keep(*kept: ReplyKey | Cursor | Unreachable) -> Callable[[Tx], None]:
    """A unit of work that writes these down."""

    def work(tx: Tx) -> None:
        for one in kept:
            if isinstance(one, ReplyKey):
                tx.keep_key(one)
            elif isinstance(one, Cursor):
                tx.move_cursor(one)
            else:
                tx.mark_unreachable(one)

    return work


async def test_a_key_is_found_by_its_hash_and_by_its_letter(store: SqlStore) -> None:
    """Whole, with everything that was numbered in it."""
    kept = key(items=(item(1), item(2, fully_shown=False), item(3, by_page=True)))
    await store.write(keep(kept))
    await store.write(keep(key("b")))
    assert await store.reply_key(kept.hash) == kept
    assert await store.letter(kept.letter) == kept
    assert await store.reply_key(kept.letter) is None
    assert await store.letter(kept.hash) is None
    assert await store.reply_key("") is None


async def test_a_key_kept_again_is_written_over(store: SqlStore) -> None:
    """A letter that is sent again has the same hash; the newest word on it counts."""
    await store.write(keep(key()))
    again = key(items=(item(revision=3),), letter="letter z")
    await store.write(keep(again))
    assert await store.reply_key(again.hash) == again
    assert await store.letter("letter a") is None
    assert await store.letter("letter z") == again


async def test_keys_out_of_force_go_when_the_next_is_kept(store: SqlStore) -> None:
    """At the moment of their expiry, and no sooner."""
    short, long = key("short", expires_at=NOW + DAY), key("long", expires_at=NOW + 2 * DAY)
    await store.write(keep(short, long))
    await store.write(keep(key("b", at=NOW + DAY - timedelta(microseconds=1))))
    assert await store.reply_key(short.hash) == short
    await store.write(keep(key("c", at=NOW + DAY)))
    assert await store.reply_key(short.hash) is None
    assert await store.letter(short.letter) is None
    assert await store.reply_key(long.hash) == long


async def test_a_letter_is_filed_once(store: SqlStore) -> None:
    """The first word stays, whatever is said of it later."""
    first = receipt()
    assert await store.receipt(first.key) is None
    assert await store.write(lambda tx: tx.add_receipt(first, answered=True))
    other = receipt(verdict="reject", thread="letter b", at=NOW + DAY)
    assert not await store.write(lambda tx: tx.add_receipt(other, answered=True))
    assert await store.receipt(first.key) == first
    assert await store.write(lambda tx: (tx.answers("letter a"), tx.answers("letter b"))) == (1, 0)


async def test_only_what_was_answered_is_counted(store: SqlStore) -> None:
    """By thread, beside what was filed without a word; and in the same write already."""

    def work(tx: Tx) -> int:
        for number in range(4):
            tx.add_receipt(receipt(f"answered {number}"), answered=True)
            tx.add_receipt(receipt(f"silent {number}"), answered=False)
        tx.add_receipt(receipt("elsewhere", "letter b"), answered=True)
        return tx.answers("letter a")

    assert await store.write(work) == 4
    assert await store.write(lambda tx: (tx.answers("letter b"), tx.answers("letter c"))) == (1, 0)


async def test_old_receipts_go_with_the_next(store: SqlStore) -> None:
    """After ninety days no mail server brings a letter again."""
    await store.write(lambda tx: tx.add_receipt(receipt("old"), answered=True))
    await store.write(lambda tx: tx.add_receipt(receipt("b", at=NOW + 89 * DAY), answered=False))
    assert await store.receipt("key of old") is not None
    await store.write(lambda tx: tx.add_receipt(receipt("c", at=NOW + 90 * DAY), answered=False))
    assert await store.receipt("key of old") is None
    assert await store.receipt("key of b") is not None


async def test_a_mailbox_is_read_as_far_as_was_written_down(store: SqlStore) -> None:
    """Each by its own name, over the whole range of RFC 3501's 32 bits, and back where its UIDVALIDITY is new."""
    far = Cursor(mailbox="imaps://h/INBOX", validity=2**32 - 1, uid=2**32 - 1)
    other = Cursor(mailbox="imaps://h/Other", validity=1, uid=7)
    assert await store.mailbox(far.mailbox) is None
    await store.write(keep(far, other))
    assert await store.mailbox(far.mailbox) == far
    renewed = Cursor(mailbox=far.mailbox, validity=5, uid=0)
    await store.write(keep(renewed))
    assert (await store.mailbox(far.mailbox), await store.mailbox(other.mailbox)) == (renewed, other)


async def test_addresses_that_reach_nobody_are_listed_longest_first(store: SqlStore) -> None:
    """One a channel and address, with the newest word on it, until it is forgotten."""
    ana, ben = lost(at=NOW + DAY), lost("ben@example.com")
    await store.write(keep(ana, ben))
    assert await store.unreachable() == (ben, ana)
    assert await store.unreachable_at("email", ana.to) == ana
    assert await store.unreachable_at("slack", ana.to) is None
    assert await store.unreachable_at("email", "ANA@example.com") is None
    newer = replace(ben, error="552 full", at=NOW + 2 * DAY)
    await store.write(keep(newer))
    assert await store.unreachable() == (ana, newer)
    assert await store.write(lambda tx: tx.unreachable_at("email", ben.to)) == newer
    assert await store.write(lambda tx: tx.forget_unreachable("email", ben.to))
    assert not await store.write(lambda tx: tx.forget_unreachable("email", ben.to))
    assert not await store.write(lambda tx: tx.forget_unreachable("slack", ana.to))
    assert await store.unreachable() == (ana,)


async def test_one_delivery_is_found_by_its_id(store: SqlStore) -> None:
    """As it stands in this very write."""
    value = await store.write(lambda tx: samples.submit(tx, samples.request()))
    sent = samples.delivery(value, channel="email")

    def work(tx: Tx) -> Any:
        tx.record(Change(event=samples.event("queued", value.id), deliveries=(sent,)))
        return tx.delivery(sent.id), tx.delivery("dlv_none")

    assert await store.write(work) == (sent, None)


async def test_a_unit_that_fails_has_kept_nothing_of_letters(store: SqlStore) -> None:
    """What a letter stands for, what was received and who is lost are undone together with the rest."""
    await store.write(keep(lost("ben@example.com")))

    def work(tx: Tx) -> None:
        tx.keep_key(key())
        tx.add_receipt(receipt(), answered=True)
        tx.move_cursor(Cursor(mailbox="m", validity=1, uid=1))
        tx.mark_unreachable(lost())
        tx.forget_unreachable("email", "ben@example.com")
        raise LookupError("a bug")

    with pytest.raises(LookupError):
        await store.write(work)
    assert (await store.reply_key(key().hash), await store.receipt(receipt().key)) == (None, None)
    assert await store.mailbox("m") is None
    assert [one.to for one in await store.unreachable()] == ["ben@example.com"]


async def test_what_is_kept_outlives_the_process(url: str) -> None:
    """Another process on the same file finds all of it."""
    first = await open_store(url, exclusive=True)
    await first.write(lambda tx: tx.add_receipt(receipt(), answered=True))
    await first.write(keep(key(), Cursor(mailbox="m", validity=1, uid=9), lost()))
    await first.close()
    second = await open_store(url, exclusive=True)
    assert (await second.letter("letter a"), await second.receipt("key of a")) == (key(), receipt())
    assert (await second.mailbox("m"), await second.unreachable()) == (
        Cursor(mailbox="m", validity=1, uid=9),
        (lost(),),
    )
    assert await second.write(lambda tx: tx.answers("letter a")) == 1
    await second.close()
