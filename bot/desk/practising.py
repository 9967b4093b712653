"""Declared practices: a known bad request is put before people as if an agent had proposed it; it can never run.

When the next one comes is drawn by lot and kept, so that neither a restart nor another process changes it.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from bot.core import errors
from bot.core.model import Request, Submission, Then
from bot.core.policy import (
    Bounds,
    Policy,
    Practice,
    PracticeRequest,
    Routing,
    StageSpec,
    Trial,
    TrialOutcome,
    route,
    staffed,
)
from bot.core.ports import Change, Tx
from bot.core.practice import pause
from bot.core.redaction import seen
from bot.desk.counting import Proposal
from bot.desk.intake import Intake
from bot.desk.ledger import Deed

_KEPT = "practice"
"""Under which name the store keeps when the next one comes."""


class Practising(Intake):
    """The side of exercises."""

    _next: tuple[Practice, datetime] | None = None

    def announced(self) -> str | None:
        """How the team was told of practices; None where there are none."""
        practice = self._policy().practice
        return practice.announced if practice is not None and practice.requests else None

    async def practise(self) -> Request | None:
        """Put a practice before people where its moment has come; to be called again and again, and cheap."""
        practice, now = self._policy().practice, self._ledger.clock.now()
        if practice is None or not practice.requests:
            return None
        if self._next is not None and self._next[0] == practice and self._next[1] > now:
            return None
        deed = await self._ledger.commit(lambda tx: self._exercise_due(tx, practice))
        return deed.request

    def _exercise_due(self, tx: Tx, practice: Practice) -> Deed:
        now = self._ledger.clock.now()
        due = _moment(tx.kept(_KEPT))
        # One that is further away than any lot lies was drawn when practices were rarer, or before the clock was set.
        if due is not None and due <= now + 2 * practice.every:
            if due > now:
                self._next = (practice, due)
                return Deed(None)
            change = self._practice(practice, practice.requests[self._lot() % len(practice.requests)])
            tx.record(change)
            self._drawn(tx, practice, now)
            return Deed(change.after, change.effects)
        self._drawn(tx, practice, now)
        return Deed(None)

    def _drawn(self, tx: Tx, practice: Practice, now: datetime) -> None:
        following = now + pause(practice.every, self._chance())
        tx.keep_newer(_KEPT, following.isoformat())
        self._next = (practice, following)

    def _lot(self) -> int:
        return int.from_bytes(self._ledger.entropy(4), "big")

    async def practise_now(self, name: str, *, by: str) -> Request:
        """Put this one before people now; ``by`` is who asked for it. Raises `Invalid` where there is none of it."""
        practice = self._policy().practice
        known = practice.requests if practice is not None else ()
        one = next((request for request in known if request.name == name), None)
        if practice is None or one is None:
            names = ", ".join(request.name for request in known) or "none"
            raise errors.Invalid.at("/practice", "unknown", f"there is no practice {name!r}; there are: {names}")
        change = self._practice(practice, one, actor=by)

        def work(tx: Tx) -> Deed:
            tx.record(change)
            return Deed(change.after, change.effects)

        return (await self._ledger.commit(work)).given

    def _practice(self, practice: Practice, one: PracticeRequest, *, actor: str = "sayso") -> Change:
        policy = self._policy()
        submission = Submission(
            action=one.action,
            arguments=one.arguments,
            reason=one.reason,
            confidence=one.confidence,
            context=one.context,
        )
        hidden = policy.action(one.action).secret(one.arguments)
        it = Proposal(
            id=self._ledger.id("req"),
            policy=policy,
            submission=submission,
            agent=one.agent,
            now=self._ledger.clock.now(),
            chance=1.0,
            title=policy.title(one.action, seen(one.arguments, hidden)),
        )
        return self._created(it, _routed(policy, practice, one, it), actor=actor, via="scheduler")


def _routed(policy: Policy, practice: Practice, one: PracticeRequest, it: Proposal) -> Routing:
    """The route that the rules give to such a request, but that the chain of the practice is asked, and no agent."""
    walked = route(policy, it.submission, agent=it.agent, now=it.now, bounds=Bounds())
    found, tried = walked.route, walked.trials
    if found.then is not Then.STAGES:
        default = policy.default
        why = "default: no rule held"
        others = [trial for trial in tried if trial.rule != found.rule]
        tried = (*others, Trial(default.name, TrialOutcome.HELD, why))
        found = replace(found, rule=default.name, why=why, gate=default.gate, expires=default.expires)
    bare = replace(
        found,
        then=Then.STAGES,
        stages=(),
        advisors=(),
        advice_within=None,
        grant=None,
        review_after=None,
        practice=one.name,
        lesson=one.lesson,
    )
    return Routing(staffed(policy, bare, (StageSpec(name=practice.chain, chain=practice.chain),), it.now), tried)


def _moment(kept: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(kept) if kept is not None else None
    except ValueError:
        return None
