"""What people do over HTTP with keys of their own: decide, and settle what nobody knows."""

from __future__ import annotations

from typing import Any

from bot.core import errors
from bot.core.model import ExecutionState, Verb
from bot.core.ports import Ballot
from bot.web.auth import actor_of
from bot.web.exchange import Answer
from bot.web.objects import Member, Members
from bot.web.operation import ADMINS, REVIEWERS, Call, Operation
from bot.web.options import ARGUMENTS, NO_CONTROLS
from bot.web.problems import invalid
from bot.web.shapes import Faults, Flag, Number, OneOf, Text
from bot.web.strict_json import MAX_SAFE
from bot.web.submission import LONG
from bot.web.view import RequestView

COMMENT = 5_000
"""Characters of what a person says with a decision."""

REVISION = Member(Number(1, MAX_SAFE, whole=True), "The revision that was looked at.", required=True)
DIGEST = Member(
    Text(71, pattern=r"sha256:[0-9a-f]{64}", says="sha256: and 64 hexadecimal digits"),
    "The digest that was looked at.",
    required=True,
)
CATEGORY = Member(Text(100, pattern=NO_CONTROLS, says="one line of text"), "Why it is rejected, in a word.")
DECISION = Members(
    {
        "decision": Member(OneOf(tuple(Verb)), "What is decided.", required=True),
        "revision": REVISION,
        "digest": DIGEST,
        "arguments": Member(ARGUMENTS, "With approve_with_edits alone: the edited arguments, whole."),
        "comment": Member(Text(COMMENT, shortest=0), "A word to the agent and the record; ask needs one."),
        "category": CATEGORY,
        "answer": Member(
            Text(LONG), "With approve alone: the answer to a question; where there are options, the id of one."
        ),
        "break_glass": Member(Flag(), "With approve alone: past the review, in an emergency; the comment says why."),
    }
)
UNDO = Members({"revision": REVISION})
RESOLUTION = Members(
    {
        "state": Member(
            OneOf((ExecutionState.EXECUTED, ExecutionState.FAILED)), "What was found to be so.", required=True
        ),
        "note": Member(Text(COMMENT), "How it was found.", required=True),
    }
)


async def decide(call: Call) -> Answer:
    """POST /v1/requests/{id}/decisions."""
    body = await call.body()
    verb = Verb(body["decision"])
    _fits(verb, body)
    ballot = Ballot(
        request=call.id,
        decision=verb,
        by=call.key.name,
        channel="api",
        revision=body["revision"],
        digest=body["digest"],
        arguments=body.get("arguments"),
        comment=body.get("comment"),
        category=body.get("category"),
        answer=body.get("answer"),
        break_glass=body.get("break_glass", False),
    )
    return await call.show(await call.house.desk.decide(ballot))


def _fits(verb: Verb, body: dict[str, Any]) -> None:
    """Refuse a body that says two things at once, rather than choose one of them."""
    faults = Faults()
    edits = verb is Verb.APPROVE_WITH_EDITS
    if edits and "arguments" not in body:
        faults.add("/arguments", "required", "must be given with approve_with_edits: the edited arguments, whole")
    if not edits and "arguments" in body:
        faults.add("/arguments", "unexpected", f"{verb} takes no arguments; approve_with_edits does")
    if verb is Verb.ASK and not body.get("comment", "").strip():
        faults.add("/comment", "required", "must say what you want to know")
    if verb is not Verb.APPROVE and "answer" in body:
        faults.add("/answer", "unexpected", f"{verb} takes no answer; approve does")
    names_a_reason(verb, body, faults)
    if body.get("break_glass"):
        _breaks_glass(verb, body, faults)
    if faults:
        raise invalid(tuple(faults))


def names_a_reason(verb: Verb, body: dict[str, Any], faults: Faults) -> None:
    """Refuse a category with what is no rejection."""
    if verb is not Verb.REJECT and "category" in body:
        faults.add("/category", "unexpected", f"{verb} takes no category; reject does")


def _breaks_glass(verb: Verb, body: dict[str, Any], faults: Faults) -> None:
    if verb is not Verb.APPROVE:
        faults.add("/break_glass", "unexpected", f"{verb} breaks no glass; approve does")
    if not body.get("comment", "").strip():
        faults.add("/comment", "required", "must say why it cannot wait; it stays on record")


async def undo(call: Call) -> Answer:
    """POST /v1/requests/{id}/undo."""
    body = await call.body()
    desk = call.house.desk
    return await call.show(await desk.undo(call.id, by=call.key.name, via="api", revision=body["revision"]))


async def settle(call: Call) -> Answer:
    """POST /v1/requests/{id}/resolution."""
    body = await call.body()
    request = await call.house.desk.settle(
        call.id, by=actor_of(call.key), state=ExecutionState(body["state"]), note=body["note"]
    )
    return await call.show(request)


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/requests/{id}/decisions",
        name="decide",
        says="A person decides on exactly the revision and digest they looked at.",
        handler=decide,
        roles=REVIEWERS,
        body=DECISION,
        answers={200: ("The request as the decision left it.", RequestView)},
        errors=(
            errors.NotAssigned,
            errors.OnlyReads,
            errors.SelfReview,
            errors.AlreadyDecided,
            errors.AlreadyVoted,
            errors.ChainEnded,
            errors.Expired,
            errors.NeedsInfo,
            errors.NotFullyShown,
            errors.Stale,
            errors.DigestMismatch,
        ),
    ),
    Operation(
        method="POST",
        path="/v1/requests/{id}/undo",
        name="undo",
        says="Somebody who approved it takes that back while its undo window is open; it waits for a decision again.",
        handler=undo,
        roles=REVIEWERS,
        body=UNDO,
        answers={200: ("The request as its next revision, which nobody has voted on.", RequestView)},
        errors=(errors.NotAssigned, errors.OnlyReads, errors.Conflict, errors.Stale),
    ),
    Operation(
        method="POST",
        path="/v1/requests/{id}/resolution",
        name="settle",
        says="An admin found out how an execution of unknown outcome ended.",
        handler=settle,
        roles=ADMINS,
        body=RESOLUTION,
        answers={200: ("The request.", RequestView)},
        errors=(errors.Conflict,),
    ),
)
