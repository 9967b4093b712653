"""What agents do at the desk: submit, answer a question, withdraw, wait."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from bot.core import errors, lifecycle, transitions
from bot.core.digest import digest_of
from bot.core.errors import Fault
from bot.core.model import Arguments, Request, Revision, State, Submission
from bot.core.policy import Policy, Routing, route
from bot.core.ports import Change, Tx
from bot.core.transitions import Happening
from bot.desk.ledger import Deed
from bot.desk.part import Part
from bot.desk.waiting import settled


class Agents(Part):
    """The agents' side."""

    async def submit(
        self, submission: Submission, *, agent: str, idempotency_key: str | None = None, body_hash: str = ""
    ) -> tuple[Request, bool]:
        """Route and keep a submission: the request, and whether it was created now (False: this key had made it)."""
        policy = self._policy()
        try:
            self._checked(policy.action(submission.action), submission.arguments)
        except errors.Invalid:
            # A repeat of what was taken under an earlier configuration is still that request.
            known = await self._repeated(agent, idempotency_key, body_hash)
            if known is None:
                raise
            return known, False
        now = self._ledger.clock.now()
        routing = route(policy, submission, agent=agent, now=now)
        change = self._created(policy, submission, agent, routing)
        created = change.after
        if created is None:
            raise AssertionError("a new request has content")

        def work(tx: Tx) -> Deed:
            if idempotency_key is not None:
                known = tx.remembered(agent, idempotency_key)
                if known is not None:
                    return self._again(tx, known, body_hash)
            self._bounded(tx, policy, agent)
            if submission.revises is not None:
                self._revised(tx, submission.revises, agent)
            execution = self._unless_paused(tx, change.execution)
            kept = replace(created, execution=execution)
            tx.record(replace(change, after=kept, execution=execution))
            if idempotency_key is not None:
                tx.remember(agent, idempotency_key, body_hash, created.id, now)
            return Deed(kept, change.effects, execution)

        deed = await self._ledger.commit(work)
        if deed.request is None:
            raise AssertionError("a submission always gives a request")
        return deed.request, deed.fresh

    async def _repeated(self, agent: str, key: str | None, body_hash: str) -> Request | None:
        if key is None:
            return None

        def work(tx: Tx) -> Request | None:
            known = tx.remembered(agent, key)
            return None if known is None else self._again(tx, known, body_hash).request

        return await self._ledger.store.write(work)

    def _again(self, tx: Tx, known: tuple[str, str], body_hash: str) -> Deed:
        request_id, first_hash = known
        if first_hash != body_hash:
            raise errors.IdempotencyMismatch(request=request_id)
        return Deed(self._load(tx, request_id), fresh=False)

    def _revised(self, tx: Tx, request_id: str, agent: str) -> None:
        earlier = tx.request(request_id)
        if earlier is None or earlier.agent != agent:
            fault = Fault("/revises", "unknown", "no request of this agent has that id")
            raise errors.Invalid("/revises: no request of this agent has that id", faults=(fault,))

    def _bounded(self, tx: Tx, policy: Policy, agent: str) -> None:
        """Hold an agent to its own limits, so that one that runs wild does not drown the others."""
        spec = policy.agents.get(agent)
        if spec is None:
            return
        if spec.pending is not None and tx.count_open(agent) >= spec.pending:
            raise errors.Overloaded(
                f"{agent} has {spec.pending} open requests already; wait for decisions.", retry_after=30
            )
        if spec.per_minute is not None:
            since = self._ledger.clock.now() - timedelta(minutes=1)
            if tx.count_since(agent, since) >= spec.per_minute:
                raise errors.Overloaded(f"{agent} may submit {spec.per_minute} requests a minute.", retry_after=60)

    def _created(self, policy: Policy, submission: Submission, agent: str, routing: Routing) -> Change:
        now = self._ledger.clock.now()
        request_id = self._ledger.id("req")
        request = lifecycle.begin(
            Request(
                id=request_id,
                state=State.PENDING,
                kind=submission.kind,
                agent=agent,
                action=submission.action,
                title=policy.title(submission.action, submission.arguments),
                risk=routing.route.risk,
                route=routing.route,
                content=_first(policy, submission, agent, request_id, self._ledger.clock.now()),
                created_at=now,
                expires_at=now + routing.route.expires,
                batch=submission.batch,
                revises=submission.revises,
            ),
            now,
        )
        execution = self._planned(request)
        deliveries, effects = self._rounds.ask(request, policy)
        tried = [{"rule": t.rule, "outcome": str(t.outcome), "detail": t.detail} for t in routing.trials]
        event = self._event("request.submitted", request, actor=f"agent:{agent}", via="api", trials=tried)
        told = () if request.state.open else self._rounds.tell_agent(request, policy, "request.decided")
        return Change(
            event=event,
            after=replace(request, execution=execution),
            execution=execution,
            deliveries=deliveries,
            effects=effects + told,
        )

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
            proposed = old.arguments if arguments is None else arguments
            self._checked(self._policy().action(request.action), proposed)
            given = old.context.get("answers")
            # The agent fills its context as it likes: what it calls answers need be no list.
            answers = [*(given if isinstance(given, list) else ()), {"text": text, "at": now.isoformat()}]
            merged = {**old.context, **(context or {}), "answers": answers}
            kept = old.proposed if arguments is None else None
            author = f"agent:{agent}"
            content = self._next_revision(request, author=author, arguments=proposed, context=merged, proposed=kept)
            after = lifecycle.inform(request, self._rerouted(request, content), now)
            standing = tx.deliveries(request_id)
            note = "The agent answered. Please look again."
            deliveries, asked = self._rounds.again(after, self._policy(), standing, note)
            effects = self._rounds.refresh(after, self._policy(), standing) + asked
            event = self._event("request.informed", request, actor=author, via="api", text=text)
            tx.record(Change(event=event, before=request, after=after, deliveries=deliveries, effects=effects))
            return Deed(after, effects)

        return _request(await self._ledger.commit(work))

    async def cancel(self, request_id: str, *, agent: str, reason: str | None) -> Request:
        """The agent withdraws an open request."""

        def work(tx: Tx) -> Deed:
            request = self._load(tx, request_id, agent=agent)
            after = lifecycle.cancel(request, self._ledger.clock.now())
            effects = self._ended(tx, after, None)
            event = self._event("request.cancelled", request, actor=f"agent:{agent}", via="api", reason=reason)
            tx.record(Change(event=event, before=request, after=after, effects=effects))
            return Deed(after, effects)

        return _request(await self._ledger.commit(work))

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
                    request = await asyncio.wait_for(future, left)
                except TimeoutError:
                    return await self._ledger.store.request(request_id) or request
                if settled(request, outcome=outcome):
                    return request
            finally:
                self._ledger.waiting.leave(request_id, future)


def _request(deed: Deed) -> Request:
    if deed.request is None:
        raise AssertionError("this work always gives a request")
    return deed.request


def _first(policy: Policy, submission: Submission, agent: str, request_id: str, now: Any) -> Revision:
    target = policy.action(submission.action).execute.target
    return Revision(
        request=request_id,
        number=1,
        digest=digest_of(
            request=request_id,
            revision=1,
            agent=agent,
            action=submission.action,
            arguments=submission.arguments,
            target=target,
        ),
        author=f"agent:{agent}",
        created_at=now,
        action=submission.action,
        arguments=submission.arguments,
        target=target,
        reason=submission.reason,
        confidence=submission.confidence,
        labels=submission.labels,
        context=submission.context,
        on_behalf_of=submission.on_behalf_of,
        options=submission.options,
    )
