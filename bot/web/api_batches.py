"""Deciding a batch over HTTP: one word for all that is named, each counted by itself and by its own digest."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from bot.core import errors
from bot.core.errors import SaysoError
from bot.core.model import Request, State, Verb
from bot.core.ports import Ballot
from bot.web.api_decisions import CATEGORY, COMMENT, DIGEST, REVISION, names_a_reason
from bot.web.exchange import Answer
from bot.web.objects import ListOf, Member, Members
from bot.web.operation import REVIEWERS, Call, Operation
from bot.web.options import ID
from bot.web.problems import invalid
from bot.web.shapes import Faults, OneOf, Text
from bot.web.submission import BATCH
from bot.web.view import RequestView, encoded, request_view

MOST = 500
"""Requests that one call decides; more of a batch take another call."""

_SEEN = Members(
    {
        "id": Member(ID, "The request.", required=True),
        "revision": REVISION,
        "digest": DIGEST,
    }
)
BATCH_DECISION = Members(
    {
        "decision": Member(OneOf((Verb.APPROVE, Verb.REJECT)), "What is decided of each.", required=True),
        "comment": Member(Text(COMMENT, shortest=0), "A word to the agent and the record, with each decision."),
        "category": CATEGORY,
        "except": Member(ListOf(ID, MOST), "Those that are left alone, by id: a check that none of them is named."),
        "requests": Member(ListOf(_SEEN, MOST, least=1), "Those that are decided, as they were shown.", required=True),
    }
)


class Refusal(Struct, frozen=True):
    """Why one request was not decided."""

    code: str
    status: int
    detail: str


class Result(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one request: ``request`` where it was decided (``ok``), ``error`` where it was not.

    ``state`` is left out where a refusal does not know it.
    """

    id: str
    ok: bool
    state: State | None = None
    request: RequestView | None = None
    error: Refusal | None = None


class Results(Struct, frozen=True):
    """What became of each request, in the order in which they were named."""

    results: tuple[Result, ...]


async def decide_batch(call: Call) -> Answer:
    """POST /v1/batches/{batch}/decisions."""
    batch = _batch(call)
    body = await call.body()
    verb = Verb(body["decision"])
    _fits(verb, body)
    ballots = [
        Ballot(
            request=seen["id"],
            decision=verb,
            by=call.key.name,
            channel="api",
            revision=seen["revision"],
            digest=seen["digest"],
            comment=body.get("comment"),
            category=body.get("category"),
        )
        for seen in body["requests"]
    ]
    became = await call.house.desk.decide_batch(batch, ballots)
    public = call.house.public_url
    return Answer(200, encoded(Results(tuple([_result(b, r, public) for b, r in zip(ballots, became, strict=True)]))))


def _batch(call: Call) -> str:
    """The batch in the path; what cannot be the name of one is not looked up."""
    name = call.scope.get("path_params", {}).get("batch", "")
    found = Faults()
    BATCH.check(name, "", found)
    if found:
        raise errors.NotFound("There is no such batch.")
    return str(name)


def _fits(verb: Verb, body: dict[str, Any]) -> None:
    """Refuse a body that names a request twice, or both to be decided and to be left alone."""
    faults = Faults()
    names_a_reason(verb, body, faults)
    decided: set[str] = set()
    for index, seen in enumerate(body["requests"]):
        if seen["id"] in decided:
            faults.add(f"/requests/{index}/id", "repeated", "stands here twice: name each request once")
        decided.add(seen["id"])
    left: set[str] = set()
    for index, name in enumerate(body.get("except", ())):
        if name in left:
            faults.add(f"/except/{index}", "repeated", "stands here twice: name each request once")
        elif name in decided:
            faults.add(f"/except/{index}", "conflict", "stands among requests, too: decide it or leave it alone")
        left.add(name)
    if faults:
        raise invalid(tuple(faults))


def _result(ballot: Ballot, became: Request | SaysoError, public_url: str) -> Result:
    if isinstance(became, Request):
        view = request_view(became, (), public_url)
        return Result(id=became.id, ok=True, state=became.state, request=view)
    known = became.extra.get("state")
    refused = Refusal(became.code, became.status, became.detail)
    return Result(id=ballot.request, ok=False, state=State(known) if known else None, error=refused)


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/batches/{batch}/decisions",
        name="decide_batch",
        says="A person decides several requests of a batch alike, each on exactly the revision and digest looked at.",
        handler=decide_batch,
        roles=REVIEWERS,
        body=BATCH_DECISION,
        answers={200: ("What became of each, in order; one that is refused holds up no other.", Results)},
    ),
)
