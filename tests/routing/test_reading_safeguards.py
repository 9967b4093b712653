"""What is read of safeguards: an action's own, breaking the glass, exceptions, floods."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.core.model import Risk, Submission
from bot.core.policy import COOLDOWN, BreakGlass, Flood, Otherwise, facts_of
from bot.routing import load
from tests.routing.cases import DATA, DEFAULT, GROUND, NOW, faults, policy

GOOD = DATA / "good"


def test_an_actions_own_safeguards_are_read() -> None:
    """Critical, for how long a rejection holds (nothing is nothing), and its checks in order."""
    actions = load(GOOD / "checks.yaml").actions
    assert [actions[name].critical for name in ("access.grant", "mail.send")] == [True, False]
    assert [actions[name].cooldown for name in ("access.grant", "mail.send", "note.add")] == [
        COOLDOWN,
        timedelta(days=30),
        timedelta(0),
    ]
    checks = actions["mail.send"].checks
    assert [(check.name, check.otherwise) for check in checks] == [
        ("our own domain", Otherwise.PERSON),
        ("one recipient", Otherwise.BLOCK),
    ]
    given = Submission(action="mail.send", arguments={"to": "ana@example.com"})
    facts = facts_of(given, agent="mailer", risk=Risk.REVERSIBLE, now=NOW)
    assert [check.that.holds(facts) for check in checks] == [True, True]


def test_breaking_the_glass_is_read() -> None:
    """Who may, who is told, who reviews it and by when; a day if nothing is said, and nobody without the section."""
    assert load(GOOD / "break-glass.yaml").break_glass == BreakGlass(
        people=("ben", "lea"), review="finance", notify=("security",), within=timedelta(days=2)
    )
    short = policy(more="break_glass: {people: ana, review: finance}\n").break_glass
    assert short == BreakGlass(people=("ana",), review="finance", within=timedelta(hours=24))
    assert policy().break_glass is None


@pytest.mark.parametrize(
    ("people", "steps", "fine"),
    [
        ("[lea]", "[{notify: lea}]", False),
        ("[ana, lea]", "[{notify: lea}]", False),
        ("[ana, ben]", "[{notify: finance}]", True),
        ("[lea]", "[{notify: lea, wait: 1h}, {notify: ana}]", True),
        ("[lea]", "[{notify: lea, if_empty: {fallback: ana}}]", True),
    ],
)
def test_somebody_else_can_review_a_broken_glass(people: str, steps: str, fine: bool) -> None:  # noqa: FBT001 - a table
    """For each of those who may, the chain asks somebody who is not them."""
    text = f"{GROUND}  after: {steps}\nbreak_glass: {{people: {people}, review: after}}\n{DEFAULT}"
    found = [fault.what for fault in faults(text)]
    assert found == [] if fine else "asks only lea" in found[0]


def test_exceptions_are_read() -> None:
    """Their stages; none without the section."""
    stages = load(GOOD / "exceptions.yaml").exceptions
    assert [(stage.name, stage.chain, stage.approvals) for stage in stages] == [("triage", "operations", 1)]


def test_floods_are_read() -> None:
    """Each value alone, and as without the section where it says nothing."""
    assert load(GOOD / "flood.yaml").flood == Flood(cards=10, digest=timedelta(minutes=5))
    assert policy().flood == Flood()
    assert policy(more="flood: {per: 30s}\n").flood == Flood(per=timedelta(seconds=30))


def test_names_of_the_house_are_refused_wherever_an_action_is_defined() -> None:
    """Only names that begin so are the house's: one that merely holds the word is an admin's."""
    more = "actions: {sayso: {}, my.sayso.x: {}, Sayso.x: {}}\n"
    assert len(policy(more=more).actions) == 3
    found = faults(f"{GROUND}actions: {{sayso.: {{}}, sayso.x: {{rollback: {{action: sayso.x}}}}}}\n{DEFAULT}")
    assert ["house's own" in fault.what for fault in found] == [True, True]
