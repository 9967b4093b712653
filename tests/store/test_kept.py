"""What the house keeps under a name: written once, or over."""

from __future__ import annotations

from store import SqlStore


async def test_what_is_kept_is_written_once_or_over(store: SqlStore) -> None:
    """`keep` leaves what stands there, `keep_newer` does not, and nothing is kept under a name that was never used."""
    assert await store.write(lambda tx: tx.kept("a")) is None
    assert await store.write(lambda tx: tx.keep("a", "1")) == "1"
    assert await store.write(lambda tx: tx.keep("a", "2")) == "1"
    await store.write(lambda tx: tx.keep_newer("a", "3"))
    await store.write(lambda tx: tx.keep_newer("b", "4"))
    assert await store.write(lambda tx: (tx.kept("a"), tx.kept("b"), tx.kept("c"))) == ("3", "4", None)
