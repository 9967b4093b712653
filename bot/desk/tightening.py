"""What was earned is taken back at once, in the transaction that has the reason, and said to those who granted it."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.core import lifecycle
from bot.core.model import Decision, PersonRole, Request, Route, State, Submission, Then, Verb
from bot.core.policy import HOUSE, TRUST_ENDED, TRUST_LASTS, Policy, Routing, with_delegates
from bot.core.ports import Change, Effect, Tx
from bot.core.trust import drift, owing
from bot.core.trust.grants import Ending, Grant, GrantState, numbers_in
from bot.desk import doubts
from bot.desk.counting import Counted, Proposal
from bot.desk.emergencies import Emergencies
from bot.desk.ledger import Deed

_WRONG = (Verb.REJECT, Verb.APPROVE_WITH_EDITS)


class Tightening(Emergencies):
    """The side of lost trust."""

    def _tightened(
        self,
        tx: Tx,
        grant_id: str,
        ending: Ending,
        why: str,
        *,
        request: str | None = None,
    ) -> tuple[Effect, ...]:
        """End a grant, or what is in force in its place by now, put that on record and tell its admins.

        ``why`` is said to people; ``request`` is the one that gave the reason. Nothing where nothing is in force.
        """
        grant = _in_its_place(tx, grant_id)
        if grant is None:
            return ()
        return self._ended_grant(tx, grant, ending, why, request=request)

    def _ended_grant(
        self,
        tx: Tx,
        grant: Grant,
        ending: Ending,
        why: str,
        *,
        request: str | None = None,
        actor: str = "sayso",
        via: str = "desk",
    ) -> tuple[Effect, ...]:
        """Write that a grant ended; who decided about it gets a card where it had been in force."""
        was_in_force = grant.state is GrantState.IN_FORCE
        now = self._ledger.clock.now()
        after = replace(grant, state=GrantState.ENDED, ended_at=now, ending=ending, why=why)
        tx.put_grant(after)
        self.trust.stale = True
        about = {"grant": grant.id, "rule": grant.rule, "agent": grant.agent, "action": grant.action}
        event = self._event(
            "trust.ended", None, actor=actor, via=via, **about, ending=str(ending), why=why, by_request=request
        )
        tx.append(event)
        if not was_in_force or ending is Ending.REPLACED or grant.ask not in self._policy().chains:
            return ()
        return self._said(tx, grant, ending, why, request)

    def _said(self, tx: Tx, grant: Grant, ending: Ending, why: str, request: str | None) -> tuple[Effect, ...]:
        policy = self._policy()
        told = {"agent": grant.agent, "action": grant.action, "rule": grant.rule, "why": why, "grant": grant.id}
        if request is not None:
            told["request"] = self._link(request)
        if ending.tightens:
            told["from now on"] = "people are asked again, and what was shown before counts no more"
        submission = Submission(
            action=TRUST_ENDED, arguments=told, reason="People are asked again. Approve: you saw it."
        )
        it = self._proposal(policy, submission, f"Trust ended: {grant.agent} may no longer run {grant.action} by rule")
        route = self._trust_route(it, grant.ask, grant.agent, f"trust: {grant.id} ended: {why}", TRUST_LASTS)
        if not deciders(route):
            return ()
        change = self._created(it, Routing(route, ()), actor="sayso")
        tx.record(change)
        return change.effects

    def _trust_route(self, it: Proposal, chain: str, agent: str, why: str, lasts: timedelta) -> Route:
        """A route that asks the admins of a chain, but not the agent's owner, nor who stands in for them."""
        barred = barred_from(it.policy, agent, it.now, it.now + lasts)
        return self._house_route(it, "trust", why, chain=chain, lasts=lasts, barred=tuple(sorted(barred)))

    def _under_grant(self, tx: Tx, it: Proposal, standing: Counted) -> tuple[Effect, ...]:
        """A request that a grant let run, or sampled, or let run no more, is written into its row."""
        if standing.grant is None:
            return ()
        if standing.drifted is None:
            tx.put_grant(standing.grant)
            return ()
        return self._tightened(
            tx, standing.grant.id, Ending.DRIFT, f"{it.agent} drifts: {standing.drifted}", request=it.id
        )

    def _learnt(self, tx: Tx, request: Request, after: Request, decision: Decision) -> tuple[Effect, ...]:
        """What a vote says of what was earned: a rejection or edit in the sample ends it, the rest is watched."""
        route, wrong = request.route, decision.decision in _WRONG
        if not (wrong or (decision.decision.is_vote and not after.state.open)):
            return ()
        if _of_nobody(request) or not request.kind.runs:
            return ()
        if after.state is State.REJECTED or decision.decision is Verb.APPROVE_WITH_EDITS:
            self._doubted(tx, request)
        if route.grant is not None and route.then is Then.STAGES and wrong:
            did = "rejected" if decision.decision is Verb.REJECT else "changed"
            why = f"{request.id}, which was among its sample, was {did}"
            return self._tightened(tx, route.grant, Ending.SAMPLE, why, request=request.id)
        known = self.trust.held(route.rule, request.agent, request.action)
        grant = tx.grant(known.id) if known is not None else None
        if grant is None or not grant.holds(self._ledger.clock.now()):
            return ()
        right = after.state is State.APPROVED
        watch, alarm = drift.judged(grant.baseline, grant.watch, confidence=request.content.confidence, right=right)
        if alarm is not None:
            why = f"{request.agent} drifts: {alarm}"
            return self._tightened(tx, grant.id, Ending.DRIFT, why, request=request.id)
        tx.put_grant(replace(grant, watch=watch))
        return ()

    def _doubted(self, tx: Tx, request: Request) -> None:
        """People said no: the rest of that goes to them for a while, and so do the next that its grants would run."""
        now, about = self._ledger.clock.now(), (request.agent, request.action)
        doubts.keep(tx, self.trust.file(), request, now)
        for known in self.trust.grants:
            grant = tx.grant(known.id) if known.about[1:] == about else None
            if grant is not None and grant.holds(now):
                tx.put_grant(owing.doubted(grant))

    def _regretted(
        self, tx: Tx, request: Request, what: str | None, ending: Ending = Ending.SAMPLE
    ) -> tuple[Effect, ...]:
        """A request, under a grant or not, went wrong otherwise than by a vote; or it ended unseen (None)."""
        # Whoever withdraws what somebody asked about would else split it as if nobody had.
        if what is not None and request.kind.runs and not _of_nobody(request):
            self._doubted(tx, request)
        if request.route.grant is None:
            return ()
        if what is None:
            return self._unseen(tx, request, request.route.grant)
        why = f"{request.id} {what}"
        return self._tightened(tx, request.route.grant, ending, why, request=request.id)

    def _unseen(self, tx: Tx, request: Request, grant_id: str) -> tuple[Effect, ...]:
        """What of a sample nobody decided about is owed: else its agent would withdraw just that, and run the rest.

        It chooses which, though: who withdraws what is bad, and lets people look at what follows in its place, has a
        sample that finds nothing. Once may be chance; the second that it takes from people ends the grant.
        """
        grant = _in_its_place(tx, grant_id) if request.route.then is Then.STAGES else None
        if grant is None:
            return ()
        rule = next((rule for rule in self.trust.file().rules if rule.name == grant.rule), None)
        hurried = rule is not None and request.route.expires < rule.expires
        taken = hurried or self._ledger.clock.now() < request.expires_at
        if taken and grant.taken:
            why = f"{request.id} is the second of its sample that its agent took from people before they decided"
            return self._ended_grant(tx, grant, Ending.SAMPLE, why, request=request.id)
        owing_it = owing.unseen(grant, numbers_in(grant, request.content.arguments))
        tx.put_grant(replace(owing_it, taken=grant.taken + taken))
        return ()

    def _fallen(self, tx: Tx, grant_id: str, why: str) -> Deed:
        """Withdraw a proposal that nothing carries any more."""
        grant = tx.grant(grant_id)
        if grant is None or grant.state is not GrantState.PROPOSED:
            return Deed(None, fresh=False)
        effects = self._ended_grant(tx, grant, Ending.WITHDRAWN, why)
        asked = tx.request(grant.request)
        if asked is None or not asked.state.open:
            return Deed(None, effects)
        return self._withdrawn(tx, asked, why, effects)

    def _withdrawn(self, tx: Tx, asked: Request, why: str, effects: tuple[Effect, ...] = ()) -> Deed:
        after = lifecycle.cancel(asked, self._ledger.clock.now())
        redrawn = self._ended(tx, after, None)
        event = self._event("request.cancelled", asked, actor="sayso", via="desk", reason=why)
        tx.record(Change(event=event, before=asked, after=after, effects=redrawn))
        return Deed(after, effects + redrawn)

    def _harmed(self, tx: Tx, request: Request) -> tuple[Effect, ...]:
        """An incident is reported: whatever is proposed or granted of the agent's action falls.

        Whoever let it run: where people approved what did harm, their approvals are what the grant rests on.
        """
        effects: tuple[Effect, ...] = ()
        why = f"an incident was reported of {request.id}"
        for grant in [g for g in tx.grants() if g.about[1:] == (request.agent, request.action)]:
            if grant.state is GrantState.PROPOSED:
                effects += self._fallen(tx, grant.id, why).effects
            elif grant.state is GrantState.IN_FORCE:
                ran = "ran under it" if request.route.grant is not None else "did not run under it"
                told = f"{why}, which {ran}"
                effects += self._ended_grant(tx, grant, Ending.INCIDENT, told, request=request.id)
        return effects


def barred_from(policy: Policy, agent: str, now: datetime, until: datetime) -> set[str]:
    """Who may not decide about what an agent earned: who is no admin, its owner, and who stands in for them."""
    spec = policy.agents.get(agent)
    barred = {name for name, person in policy.people.items() if person.role is not PersonRole.ADMIN}
    return barred | (with_delegates(policy, {spec.owner}, now, until) if spec is not None and spec.owner else set())


def _in_its_place(tx: Tx, grant_id: str) -> Grant | None:
    """The grant where it is in force, else what is in force of the same by now: a wider one, or one that followed."""
    grant = tx.grant(grant_id)
    if grant is None or grant.state is GrantState.IN_FORCE:
        return grant
    return next((g for g in tx.grants() if g.about == grant.about and g.state is GrantState.IN_FORCE), None)


def _of_nobody(request: Request) -> bool:
    """Whether no agent proposed it: it is the house's own, or a practice."""
    return request.action.startswith(HOUSE) or request.route.practice is not None


def deciders(route: Route) -> frozenset[str]:
    """Everybody whom a route can ask."""
    return frozenset[str]().union(*(stage.people for stage in route.stages)) - set(route.excluded)
