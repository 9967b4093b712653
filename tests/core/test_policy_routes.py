"""What rules and the file say beside the answer: it reaches the route, and conditions see the facts and no more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.core.model import OnIrreversible, Replies, Risk, Submission, Then
from bot.core.policy import (
    Chain,
    ChainStep,
    Execute,
    Rule,
    facts_of,
)
from tests.core.test_policy import NOW, ONE, ask, policy


def test_facts_carry_no_confidence_that_was_not_given() -> None:
    """Reading it must fail; one that was given is a decimal."""
    bare = facts_of(Submission(action="a"), agent="x", risk=Risk.READ_ONLY, now=NOW)
    assert "confidence" not in bare
    assert bare["on_behalf_of"] == ""
    given = facts_of(Submission(action="a", confidence=1), agent="x", risk=Risk.READ_ONLY, now=NOW)
    assert isinstance(given["confidence"], float)


def test_unlisted_actions_are_irreversible_and_named_by_themselves() -> None:
    """An action that is not listed has its agent run it; a title is the admin's template or the action's name."""
    found = policy()
    assert (found.action("other").risk, found.action("other").execute.target) == (Risk.IRREVERSIBLE, "agent")
    assert found.title("other", {}) == "other"
    assert found.title("refund", {"amount": 5}) == "Refund 5"
    assert Execute(webhook="https://a.example/").target == "https://a.example/"
    assert Execute(python="a:b").target == "a:b"


@pytest.mark.parametrize("of_all", Replies)
@pytest.mark.parametrize("own", [None, *Replies])
def test_what_replies_may_decide_reaches_the_route(own: Replies | None, of_all: Replies) -> None:
    """As the rule says, else as the file says for all; a rule may also be laxer than that, for an admin wrote it."""
    found = replace(policy(Rule(name="a", then=Then.STAGES, stages=ONE, replies=own)), replies=of_all)
    assert ask(found).route.replies is (own or of_all)


@pytest.mark.parametrize("of_all", OnIrreversible)
@pytest.mark.parametrize("own", [None, *OnIrreversible])
def test_where_the_irreversible_is_approved_reaches_the_route(
    own: OnIrreversible | None, of_all: OnIrreversible
) -> None:
    """As the rule says, else as the file says for all."""
    found = replace(policy(Rule(name="a", then=Then.STAGES, stages=ONE, irreversible=own)), irreversible=of_all)
    assert ask(found).route.irreversible is (own or of_all)


def test_the_default_rule_answers_for_replies_too() -> None:
    """Where no rule holds; and unless anything is said, replies approve and the irreversible is for the page."""
    plain = ask(policy()).route
    assert (plain.replies, plain.irreversible) == (Replies.APPROVE, OnIrreversible.PAGE)
    strict = policy(default=Rule(name="default", then=Then.STAGES, stages=ONE, replies=Replies.OFF))
    assert ask(strict).route.replies is Replies.OFF


def test_a_steps_digest_reaches_the_route() -> None:
    """For how long a channel of letters gathers is the step's own; none where it says nothing."""
    half = timedelta(minutes=30)
    chain = Chain(steps=(ChainStep(notify=("ana",), digest=half), ChainStep(notify=("lea",))))
    found = replace(policy(), chains={"finance": chain})
    assert [step.digest for step in ask(found).route.stages[0].steps] == [half, None]
