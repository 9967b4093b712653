"""Signed-in browsers: a link stays with the browser that asked, sessions are listed, used and ended, on record."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from bot.core.errors import Unavailable
from bot.core.ports import Session, Way
from bot.core.token import hash_of
from tests.desk.house import House

ASKED_BY = hash_of("what the browser holds")


async def events(house: House, kind: str) -> list[dict[str, Any]]:
    """The audit lines of one kind, oldest first."""
    bodies = [json.loads(line.body) for line in await house.store.audit_lines(0, 1000)]
    return [body for body in bodies if body["type"] == kind]


async def begun(house: House, person: str, browser: str = "Firefox on Linux") -> tuple[str, Session]:
    """A person signed in by an identity provider."""
    return await house.access.begin(person, way=Way.OIDC, browser=browser)


@pytest.mark.parametrize("held", [None, "", hash_of("another"), "what the browser holds", ASKED_BY.upper()])
async def test_t17_a_link_is_left_to_the_browser_that_asked(house: House, held: str | None) -> None:
    """Another's try takes nothing: no session, no line, and the link is good where it was asked for."""
    token = await house.access.new_link("ana", by="inbox", browser=ASKED_BY)
    assert await house.access.sign_in(token, asked_by=held) is None
    assert await house.access.sessions() == ()
    assert await events(house, "session.started") == []
    signed = await house.access.sign_in(token, asked_by=ASKED_BY, browser="Safari on iPhone")
    assert signed is not None
    assert (signed[1].person, signed[1].way, signed[1].browser) == ("ana", Way.LINK, "Safari on iPhone")


async def test_t17_of_ten_uses_at_once_one_counts(house: House) -> None:
    """In the right browser and in wrong ones, all at one time."""
    token = await house.access.new_link("ana", by="inbox", browser=ASKED_BY)
    held = [ASKED_BY, hash_of("another")] * 5
    told = await asyncio.gather(*(house.access.sign_in(token, asked_by=mark) for mark in held))
    assert len([t for t in told if t is not None]) == 1
    assert [t for t in told[1::2] if t is not None] == []


async def test_how_somebody_signed_in_is_on_record(house: House) -> None:
    """By what way, in what browser; never a secret."""
    token = await house.access.new_link("ana", by="inbox", browser=ASKED_BY)
    await house.access.sign_in(token, asked_by=ASKED_BY, browser="Safari on iPhone")
    cookie, _ = await begun(house, "ben")
    lines = await events(house, "session.started")
    assert [(line["actor"], line["data"]) for line in lines] == [
        ("person:ana", {"way": "link", "browser": "Safari on iPhone"}),
        ("person:ben", {"way": "oidc", "browser": "Firefox on Linux"}),
    ]
    written = str(house.sql("select body from events")) + str(house.sql("select * from links"))
    for secret in (token, cookie, "what the browser holds"):
        assert secret not in written


async def test_sessions_are_listed_the_last_used_first(house: House) -> None:
    """Of one person or of all; those that are over are not."""
    (_, first), (_, second), (_, other) = (
        await begun(house, "ana"),
        await begun(house, "ana"),
        await begun(house, "ben"),
    )
    house.clock.move(minutes=11)
    cookie, third = await begun(house, "ana")
    assert await house.access.session(cookie) == third
    own = await house.access.sessions("ana")
    assert own[0] == third
    assert {session.id for session in own} == {first.id, second.id, third.id}
    assert {session.id for session in await house.access.sessions()} == {first.id, second.id, third.id, other.id}
    house.clock.move(days=14, minutes=-11)
    assert await house.access.sessions("ana") == (third,)


async def settled(house: House, cookie: str) -> Session:
    """The session, once what is written beside a look is written."""
    await asyncio.sleep(0.05)
    session = await house.store.session(hash_of(cookie), house.clock.now())
    assert session is not None
    return session


async def test_a_session_in_use_is_touched_every_ten_minutes_at_most(house: House) -> None:
    """Beside the answer, once however many look at one time; it ends when it would have ended anyway."""
    cookie, session = await begun(house, "ana")
    house.clock.move(minutes=10, seconds=-1)
    await house.access.session(cookie)
    assert (await settled(house, cookie)).seen_at == session.seen_at
    house.clock.move(seconds=1)
    now = house.clock.now()
    found = await asyncio.gather(*(house.access.session(cookie) for _ in range(10)))
    # Some of them may read what the first of them wrote meanwhile.
    assert {(one.id, one.expires_at) for one in found if one} == {(session.id, session.expires_at)}
    assert all(found)
    async with asyncio.timeout(5):
        while (touched := await settled(house, cookie)).seen_at != now:
            pass
    assert touched.expires_at == session.expires_at


async def test_a_store_that_is_full_shows_pages_all_the_same(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """That a session is used is not worth a page."""
    cookie, session = await begun(house, "ana")
    house.clock.move(minutes=10)

    async def full(_work: object) -> None:
        raise Unavailable

    with monkeypatch.context() as patch:
        patch.setattr(house.store, "write", full)
        assert await house.access.session(cookie) == session
        await asyncio.sleep(0.05)
    assert await house.access.session(cookie) == session


async def test_ending_a_session_ends_its_open_pages_and_is_on_record(house: House) -> None:
    """By whom and why; those of others stay; a second time there is nothing to end."""
    (cookie, session), (_, other) = await begun(house, "ana"), await begun(house, "ana")
    here, there = (house.desk.live.watch("ana", s.id) for s in (session, other))
    assert await house.access.end(session.id, by="person:kim", reason="ended by an admin")
    assert not await house.access.end(session.id, by="person:kim")
    assert (here.over, there.over) == (True, False)
    assert await house.access.session(cookie) is None
    (line,) = await events(house, "session.ended")
    assert (line["actor"], line["via"]) == ("person:kim", "inbox")
    assert line["data"] == {"person": "ana", "reason": "ended by an admin", "browser": "Firefox on Linux"}


async def test_all_sessions_but_one_end_together(house: House) -> None:
    """One line tells how many; another person's stay, and where there is none nothing is said."""
    found = [await begun(house, "ana") for _ in range(3)]
    _, bens = await begun(house, "ben")
    watches = [house.desk.live.watch("ana", session.id) for _, session in found]
    assert await house.access.end_all("ana", by="person:ana", but=found[1][1].id) == 2
    assert [watch.over for watch in watches] == [True, False, True]
    assert {session.id for session in await house.access.sessions()} == {found[1][1].id, bens.id}
    assert await house.access.end_all("ana", by="person:ana", but=found[1][1].id) == 0
    assert await house.access.end_all("ana", by="cli:root", via="cli") == 1
    lines = await events(house, "session.ended")
    assert [(line["actor"], line["via"], line["data"]["count"]) for line in lines] == [
        ("person:ana", "inbox", 2),
        ("cli:root", "cli", 1),
    ]


async def test_signing_out_says_why(house: House) -> None:
    """By the person whose it is; a cookie that is none ends nothing."""
    cookie, _ = await begun(house, "ana")
    await house.access.sign_out("x")
    await house.access.sign_out(cookie)
    (line,) = await events(house, "session.ended")
    assert (line["actor"], line["data"]["reason"]) == ("person:ana", "signed out")
