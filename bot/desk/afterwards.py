"""Review afterwards: what ran by rule is put before people later, who confirm it or report an incident.

Whether one is among the share is drawn as its run ends, and not before: an agent that knew would take care only then.
"""

from __future__ import annotations

from msgspec.structs import replace

from bot.core.card import literal
from bot.core.model import Decision, Execution, ExecutionState, Request, Severity, Submission, Verb
from bot.core.policy import REVIEW_AFTER, REVIEW_LASTS, Policy, Routing, with_delegates
from bot.core.ports import Change, Tx
from bot.core.redaction import shown
from bot.core.unsaid import repeatable
from bot.desk.incidents import Incidents, failed_by_its_word, may_have_harmed
from bot.desk.taking_back import Turned

_SAID = 2000
_ASKS = "It ran by rule. Was that right? Approve: it was. Reject: it did harm; that is kept as an incident."
_WORST = Severity.MEDIUM
"""What a rejection counts as that names no severity."""


class Afterwards(Incidents):
    """The side of hindsight."""

    def _review_due(self, request: Request, ended: Execution) -> Change | None:
        """The change that asks for a review of what ended just now; None where none is due, or nobody can be asked."""
        route = request.route
        if route.review_after is None or request.votes or ended.review is not None:
            return None
        # An agent that says that it failed would else never be looked at.
        if not may_have_harmed(ended):
            return None
        if self._chance() >= route.review_share:
            return None
        chain = _chain(self._policy(), route.review_after)
        return None if chain is None else self._review(replace(request, execution=ended), chain)

    def _review(self, request: Request, chain: str) -> Change:
        policy, seen = self._policy(), shown(request)
        run = seen.execution
        page = self._link(request.id)
        told = {
            "request": request.id,
            "agent": request.agent,
            "action": request.action,
            "title": seen.title,
            "arguments": seen.content.arguments,
            # As text: what a target gave back need be no JSON that a digest can stand for.
            "result": None if run is None or run.result is None else literal(run.result)[:_SAID],
            "page": page,
        }
        submission = Submission(action=REVIEW_AFTER, arguments=told, reason=_ASKS)
        it = self._proposal(policy, submission, f"Was this right? {seen.title}")
        barred = tuple(sorted(with_delegates(policy, set(request.route.excluded), it.now, it.now + REVIEW_LASTS)))
        why = f"review_after: {request.id} ran by the rule {request.route.rule!r}"
        route = self._house_route(it, "review_after", why, chain=chain, lasts=REVIEW_LASTS, barred=barred)
        notes = [("Ran by the rule", request.route.rule)]
        if run is not None and run.state is ExecutionState.UNKNOWN:
            notes.append(("Careful", "Nobody knows yet whether it happened."))
        if run is not None and failed_by_its_word(run):
            notes.append(("Careful", "That it failed is its agent's word alone; it may have happened."))
        spec = policy.action(request.action)
        if spec.rollback is not None:
            notes.append(("To take it back", f"Roll it back with {spec.rollback.action} on its page: {page}"))
        route = replace(route, notes=tuple(notes), of=request.id, unsaid=repeatable(request))
        return self._created(it, Routing(route, ()), actor="sayso", via="replay")

    def _looked_back(self, tx: Tx, review: Request, decision: Decision) -> Turned:
        """A review ended by a person's vote: the first one is confirmed, or an incident is reported of it."""
        first = tx.request(str(review.route.of))
        if first is None or not decision.decision.is_vote:
            return Turned()
        by = f"person:{decision.by}"
        if decision.decision is Verb.REJECT:
            severity = severity_of(decision.category)
            note = decision.comment or decision.category or "rejected in a review afterwards"
            run = first.execution
            # Settled as failed meanwhile, it did no harm; but however much is reported of it, this is kept, too.
            if run is None or not may_have_harmed(run):
                return Turned()
            kept = self._incident(tx, first, run, by=by, via=decision.channel, severity=severity, note=note)
            return Turned((kept.given,), kept.effects)
        event = self._event("review.confirmed", first, actor=by, via=decision.channel, review=review.id)
        tx.append(event)
        return Turned((first,))


def severity_of(category: str | None) -> Severity:
    """How bad a rejection in hindsight says that it was: its category where that is a severity, else medium."""
    return Severity(category) if category in tuple(Severity) else _WORST


def _chain(policy: Policy, named: str) -> str | None:
    """The chain that is asked: the one that the route names or, where the file has lost it, the default's first."""
    if named in policy.chains:
        return named
    return next((stage.chain for stage in policy.default.stages if stage.chain in policy.chains), None)
