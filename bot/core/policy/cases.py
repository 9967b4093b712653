"""What is known of a submission before the rules are walked: its facts, its risk, what the house's own checks find.

It is put to the rules twice, with what its agent says of itself (labels, risk) and without, so each is a case.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from bot.core.model import Arguments, Check, Kind, Opinion, Risk, Submission
from bot.core.policy.actions import ActionSpec, Otherwise, PolicyCheck
from bot.core.policy.expressions import ConditionFailed, Facts
from bot.core.policy.trials import Bounds, TrialOutcome
from bot.core.policy.whole import Policy
from bot.core.redaction import hidden_in
from bot.core.scrutiny import findings

_MOST_SENSITIVE, _CUT = 20, 253
"""Of what is sensitive so many are told, their pointers no longer than that: an agent sends rows without end."""


def facts_of(
    submission: Submission, *, agent: str, risk: Risk, now: datetime, advice: Mapping[str, Opinion] | None = None
) -> Facts:
    """The names that conditions may use. A confidence that was not given is absent, so that reading it fails."""
    facts = Facts(
        action=submission.action,
        agent=agent,
        arguments=submission.arguments,
        risk=str(risk),
        labels=submission.labels,
        context=submission.context,
        kind=str(submission.kind),
        on_behalf_of=submission.on_behalf_of or "",
        now=now,
        advice={name: str(opinion) for name, opinion in (advice or {}).items()},
    )
    if submission.confidence is not None:
        facts["confidence"] = float(submission.confidence)
    return facts


class Case(Struct, frozen=True, kw_only=True):
    """One submission before the rules, at the risk it is taken for. ``forced``: why no rule may approve it, if so.

    ``barring`` is the check that blocks it whatever the rules say, if one does.
    """

    submission: Submission
    agent: str
    now: datetime
    risk: Risk
    facts: Mapping[str, Any]
    suspicions: tuple[str, ...]
    checks: tuple[Check, ...]
    forced: tuple[TrialOutcome, str] | None
    barring: Check | None
    bounds: Bounds
    hidden: tuple[str, ...] = ()
    subject: str | None = None


def cases(policy: Policy, submission: Submission, *, agent: str, now: datetime, bounds: Bounds) -> tuple[Case, Case]:
    """The submission with its agent's own word, and without."""
    spec = policy.action(submission.action)
    suspicions = (*findings(submission.arguments), *_sensitive(spec, submission.arguments))
    declared = Risk.IRREVERSIBLE if suspicions else spec.risk
    told = max(declared, submission.risk or declared, key=lambda risk: risk.rank)
    facts = facts_of(submission, agent=agent, risk=told, now=now, advice=bounds.advice)
    bare = replace(submission, labels={})
    plain = facts_of(bare, agent=agent, risk=declared, now=now, advice=bounds.advice)
    checks = tuple([_checked(check, facts, plain) for check in spec.checks])
    if not all(check.passed for check in checks):
        # What fails the house's own check is taken for as harmful as can be.
        declared = told = Risk.IRREVERSIBLE
        facts, plain = Facts(facts, risk=str(told)), Facts(plain, risk=str(told))
    blocking = [c for s, c in zip(spec.checks, checks, strict=True) if s.otherwise is Otherwise.BLOCK and not c.passed]
    with_word = Case(
        submission=submission,
        agent=agent,
        now=now,
        risk=told,
        facts=facts,
        suspicions=suspicions,
        checks=checks,
        forced=_forced(spec, submission, suspicions, checks, bounds),
        barring=next(iter(blocking), None),
        bounds=bounds,
        hidden=_hidden(spec, submission),
        subject=spec.subject,
    )
    return with_word, replace(with_word, submission=bare, risk=declared, facts=plain)


def _hidden(spec: ActionSpec, submission: Submission) -> tuple[str, ...]:
    """What no card shows, whichever option is picked."""
    found = dict.fromkeys(spec.secret(submission.arguments))
    for option in submission.options:
        found |= dict.fromkeys(spec.secret(option.arguments))
    return hidden_in(submission, tuple(found))


def _sensitive(spec: ActionSpec, arguments: Arguments) -> tuple[str, ...]:
    found = spec.schema.sensitive(arguments) if spec.schema else ()
    return tuple([f"{pointer[:_CUT]} is sensitive, as its schema says" for pointer in found[:_MOST_SENSITIVE]])


def _checked(check: PolicyCheck, *facts: Mapping[str, Any]) -> Check:
    """How a check came out, with the agent's own word and without it: passed only where it does with both."""
    try:
        return Check(check.name, all(check.that.holds(known) for known in facts), check.that.source)
    except ConditionFailed as failure:
        return Check(check.name, None, f"it could not be answered: {failure}")


def _forced(
    spec: ActionSpec, submission: Submission, suspicions: tuple[str, ...], checks: tuple[Check, ...], bounds: Bounds
) -> tuple[TrialOutcome, str] | None:
    """Why no rule may approve this, however it holds."""
    if suspicions:
        return TrialOutcome.SUSPICIOUS, suspicions[0]
    failed = next((check.name for check in checks if not check.passed), None)
    if failed is not None:
        return TrialOutcome.CHECK_FAILED, f"the check {failed!r} did not pass"
    if spec.critical:
        return TrialOutcome.NEEDS_PERSON, "the action is critical"
    if bounds.refused is not None:
        return TrialOutcome.NEEDS_PERSON, f"the same was rejected before, as {bounds.refused}"
    if submission.kind is not Kind.APPROVAL:
        return TrialOutcome.NEEDS_PERSON, f"a person has to answer what is of the kind {submission.kind}"
    return None
