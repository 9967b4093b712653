"""Who comes in: keys of one role, links that work once, sessions that end; secrets are kept nowhere."""

from __future__ import annotations

import asyncio
import json

import pytest

from bot.core.model import Role
from tests.desk.house import House


async def test_a_key_is_shown_once_and_kept_as_its_hash(house: House) -> None:
    """It is found by its secret, carries one role, and the file holds no trace of the secret."""
    key, secret = await house.access.new_key("billing", Role.AGENT, by="cli:root")
    assert secret.startswith("sk_agent_")
    assert await house.access.key(secret) == key
    assert await house.access.key(secret + "x") is None
    assert [k.name for k in await house.access.keys()] == ["billing"]
    house.sql("pragma wal_checkpoint")
    assert secret.encode() not in house.path.read_bytes()
    assert secret not in str(house.sql("select * from keys")) + str(house.sql("select body from events"))


@pytest.mark.parametrize("role", Role)
async def test_t10_a_key_has_one_role(house: House, role: Role) -> None:
    """Named in the secret's beginning and in the record."""
    key, secret = await house.access.new_key("k", role, by="cli:root")
    assert (key.role, secret.split("_")[1]) == (role, role.value)
    line = json.loads((await house.store.audit_lines(0, 9))[-1].body)
    assert (line["type"], line["actor"], line["data"]["role"]) == ("key.created", "cli:root", role.value)


async def test_a_revoked_key_ends_within_a_second(house: House) -> None:
    """Here at once; in another process, which revoked behind our back, within the second that it may be remembered."""
    key, secret = await house.access.new_key("k", Role.AGENT, by="cli:root")
    assert await house.access.key(secret) is not None
    assert await house.access.revoke(key.id, by="cli:root")
    assert await house.access.key(secret) is None
    assert not await house.access.revoke(key.id, by="cli:root")
    other, secret = await house.access.new_key("k", Role.AGENT, by="cli:root")
    assert await house.access.key(secret) is not None
    house.sql("update keys set revoked_at = 1 where id = ?", other.id)
    assert await house.access.key(secret) is not None
    house.clock.move(seconds=1)
    assert await house.access.key(secret) is None


async def test_a_clock_set_back_remembers_nothing(house: House) -> None:
    """A key looked up in what is now the future is looked up again."""
    key, secret = await house.access.new_key("k", Role.AGENT, by="cli:root")
    await house.access.key(secret)
    house.sql("update keys set revoked_at = 1 where id = ?", key.id)
    house.clock.move(hours=-1)
    assert await house.access.key(secret) is None


async def test_remembered_keys_are_bounded(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are in use, only so many are remembered."""
    monkeypatch.setattr("bot.desk.access._KEYS_CACHED", 3)
    for number in range(10):
        _, secret = await house.access.new_key(f"k{number}", Role.AGENT, by="cli:root")
        assert await house.access.key(secret) is not None
        assert len(house.access._known) <= 3  # noqa: SLF001  # what may not grow is private


async def test_t17_a_link_works_once(house: House) -> None:
    """Looking does not use it up; ten people signing in with it at once are one."""
    token = await house.access.new_link("ana", by="cli:root")
    for _ in range(2):
        link = await house.access.link(token)
        assert link is not None
        assert (link.person, link.browser) == ("ana", None)
    told = await asyncio.gather(*(house.access.sign_in(token) for _ in range(10)))
    won = [t for t in told if t is not None]
    assert len(won) == 1
    assert await house.access.link(token) is None
    cookie, session = won[0]
    assert session.person == "ana"
    assert await house.access.session(cookie) == session
    assert await house.access.session("x") is None
    await house.access.sign_out(cookie)
    assert await house.access.session(cookie) is None


async def test_links_and_sessions_end(house: House) -> None:
    """A link after half an hour, a session after a fortnight, to the second."""
    token = await house.access.new_link("ana", by="cli:root")
    house.clock.move(minutes=30)
    assert await house.access.link(token) is None
    assert await house.access.sign_in(token) is None
    signed = await house.access.sign_in(await house.access.new_link("ana", by="cli:root"))
    assert signed is not None
    house.clock.move(days=14, seconds=-1)
    assert await house.access.session(signed[0]) is not None
    house.clock.move(seconds=1)
    assert await house.access.session(signed[0]) is None
