"""What a rule says of an action, so that what people saw under other terms is not taken for what they see now.

What reaches a rule is bounded by more than its own condition: by its stages, by what the action's schema lets in and
where it runs, by every rule above that answers first, and by the action's checks. The first of the terms is a hash of
what may not change at all; the others are one for each rule above and each check, and of those none may be gone: one
more of them only narrows what gets here, one less lets something in that nobody has looked at.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from bot.core.model import Then
from bot.core.policy.rules import Limit, Rule
from bot.core.policy.whole import Policy

_MOST = 24
"""Rules above and checks that are told one by one; of more, one hash stands for all, and then none may change."""
_SAID = frozenset({"title", "description", "$comment"})
"""What a schema says to people alone."""
_VALUES = frozenset({"enum", "const", "default", "examples"})
"""What in a schema holds values and no schemas."""


def terms(policy: Policy, rule: Rule, action: str) -> tuple[str, ...]:
    """The terms of a rule of this policy for an action; rules that were earned are none of the file's and left out."""
    known = policy.known_terms.get((rule.name, action))
    if known is None:
        known = _terms(policy, rule, action)
        # An agent names actions without end; what the file lists is bounded.
        if action in policy.actions:
            policy.known_terms[rule.name, action] = known
    return known


def within(then: Sequence[str], now: Sequence[str]) -> bool:
    """Whether what reached a rule under its terms ``then`` is all that reaches it under those of ``now``, or more."""
    return then[:1] == now[:1] and set(then) <= set(now)


def _terms(policy: Policy, rule: Rule, action: str) -> tuple[str, ...]:
    spec = policy.action(action)
    own = {
        "when": None if rule.when is None else rule.when.source,
        "stages": [
            (s.name, s.chain, s.approvals, s.condition and s.condition.source, s.rejections, s.distinct_groups)
            for s in rule.stages
        ],
        "schema": None if spec.schema is None else _bare(spec.schema.document),
        "target": spec.execute.target,
    }
    before = {_hash(["check", check.that.source]) for check in spec.checks}
    for other in policy.rules:
        if other.name == rule.name:
            break
        only = None if other.when is None else other.when.actions
        if other.grant is None and (only is None or action in only):
            before.add(_hash(_above(other)))
    told = sorted(before)
    return (_hash(own), *(told if len(told) <= _MOST else [_hash(told)]))


def _above(rule: Rule) -> list[Any]:
    """What a rule above takes away: all for which it holds, or, where it approves, what its bounds leave it."""
    when = None if rule.when is None else rule.when.source
    if rule.then is not Then.APPROVE:
        return [when]
    return [when, rule.gate, rule.second_look is not None, None if rule.limit is None else _limit(rule.limit)]


def _limit(limit: Limit) -> list[Any]:
    total = None if limit.sum is None else limit.sum.source
    return [limit.per.total_seconds(), list(limit.by), total, limit.max, limit.count]


def _bare(schema: Any) -> Any:
    """A schema without what it says to people alone: a better description lets nothing more in."""
    if isinstance(schema, Mapping):
        return {
            name: part if name in _VALUES else _bare(part)
            for name, part in schema.items()
            # An argument may be called so, too; then a schema stands there and no text.
            if not (name in _SAID and isinstance(part, str))
        }
    if isinstance(schema, list | tuple):
        return [_bare(part) for part in schema]
    return schema


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:16]
