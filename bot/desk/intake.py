"""How a proposal comes in: checked, routed, counted against its limits, and kept, in one transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot.core import errors, lifecycle
from bot.core.counting import prints_of
from bot.core.digest import digest_of
from bot.core.model import Edit, Kind, Request, Revision, Route, State, Submission
from bot.core.policy import HOUSE, Policy, Routing, TrialOutcome
from bot.core.ports import About, Change, Effect, Tx
from bot.core.practice import NOTHING, outcome_of
from bot.core.redaction import seen, veil_of
from bot.core.subjects import check_offer, revised
from bot.desk.counting import Counted, Proposal, counted
from bot.desk.ledger import Deed
from bot.desk.refusing import Refusing

_CHANCES = 2**32
_FEWEST_OPTIONS = 2
_TRIALS_TOLD = 100


class Intake(Refusing):
    """The way in."""

    def _practised(self, tx: Tx, after: Request) -> None:
        """What a decision made of a practice, where it ended it."""
        if after.route.practice is not None and not after.state.open:
            found = str(outcome_of(after))
            tx.append(self._event("practice.ended", after, actor="sayso", via="desk", outcome=found))

    async def submit(
        self, submission: Submission, *, agent: str, idempotency_key: str | None = None, body_hash: str = ""
    ) -> tuple[Request, bool]:
        """Route and keep a submission: the request, and whether it was created now (False: this key had made it)."""
        policy = self._policy()
        try:
            self._fitting(policy, submission)
        except errors.Invalid:
            # A repeat of what was taken under an earlier configuration is still that request.
            known = await self._repeated(agent, idempotency_key, body_hash)
            if known is None:
                raise
            return known, False
        it = Proposal(
            id=self._ledger.id("req"),
            policy=policy,
            submission=submission,
            agent=agent,
            now=self._ledger.clock.now(),
            chance=self._chance(),
            prints=prints_of(policy, submission),
        )

        def work(tx: Tx) -> Deed:
            if idempotency_key is not None:
                known = tx.remembered(agent, idempotency_key)
                if known is not None:
                    return self._again(tx, known, body_hash)
            self._bounded(tx, policy, agent)
            deed = self._kept(tx, it)
            if idempotency_key is not None:
                tx.remember(agent, idempotency_key, body_hash, it.id, it.now)
            return deed

        about = About(
            requests=() if submission.revises is None else (submission.revises,),
            keys=() if idempotency_key is None else ((agent, idempotency_key),),
            fingerprints=it.prints or (),
        )
        deed = await self._ledger.commit(work, patient=True, about=about)
        return deed.given, deed.fresh

    def _chance(self) -> float:
        """A lot between 0 and 1."""
        return int.from_bytes(self._ledger.entropy(4), "big") / _CHANCES

    def _fitting(self, policy: Policy, submission: Submission) -> None:
        """Refuse what no agent may ask for, or what cannot be what it says it is."""
        if submission.action.startswith(HOUSE):
            raise errors.Invalid.at("/action", "reserved", f"names that begin with {HOUSE} are the house's own")
        spec = policy.action(submission.action)
        if spec.subject is not None and submission.options:
            check_offer(spec.subject, submission)
        if submission.kind is Kind.APPROVAL:
            self._checked(spec, submission.arguments)
        if submission.kind is not Kind.CHOICE:
            return
        if len(submission.options) < _FEWEST_OPTIONS:
            raise errors.Invalid.at("/options", "required", "a choice needs two options or more")
        for index, option in enumerate(submission.options):
            try:
                self._checked(spec, option.arguments)
            except errors.Invalid as refused:
                faults = tuple(replace(f, pointer=f"/options/{index}{f.pointer}") for f in refused.faults)
                raise errors.Invalid(f"{faults[0].pointer}: {faults[0].detail}", faults=faults) from None

    async def _repeated(self, agent: str, key: str | None, body_hash: str) -> Request | None:
        if key is None:
            return None

        def work(tx: Tx) -> Request | None:
            known = tx.remembered(agent, key)
            return None if known is None else self._again(tx, known, body_hash).request

        return await self._ledger.store.write(work, patient=True)

    def _again(self, tx: Tx, known: tuple[str, str], body_hash: str) -> Deed:
        request_id, first_hash = known
        if first_hash != body_hash:
            raise errors.IdempotencyMismatch(request=request_id)
        return Deed(self._load(tx, request_id), fresh=False)

    def _revised(self, tx: Tx, policy: Policy, submission: Submission, agent: str) -> tuple[Edit, ...]:
        """What is other than in the request that this one revises, which has to be the agent's own."""
        earlier = tx.request(submission.revises or "")
        if earlier is None or earlier.agent != agent or earlier.route.practice is not None:
            raise errors.Invalid.at("/revises", "unknown", "no request of this agent has that id")
        return revised(earlier, submission, policy.action(submission.action).subject)

    def _bounded(self, tx: Tx, policy: Policy, agent: str) -> None:
        """Hold an agent to its own limits, so that one that runs wild does not drown the others."""
        spec = policy.agents.get(agent)
        if spec is None:
            return
        if spec.pending is not None and self._has(tx, policy, agent, spec.pending):
            raise errors.Overloaded(
                f"{agent} has {spec.pending} open requests already; wait for decisions.", retry_after=30
            )
        if spec.per_minute is not None:
            since = self._ledger.clock.now() - timedelta(minutes=1)
            if self._has(tx, policy, agent, spec.per_minute, since=since):
                raise errors.Overloaded(f"{agent} may submit {spec.per_minute} requests a minute.", retry_after=60)

    @staticmethod
    def _has(tx: Tx, policy: Policy, agent: str, most: int, *, since: datetime | None = None) -> bool:
        """Whether so many of an agent are open, or came since; a practice in its name is not its own to notice."""
        count = tx.count_open(agent) if since is None else tx.count_since(agent, since)
        if count >= most and policy.practice is not None:
            count -= tx.count_practices(agent, since)
        return count >= most

    def _kept(self, tx: Tx, it: Proposal) -> Deed:
        """Count, route and write one proposal."""
        differs = self._revised(tx, it.policy, it.submission, it.agent) if it.submission.revises is not None else ()
        return self._written(tx, it, counted(tx, it), differs)

    def _written(
        self,
        tx: Tx,
        it: Proposal,
        standing: Counted,
        differs: tuple[Edit, ...] = (),
        *,
        actor: str | None = None,
        via: str = "api",
        takes_back: str | None = None,
    ) -> Deed:
        """Write a proposal whose route stands; see `_created`."""
        change = self._created(it, standing.routing, differs, actor=actor, via=via, takes_back=takes_back)
        created = change.after
        if created is None:
            raise AssertionError("a new request has content")
        execution = self._unless_paused(tx, created, change.execution)
        kept = replace(created, execution=execution)
        tx.record(replace(change, after=kept, execution=execution))
        for entry in standing.entries:
            tx.spend(entry)
        for each in standing.drawn:
            tx.keep_rejection(each, it.id, it.now)
        return Deed(kept, change.effects + self._under_grant(tx, it, standing), execution)

    def _under_grant(self, tx: Tx, it: Proposal, standing: Counted) -> tuple[Effect, ...]:  # noqa: ARG002  # parts above say what
        """What a request that an earned rule let run leads to beside itself."""
        return ()

    def _created(
        self,
        it: Proposal,
        routing: Routing,
        differs: tuple[Edit, ...] = (),
        *,
        actor: str | None = None,
        via: str = "api",
        takes_back: str | None = None,
    ) -> Change:
        """The change that keeps a proposal on its route; ``actor``: who made the house ask, where it does by itself.

        ``takes_back`` is the request that it is to roll back.
        """
        policy, submission, agent, now = it.policy, it.submission, it.agent, it.now
        target = NOTHING if routing.route.practice is not None else policy.action(submission.action).execute.target
        content = _first(submission, agent, it.id, now, target)
        request = lifecycle.begin(
            Request(
                id=it.id,
                state=State.PENDING,
                kind=submission.kind,
                agent=agent,
                action=submission.action,
                title=_title(it, routing.route, content),
                risk=routing.route.risk,
                route=routing.route,
                content=replace(content, differs=differs, takes_back=takes_back) if differs or takes_back else content,
                created_at=now,
                expires_at=now + routing.route.expires,
                batch=submission.batch,
                revises=submission.revises,
            ),
            now,
        )
        execution = self._planned(request)
        deliveries, effects = self._rounds.ask(request, policy)
        tried = _told(routing)
        event = self._event("request.submitted", request, actor=actor or f"agent:{agent}", via=via, trials=tried)
        told = self._rounds.tell_advisors(request, policy)
        if not request.state.open:
            told = self._rounds.tell_agent(request, policy, "request.decided")
        return Change(
            event=event,
            after=replace(request, execution=execution),
            execution=execution,
            deliveries=deliveries,
            effects=effects + told,
        )


def _title(it: Proposal, route: Route, content: Revision) -> str:
    """The title as it is stored, and lists read it: an argument that is shown may repeat one that is not."""
    given, spec = it.submission.arguments, it.policy.action(it.submission.action)
    title = it.title or it.policy.title(it.submission.action, seen(given, spec.secret(given)))
    return veil_of(route, content).text(title) if route.hidden or route.unsaid else title


def _told(routing: Routing) -> list[dict[str, str]]:
    """The walk as the trail keeps it; of a long one without the rules that did not hold."""
    trials = routing.trials
    if len(trials) > _TRIALS_TOLD:
        trials = tuple(trial for trial in trials if trial.outcome is not TrialOutcome.NOT_HELD)
    return [{"rule": t.rule, "outcome": str(t.outcome), "detail": t.detail} for t in trials]


def _first(submission: Submission, agent: str, request_id: str, now: Any, target: str) -> Revision:
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
