"""What is proposed to an admin: which grant the evidence would carry, and what it would have done in its own window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.core.accounts import Charge
from bot.core.counting import counted
from bot.core.edits import submission_of
from bot.core.insight.fact import Fact
from bot.core.model import Request, State, Then
from bot.core.policy import Bounds, Policy, Rule
from bot.core.policy.terms import terms, within
from bot.core.policy.trust import Trust
from bot.core.trust.drift import Baseline, baseline_of
from bot.core.trust.evidence import Evidence, earned_level
from bot.core.trust.grants import BURST, Ending, Grant, GrantState, earned, terms_of
from bot.core.trust.tally import failed

UNDECIDED_RESTS = 7
"""Days for which what nobody decided, or what its evidence did not carry for as long, is not proposed again."""


_REST = (Ending.REFUSED, Ending.UNDECIDED, Ending.WITHDRAWN)


class BackTest(Struct, frozen=True, kw_only=True):
    """The window's history, routed again with the grant.

    Of ``of`` requests the grant would have run ``ran`` without asking (its sample left out of account), and of those
    people edited, rejected or took back the ones in ``wrong``, or an incident came of them (ids, oldest first).
    """

    of: int
    ran: int
    wrong: tuple[str, ...]


class Standing(Struct, frozen=True):
    """The grants of one rule, agent and action: the one in force, the one proposed, those that ended, newest first."""

    in_force: Grant | None
    proposed: Grant | None
    ended: tuple[Grant, ...]

    @property
    def since(self) -> datetime | None:
        """When something was last taken back; what was shown before counts no more."""
        return next((g.ended_at for g in self.ended if g.ending is not None and g.ending.tightens), None)

    @property
    def before(self) -> Grant | None:
        """What is renewed: the grant in force, or the last that ran its time, nothing having been taken back since."""
        if self.in_force is not None:
            return self.in_force
        over = next((g for g in self.ended if g.granted_at is not None), None)
        return over if over is not None and over.ending in (Ending.EXPIRED, Ending.REPLACED) else None


def standing(grants: Iterable[Grant]) -> Standing:
    """How the grants of one rule, agent and action stand."""
    every = sorted(grants, key=lambda grant: grant.ended_at or grant.proposed_at, reverse=True)
    return Standing(
        next((g for g in every if g.state is GrantState.IN_FORCE), None),
        next((g for g in every if g.state is GrantState.PROPOSED), None),
        tuple(g for g in every if g.state is GrantState.ENDED),
    )


def rests(trust: Trust, stands: Standing, now: datetime) -> str | None:
    """Why nothing may be proposed now whatever the evidence, in words, or None."""
    if stands.proposed is not None:
        return f"{stands.proposed.request} is proposed already"
    for grant in stands.ended:
        if grant.ended_at is None or grant.ending not in _REST:
            continue
        days = trust.window.days if grant.ending is Ending.REFUSED else UNDECIDED_RESTS
        if (now - grant.ended_at).days < days:
            return f"{grant.request} was {grant.ending}; it is not proposed again for {days} days"
    return None


def proposable(rule: Rule, evidence: Sequence[Evidence], stands: Standing, now: datetime) -> int | None:
    """The band to propose now: earned, and wider than what is in force; None: nothing."""
    if rule.trust is None or rests(rule.trust, stands, now) is not None:
        return None
    level = earned_level(evidence)
    held = stands.in_force
    if level is None or (held is not None and held.level >= level):
        return None
    return level


def grant_of(policy: Policy, rule: Rule, evidence: Sequence[Evidence], facts: Sequence[Fact], **known: Any) -> Grant:
    """The grant that the evidence (the bands that are granted, lowest first) carries, and ``facts`` are behind.

    ``known``: ``id``, ``request``, ``target``, ``proposed_at``, and ``before``, the grant that it renews, if any.
    """
    trust, top = rule.trust, evidence[-1]
    if trust is None:
        raise AssertionError("only a rule with trust has evidence")
    before: Grant | None = known.pop("before", None)
    now = terms(policy, rule, top.action)
    grant = Grant(
        rule=rule.name,
        terms=terms_of(policy, rule, top.action),
        above=now[1:],
        agent=top.agent,
        action=top.action,
        # A wider band can be so by one number alone; of the others what the lower bands showed stands.
        ceilings={pointer: max(each.shown[pointer] for each in evidence) for pointer in top.ceilings},
        level=top.level,
        confidence=trust.confidence,
        irreversible=top.action in trust.irreversible,
        sample=trust.sample,
        per_day=BURST,
        lasts=trust.lasts,
        ask=trust.ask,
        **known,
    )
    since = known["proposed_at"] - trust.window
    like = [f for f in facts if f.rule == grant.name or within(f.terms, now)]
    busiest = sum(each.busiest for each in evidence)
    per_day = max(BURST * busiest, _kept_up(grant, before, busiest, like, since), BURST)
    return replace(grant, per_day=per_day, baseline=behaviour(grant, like, since))


def _kept_up(grant: Grant, before: Grant | None, busiest: int, facts: Iterable[Fact], since: datetime) -> int:
    """The limit of what is renewed, as far as it was used: people saw a sample alone, by which it would shrink.

    What ran by itself raises no limit, or an agent would raise its own each time.
    """
    if before is None or before.terms != grant.terms:
        return 0
    ran = Counter(f.created_at.date() for f in facts if f.rule == grant.name and f.created_at >= since)
    return min(before.per_day, BURST * (busiest + max(ran.values(), default=0)))


def covers(grant: Grant, numbers: Mapping[str, float], confidence: float | None) -> bool:
    """Whether numbers and confidence lie within a grant's bounds."""
    if grant.confidence is not None and (confidence is None or confidence < grant.confidence):
        return False
    return all(0 <= numbers.get(pointer, -1.0) <= top for pointer, top in grant.ceilings.items())


def behaviour(grant: Grant, facts: Sequence[Fact], since: datetime) -> Baseline:
    """How the agent behaved since, in what the grant covers; how right it was, in all that people decided.

    How often it asked is read from what ran by an earlier grant, too: people saw a sample of that alone, and by it the
    agent would ask ten times as often as before. How much, and how sure, from what came before people.
    """
    about, names = (grant.agent, grant.action), (grant.rule, grant.name)
    every = [f for f in facts if (f.agent, f.action) == about and f.rule in names and f.created_at >= since]
    asked = [f for f in every if covers(grant, f.numbers, f.confidence)]
    covered = [f for f in asked if f.rule == grant.rule]
    decided = [f for f in every if f.by_person]
    return baseline_of(
        [f.created_at for f in asked],
        {pointer: [f.numbers[pointer] for f in covered] for pointer in grant.ceilings},
        [f.confidence for f in decided],
        [f.unchanged and not failed(f) for f in decided],
    )


def back_test(policy: Policy, grant: Grant, requests: Iterable[Request], now: datetime) -> BackTest:
    """Route requests (oldest first) again as if the grant had been in force; ``policy`` is the file's alone."""
    in_force = replace(grant, state=GrantState.IN_FORCE, until=now + grant.lasts)
    with_grant = earned(policy, (in_force,), now)
    spent_at: dict[str, list[tuple[datetime, int]]] = {}
    of, ran, wrong = 0, 0, []
    for request in requests:
        content, at = request.content, request.created_at
        of += 1
        proposed = content if content.proposed is None else replace(content, arguments=content.proposed)
        submission = submission_of(proposed, route=request.route, kind=request.kind)

        def spent(rule: Rule, charge: Charge, at: datetime = at) -> tuple[int, int]:
            per = rule.limit.per if rule.limit is not None else now - now
            there = [much for when, much in spent_at.get(f"{rule.name} {charge.key}", ()) if at - when <= per]
            return len(there), sum(there)

        found = counted(with_grant, submission, agent=request.agent, now=at, bounds=Bounds(), chance=1.0, spent=spent)
        for rule, charge in found.charges:
            spent_at.setdefault(f"{rule.name} {charge.key}", []).append((at, charge.amount))
        if found.routing.route.then is Then.APPROVE and found.routing.route.rule == grant.name:
            ran += 1
            if _went_wrong(request):
                wrong.append(request.id)
    return BackTest(of=of, ran=ran, wrong=tuple(wrong))


def _went_wrong(request: Request) -> bool:
    run = request.execution
    harmed = run is not None and bool(run.incidents)
    return harmed or request.state in (State.REJECTED, State.APPROVED_WITH_EDITS)
