"""A proposal as it is put before an admin: the evidence, the back-test, and the change of routing.yaml that it is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from msgspec import json

from bot.core.policy import Rule
from bot.core.trust.evidence import Evidence
from bot.core.trust.grants import Grant, earned_rule
from bot.core.trust.proposing import BackTest

_TOLD = 20


def proposal(grant: Grant, rule: Rule, evidence: tuple[Evidence, ...], tested: BackTest) -> dict[str, Any]:
    """The arguments of the house's request ``sayso.trust``."""
    return {
        "agent": grant.agent,
        "action": grant.action,
        "rule": grant.rule,
        "ceilings": {pointer: plain(ceiling) for pointer, ceiling in grant.ceilings.items()} or "none",
        "confidence": "any" if grant.confidence is None else f"at least {grant.confidence:.0%}",
        "sample": f"{grant.sample * 100:.4g}% of it goes to people all the same",
        "lasts": span(grant.lasts),
        "at most": f"{grant.per_day} in 24 hours",
        "evidence": [band(each) for each in evidence],
        "back-test": told(tested),
        "change": change(grant, rule),
    }


def band(found: Evidence) -> dict[str, Any]:
    """One band's evidence, for people."""
    shown: dict[str, Any] = {
        "up to": {pointer: plain(ceiling) for pointer, ceiling in found.ceilings.items()} or "anything",
        "decisions": found.counted,
        "approved unchanged": found.unchanged,
        "at least": f"{found.bound:.1%} of all like it",
        "days": found.days,
        "people": found.reviewers,
    }
    if found.shown:
        shown["shown up to"] = {pointer: plain(reached) for pointer, reached in found.shown.items()}
    if found.dropped:
        shown["approvals not counted"] = dict(found.dropped)
    if found.undecided:
        shown["waiting or run out, so never decided"] = found.undecided
    return shown


def told(tested: BackTest) -> dict[str, Any]:
    """What the grant would have done in the window."""
    shown: dict[str, Any] = {
        "requests in the window": tested.of,
        "would have run": tested.ran,
        "of those rejected, changed or with an incident": len(tested.wrong),
    }
    if tested.wrong:
        shown["which"] = list(tested.wrong[:_TOLD])
    return shown


def change(grant: Grant, rule: Rule) -> str:
    """The change of routing.yaml that it amounts to, as a diff; the file itself stays as it is."""
    made = earned_rule(rule, grant)
    when = made.when.source if made.when is not None else ""
    added = [
        f"- name: {_quoted(made.name)}",
        f"  when: {_quoted(when)}",
        "  then: approve",
        f"  sample: {grant.sample * 100:.4g}%",
        f"  limit: {{count: {grant.per_day}, per: 24h, by: [agent, action]}}",
        f"  # ends by itself after {span(grant.lasts)}, and at the first doubt",
    ]
    return "\n".join([" rules:", *(f"+  {line}" for line in added), f"   - name: {_quoted(rule.name)}"])


def span(length: timedelta) -> str:
    """A duration as it is written in routing.yaml."""
    seconds = int(length.total_seconds())
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def plain(number: float) -> float | int:
    """A whole number without its point."""
    return int(number) if number == int(number) else number


def _quoted(text: str) -> str:
    return json.encode(text).decode()
