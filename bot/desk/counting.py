"""What is counted of a proposal before a rule may approve it: limits, a sample, what was rejected before.

Counting happens in the transaction that keeps the request, so that many at once cannot all be the last one that fits
(threat T11). Whatever is found only takes approvals away.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.core import counting
from bot.core.accounts import Charge
from bot.core.fingerprint import fingerprints
from bot.core.model import Submission, Then
from bot.core.policy import COOLDOWN, Bounds, Policy, Routing, Rule, TrialOutcome
from bot.core.ports import AccountEntry, Tx
from bot.core.trust import drift, owing
from bot.core.trust.grants import Grant, numbers_in
from bot.desk.doubts import like

_SAMPLE = "sample "
"""Before the fingerprint of what is among a sample; it is kept beside those of what was rejected."""


class Proposal(Struct, frozen=True, kw_only=True):
    """A submission on its way in. ``chance`` (0 to 1) is drawn for it once, and decides about samples.

    ``title`` is the house's, where it asks by itself; else the action's own. ``prints`` are its fingerprints, where
    they are known already.
    """

    id: str
    policy: Policy
    submission: Submission
    agent: str
    now: datetime
    chance: float
    title: str | None = None
    prints: tuple[str, ...] | None = None


class Counted(Struct, frozen=True):
    """The routing that stands, and what is written to which accounts."""

    routing: Routing
    entries: tuple[AccountEntry, ...] = ()
    drawn: tuple[str, ...] = ()
    """Fingerprints of content that is among a sample, to be kept."""
    grant: Grant | None = None
    """The grant that lets it run, or sampled it, with this request in its watch; or that ends with it."""
    drifted: str | None = None
    """What is other than it was, for which that grant ends."""


def counted(tx: Tx, it: Proposal) -> Counted:
    """The route that stands once all is counted, and what it adds to which accounts.

    A grant may have ended, or the agent may drift by this very request: then its rule answers nothing. Where of its
    sample something is owed, this goes to people, and so does what may be the rest of what they said no to.
    """
    chance = it.chance
    closed: dict[str, tuple[TrialOutcome, str]] = {}
    ended: Counted | None = None
    doubted: tuple[Grant, str] | None = None
    while True:
        standing = _counted(tx, it, closed, chance)
        name, grant_id = _earned(it.policy, standing)
        if grant_id is None:
            standing = standing if doubted is None else _told(standing, *doubted)
            return standing if ended is None else replace(standing, grant=ended.grant, drifted=ended.drifted)
        found = _watched(tx, it, standing, grant_id)
        if found is not None and found.grant is not None and found.drifted is None:
            kin = _like(tx, it, found, found.grant)
            if kin is not None:
                closed[name] = TrialOutcome.NEEDS_PERSON, f"it may be the rest of {kin}, to which people said no"
                doubted = found.grant, kin
                continue
            if not chance or not _owes(it, found):
                return found
            chance = 0.0
            continue
        why = f"what was earned ended: {found.drifted}" if found is not None else "what was earned has ended"
        closed[name] = TrialOutcome.NEEDS_PERSON, why
        ended = found if found is not None else ended


def _like(tx: Tx, it: Proposal, found: Counted, grant: Grant) -> str | None:
    approves = found.routing.route.then is Then.APPROVE
    return like(tx, it.policy, it.submission, it.now, grant) if approves else None


def _told(standing: Counted, grant: Grant, kin: str) -> Counted:
    """What a grant covers and yet does not let run; it is judged as one of its sample, and its card says why."""
    route = standing.routing.route
    if route.then is not Then.STAGES:
        return standing
    note = ("Like one that people said no to", f"See {kin}: it may be the rest of that, in other amounts")
    routed = replace(route, grant=grant.id, notes=(*route.notes, note))
    return replace(standing, routing=replace(standing.routing, route=routed), grant=grant)


def _owes(it: Proposal, found: Counted) -> bool:
    grant = found.grant
    if grant is None or found.routing.route.then is not Then.APPROVE:
        return False
    return owing.owes(grant, numbers_in(grant, it.submission.arguments))


def _earned(policy: Policy, standing: Counted) -> tuple[str, str | None]:
    """The earned rule that approves, or that would have and sampled: its name, and its grant's id."""
    routing = standing.routing
    if routing.route.grant is not None:
        return routing.route.rule, routing.route.grant
    if not standing.drawn:
        return "", None
    sampled = {trial.rule for trial in routing.trials if trial.outcome is TrialOutcome.SAMPLED}
    rule = next((rule for rule in policy.rules if rule.grant is not None and rule.name in sampled), None)
    return ("", None) if rule is None else (rule.name, rule.grant)


def _watched(tx: Tx, it: Proposal, standing: Counted, grant_id: str) -> Counted | None:
    """With the grant as its row has it now, this request among what is watched; None where it holds no more."""
    grant = tx.grant(grant_id)
    if grant is None or not grant.holds(it.now):
        return None
    asked = it.submission
    numbers = numbers_in(grant, asked.arguments)
    watch, alarm = drift.noticed(grant.baseline, grant.watch, at=it.now, numbers=numbers, confidence=asked.confidence)
    routing = standing.routing
    routed = replace(routing, route=replace(routing.route, grant=grant.id))
    if owing.owes(grant, numbers):
        routed = _certain(routed)
    seen = owing.looked_at(grant, numbers) if routed.route.then is Then.STAGES else grant
    return replace(standing, routing=routed, grant=replace(seen, watch=watch), drifted=alarm)


def _counted(tx: Tx, it: Proposal, closed: Mapping[str, tuple[TrialOutcome, str]], chance: float) -> Counted:
    def spent(rule: Rule, charge: Charge) -> tuple[int, int]:
        if rule.limit is None:
            raise AssertionError("only a limited rule has an account")
        return tx.spent(rule.name, charge.key, it.now - rule.limit.per)

    again = _drawn_before(tx, it)
    standing = counting.counted(
        it.policy,
        it.submission,
        agent=it.agent,
        now=it.now,
        bounds=Bounds(refused=_refused(tx, it), closed=closed),
        chance=0.0 if again else chance,
        spent=spent,
    )
    sampled = any(trial.outcome is TrialOutcome.SAMPLED for trial in standing.routing.trials)
    routing = _certain(standing.routing) if again else standing.routing
    entries = [
        AccountEntry(rule=rule.name, key=charge.key, at=it.now, amount=charge.amount, request=it.id)
        for rule, charge in standing.charges
    ]
    return Counted(routing, tuple(entries), _draws(it) if sampled else ())


def _certain(routing: Routing) -> Routing:
    """The routing of what was sure to be among a sample: no lot drew it, so it stands for no other in any figure."""
    return replace(routing, route=replace(routing.route, sampled=1.0)) if routing.route.sampled else routing


def _refused(tx: Tx, it: Proposal) -> str | None:
    """An earlier request of the same content, however dressed, that was rejected a short while ago (threat T12)."""
    since = it.now - it.policy.action(it.submission.action).cooldown
    prints = counting.prints_of(it.policy, it.submission) if it.prints is None else it.prints
    found = [tx.rejected(each, since) for each in prints]
    return next((request for request in found if request is not None), None)


def _draws(it: Proposal) -> tuple[str, ...]:
    asked, target = it.submission, it.policy.action(it.submission.action).execute.target
    found = fingerprints(asked.kind, asked.action, target, arguments=asked.arguments)
    return tuple([_SAMPLE + each for each in found])


def _drawn_before(tx: Tx, it: Proposal) -> bool:
    """Whether the same content is among a sample already, and no person has approved it since.

    Else an agent would withdraw what a person is to see, or not even that, and propose it anew until the lot lets it
    through.
    """
    if not any(rule.sample for rule in it.policy.rules):
        return False
    found = [tx.rejected(each, it.now - COOLDOWN) for each in _draws(it)]
    earlier = [tx.request(request) for request in found if request is not None]
    return any(request is not None and not request.state.approved for request in earlier)
