"""Taking back what ran: the action's declared ``rollback:`` becomes a request of its own, which the rules route.

Its arguments are made of the first one's and of what that gave back, in the transaction that keeps it. What the first
one hides is hidden in it, too, and it is erased with the first one (threat T23). While it is under way there is no
other.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.core import errors
from bot.core.card import literal, name_of
from bot.core.counting import prints_of
from bot.core.model import Arguments, Execution, ExecutionState, Person, Request, Submission
from bot.core.pointers import names
from bot.core.policy import ActionSpec, Filling, NotFilled, Policy, Rollback
from bot.core.policy.exclusion import for_whom
from bot.core.ports import Change, Tx
from bot.core.redaction import masked, shown
from bot.core.transitions import clock
from bot.core.trust.grants import Ending
from bot.core.unsaid import repeatable
from bot.desk.counting import Proposal, counted
from bot.desk.erased import erased
from bot.desk.ledger import Deed
from bot.desk.reviewers import Reviewers

_BROKEN = re.compile(r"\n *")
_SAID = 600
"""Characters of the first one's result on the card; the whole is on its page."""
_ENDED = {
    ExecutionState.ROLLED_BACK: "It was rolled back already.",
    ExecutionState.ROLLING_BACK: "It is being rolled back already.",
}
UNSURE = "Nobody knows whether the first one ever happened: find out, for taking back what never was may do harm too."


class Filled(Struct, frozen=True):
    """A rollback's arguments, and pointers (``/arguments/…``) of those that show what the first request hides."""

    arguments: Arguments
    hidden: tuple[str, ...]


class Rollbacks(Reviewers):
    """The side of remedies."""

    async def roll_back(self, request_id: str, *, by: str, via: str, reason: str | None = None) -> tuple[Request, bool]:
        """Propose what takes an executed request back: that request, and whether it was made now.

        Where one is under way already (False), it is that one, and its agent withdraws it no more; once it ended
        without effect, another may be proposed. ``by`` is ``agent:<name>``, which finds only its own,
        ``person:<id>``, who then does not review it, or ``admin:<key>``. Raises `Conflict` where nothing ran, no way
        back is declared, or it cannot be filled. A refusal is recorded, then raised.
        """

        def work(tx: Tx) -> Deed:
            role, _, name = by.partition(":")
            first = self._load(tx, request_id, agent=name if role == "agent" else None)
            if role == "person":
                self._may_decide(name)
            known = self._standing(tx, first)
            if known is not None:
                return self._joined(tx, known, by, via, reason)
            if role == "agent":
                self._bounded(tx, self._policy(), name)
            return self._proposed_back(tx, first, by, via, reason)

        deed = await self._allowed(work, request_id=request_id, actor=by, via=via)
        return deed.given, deed.fresh

    @staticmethod
    def _standing(tx: Tx, first: Request) -> Request | None:
        """The rollback that is under way, or that may have run."""
        run = first.execution
        known = tx.request(run.rollback) if run is not None and run.rollback is not None else None
        return known if known is not None and under_way(known) else None

    def _joined(self, tx: Tx, known: Request, by: str, via: str, reason: str | None) -> Deed:
        """The rollback under way; one that its agent asked for is from now on not the agent's alone to withdraw."""
        route = known.route
        if by.startswith("agent:") or (route.asked or route.joined) is not None:
            return Deed(known, fresh=False)
        policy = self._policy()
        notes = (*route.notes, _asker(policy.people, by, reason))
        after = replace(known, route=replace(route, joined=by, notes=notes))
        effects = self._rounds.refresh(after, policy, tx.deliveries(known.id))
        event = self._event("rollback.joined", known, actor=by, via=via)
        tx.record(Change(event=event, before=known, after=after, effects=effects))
        run = known.execution
        waits = run if run is not None and run.state is ExecutionState.WAITING else None
        return Deed(after, effects, waits, fresh=False)

    def _proposed_back(self, tx: Tx, first: Request, by: str, via: str, reason: str | None) -> Deed:
        policy, now = self._policy(), self._ledger.clock.now()
        run = _ran(first)
        if erased(tx, first):
            raise errors.Conflict("What it said is erased, so nobody knows any more how to take it back.")
        filled = filled_for(policy, first)
        action = _way_back(policy.action(first.action)).action
        spec = policy.action(action)
        self._checked(spec, filled.arguments)
        submission = Submission(
            action=action,
            arguments=filled.arguments,
            reason=reason if by.startswith("agent:") else None,
            on_behalf_of=for_whom(first.content.on_behalf_of, by),
        )
        it = Proposal(
            id=self._ledger.id("req"),
            policy=policy,
            submission=submission,
            agent=first.agent,
            now=now,
            chance=self._chance(),
            title=_title(policy, spec, filled),
            prints=prints_of(policy, submission),
        )
        standing = counted(tx, it)
        route = standing.routing.route
        route = replace(
            route,
            hidden=tuple(sorted({*route.hidden, *filled.hidden})),
            notes=notes_of(first, self._link(first.id), policy.people, by=by, reason=reason),
            of=first.id,
            unsaid=repeatable(first),
            asked=None if by.startswith("agent:") else by,
        )
        standing = replace(standing, routing=replace(standing.routing, route=route))
        # Barred already; as the request's own it would read as the agent's word.
        it = replace(it, submission=replace(submission, on_behalf_of=first.content.on_behalf_of))
        deed = self._written(tx, it, standing, actor=by, via=via, takes_back=first.id)
        linked = replace(run, rollback=it.id)
        after = replace(first, execution=linked)
        effects = self._rounds.refresh(after, policy, tx.deliveries(first.id))
        event = self._event("rollback.proposed", first, actor=by, via=via, rollback=it.id)
        tx.record(Change(event=event, execution_before=run, execution=linked, effects=effects, of=first))
        if not by.startswith("agent:"):
            effects += self._regretted(tx, first, "is to be rolled back, as a person asked", Ending.INCIDENT)
        return replace(deed, effects=deed.effects + effects, others=(after,))


def under_way(rollback: Request) -> bool:
    """Whether a rollback still waits, runs, or may have run."""
    run = rollback.execution
    if rollback.state.open:
        return True
    return run is not None and (not run.state.ended or run.state is ExecutionState.UNKNOWN)


def may_be_rolled_back(policy: Policy, first: Request) -> bool:
    """Whether a rollback may be proposed now, or one that is under way be looked at."""
    run, spec = first.execution, policy.action(first.action)
    ran = run is not None and run.state in (ExecutionState.EXECUTED, ExecutionState.UNKNOWN)
    return ran and spec.rollback is not None and spec.rollback.filling is not None


def filled_for(policy: Policy, first: Request) -> Filled:
    """The arguments that take a request back; raises `Conflict` where its templates cannot be filled."""
    filling = _way_back(policy.action(first.action)).filling
    if filling is None or first.execution is None:
        raise AssertionError("what ran under rules that are in force has its templates compiled")
    given, result = first.content.arguments, first.execution.result
    try:
        arguments = filling.filled(given, result)
    except NotFilled as wanting:
        raise errors.Conflict(f"Its rollback cannot be written: {wanting}.") from None
    return Filled(arguments, _hidden(filling, first))


def _hidden(filling: Filling, first: Request) -> tuple[str, ...]:
    """Pointers of what is other once all that the first request hides is hidden: those show something of it."""
    seen = shown(first)
    if seen is first or first.execution is None or seen.execution is None:
        return ()
    whole = filling.leaves(first.content.arguments, first.execution.result)
    without = filling.leaves(seen.content.arguments, seen.execution.result)
    return tuple([f"/arguments{pointer}" for pointer, value in whole.items() if without[pointer] != value])


def _title(policy: Policy, spec: ActionSpec, filled: Filled) -> str:
    secret = [names(pointer) for pointer in spec.secret(filled.arguments)]
    hidden = [names(pointer)[1:] for pointer in filled.hidden]
    return policy.title(spec.name, masked(filled.arguments, (*secret, *hidden)))


def _ran(first: Request) -> Execution:
    """The run of a request that may be taken back; raises `Conflict` where there is nothing to take back."""
    run = first.execution
    if run is None or run.state not in (ExecutionState.EXECUTED, ExecutionState.UNKNOWN):
        now = "none" if run is None else str(run.state)
        said = _ENDED.get(run.state) if run is not None else None
        raise errors.Conflict(said or f"Nothing of it ran that could be rolled back; its run is: {now}.", execution=now)
    return run


def _way_back(spec: ActionSpec) -> Rollback:
    if spec.rollback is None:
        raise errors.Conflict(f"No way back is declared: {spec.name} has no rollback in routing.yaml.")
    return spec.rollback


def notes_of(
    first: Request, page: str, people: Mapping[str, Person], *, by: str, reason: str | None
) -> tuple[tuple[str, str], ...]:
    """What a rollback's card says of the first request, as everybody may see that."""
    seen = shown(first)
    run = _ran(seen)
    notes = [("Takes back", f"{seen.title}, see {page}"), ("That one ended", _ended(run, run.ended_at))]
    if run.state is ExecutionState.UNKNOWN:
        notes.append(("Careful", UNSURE))
    if run.result is not None:
        text = literal(run.result)
        text = _BROKEN.sub(" ", text) if isinstance(run.result, dict | list) else text
        notes.append(("It gave", text if len(text) <= _SAID else f"{text[:_SAID]}… (the whole is on its page)"))
    if not by.startswith("agent:"):
        notes.append(_asker(people, by, reason))
    return tuple(notes)


def _asker(people: Mapping[str, Person], by: str, reason: str | None) -> tuple[str, str]:
    role, _, name = by.partition(":")
    who = name_of(name, people) if role == "person" else by
    return "Asked for by", f"{who}: {reason}" if reason else who


def _ended(run: Execution, at: datetime | None) -> str:
    return f"{run.state}, {clock(at)}"
