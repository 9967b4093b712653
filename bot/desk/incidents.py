"""Incidents: somebody says that what ran did harm. What that ends is ended in the same transaction."""

from __future__ import annotations

from msgspec.structs import replace

from bot.core import errors
from bot.core.model import Execution, ExecutionState, Incident, PersonRole, Request, Severity, Verb
from bot.core.policy import Policy
from bot.core.ports import Change, Tx
from bot.core.redaction import WITHHELD
from bot.desk.erased import erased
from bot.desk.granting import Granting
from bot.desk.ledger import Deed

RAN = (
    ExecutionState.EXECUTED,
    ExecutionState.UNKNOWN,
    ExecutionState.ROLLING_BACK,
    ExecutionState.ROLLED_BACK,
)
"""Runs that did something, or may have."""
_MOST = 50
"""Incidents kept of one request; more would say nothing that a word to the admins does not."""
_OWN = 5
"""Of those, an agent's own: it may neither fill what is kept of others nor ring at everybody's (threat T10)."""


def failed_by_its_word(run: Execution) -> bool:
    """Whether a run was in its agent's hands, and that it failed is the agent's word alone: it may have happened."""
    return run.by_agent and run.attempts > 0 and run.state is ExecutionState.FAILED


def may_have_harmed(run: Execution | None) -> bool:
    """Whether a run may have done harm: it did something, or that it failed is its agent's word alone."""
    return run is not None and (run.state in RAN or failed_by_its_word(run))


def may_be_settled(run: Execution | None) -> bool:
    """Whether a person may say how it ended: nobody knows, or its agent alone says that it failed."""
    return run is not None and (run.state is ExecutionState.UNKNOWN or failed_by_its_word(run))


class Incidents(Granting):
    """The side of harm."""

    async def report_incident(self, request_id: str, *, by: str, via: str, severity: Severity, note: str) -> Request:
        """Keep that a request's run did harm. ``by`` is ``person:<id>``, ``admin:<key>`` or ``agent:<name>`` (its own).

        Raises `Conflict` where nothing ran. A refusal is recorded, then raised.
        """

        def work(tx: Tx) -> Deed:
            role, _, name = by.partition(":")
            request = self._load(tx, request_id, agent=name if role == "agent" else None)
            if role == "person":
                self._may_decide(name)
            return self._reported(tx, request, by=by, via=via, severity=severity, note=note)

        return (await self._allowed(work, request_id=request_id, actor=by, via=via)).given

    def _may_decide(self, person_id: str) -> None:
        # A key outlives the person's entry in routing.yaml, and so does a route that names them.
        person = self._policy().people.get(person_id)
        if person is None:
            raise errors.NotAssigned
        if person.role is PersonRole.AUDITOR:
            raise errors.OnlyReads

    def _reported(self, tx: Tx, request: Request, *, by: str, via: str, severity: Severity, note: str) -> Deed:
        """Keep an incident that somebody reports; raises `Conflict` where nothing ran, or of too many."""
        run = request.execution
        if run is None or not may_have_harmed(run):
            now = "none" if run is None else str(run.state)
            raise errors.Conflict(f"Nothing of it ran that could have done harm; its run is: {now}.", execution=now)
        own = by.startswith("agent:")
        most, kept = (_OWN, [one for one in run.incidents if one.by == by]) if own else (_MOST, run.incidents)
        if len(kept) >= most:
            raise errors.Conflict(f"{most} incidents are reported of it already; tell an admin what is new.")
        return self._incident(tx, request, run, by=by, via=via, severity=severity, note=note)

    def _incident(
        self, tx: Tx, request: Request, run: Execution, *, by: str, via: str, severity: Severity, note: str
    ) -> Deed:
        """Keep an incident, tell who approved and the agent, and end the earned grant under which it ran."""
        policy = self._policy()
        at = self._ledger.clock.now()
        note = WITHHELD if erased(tx, request) else note
        found = Incident(id=self._ledger.id("inc"), severity=severity, note=note, by=by, at=at)
        harmed = replace(run, incidents=(*run.incidents, found))
        after = replace(request, execution=harmed)
        standing = tx.deliveries(request.id)
        word = "For you to know: somebody reports that this did harm."
        deliveries, told = self._rounds.notify(after, policy, _answerable(policy, request), standing, word)
        effects = self._rounds.refresh(after, policy, standing) + told
        effects += self._rounds.tell_agent(after, policy, "request.incident")
        event = self._event(
            "incident.reported", request, actor=by, via=via, incident=found.id, severity=str(severity), note=note
        )
        tx.record(
            Change(
                event=event,
                execution_before=run,
                execution=harmed,
                deliveries=deliveries,
                effects=effects,
                of=request,
            )
        )
        return Deed(after, effects + self._harmed(tx, request))


def _answerable(policy: Policy, request: Request) -> tuple[str, ...]:
    """Who is told: those who approved it; of what a rule approved, the agent's owner."""
    approved = [vote.by for vote in request.votes if vote.decision is not Verb.REJECT]
    spec = policy.agents.get(request.agent)
    owner = spec.owner if spec is not None and not approved else None
    return tuple(dict.fromkeys([*approved, *([owner] if owner else [])]))
