"""The contract of sessions, links bound to browsers, browsers that take push, and what the house keeps for itself."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from msgspec.structs import replace

from bot.core.ports import Link, Session, Subscription, Tx, Way
from store import SqlStore
from tests.store.samples import NOW

HOUR = timedelta(hours=1)


def _session(name: str, person: str = "ana", hours: int = 8) -> Session:
    return Session(
        id=name, person=person, created_at=NOW, expires_at=NOW + hours * HOUR, way=Way.OIDC, browser="Firefox on Linux"
    )


def _subscription(name: str, person: str = "ana", hours: int = 0) -> Subscription:
    return Subscription(
        id=name,
        person=person,
        endpoint=f"https://push.example.com/{name}",
        p256dh="key",
        auth="secret",
        browser="Chrome on Android",
        created_at=NOW + hours * HOUR,
    )


def _add(tx: Tx, session: Session) -> None:
    tx.add_session(session)


def _keep(tx: Tx, subscription: Subscription) -> None:
    tx.keep_subscription(subscription)


async def test_t17_a_link_serves_only_the_browser_that_asked_for_it(store: SqlStore) -> None:
    """From another browser it is worth nothing and is left for its own; one bound to none serves any."""
    later = NOW + HOUR
    await store.write(lambda tx: tx.add_link(Link(hash="a", person="ana", expires_at=later, browser="b1")))
    await store.write(lambda tx: tx.add_link(Link(hash="b", person="ben", expires_at=later)))
    assert await store.write(lambda tx: tx.take_link("a", NOW, "b2")) is None
    assert await store.write(lambda tx: tx.take_link("a", NOW)) is None
    assert await store.write(lambda tx: tx.take_link("a", NOW, "b1")) == "ana"
    assert await store.write(lambda tx: tx.take_link("a", NOW, "b1")) is None
    assert await store.write(lambda tx: tx.take_link("b", NOW, "b2")) == "ben"


async def test_sessions_are_listed_last_used_first(store: SqlStore) -> None:
    """Of one person or of all, those in force, with how they began and in which browser."""
    one, two, old, bens = _session("one"), _session("two"), _session("old", hours=1), _session("bens", "ben")
    for session in (one, two, old, bens):
        await store.write(partial(_add, session=session))
    await store.write(lambda tx: tx.touch_session("two", NOW + HOUR))
    two = replace(two, seen_at=NOW + HOUR)
    assert await store.sessions(NOW + HOUR, "ana") == (two, one)
    assert set(await store.sessions(NOW)) == {one, two, old, bens}
    assert await store.session("two", NOW) == two


async def test_sessions_end_one_by_one_or_all_but_one(store: SqlStore) -> None:
    """Ending says whether there was one; ending all of a person leaves the one that is kept, and other people's."""
    for session in (_session("one"), _session("two"), _session("three"), _session("bens", "ben")):
        await store.write(partial(_add, session=session))
    assert await store.write(lambda tx: tx.end_session("three"))
    assert not await store.write(lambda tx: tx.end_session("three"))
    assert await store.write(lambda tx: tx.end_sessions("ana", but="two")) == ("one",)
    assert {session.id for session in await store.sessions(NOW)} == {"two", "bens"}
    assert await store.write(lambda tx: tx.end_sessions("ana")) == ("two",)
    assert await store.write(lambda tx: tx.end_sessions("ana")) == ()


async def test_a_browser_takes_push_until_it_is_forgotten(store: SqlStore) -> None:
    """Kept again it is written over; listed oldest first, of one person or of all; dropped once."""
    first, second, bens = _subscription("a", hours=1), _subscription("b"), _subscription("c", "ben", hours=2)
    for subscription in (first, second, bens):
        await store.write(partial(_keep, subscription=subscription))
    moved = replace(first, auth="newer")
    await store.write(lambda tx: tx.keep_subscription(moved))
    assert await store.subscriptions("ana") == (second, moved)
    assert await store.subscriptions() == (second, moved, bens)
    assert await store.write(lambda tx: tx.drop_subscription("a"))
    assert not await store.write(lambda tx: tx.drop_subscription("a"))
    assert await store.subscriptions("ana") == (second,)


async def test_what_the_house_made_for_itself_stays(store: SqlStore) -> None:
    """The first to keep something under a name wins, and everybody is told what stands there."""
    assert await store.write(lambda tx: tx.keep("vapid", "first")) == "first"
    assert await store.write(lambda tx: tx.keep("vapid", "second")) == "first"
