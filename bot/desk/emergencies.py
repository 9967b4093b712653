"""What goes past the rules, on record: the glass that is broken in an emergency; and drills, so that it is seldom."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.core import errors, lifecycle
from bot.core.model import Request, Risk, Route, Submission, Then, Verb
from bot.core.policy import DRILL, GLASS_REVIEW, HOUSE, BreakGlass, Policy, Routing, StageSpec, staffed, with_delegates
from bot.core.ports import Ballot, Change, Effect, Tx
from bot.core.transitions import refusal
from bot.core.unsaid import repeatable
from bot.desk.counting import Proposal
from bot.desk.intake import Intake
from bot.desk.ledger import Deed
from bot.desk.part import voted

HOUSE_AGENT = "sayso"
"""From whom the house's own requests are."""
_DRILL_LASTS = timedelta(hours=24)


class Emergencies(Intake):
    """Breaking the glass, and drills."""

    def may_break_glass(self, person: str) -> bool:
        """Whether somebody may approve past the review in an emergency."""
        glass = self._policy().break_glass
        return glass is not None and person in glass.people

    def _broken(self, tx: Tx, request: Request, ballot: Ballot, now: datetime) -> Deed:
        """Approve past the review: some are told at once, and a review of it is due afterwards."""
        policy = self._policy()
        glass = policy.break_glass
        if glass is None or ballot.by not in glass.people:
            raise errors.NotAssigned("You may not break the glass: break_glass in routing.yaml says who may.")
        _breakable(request, ballot, now)
        # Nothing is answered past the review: of a choice, what was picked before stands.
        decision = replace(self._decision(request, ballot, now), answer=None, broke_glass=True)
        after = replace(lifecycle.break_glass(request, decision, now), answer=request.content.chosen)
        execution = self._unless_paused(tx, after, self._planned(after))
        after = replace(after, execution=execution)
        standing = tx.deliveries(request.id)
        word = "For you to know: this was approved by breaking the glass."
        deliveries, told = self._rounds.notify(after, policy, policy.members(glass.notify), standing, word)
        effects = self._rounds.refresh(after, policy, standing) + told
        effects += self._rounds.tell_agent(after, policy, "request.decided")
        shown = voted(decision, (ballot.revision, ballot.digest))
        actor = f"person:{ballot.by}"
        event = self._event("request.glass_broken", request, actor=actor, via=ballot.channel, **shown)
        tx.record(
            Change(
                event=event,
                before=request,
                after=after,
                decision=decision,
                execution=execution,
                deliveries=deliveries,
                effects=effects,
            )
        )
        self._practised(tx, after)
        effects += self._due_review(tx, policy, glass, after, ballot)
        return Deed(after, effects, execution)

    def _due_review(
        self, tx: Tx, policy: Policy, glass: BreakGlass, broken: Request, ballot: Ballot
    ) -> tuple[Effect, ...]:
        """The review that is due afterwards, as a request of its own that runs nothing."""
        about = {"request": broken.id, "action": broken.action, "title": broken.title, "by": ballot.by}
        submission = Submission(
            action=GLASS_REVIEW,
            arguments={**about, "reason": ballot.comment, "page": self._link(broken.id)},
            reason=f"{ballot.by} approved {broken.id} past its review. Was that right?",
        )
        why = f"break_glass: {broken.id} was approved past its review"
        it = self._proposal(policy, submission, f"Review of a broken glass: {broken.title}")
        until = it.now + glass.within
        barred = tuple(sorted(with_delegates(policy, {ballot.by, *broken.route.excluded}, it.now, until)))
        route = self._house_route(it, "break_glass", why, chain=glass.review, lasts=glass.within, barred=barred)
        route = replace(route, of=broken.id, unsaid=repeatable(broken))
        change = self._created(it, Routing(route, ()), actor=f"person:{ballot.by}")
        tx.record(change)
        return change.effects

    async def drill(self, chain: str, *, by: str) -> Request:
        """Send a harmless request down a chain for real, so that everybody learns whether it reaches them."""
        policy = self._policy()
        if chain not in policy.chains:
            known = ", ".join(policy.chains)
            raise errors.Invalid.at("/chain", "unknown", f"there is no chain {chain!r}; there are: {known}")
        note = "This is a drill: nothing runs, whatever you decide. Please decide as you would."
        submission = Submission(action=DRILL, arguments={"chain": chain, "note": note}, reason=note)
        it = self._proposal(policy, submission, f"Drill of the chain {chain}")
        route = self._house_route(it, "drill", f"drill: {by} tries the chain {chain}", chain=chain, lasts=_DRILL_LASTS)
        change = self._created(it, Routing(route, ()), actor=by)

        def work(tx: Tx) -> Deed:
            tx.record(change)
            return Deed(change.after, change.effects)

        return (await self._ledger.commit(work)).given

    def _proposal(self, policy: Policy, submission: Submission, title: str) -> Proposal:
        now = self._ledger.clock.now()
        return Proposal(
            id=self._ledger.id("req"),
            policy=policy,
            submission=submission,
            agent=HOUSE_AGENT,
            now=now,
            chance=1.0,
            title=title,
        )

    @staticmethod
    def _house_route(
        it: Proposal, rule: str, why: str, *, chain: str, lasts: timedelta, barred: tuple[str, ...] = ()
    ) -> Route:
        bare = Route(
            then=Then.STAGES,
            rule=rule,
            why=why,
            expires=lasts,
            excluded=barred,
            risk=Risk.REVERSIBLE,
            policy=it.policy.hash,
        )
        return staffed(it.policy, bare, (StageSpec(name=chain, chain=chain),), it.now)


def _breakable(request: Request, ballot: Ballot, now: datetime) -> None:
    """Refuse to break the glass over what is no open request as it was shown, or without a reason."""
    if not request.state.open:
        raise refusal(request)
    lifecycle.check_current(request, ballot, now)
    if any(vote.by == ballot.by for vote in request.votes):
        raise errors.AlreadyVoted
    if not ballot.fully_shown:
        raise errors.NotFullyShown
    if ballot.decision is not Verb.APPROVE:
        raise errors.Invalid.at("/decision", "break_glass", "only approve breaks the glass")
    # The house's own requests, such as this glass's review, run nothing.
    if request.action.startswith(HOUSE) or not request.names_what_runs:
        raise errors.Invalid.at("/break_glass", "nothing_runs", "nothing would run, so there is no emergency")
    if not (ballot.comment or "").strip():
        raise errors.Invalid.at("/comment", "required", "say why it cannot wait; it stays on record")
