"""What is read of ``trust:``, and what lint doubts about it."""

from __future__ import annotations

from datetime import timedelta

from bot.core.policy.trust import Trust
from bot.routing import load, parse, warnings
from tests.routing.cases import DATA

GOOD = DATA / "good" / "trust.yaml"


def test_trust_is_read() -> None:
    """Every key, ceilings by JSON pointer; what is left out is as usual."""
    refunds, notes = load(GOOD).rules
    assert refunds.trust == Trust(
        ask="admins",
        at_least=150,
        unchanged=0.97,
        error=0.01,
        window=timedelta(days=60),
        days=15,
        reviewers=1,
        per_day=20,
        bands={"/amount": (50.0, 200.5), "/line/count": (3.0,)},
        confidence=0.9,
        irreversible=("refund.issue",),
        sample=0.2,
        lasts=timedelta(days=14),
    )
    assert notes.trust == Trust(ask="admins")


def doubts(old: str, new: str) -> str:
    """The warnings of the good file with a change."""
    text = GOOD.read_text(encoding="utf-8")
    assert old in text
    return "\n".join(warnings(parse(text.replace(old, new), "routing.yaml")))


def test_lint_says_where_nothing_could_be_earned_or_its_bounds_bound_nothing() -> None:
    """No admin who may decide, bands of what is not there, irreversible actions that are none, too few decisions."""
    assert "trust" not in doubts("at_least: 150", "at_least: 300")
    assert "and none of lea is an admin" in doubts(", role: admin", "")
    assert "may not decide about it" in doubts("chains:", "agents: {billing: {owner: lea}}\nchains:")
    assert "a share of 0.97 takes 218 without a fault to show" in doubts("at_least: 150", "at_least: 200")
    assert "a band of /sum, which the schema of refund.issue does not have" in doubts(".amount: [50", ".sum: [50")
    assert "which is not in actions" in doubts("irreversible: refund.issue", "irreversible: refund.isue")
    assert "and that can be undone" in doubts("risk: irreversible", "risk: reversible")
    assert "which is critical" in doubts("risk: irreversible", "risk: irreversible\n    critical: true")
    schema = "risk: reversible, schema: {type: object, properties: {text: {type: string}}}"
    assert "note.add has no schema, so that what is earned has no ceiling" in doubts(schema, "risk: reversible")
    assert "the rule names no action" in doubts('when: action == "note.add", ', "")
    bands = "bands: {arguments.amount: [50, 200.5], arguments.line.count: [3]}"
    assert "no ceiling on amount of refund.issue" in doubts(f"      {bands}\n", "")
