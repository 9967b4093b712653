"""What every part of the desk stands on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from bot.core import errors, lifecycle
from bot.core.card import Card, card_of
from bot.core.digest import canonical, digest_of
from bot.core.edits import submission_of, tightened
from bot.core.errors import Fault
from bot.core.model import (
    Arguments,
    Assessment,
    Decision,
    Delivery,
    DeliveryState,
    Event,
    Execution,
    ExecutionState,
    Request,
    Revision,
    Risk,
    Route,
    State,
    Then,
    Track,
    Verb,
)
from bot.core.pointers import names
from bot.core.policy import HOUSE, ActionSpec, Bounds, Policy, route
from bot.core.ports import Ballot, Change, Effect, Tx, Unreachable
from bot.core.redaction import masked, paths_of, veil_of
from bot.core.subjects import check_kept
from bot.desk.ledger import Deed, Ledger
from bot.desk.remedies import undo_text
from bot.desk.rounds import Rounds
from bot.desk.switch import whose
from bot.desk.trusted import Trusted

_place = attrgetter("stage", "step", "round", "held_until")
_MAX_ARGUMENTS = 256 * 1024
TRIED_AGAIN = timedelta(days=1)
"""How long an address that reached nobody is left alone."""


class Part:
    """The ledger, the rounds and the policy in force, with what more than one part needs of them."""

    def __init__(
        self, ledger: Ledger, rounds: Rounds, policy: Callable[[], Policy], link: Callable[[str], str]
    ) -> None:
        """``link`` gives the address of a request's page."""
        self._ledger = ledger
        self._rounds = rounds
        self.trust = Trusted(policy, ledger.clock)
        self._policy = self.trust.current
        self._link = link

    def _load(self, tx: Tx, request_id: str, *, agent: str | None = None) -> Request:
        """The request, or `NotFound`; an agent finds only its own."""
        request = tx.request(request_id)
        strange = agent is not None and request is not None and (request.agent != agent or _of_the_house(request))
        if request is None or strange:
            raise errors.NotFound("There is no such request, or it is not yours to see.")
        return request

    def _regretted(self, tx: Tx, request: Request, what: str | None) -> tuple[Effect, ...]:  # noqa: ARG002  # trust's part says
        """What follows where a request that an earned rule answered went wrong, or unseen (None), without a vote."""
        return ()

    def _event(self, kind: str, request: Request | None, *, actor: str, via: str, **data: Any) -> Event:
        return Event(
            type=kind,
            at=self._ledger.clock.now(),
            actor=actor,
            via=via,
            request=None if request is None else request.id,
            data={name: value for name, value in data.items() if value is not None},
        )

    def _next_revision(self, request: Request, *, author: str, arguments: Arguments, **changes: Any) -> Revision:
        """The request's content with these arguments, as its next revision.

        A person's edit or pick runs where they were shown that it would, or, the file having changed, not at all.
        """
        content = request.content
        by_person = author.startswith("person:")
        target = content.target if by_person else self._policy().action(content.action).execute.target
        number = content.number + 1
        digest = digest_of(
            request=request.id,
            revision=number,
            agent=request.agent,
            action=content.action,
            arguments=arguments,
            target=target,
        )
        fixed = {"number": number, "digest": digest, "author": author, "arguments": arguments, "target": target}
        return replace(content, created_at=self._ledger.clock.now(), **fixed, **changes)

    def _rerouted(self, request: Request, content: Revision) -> Request:
        """The request with this content, routed anew and never laxer; refused where the rules would block it."""
        check_kept(request, content)
        policy = self._policy()
        # A rollback hides what its first request does, which its own action need not know of.
        secret = [*map(names, policy.action(content.action).secret(content.arguments)), *paths_of(request.route)]
        fresh = self._walked(request, content)
        if fresh.then is Then.BLOCK:
            fault = Fault("/arguments", "blocked", f"the rule {fresh.rule!r} blocks this content")
            raise errors.Invalid(
                f"With these arguments the rule {fresh.rule!r} would block the request.", faults=(fault,)
            )
        title = policy.title(content.action, masked(content.arguments, secret))
        stricter = tightened(request.route, fresh)
        return replace(
            request,
            content=content,
            title=veil_of(stricter, content, request.content).text(title),
            route=stricter,
            risk=max(request.risk, fresh.risk, key=lambda risk: Risk(risk).rank),
        )

    def _walked(self, request: Request, content: Revision, advice: tuple[Assessment, ...] = ()) -> Route:
        """What the rules say of a request's content now, knowing what is known of it."""
        submission = submission_of(content, route=request.route, kind=request.kind)
        opinions = {given.by: given.opinion for given in (*request.advice, *advice)}
        bounds = Bounds(refused=request.route.refused, advice=opinions)
        now = self._ledger.clock.now()
        return route(self._policy(), submission, agent=request.agent, now=now, bounds=bounds).route

    def _checked(self, spec: ActionSpec, arguments: Arguments) -> None:
        """Refuse arguments that JSON cannot carry or that break the action's schema."""
        try:
            size = len(canonical(arguments))
        except (ValueError, RecursionError) as problem:
            fault = Fault("/arguments", "json", str(problem) or "nested too deep")
            raise errors.Invalid("The arguments are not JSON that can be kept exactly.", faults=(fault,)) from None
        if size > _MAX_ARGUMENTS:
            fault = Fault("/arguments", "size", f"{size} bytes, at most {_MAX_ARGUMENTS}")
            raise errors.Invalid("The arguments are too large.", faults=(fault,))
        found = spec.schema.faults(arguments) if spec.schema else ()
        if found:
            faults = tuple(Fault(f"/arguments{f.pointer.rstrip('/')}", f.rule, f.detail) for f in found)
            raise errors.Invalid(f"{faults[0].pointer}: {faults[0].detail}", faults=faults)

    def _decision(self, request: Request, ballot: Ballot, now: datetime) -> Decision:
        """What a ballot says, as it is kept: in which stage it counts, and as whom its author was asked."""
        return Decision(
            id=ballot.id or self._ledger.id("dec"),
            request=request.id,
            decision=ballot.decision,
            by=ballot.by,
            at=now,
            channel=ballot.channel,
            revision=request.revision,
            digest=request.digest,
            comment=ballot.comment,
            category=ballot.category,
            answer=ballot.answer,
            **lifecycle.place_of(request, ballot.by),
        )

    def _planned(self, request: Request) -> Execution | None:
        """The execution that an approved request gets: after the undo window, or at once in the agent's own hands."""
        spec = self._policy().action(request.content.action)
        if not request.state.approved or not request.kind.runs or spec.execute.nothing:
            return None
        if request.route.practice is not None:
            return None
        now = self._ledger.clock.now()
        # Another target than the approved one is left to the claim, which refuses it.
        # What is taken back is marked as that by the claim, so a rollback passes through it, too.
        free = not spec.undo_window and request.content.takes_back is None
        handed = spec.execute.agent and free and request.content.target == spec.execute.target
        return Execution(
            id=self._ledger.id("exe"),
            request=request.id,
            revision=request.revision,
            digest=request.digest,
            state=ExecutionState.EXECUTING if handed else ExecutionState.WAITING,
            due_at=now + (spec.execute.timeout if handed else spec.undo_window),
            attempts=1 if handed else 0,
            attempts_allowed=spec.execute.attempts,
            idempotent=spec.execute.idempotent,
            by_agent=spec.execute.agent,
            started_at=now if handed else None,
        )

    def _unless_paused(self, tx: Tx, request: Request, execution: Execution | None) -> Execution | None:
        """What would be in the agent's hands at once waits instead while its replays are stopped."""
        if execution is None or execution.state is not ExecutionState.EXECUTING:
            return execution
        if not tx.paused(*whose(request, by_agent=execution.by_agent)):
            return execution
        now = self._ledger.clock.now()
        return replace(execution, state=ExecutionState.WAITING, due_at=now, attempts=0, started_at=None)

    def _ended(self, tx: Tx, request: Request, event: str | None) -> tuple[Effect, ...]:
        """What the world is told of a change: every card, and the agent where it listens."""
        return self._told(request, event, tx.deliveries(request.id))

    def _told(self, request: Request, event: str | None, standing: tuple[Delivery, ...]) -> tuple[Effect, ...]:
        """As `_ended`, of a request whose cards are known."""
        told = self._rounds.tell_agent(request, self._policy(), event) if event else ()
        return self._rounds.refresh(request, self._policy(), standing) + told

    def _undelivered(self, tx: Tx, lost: Delivery, error: str, done: tuple[str, ...], *, gone: bool = False) -> Deed:
        """A card did not arrive, or is ``gone``, and the chain moves on where nobody else of its step was reached."""
        after = replace(lost, state=DeliveryState.FAILED, at=self._ledger.clock.now(), error=error)
        event = self._delivery_event("delivery.failed", after, None)
        tx.record(Change(event=event, deliveries=(after,), done=done))
        return self._moved_on(tx, self._load(tx, lost.request), after, again=gone)

    def _moved_on(self, tx: Tx, request: Request, failed: Delivery, *, again: bool = False) -> Deed:
        """What is done because a card did not arrive: another way to the same person, else the next step."""
        policy, standing = self._policy(), tx.deliveries(request.id)
        # A card of an earlier step may be the one at which somebody of the newest was to be reached.
        asking = self._rounds.asked_by(request, failed)
        deliveries, effects = self._rounds.otherwise(request, policy, standing, asking, failed if again else None)
        if deliveries:
            event = self._event("request.asked", request, actor="sayso", via="courier", reason="undeliverable")
            tx.record(Change(event=event, deliveries=deliveries, effects=effects))
        lost = self._rounds.unreached(request, failed, tx.deliveries(request.id))
        moved = request
        for track in lost:
            after = lifecycle.move_on(moved, track.stage, self._ledger.clock.now())
            if after is None:
                continue
            standing = tx.deliveries(request.id)
            deliveries, asked = self._rounds.ask(after, policy, standing, tracks=changed(moved, after))
            done = self._rounds.refresh(after, policy, standing) + asked
            event = self._event("request.escalated", moved, actor="sayso", via="courier", reason="undeliverable")
            tx.record(Change(event=event, before=moved, after=after, deliveries=deliveries, effects=done))
            moved, effects = after, effects + done
        return Deed(None if moved is request else moved, effects)

    def _lost(self, tx: Tx, channel: str, to: str, error: str) -> None:
        """Nobody is reached at an address any more. Said once, and the day counts from then, or it would never end."""
        now = self._ledger.clock.now()
        known = tx.unreachable_at(channel, to)
        if known is not None and now - known.at < TRIED_AGAIN:
            return
        tx.mark_unreachable(Unreachable(channel=channel, to=to, error=error, at=now))
        tx.append(self._event("address.unreachable", None, actor="sayso", via=channel, address=to, error=error))

    def _found(self, tx: Tx, channel: str, to: str) -> None:
        """Somebody is reached at an address again, where that was not so."""
        if tx.forget_unreachable(channel, to):
            tx.append(self._event("address.reachable", None, actor="sayso", via=channel, address=to))

    def _delivery_event(self, kind: str, delivery: Delivery, shown: Request | None) -> Any:
        event = self._event(kind, None, actor="sayso", via=delivery.channel, digest=shown.digest if shown else None)
        return replace(event, request=delivery.request)

    def _card(self, request: Request) -> Card:
        policy = self._policy()
        spec = policy.action(request.action)
        return card_of(
            request,
            people=policy.people,
            url=self._link(request.id),
            undo=undo_text(spec),
            editable=spec.editable is None or bool(spec.editable),
        )


def _of_the_house(request: Request) -> bool:
    """Whether the house asks by itself; no agent's key reaches that, whatever the agent is called."""
    return request.action.startswith(HOUSE) or request.route.practice is not None


def changed(before: Request, after: Request) -> tuple[Track, ...]:
    """The stages that ask somebody now and did not, or ask another step."""
    now, were = after.open_tracks, before.tracks
    if len(now) == 1 == len(were):  # nearly always, and asked at every step
        return now if _place(now[0]) != _place(were[0]) else ()
    known = [_place(track) for track in were]
    return tuple([track for track in now if _place(track) not in known])


def questioned(request: Request) -> bool:
    """Whether somebody asked about it, or voted against it: who then withdraws it has not escaped a rejection."""
    return any(decision.decision in (Verb.ASK, Verb.REJECT) for decision in request.decisions)


def outcome_event(request: Request) -> str:
    """The webhook's name for how a request ended."""
    return "request.expired" if request.state is State.EXPIRED else "request.decided"


def voted(decision: Decision, shown: tuple[int, str]) -> dict[str, Any]:
    """What the audit keeps of what the person had before them."""
    return {"shown": {"revision": shown[0], "digest": shown[1]}, "decision_id": decision.id}
