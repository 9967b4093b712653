"""What an agent may post, as tables, and the way from a body to a `Submission`."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bot.core.model import Kind, Option, Risk, Submission
from bot.web.objects import ListOf, MapOf, Member, Members
from bot.web.options import ARGUMENTS, ID, NO_CONTROLS, OPTIONS, Proposal
from bot.web.problems import invalid
from bot.web.shapes import Anything, Faults, Flag, Number, OneOf, Scalar, Span, Text

LONG = 20_000
"""Characters of a reason, an answer or one piece of evidence: some ten printed pages."""

# Nothing that an agent asks for may pass for the house's own (`bot.core.policy.actions.HOUSE`), however it is written.
ACTION = Text(
    128,
    pattern=r"(?![sS][aA][yY][sS][oO]\.)[A-Za-z0-9._:-]+",
    says="a name of letters, digits and the signs . _ : -, and sayso. begins the house's own",
)
BATCH = Text(128, pattern=NO_CONTROLS, says="one line of text")
WEB_ADDRESS = Text(
    2_048,
    pattern=r'[hH][tT][tT][pP][sS]?://[^\u0000-\u0020\u007f-\u00a0<>"\\]+',
    says="an address that begins with http:// or https:// and holds no spaces",
)

EVIDENCE = Members(
    {
        "title": Member(Text(300, shortest=0), "What this is."),
        "text": Member(Text(LONG, shortest=0), "The evidence itself, quoted."),
        "url": Member(WEB_ADDRESS, "Where it stands; http or https alone."),
    },
    open=True,
)
TOOL_CALL = Members(
    {
        "name": Member(Text(300), "The tool.", required=True),
        "arguments": Member(Anything(), "What it was given."),
        "result": Member(Anything(), "What it answered."),
    },
    open=True,
)
ALTERNATIVE = Members(
    {
        "action": Member(Text(300), "What else was considered.", required=True),
        "arguments": Member(ARGUMENTS, "Its arguments."),
        "why_not": Member(Text(LONG, shortest=0), "Why it was not proposed."),
    },
    open=True,
)
CHECK = Members(
    {
        "name": Member(Text(300), "What was checked.", required=True),
        "passed": Member(Flag(), "Whether it passed; null where it has no verdict."),
        "detail": Member(Text(LONG, shortest=0), "What was found."),
    },
    open=True,
)
CONTEXT = Members(
    {
        "user_request": Member(Text(LONG, shortest=0), "What the agent was asked to do, word for word."),
        "evidence": Member(ListOf(EVIDENCE, 50), "What the proposal rests on."),
        "tool_calls": Member(ListOf(TOOL_CALL, 100), "What the agent did to get here."),
        "alternatives": Member(ListOf(ALTERNATIVE, 20), "What else it could have proposed."),
        "checks": Member(ListOf(CHECK, 100), "What it checked."),
        "expected_outcome": Member(Text(LONG, shortest=0), "What will happen."),
        "risks": Member(ListOf(Text(2_000), 50), "What could go wrong."),
        "rollback": Member(Text(LONG, shortest=0), "How to undo it."),
    },
    open=True,
)
SUBMISSION = Proposal(
    {
        "action": Member(ACTION, "What the agent wants to do, such as refund.issue.", required=True),
        "arguments": Member(ARGUMENTS, "Its arguments; those of a listed action must fit its schema."),
        "reason": Member(Text(LONG, shortest=0), "Why, in the agent's words."),
        "confidence": Member(Number(0, 1), "How sure the agent is."),
        "kind": Member(OneOf(tuple(Kind)), "What is asked of the person; approval unless given."),
        "risk": Member(OneOf(tuple(Risk)), "The agent's own estimate; it can only make the review stricter."),
        "labels": Member(MapOf(Scalar(500), 50, 64), "The agent's marks; they can only make the review stricter."),
        "on_behalf_of": Member(
            Text(320, pattern=NO_CONTROLS, says="one line of text"), "The person it acts for, who may not review this."
        ),
        "context": Member(CONTEXT, "What a reviewer needs to see. Members beyond these are kept as they are."),
        "options": Member(OPTIONS, "What may be picked: of a choice 2 to 20, of a question none or 2 to 20."),
        "batch": Member(BATCH, "A name shared by related requests."),
        "revises": Member(ID, "The rejected request that this is a new proposal for."),
        "expires_in": Member(
            Span(timedelta(seconds=1), timedelta(days=90), "1s and 90d"),
            "Expire sooner than the rule says; it cannot be later.",
        ),
    }
)


def parse_submission(body: Any) -> Submission:
    """The submission in a parsed body; raises `bot.core.errors.Invalid` with every fault at once."""
    faults = Faults()
    taken = SUBMISSION.check(body, "", faults)
    if faults:
        raise invalid(tuple(faults))
    return submission_of(taken)


def submission_of(taken: dict[str, Any]) -> Submission:
    """The submission in members that `SUBMISSION` has checked."""
    known = dict(taken)
    for name, kind in (("kind", Kind), ("risk", Risk)):
        if name in known:
            known[name] = kind(known[name])
    if "options" in known:
        known["options"] = tuple([Option(**option) for option in known["options"]])
    return Submission(**known)
