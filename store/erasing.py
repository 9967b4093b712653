"""Subjects, inside a write: sealing what the audit says of their requests, and erasing them (threat T23)."""

from __future__ import annotations

import hashlib
import hmac
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from bot.core.model import Delivery, Event, Request
from bot.core.ports import AuditLine, Change, Letter
from bot.core.redaction import names_secrets, veil_of
from bot.core.subjects import subject_of
from store import queries, rows
from store.cursor import Cursor
from store.letters import letter
from store.sealing import (
    SEALED,
    bare_advice,
    bare_content,
    bare_decision,
    bare_delivery,
    bare_execution,
    bare_route,
    in_clear,
    new_key,
    opened_line,
    quotes,
    seal,
)
from store.shapes import TOLD_AT_ONCE
from store.trust import forget_amounts
from store.visits import kept

if TYPE_CHECKING:
    from store.statements import Statements

_SEALED = f'"{SEALED}":'

PEPPER = "sealing.pepper"
"""Under which name the house keeps what subjects' names are hashed with, so that no list of names tells who it was."""

HOUSE = ""
"""Whose requests are that belong to nobody and hide something: their key is never destroyed."""


def keys(cursor: Cursor) -> dict[str, str]:
    """Every key that is not destroyed, by its id."""
    return dict(cursor.all(cursor.say.subjects.keys))


def told(cursor: Cursor, request: Request) -> tuple[AuditLine, ...]:
    """See `bot.core.ports.Store.told`."""
    lines = queries.audit(cursor, request.id)
    known = cursor.one(cursor.say.subjects.seal_of, {"request": request.id})
    if known is None:
        return lines
    texts = cursor.all(cursor.say.subjects.contents, {"request": request.id})
    contents = tuple([rows.content_of(text) for _, text in texts])
    opens = {known[0]: known[1]}
    # As it is stored: of a request as everybody may see it, the route no longer says what is not to be said.
    stored = queries.request(cursor, request.id) or request
    return tuple([replace(line, body=opened_line(line.body, opens, stored.route, contents)) for line in lines])


def told_of(cursor: Cursor, requests: Sequence[Request]) -> dict[str, tuple[AuditLine, ...]]:
    """See `bot.core.ports.reports.ReportStore.told_of`."""
    found: dict[str, list[AuditLine]] = {request.id: [] for request in requests}
    for start in range(0, len(requests), TOLD_AT_ONCE):
        asked = requests[start : start + TOLD_AT_ONCE]
        # The last one fills up what is left: a request that is asked for twice is answered once.
        ids = {f"request_{n}": asked[min(n, len(asked) - 1)].id for n in range(TOLD_AT_ONCE)}
        for row in cursor.all(cursor.say.audit_of, ids):
            found[row[4]].append(rows.line_of(row))
    sealed = [request for request in requests if any(_SEALED in line.body for line in found[request.id])]
    return {name: tuple(lines) for name, lines in found.items()} | {one.id: told(cursor, one) for one in sealed}


class ErasingTx(ABC):
    """See `bot.core.ports.Tx`."""

    _cursor: Cursor
    _say: Statements

    @abstractmethod
    def append(self, event: Event) -> None:
        """See `Tx.append`."""

    @abstractmethod
    def request(self, request_id: str) -> Request | None:
        """See `Tx.request`."""

    @abstractmethod
    def keep(self, name: str, value: str) -> str:
        """See `Tx.keep`."""

    @abstractmethod
    def _line(self, event: Event, data: dict[str, Any]) -> None:
        """Append a line whose data says something of the tables."""

    @abstractmethod
    def _forget_measured(self, request_id: str) -> None:
        """Take what anybody wrote out of what is measured of a request."""

    def for_all(self, change: Change, data: dict[str, Any], request_id: str | None) -> dict[str, Any]:
        """A line's data as everybody may read it; the very same where the request hides nothing."""
        whole = change.after or change.before or change.of
        run, made = change.execution, change.decision
        quoted = any(map(quotes, change.deliveries))
        if whole is None and ((run is not None and (run.error or run.result is not None)) or made or quoted):
            whole = self.request(request_id or "")
        if whole is None:
            return data
        if run is not None and whole.execution is not run:
            whole = replace(whole, execution=run)
        return self.sealed(whole, change.before, data)

    def late(self, deliveries: tuple[Delivery, ...]) -> tuple[Delivery, ...]:
        """Deliveries as they may be kept: without what they quote where their request was erased meanwhile."""
        if not any(map(quotes, deliveries)):
            return deliveries
        return tuple(bare_delivery(sent) if self._destroyed(sent.request) else sent for sent in deliveries)

    def _destroyed(self, request_id: str) -> bool:
        """Whether the key of this request's subject is gone."""
        known = self._cursor.one(self._say.subjects.seal_of, {"request": request_id})
        return known is not None and not known[1]

    def sealed(self, request: Request, before: Request | None, data: dict[str, Any]) -> dict[str, Any]:
        """The data of a line about this request, sealed where its route hides something or names a subject."""
        route, run = request.route, request.execution
        hides = route.hidden or route.unsaid or (run is not None and names_secrets(run.result))
        own = bool(hides or route.subject)
        if not (own or route.of):
            return data
        known = self._cursor.one(self._say.subjects.seal_of, {"request": request.id}) or self._inherited(request)
        if known is None and not own:
            return data
        key_id, key, subject = known or self._belong(request)
        full = rows.encoder.encode(data)
        contents = [one.content for one in (request, before) if one is not None]
        shown = in_clear(full, veil_of(route, *contents), whose=subject != HOUSE)
        if key:
            shown[SEALED] = seal(key_id, key, request.id, full)
        return shown

    def _inherited(self, request: Request) -> tuple[str, str, str] | None:
        """The key of the subject whose data another request carries that this one repeats, if there is one.

        So what takes an action back, or asks about it afterwards, is forgotten with it.
        """
        if request.route.of is None:
            return None
        found = self._cursor.one(self._say.subjects.seal_of, {"request": request.route.of})
        if found is None or found[2] == HOUSE:
            return None
        self._cursor.change(self._say.subjects.belong, {"request": request.id, "seal": found[0]})
        return found[0], found[1], found[2]

    def _belong(self, request: Request) -> tuple[str, str, str]:
        """The key of the request's subject, made where there is none in force: its id, itself, and whose it is."""
        subject = subject_of(request)
        hashed = HOUSE if subject is None else self.subject_hash(subject)
        found = self._cursor.one(self._say.subjects.live, {"subject": hashed})
        if found is None:
            found = (f"sub_{os.urandom(8).hex()}", new_key())
            row = {"id": found[0], "subject": hashed, "key": found[1], "created_at": rows.micros(request.created_at)}
            self._cursor.change(self._say.subjects.add_subject, row | {"erased_at": None})
        self._cursor.change(self._say.subjects.belong, {"request": request.id, "seal": found[0]})
        return found[0], found[1], hashed

    def beside(self) -> int:
        """See `ReplicaTx.beside`."""
        if self._say.dialect.name != "sqlite":
            return 0
        self._cursor.driver.execute("PRAGMA data_version")
        return int(self._cursor.driver.fetchall()[0][0])

    def empty_log(self) -> None:
        """See `Tx.empty_log`."""
        self._cursor.emptying = True

    def subject_hash(self, subject: str) -> str:
        """What stands for a subject wherever it is written down: HMAC-SHA-256 under the house's own pepper, hex."""
        pepper = kept(self._cursor, PEPPER) or self.keep(PEPPER, os.urandom(32).hex())
        return hmac.new(bytes.fromhex(pepper), subject.encode(), hashlib.sha256).hexdigest()

    def owned(self, subject: str) -> tuple[str, ...]:
        """See `Tx.owned`."""
        found = self._cursor.all(self._say.subjects.owned, {"subject": self.subject_hash(subject)})
        return tuple(request_id for (request_id,) in found)

    def owes(self, effect_id: str) -> bool:
        """See `Tx.owes`."""
        return self._cursor.one(self._say.subjects.owed, {"id": effect_id}) is not None

    def erase(self, subject: str, *, at: datetime, actor: str, via: str) -> int:
        """See `Tx.erase`."""
        if self._cursor.say.dialect.name == "sqlite":
            # What is written over here must not stay in the file's free pages.
            self._cursor.driver.execute("PRAGMA secure_delete=ON")
            self._cursor.driver.fetchall()
        hashed, owned = self.subject_hash(subject), self.owned(subject)
        # First: what is told from here on is sealed for nobody.
        destroyed = self._cursor.change(self._say.subjects.destroy, {"subject_": hashed, "at": rows.micros(at)})
        forget_amounts(self._cursor, owned)
        self._unwritten(frozenset(owned))
        for request_id in owned:
            self._bare(request_id, at, actor, via)
        data = {"subject": hashed, "keys": destroyed, "requests": len(owned)}
        self.append(Event(type="subject.erased", at=at, actor=actor, via=via, data=data))
        return len(owned)

    def _unwritten(self, owned: frozenset[str]) -> None:
        """Take back the answers to digests that name one of these; the effect of such an answer is about another."""
        for effect_id, note in self._cursor.all(self._say.subjects.letters):
            key = letter(self._cursor, msgspec.json.decode(note, type=Letter).thread)
            if key is not None and not owned.isdisjoint(item.request for item in key.items):
                self._cursor.change(self._say.finish, {"id": effect_id})

    def _bare(self, request_id: str, at: datetime, actor: str, via: str) -> None:
        say, cursor, asked = self._say.subjects, self._cursor, {"request": request_id}
        for number, text in cursor.all(say.contents, asked):
            content = rows.json_text(bare_content(rows.content_of(text)))
            cursor.change(say.bare_content, {"request_": request_id, "number_": number, "content": content})
        for id_, body in cursor.all(say.decided, asked):
            bare = rows.json_text(bare_decision(rows.decision_of(body)))
            cursor.change(say.bare_decision, {"id_": id_, "body": bare})
        for id_, body in cursor.all(say.ran, asked):
            ran = rows.json_text(bare_execution(rows.execution_of(body)))
            cursor.change(say.bare_execution, {"id_": id_, "body": ran})
        for sent in queries.deliveries(cursor, request_id):
            if quotes(sent):
                bare = rows.json_text(bare_delivery(sent))
                cursor.change(say.bare_delivery, {"id_": sent.id, "body": bare})
        request = queries.request(cursor, request_id)
        if request is None:
            raise AssertionError("what belongs to a subject is a request that is there")
        after = replace(
            request,
            title=f"Erased on {at:%Y-%m-%d}",
            answer=None,
            route=bare_route(request.route),
            advice=bare_advice(request.advice),
        )
        row = {"title": after.title, "answer": None, "route": rows.json_text(after.route)}
        cursor.change(say.bare_request, {"id_": request_id, **row, "advice": rows.advice_text(after.advice)})
        for statement in say.forgotten:
            cursor.change(statement, {"request_": request_id})
        self._forget_measured(request_id)
        event = Event(type="request.erased", at=at, actor=actor, via=via, request=request_id)
        self._line(event, {"request": {"title": after.title}})
