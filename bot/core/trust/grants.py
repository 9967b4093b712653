"""What was earned: some of what a rule asks people about runs by rule for a while, within ceilings, and is sampled.

A grant is a rule of its own just before the one that it was earned under, and holds only where that one would hold,
too. So all that bounds a rule that approves bounds it as well: checks, what looks suspicious, what was rejected before,
critical actions, limits, the agent's own word; and whatever stands above the rule in the file comes first.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from msgspec import Struct, json, to_builtins
from msgspec.structs import replace

from bot.core.digest import canonical
from bot.core.model import Risk, Then
from bot.core.pointers import names
from bot.core.policy import Condition, Limit, Policy, Rule
from bot.core.policy.terms import terms
from bot.core.trust.drift import NO_BASELINE, UNWATCHED, Baseline, Watch

BURST = 3
"""So many times the busiest day of the evidence may run by a grant in any 24 hours."""
_DAY = timedelta(days=1)
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class GrantState(StrEnum):
    """Where a grant stands."""

    PROPOSED = "proposed"
    IN_FORCE = "in_force"
    ENDED = "ended"


class Ending(StrEnum):
    """Why a grant ended, or never came into force."""

    REFUSED = "refused"
    UNDECIDED = "undecided"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"
    EXPIRED = "expired"
    CHANGED = "changed"
    SAMPLE = "sample"
    INCIDENT = "incident"
    DRIFT = "drift"
    ADMIN = "admin"

    @property
    def tightens(self) -> bool:
        """Whether what was shown before counts no more."""
        return self in (Ending.SAMPLE, Ending.INCIDENT, Ending.DRIFT, Ending.ADMIN)


class Grant(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One grant. ``terms`` is the hash of what its rule said then (`terms_of`), ``above`` of what came before.

    It approves what the rule ``rule`` would put before people, from ``agent``, of ``action``, with every number that
    ``ceilings`` name (by pointer into the arguments) from 0 to its ceiling, and with at least ``confidence``; at most
    ``per_day`` in 24 hours, a share ``sample`` of it going to people all the same, until ``until``. ``irreversible``:
    an admin lifted by name that nothing irreversible is granted. ``request`` is the house's own that proposes it,
    ``ask`` the chain that decides. ``target`` is where the action ran as it was earned. ``by`` put it in force.
    ``baseline`` is how the agent behaved, ``watch`` how it does since. ``owed``: of its sample so many were withdrawn
    or ran out before anybody decided, or are asked for by a doubt, and as many of what follows go to people; ``looked``
    are those of them that went there and count up to these numbers alone (`bot.core.trust.owing`).
    ``taken``: so many of its sample the agent took from people, by withdrawing them or by giving too little time.
    """

    id: str
    rule: str
    terms: str
    agent: str
    action: str
    ceilings: dict[str, float]
    level: int
    confidence: float | None
    irreversible: bool
    sample: float
    per_day: int
    lasts: timedelta
    ask: str
    target: str | None = None
    request: str
    proposed_at: datetime
    state: GrantState = GrantState.PROPOSED
    by: str | None = None
    granted_at: datetime | None = None
    until: datetime | None = None
    ended_at: datetime | None = None
    ending: Ending | None = None
    why: str | None = None
    baseline: Baseline = NO_BASELINE
    watch: Watch = UNWATCHED
    owed: int = 0
    looked: tuple[dict[str, float], ...] = ()
    taken: int = 0
    above: tuple[str, ...] = ()

    @property
    def about(self) -> tuple[str, str, str]:
        """Rule, agent and action: of these there is one grant in force and one proposed at the most."""
        return self.rule, self.agent, self.action

    def holds(self, now: datetime) -> bool:
        """Whether it is in force at a moment."""
        return self.state is GrantState.IN_FORCE and self.until is not None and now < self.until

    @property
    def name(self) -> str:
        """What its rule is called: the same for the grant that follows it, so that they share an account."""
        return f"{self.rule} (earned by {self.agent} for {self.action})"


class EarnedCondition(Struct, frozen=True, kw_only=True):
    """Where a grant's rule holds; a `bot.core.policy.Condition`."""

    base: Condition | None
    agent: str
    action: str
    ceilings: Mapping[str, float]
    confidence: float | None
    irreversible: bool

    @property
    def source(self) -> str:
        """As it would be written in routing.yaml."""
        said = [f"agent == {_quoted(self.agent)}", f"action == {_quoted(self.action)}"]
        for pointer, ceiling in self.ceilings.items():
            said += [f"{_written(pointer)} >= 0.0", f"{_written(pointer)} <= {float(ceiling)!r}"]
        if self.confidence is not None:
            said.append(f"confidence >= {float(self.confidence)!r}")
        if not self.irreversible:
            said.append('risk != "irreversible"')
        return " && ".join([*([f"({self.base.source})"] if self.base is not None else ()), *said])

    @property
    def actions(self) -> frozenset[str]:
        """Its own alone."""
        return frozenset({self.action})

    @property
    def reads_labels(self) -> bool:
        """As the rule that it was earned under does."""
        return self.base is not None and self.base.reads_labels

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it holds; raises `bot.core.policy.ConditionFailed` where what it was earned under does."""
        if facts["agent"] != self.agent or facts["action"] != self.action:
            return False
        if not self.irreversible and facts["risk"] == Risk.IRREVERSIBLE:
            return False
        if self.confidence is not None and facts.get("confidence", -1.0) < self.confidence:
            return False
        if not all(_within(facts["arguments"], pointer, top) for pointer, top in self.ceilings.items()):
            return False
        return self.base is None or self.base.holds(facts)


def number_at(arguments: Any, pointer: str) -> float | None:
    """The number at a pointer into arguments; None where there is none, or something else."""
    found = arguments
    for name in names(pointer):
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None


def numbers_in(grant: Grant, arguments: Any) -> dict[str, float]:
    """The numbers among arguments that a grant has ceilings for, by pointer; those that are there."""
    found = {pointer: number_at(arguments, pointer) for pointer in grant.ceilings}
    return {pointer: value for pointer, value in found.items() if value is not None}


def _within(arguments: Any, pointer: str, ceiling: float) -> bool:
    found = number_at(arguments, pointer)
    return found is not None and 0 <= found <= ceiling


def _written(pointer: str) -> str:
    return "arguments" + "".join(
        f".{name}" if _PLAIN.fullmatch(name) else f"[{_quoted(name)}]" for name in names(pointer)
    )


def _quoted(text: str) -> str:
    return json.encode(text).decode()


def terms_of(policy: Policy, rule: Rule, action: str) -> str:
    """The hash of what grants were earned under: another ``when`` or ``trust``, other stages or schema void them."""
    own, trust = terms(policy, rule, action)[0], None if rule.trust is None else to_builtins(rule.trust)
    return "sha256:" + hashlib.sha256(canonical({"own": own, "trust": trust})).hexdigest()


def earned_rule(rule: Rule, grant: Grant) -> Rule:
    """The rule that a grant amounts to."""
    return Rule(
        name=grant.name,
        then=Then.APPROVE,
        when=EarnedCondition(
            base=rule.when,
            agent=grant.agent,
            action=grant.action,
            ceilings=grant.ceilings,
            confidence=grant.confidence,
            irreversible=grant.irreversible,
        ),
        sample=grant.sample,
        limit=Limit(per=_DAY, by=("agent", "action"), count=grant.per_day),
        grant=grant.id,
    )


def earned(policy: Policy, grants: Iterable[Grant], now: datetime) -> Policy:
    """The policy with every grant that holds as a rule just before the one that it was earned under."""
    holding: dict[str, list[Grant]] = {}
    for grant in grants:
        if grant.holds(now):
            holding.setdefault(grant.rule, []).append(grant)
    if not holding:
        return policy
    rules: list[Rule] = []
    for rule in policy.rules:
        if rule.trust is not None and rule.name in holding:
            rules += [earned_rule(rule, grant) for grant in holding[rule.name] if void(policy, grant) is None]
        rules.append(rule)
    return replace(policy, rules=tuple(rules))


def void(policy: Policy, grant: Grant) -> str | None:
    """Why the file as it is leaves nothing of a grant, or None."""
    rule = next((rule for rule in policy.rules if rule.name == grant.rule), None)
    if rule is None:
        return f"there is no rule {grant.rule!r} any more"
    if rule.trust is None:
        return f"the rule {grant.rule!r} has no trust any more"
    spec = policy.action(grant.action)
    if spec.critical:
        return f"the action {grant.action} is critical"
    if grant.target is not None and spec.execute.target != grant.target:
        return f"the action {grant.action} runs elsewhere by now"
    return _widened(policy, rule, grant)


def _widened(policy: Policy, rule: Rule, grant: Grant) -> str | None:
    """Why something reaches the rule by now that did not as the grant was earned, if so."""
    if terms_of(policy, rule, grant.action) != grant.terms:
        return f"the condition, the stages or the trust of the rule {grant.rule!r}, or its action's schema, was changed"
    if not set(grant.above) <= set(terms(policy, rule, grant.action)[1:]):
        return f"a rule before {grant.rule!r}, or a check of its action, is another or gone, so that more reaches it"
    return None
