"""What people do at the desk, whichever channel they come through: decide, look, be refused aloud."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec.structs import replace

from bot.core import errors, guards, lifecycle
from bot.core.about import about
from bot.core.card import Card, next_step_at
from bot.core.digest import recompute
from bot.core.edits import differences, touched
from bot.core.errors import Fault
from bot.core.fingerprint import fingerprints_in
from bot.core.forms import Field, fields_of
from bot.core.model import Arguments, Decision, Delivery, Kind, Option, Person, Request, State, Verb
from bot.core.policy import HOUSE
from bot.core.ports import Ballot, Change, Effect, Filter, Tx
from bot.core.redaction import paths_of, shown, uneditable
from bot.core.restoring import restored
from bot.core.subjects import fixed
from bot.desk.attentive import attentive
from bot.desk.ledger import Deed
from bot.desk.part import changed, voted
from bot.desk.sequels import Sequels

_QUEUE = 500


class Reviewers(Sequels):
    """The people's side; it is the `Reviews` port that channels are given."""

    async def decide(self, ballot: Ballot) -> Request:
        """Count a person's decision; exactly one click wins. What is refused is recorded, then raised."""

        def work(tx: Tx) -> Deed:
            request = self._load(tx, ballot.request)
            if ballot.id is not None and any(kept.id == ballot.id for kept in request.decisions):
                # The same act, delivered again: it counted, and counts once.
                return Deed(request, fresh=False)
            # One moment for all of it, so that a decision is never later than what it was allowed by.
            now = self._ledger.clock.now()
            self._may_decide(ballot.by)
            if not ballot.break_glass:
                lifecycle.authorise(request, ballot, now)
            if ballot.decision in (Verb.APPROVE, Verb.APPROVE_WITH_EDITS):
                _intact(request)
            return (self._broken if ballot.break_glass else self._decided)(tx, request, ballot, now)

        with about(request=ballot.request, channel=ballot.channel, who=f"person:{ballot.by}"):
            by, via = f"person:{ballot.by}", ballot.channel
            return (await self._allowed(work, request_id=ballot.request, actor=by, via=via)).given

    def _decided(self, tx: Tx, request: Request, ballot: Ballot, now: datetime) -> Deed:
        after, decision, guard = self._counted(tx, request, ballot, now)
        execution = self._unless_paused(tx, after, self._planned(after))
        after = replace(after, execution=execution or request.execution)
        standing = tx.deliveries(request.id)
        deliveries: tuple[Delivery, ...] = ()
        asked: tuple[Effect, ...] = ()
        told: tuple[Effect, ...] = ()
        if after.state.open and after.revision != request.revision:
            note = "It was edited, and earlier votes no longer count. Please look again."
            deliveries, asked = self._rounds.again(after, self._policy(), standing, note)
        elif moved := changed(request, after):
            deliveries, asked = self._rounds.ask(after, self._policy(), standing, tracks=moved)
        if after.state is State.NEEDS_INFO:
            told = self._rounds.tell_agent(after, self._policy(), "request.needs_info")
        elif not after.state.open:
            told = self._rounds.tell_agent(after, self._policy(), "request.decided")
        effects = self._rounds.refresh(after, self._policy(), standing) + asked + told
        event = self._event(
            "request.decided" if not after.state.open else f"request.{decision.decision}",
            request,
            actor=f"person:{ballot.by}",
            via=ballot.channel,
            guard=guard,
            **voted(decision, (ballot.revision, ballot.digest)),
        )
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
        self._kept_in_mind(tx, request, after, now)
        effects += self._learnt(tx, request, after, decision)
        if not after.state.open and after.action.startswith(HOUSE):
            turned = self._sequel(tx, after, decision)
            return Deed(after, effects + turned.effects, execution, others=turned.others)
        return Deed(after, effects, execution)

    def _counted(self, tx: Tx, request: Request, ballot: Ballot, now: datetime) -> tuple[Request, Decision, str | None]:
        """The request after a decision, the decision, and which guard of attention made something of it."""
        looked = attentive(tx, self._policy().attention, request, ballot, now)
        after, decision = self._applied(looked.request, ballot, now)
        if looked.request is not request:
            after = guards.handed_on(after, decision.stage, now)
        if request.route.practice is not None:
            after = guards.ended_by_question(after, now)
        return after, decision, looked.guard

    def _kept_in_mind(self, tx: Tx, request: Request, after: Request, now: datetime) -> None:
        """What was rejected is known again. A practice teaches people only: its agent never asked for that."""
        if request.route.practice is not None:
            self._practised(tx, after)
        elif after.state is State.REJECTED:
            for each in fingerprints_in(request, request.content.target):
                tx.keep_rejection(each, request.id, now)

    def _applied(self, request: Request, ballot: Ballot, now: datetime) -> tuple[Request, Decision]:
        decision = self._decision(request, ballot, now)
        if ballot.decision is Verb.APPROVE_WITH_EDITS:
            return self._edited(request, ballot, decision)
        if ballot.decision is Verb.APPROVE:
            after = self._approved(request, decision)
        elif ballot.decision is Verb.REJECT:
            after = lifecycle.reject(request, decision, now)
        elif ballot.decision is Verb.ASK:
            if not (ballot.comment or "").strip():
                raise errors.Invalid(
                    "Say what you want to know.", faults=(Fault("/comment", "required", "say what you want to know"),)
                )
            after = lifecycle.ask(request, decision)
        else:
            after = lifecycle.escalate(request, decision, now)
        return after, after.decisions[-1]

    def _approved(self, request: Request, decision: Decision) -> Request:
        """An approval, which for a question is its answer, and for a choice the option that is picked."""
        content, answer = request.content, decision.answer
        if request.kind is Kind.APPROVAL:
            if answer is not None:
                raise errors.Invalid.at("/answer", "unexpected", "nothing was asked that could be answered")
            return lifecycle.approve(request, decision, decision.at)
        if request.kind is Kind.CHOICE:
            return self._picked(request, decision, answer or content.chosen)
        if request.kind is Kind.QUESTION:
            if content.options:
                _option(request, answer)
            elif not (answer or "").strip():
                raise errors.Invalid.at("/answer", "required", "say the answer")
        return _answered(lifecycle.approve(request, decision, decision.at), answer)

    def _picked(self, request: Request, decision: Decision, picked: str | None) -> Request:
        """The option's arguments become the next revision, approved by whoever picked it (or the one that stands)."""
        option = _option(request, picked)
        decision = replace(decision, answer=option.id)
        if option.id == request.content.chosen:
            return _answered(lifecycle.approve(request, decision, decision.at), option.id)
        author = f"person:{decision.by}"
        content = self._next_revision(request, author=author, arguments=option.arguments, chosen=option.id)
        edited = self._rerouted(request, content)
        counted = replace(decision, revision=content.number, digest=content.digest)
        return _answered(lifecycle.edit(request, edited, counted, decision.at), option.id)

    def _edited(self, request: Request, ballot: Ballot, decision: Decision) -> tuple[Request, Decision]:
        if request.kind is not Kind.APPROVAL:
            raise errors.Invalid.at("/decision", "kind", f"what is of the kind {request.kind} is answered, not edited")
        old, new = request.content.arguments, ballot.arguments
        if new is None:
            raise errors.Invalid(
                "The edited arguments are missing.", faults=(Fault("/arguments", "required", "give them whole"),)
            )
        spec = self._policy().action(request.action)
        if ballot.channel == "api":
            _unguessed(spec.editable, request, new)
        new = restored(new, old, paths_of(request.route))
        if not differences(old, new):
            after = lifecycle.approve(request, replace(decision, decision=Verb.APPROVE), decision.at)
            return after, after.decisions[-1]
        self._checked(spec, new)
        _may_be_edited(spec.editable, touched(old, new))
        proposed = old if request.content.proposed is None else request.content.proposed
        author = f"person:{ballot.by}"
        content = self._next_revision(request, author=author, arguments=new, proposed=proposed)
        edited = self._rerouted(request, content)
        decision = replace(decision, revision=content.number, digest=content.digest, edits=differences(old, new))
        after = lifecycle.edit(request, edited, decision, decision.at)
        return after, after.decisions[-1]

    async def request(self, request_id: str) -> Request | None:
        """The request as it stands."""
        return await self._ledger.store.request(request_id)

    async def card(self, request_id: str) -> Card | None:
        """Its card as it stands."""
        request = await self._ledger.store.request(request_id)
        return None if request is None else self._card(request)

    def card_of(self, request: Request) -> Card:
        """The card of a request at hand."""
        return self._card(request)

    async def queue(self, person: str) -> tuple[Card, ...]:
        """The cards that wait for this person, soonest deadline first."""
        mine = await self._ledger.store.requests(
            Filter(states=(State.PENDING,), reviewer=person, limit=_QUEUE, spoilt=True)
        )
        waiting = [r for r in mine if r.waits_for(person)]
        waiting.sort(key=lambda r: (next_step_at(r) or r.expires_at, r.id))
        return await self.cards(waiting)

    async def cards(self, requests: Sequence[Request]) -> tuple[Card, ...]:
        """The cards of several, others having their turns between them: the largest take 0.1 s each (threat T13)."""
        drawn = []
        for request in requests:
            drawn.append(self._card(request))
            await asyncio.sleep(0)
        return tuple(drawn)

    async def delivery_at(self, channel: str, place: Mapping[str, str]) -> Delivery | None:
        """Which card stands at this place."""
        return await self._ledger.store.delivery_at(channel, place)

    def person(self, person_id: str) -> Person | None:
        """A person by id."""
        return self._policy().people.get(person_id)

    def person_by_slack(self, user: str) -> Person | None:
        """A person by Slack user id."""
        return next((p for p in self._policy().people.values() if p.slack == user), None)

    def fields(self, request: Request) -> tuple[Field, ...]:
        """The form for editing this request's arguments."""
        spec = self._policy().action(request.action)
        document = spec.schema.document if spec.schema else None
        hidden = uneditable(request.route) | fixed(request)
        editable = spec.editable
        if hidden:
            listed = document.get("properties") if document else None
            named = dict.fromkeys((*(listed if isinstance(listed, dict) else ()), *request.content.arguments))
            editable = tuple(n for n in named if n not in hidden and (spec.editable is None or n in spec.editable))
        return fields_of(document, request.content.arguments, editable)


def _answered(request: Request, answer: str | None) -> Request:
    """The request with its answer once that is approved: its agent must not take one vote for the result."""
    return replace(request, answer=answer) if request.state.approved else request


def _option(request: Request, picked: str | None) -> Option:
    """The option with this id; refused where there is none."""
    found = next((option for option in request.content.options if option.id == picked), None)
    if found is None:
        known = ", ".join(option.id for option in request.content.options)
        raise errors.Invalid.at("/answer", "option", f"pick one of the options: {known}")
    return found


def _intact(request: Request) -> None:
    """Refuse to approve what was changed in the store: an action that its agent runs has no claim that would see it."""
    try:
        same = recompute(request.content, request.agent) == request.digest
    except (ValueError, RecursionError):
        same = False
    if not same:
        raise errors.DigestMismatch


def _may_be_edited(editable: tuple[str, ...] | None, changed: Sequence[str]) -> None:
    fixed = [name for name in changed if editable is not None and name not in editable]
    if fixed:
        faults = tuple(Fault(f"/arguments/{n}", "not_editable", f"{n} may not be edited") for n in fixed)
        open_to_edit = f"only {', '.join(editable)} may" if editable else "nothing of this action may"
        raise errors.Invalid(f"{', '.join(fixed)} may not be edited; {open_to_edit}.", faults=faults)


def _unguessed(editable: tuple[str, ...] | None, request: Request, given: Arguments) -> None:
    """Refuse any value but the mark for what is hidden and fixed, the right one too, for the answer would tell it.

    Forms send the value itself, which nobody could type into them.
    """
    hidden, known = uneditable(request.route), shown(request).content.arguments
    _may_be_edited(editable, [name for name in given if name in hidden and given[name] != known.get(name)])
