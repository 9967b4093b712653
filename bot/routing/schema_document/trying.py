"""What the rules must answer: the section `tests`, as JSON Schema."""

from __future__ import annotations

from bot.core.model import Kind, Risk, Then
from bot.core.policy import HOUSE
from bot.routing import expectations
from bot.routing.schema_document.shapes import (
    Shape,
    closed,
    duration,
    moment,
    name,
    reference,
    references,
    rows,
    several,
    share,
    text,
    words,
)


def test_list() -> Shape:
    """The section ``tests``."""
    test = closed(
        expectations.TEST_KEYS,
        {
            "name": name("What sayso test calls it. The action and the line, if left out."),
            "at": moment("As at which time; UTC, unless it says an offset. Now, if left out."),
            "given": _given(),
            "expect": _expect(),
        },
        required=("given", "expect"),
    )
    return rows(test, "What the rules must answer; sayso test runs them.")


def _given() -> Shape:
    def anything(said: str) -> Shape:
        return {"description": said, "type": "object"}

    return closed(
        expectations.GIVEN_KEYS,
        {
            "action": text("What the agent wants to do.") | {"not": {"pattern": f"^{HOUSE.replace('.', '[.]')}"}},
            "arguments": anything("Its arguments; what the action's schema refuses fails the test."),
            "agent": text("Who asks.", default=expectations.AGENT),
            "reason": text("The agent's reason."),
            "confidence": share("The agent's own."),
            "kind": words("What is asked of the person.", Kind, otherwise=Kind.APPROVAL),
            "risk": words("The agent's own word.", Risk),
            "labels": anything("The agent's own marks."),
            "context": anything("What it sends for the reviewer."),
            "on_behalf_of": text("For whom it acts."),
            "expires_in": duration("How long it will wait."),
        },
        required=("action",),
        description="What an agent might post, and who it is.",
    )


def _expect() -> Shape:
    line = closed(
        expectations.LINE_KEYS,
        {
            "after": duration("How long after the submission; 0s: at once.", zero=True),
            "ask": references("People who are asked anew then."),
            "stage": reference("In which stage. Any, if left out."),
        },
        required=("after", "ask"),
    )
    return closed(
        expectations.EXPECT_KEYS,
        {
            "rule": reference("The rule that answers, or default, exceptions, checks."),
            "then": words("The answer.", Then),
            "stages": several({"type": "string", "minLength": 1}, "Every stage that is asked, in order.", empty=True),
            "timeline": rows(line, "Who is asked when, if nobody decides."),
        },
        minProperties=1,
        description="What must come of it; what is not named is not compared.",
    )
