"""Browsers that are signed in: begun by a link or an identity provider, listed, ended. Only hashes are ever stored."""

from __future__ import annotations

import asyncio
import base64
from datetime import datetime, timedelta

from bot.core.errors import SaysoError
from bot.core.model import Event
from bot.core.ports import Session, Tx, Way
from bot.core.token import hash_of
from bot.desk.ledger import Ledger

_SECRET_BYTES = 32
_SESSION_LASTS = timedelta(days=14)
"""From its beginning, however much it is used."""

_TOUCHED = timedelta(minutes=10)
"""How exactly it is known when a session was last used; a write a page would be too many."""


class Sessions:
    """The signed-in browsers."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._touching: dict[str, asyncio.Task[None]] = {}

    def _secret(self) -> str:
        return base64.urlsafe_b64encode(self._ledger.entropy(_SECRET_BYTES)).decode().rstrip("=")

    async def begin(self, person: str, *, way: Way, browser: str = "") -> tuple[str, Session]:
        """Sign a person in who is known by other means than a link: the new session's cookie, and the session.

        ``browser`` is what the browser calls itself, in a few words.
        """
        cookie = self._secret()
        session = self._fresh(cookie, person, way, browser)
        await self._ledger.store.write(lambda tx: self._start(tx, session))
        return cookie, session

    def _fresh(self, cookie: str, person: str, way: Way, browser: str) -> Session:
        now = self._ledger.clock.now()
        return Session(
            id=hash_of(cookie),
            person=person,
            created_at=now,
            expires_at=now + _SESSION_LASTS,
            way=way,
            browser=browser,
            seen_at=now,
        )

    def _start(self, tx: Tx, session: Session) -> None:
        data = {"way": str(session.way), "browser": session.browser}
        tx.add_session(session)
        tx.append(
            Event(
                type="session.started",
                at=session.created_at,
                actor=f"person:{session.person}",
                via="inbox",
                data=data,
            )
        )

    async def session(self, cookie: str) -> Session | None:
        """The session behind a cookie, while it is in force."""
        now = self._ledger.clock.now()
        session = await self._ledger.store.session(hash_of(cookie), now)
        if session is not None and now - (session.seen_at or session.created_at) >= _TOUCHED:
            self._touch(session.id, now)
        return session

    def _touch(self, session_id: str, now: datetime) -> None:
        """Write down that a session is used, beside the answer and not before it."""
        if session_id in self._touching:
            return
        task = asyncio.get_running_loop().create_task(self._touched(session_id, now))
        self._touching[session_id] = task
        task.add_done_callback(lambda _: self._touching.pop(session_id, None))

    async def _touched(self, session_id: str, now: datetime) -> None:
        try:
            await self._ledger.store.write(lambda tx: tx.touch_session(session_id, now))
        except SaysoError:
            # A page is shown whether or not this can be written; the next look tries again.
            return

    async def sessions(self, person: str | None = None) -> tuple[Session, ...]:
        """The sessions in force (of one person), those used last first."""
        return await self._ledger.store.sessions(self._ledger.clock.now(), person)

    async def end(self, session_id: str, *, by: str, reason: str = "ended", via: str = "inbox") -> bool:
        """End a session, ``by`` an actor, on record, with the pages that it has open; False where there is none."""
        known = await self._ledger.store.session(session_id, self._ledger.clock.now())
        if known is None:
            return False

        def work(tx: Tx) -> bool:
            there = tx.end_session(session_id)
            if there:
                tx.append(self._ended(known.person, by, via, reason, browser=known.browser))
            return there

        ended = await self._ledger.store.write(work)
        self._ledger.live.end(frozenset({session_id}))
        return ended

    async def end_all(self, person: str, *, by: str, but: str | None = None, via: str = "inbox") -> int:
        """End all of a person's sessions ``but`` one, ``by`` an actor, on record; how many there were."""

        def work(tx: Tx) -> tuple[str, ...]:
            gone = tx.end_sessions(person, but=but)
            if gone:
                tx.append(self._ended(person, by, via, "all ended", count=len(gone)))
            return gone

        gone = await self._ledger.store.write(work)
        self._ledger.live.end(frozenset(gone))
        return len(gone)

    async def sign_out(self, cookie: str, *, reason: str = "signed out") -> None:
        """End the session of a cookie, by whom it is."""
        session = await self._ledger.store.session(hash_of(cookie), self._ledger.clock.now())
        if session is not None:
            await self.end(session.id, by=f"person:{session.person}", reason=reason)

    def _ended(self, person: str, by: str, via: str, reason: str, **data: int | str) -> Event:
        told = {"person": person, "reason": reason, **data}
        return Event(type="session.ended", at=self._ledger.clock.now(), actor=by, via=via, data=told)
