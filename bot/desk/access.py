"""Who comes in: API keys, one-time sign-in links, browser sessions. Only hashes are ever stored."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

from bot.core import errors
from bot.core.errors import Fault
from bot.core.model import Event, Key, Role
from bot.core.ports import Link, Session, Tx, Way
from bot.core.token import hash_of
from bot.desk.emergencies import HOUSE_AGENT
from bot.desk.ledger import Ledger
from bot.desk.sessions import Sessions

KEY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
"""What a key may be called; the whole of the name."""

_LINK_LASTS = timedelta(minutes=30)
_KEY_CACHED = timedelta(seconds=1)
_KEYS_CACHED = 1000
_PREFIX = {
    Role.AGENT: "sk_agent_",
    Role.REVIEWER: "sk_reviewer_",
    Role.ADMIN: "sk_admin_",
    Role.ADVISOR: "sk_advisor_",
}


class Access(Sessions):
    """Keys, links and sessions."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger)
        self._known: dict[str, tuple[Key, float]] = {}
        self._asked: dict[str, asyncio.Task[Key | None]] = {}

    def _event(self, kind: str, by: str, via: str = "cli", **data: str) -> Event:
        return Event(type=kind, at=self._ledger.clock.now(), actor=by, via=via, data=dict(data))

    async def new_key(self, name: str, role: Role, *, by: str, via: str = "cli") -> tuple[Key, str]:
        """A new key and its secret, which is shown once and kept nowhere; `Invalid` for an agent named as the house."""
        if name.casefold() == HOUSE_AGENT and role in (Role.AGENT, Role.ADVISOR):
            # It could read and withdraw the house's own requests, such as the review of a broken glass.
            fault = Fault("/name", "reserved", f"{HOUSE_AGENT} is the house's own name")
            raise errors.Invalid(f"/name: {fault.detail}", faults=(fault,))
        secret = _PREFIX[role] + self._secret()
        now = self._ledger.clock.now()
        key = Key(id=self._ledger.id("key"), name=name, role=role, hash=hash_of(secret), created_at=now)
        event = self._event("key.created", by, via, key=key.id, name=name, role=str(role))
        await self._ledger.store.write(lambda tx: tx.add_key(key, event))
        return key, secret

    async def key(self, secret: str) -> Key | None:
        """The key in force behind a secret. Looked up at most once a second, so a revocation counts within one."""
        hashed = hash_of(secret)
        now = self._ledger.clock.now().timestamp()
        known = self._known.get(hashed)
        age = now - known[1] if known is not None else -1.0
        if known is not None and 0 <= age < _KEY_CACHED.total_seconds():
            if age > _KEY_CACHED.total_seconds() / 2:
                # Ahead of time: on a busy loop a reader's thread takes long, and every call with this key would wait.
                self._ask(hashed, now)
            return known[0]
        return await asyncio.shield(self._ask(hashed, now))

    def _ask(self, hashed: str, now: float) -> asyncio.Task[Key | None]:
        """Look a key up. Many calls with one key come at once: one of them asks for all."""
        asking = self._asked.get(hashed)
        if asking is None:
            asking = self._asked[hashed] = asyncio.ensure_future(self._looked_up(hashed, now))
            asking.add_done_callback(lambda task: self._answered(hashed, task))
        return asking

    def _answered(self, hashed: str, task: asyncio.Task[Key | None]) -> None:
        self._asked.pop(hashed, None)
        if not task.cancelled():
            # Asked ahead of time, nobody may wait for it: what went wrong is met again by who asks in time.
            task.exception()

    async def _looked_up(self, hashed: str, now: float) -> Key | None:
        key = await self._ledger.store.key(hashed)
        if key is None:
            self._known.pop(hashed, None)
            return None
        if len(self._known) >= _KEYS_CACHED:
            self._known.clear()
        self._known[hashed] = (key, now)
        return key

    async def keys(self) -> tuple[Key, ...]:
        """Every key, oldest first."""
        return await self._ledger.store.keys()

    async def revoke(self, key_id: str, *, by: str, via: str = "cli") -> bool:
        """Revoke a key; False where there is none in force with that id."""
        event = self._event("key.revoked", by, via, key=key_id)
        self._known.clear()
        return await self._ledger.store.write(lambda tx: tx.revoke_key(key_id, self._ledger.clock.now(), event))

    async def new_link(self, person: str, *, by: str, browser: str | None = None) -> str:
        """A one-time sign-in token for a person, good for half an hour.

        ``browser`` is the SHA-256 of what the browser that asked for it holds: no other may use the link. None where
        whoever runs the bot hands it out: any may.
        """
        token = self._secret()
        expires = self._ledger.clock.now() + _LINK_LASTS
        link = Link(hash=hash_of(token), person=person, expires_at=expires, browser=browser)
        event = self._event("link.created", by, person=person)

        def work(tx: Tx) -> None:
            tx.add_link(link)
            tx.append(event)

        await self._ledger.store.write(work)
        return token

    async def link(self, token: str) -> Link | None:
        """The link of a token while it is in force, without using it up."""
        return await self._ledger.store.link(hash_of(token), self._ledger.clock.now())

    async def sign_in(
        self, token: str, *, asked_by: str | None = None, browser: str = ""
    ) -> tuple[str, Session] | None:
        """Use a link up: the new session's cookie and the session, or None.

        ``asked_by`` is the SHA-256 of what this browser holds since it asked for a link, ``browser`` what it calls
        itself, in a few words. A link that another browser asked for is left as it is.
        """
        cookie = self._secret()
        now = self._ledger.clock.now()

        def work(tx: Tx) -> Session | None:
            person = tx.take_link(hash_of(token), now, asked_by)
            if person is None:
                return None
            session = self._fresh(cookie, person, Way.LINK, browser)
            self._start(tx, session)
            return session

        session = await self._ledger.store.write(work)
        return None if session is None else (cookie, session)
