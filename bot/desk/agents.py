"""What agents do at the desk: submit, answer a question, withdraw, wait."""

from __future__ import annotations

import asyncio
from typing import Any

from msgspec.structs import replace

from bot.core import errors, lifecycle, transitions
from bot.core.fingerprint import fingerprints
from bot.core.model import Arguments, Kind, Request, Revision
from bot.core.policy import ActionSpec
from bot.core.ports import About, Change, Tx
from bot.core.transitions import Happening
from bot.desk.ledger import Deed
from bot.desk.part import Part, questioned
from bot.desk.undoing import may_be_stopped, stopped
from bot.desk.waiting import settled


class Agents(Part):
    """The agents' side."""

    async def inform(
        self,
        request_id: str,
        *,
        agent: str,
        text: str,
        arguments: Arguments | None = None,
        context: dict[str, Any] | None = None,
    ) -> Request:
        """The agent's answer to a question makes the next revision, and the same people are asked again."""

        def work(tx: Tx) -> Deed:
            now = self._ledger.clock.now()
            request = self._load(tx, request_id, agent=agent)
            transitions.check(request, Happening.INFORM)
            if now >= request.expires_at:
                raise errors.Expired
            old = request.content
            spec = self._policy().action(request.action)
            proposed = old.arguments if arguments is None else self._new(request, spec, arguments)
            given = old.context.get("answers")
            # The agent fills its context as it likes: what it calls answers need be no list.
            answers = [*(given if isinstance(given, list) else ()), {"text": text, "at": now.isoformat()}]
            merged = {**old.context, **(context or {}), "answers": answers}
            kept = old.proposed if arguments is None else None
            author = f"agent:{agent}"
            content = self._next_revision(request, author=author, arguments=proposed, context=merged, proposed=kept)
            known = _refused_before(tx, request, spec, content)
            after = lifecycle.inform(request, self._rerouted(known, content), now)
            standing = tx.deliveries(request_id)
            note = "The agent answered. Please look again."
            deliveries, asked = self._rounds.again(after, self._policy(), standing, note)
            effects = self._rounds.refresh(after, self._policy(), standing) + asked
            event = self._event("request.informed", request, actor=author, via="api", text=text)
            tx.record(Change(event=event, before=request, after=after, deliveries=deliveries, effects=effects))
            if proposed != old.arguments:
                # What people had asked about is gone from this request, and may come again as another (threat T12).
                effects += self._regretted(tx, request, "was changed by its agent once somebody asked about it")
            return Deed(after, effects)

        return (await self._ledger.commit(work, about=About(requests=(request_id,)))).given

    def _new(self, request: Request, spec: ActionSpec, arguments: Arguments) -> Arguments:
        """New arguments with an answer, where there may be any; those that stay were checked once, as the file was."""
        if request.kind is Kind.CHOICE:
            # They would stand under the name of the option that somebody picked (threat T5).
            why = "the arguments of a choice are its options'; propose it anew"
            raise errors.Invalid.at("/arguments", "kind", why)
        if request.content.takes_back is not None:
            why = "the arguments of a rollback are made of what it takes back; answer in words"
            raise errors.Invalid.at("/arguments", "rollback", why)
        # The arguments of what is no approval never run by themselves, and need not be whole.
        self._checked(spec if request.kind is Kind.APPROVAL else replace(spec, schema=None), arguments)
        return arguments

    async def cancel(self, request_id: str, *, agent: str, reason: str | None) -> Request:
        """The agent withdraws an open request, or stops an approved one that has not begun (its decision stands)."""

        def work(tx: Tx) -> Deed:
            request = self._load(tx, request_id, agent=agent)
            if request.route.asked is not None or request.route.joined is not None:
                # An agent that did harm must not be able to keep it from being taken back.
                raise errors.Forbidden("A person asked for this, so its agent cannot withdraw it.")
            now = self._ledger.clock.now()
            event = self._event("request.cancelled", request, actor=f"agent:{agent}", via="api", reason=reason)
            worded = _worded(request, reason)
            if may_be_stopped(request):
                execution = stopped(request, now)
                after = replace(worded, execution=execution)
                effects = self._ended(tx, after, None)
                tx.record(
                    Change(
                        event=event,
                        before=request,
                        after=after,
                        execution_before=request.execution,
                        execution=execution,
                        effects=effects,
                    )
                )
                return Deed(after, effects, execution)
            after = lifecycle.cancel(worded, now)
            effects = self._ended(tx, after, None)
            tx.record(Change(event=event, before=request, after=after, effects=effects))
            what = "was withdrawn once somebody asked about it" if questioned(request) else None
            effects += self._regretted(tx, request, what)
            return Deed(after, effects)

        return (await self._ledger.commit(work, about=About(requests=(request_id,)))).given

    async def wait(self, request_id: str, *, seconds: float, outcome: bool) -> Request:
        """The request once it is decided (or has run), or as it stands after so many seconds. Nothing polls."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while True:
            # Join before reading: a decision between the two would otherwise wake nobody.
            future = self._ledger.waiting.join(request_id)
            try:
                request = await self._ledger.store.request(request_id)
                if request is None:
                    raise errors.NotFound
                left = until - loop.time()
                if settled(request, outcome=outcome) or left <= 0:
                    return request
                try:
                    # Not wait_for, which on Python 3.11 loses a cancellation that comes with the answer.
                    async with asyncio.timeout(left):
                        request = await future
                except TimeoutError:
                    return await self._ledger.store.request(request_id) or request
                if settled(request, outcome=outcome):
                    return request
            finally:
                self._ledger.waiting.leave(request_id, future)


def _refused_before(tx: Tx, request: Request, spec: ActionSpec, content: Revision) -> Request:
    """The request, its route naming what was rejected of this very content a short while ago (threat T12).

    Else an agent would bring it back as the answer to a question, and nobody be told.
    """
    if request.route.refused is not None or not spec.cooldown:
        return request
    prints = fingerprints(request.kind, content.action, content.target, arguments=content.arguments)
    found = [tx.rejected(each, content.created_at - spec.cooldown) for each in prints]
    refused = next((earlier for earlier in found if earlier is not None), None)
    return replace(request, route=replace(request.route, refused=refused)) if refused else request


def _worded(request: Request, reason: str | None) -> Request:
    """The request, a note of its card saying why it is withdrawn: those who were asked would want to know."""
    words = (reason or "").strip()
    if not words:
        return request
    note = ("Why it was withdrawn: the agent’s own words, not checked", words)
    return replace(request, route=replace(request.route, notes=(*request.route.notes, note)))
