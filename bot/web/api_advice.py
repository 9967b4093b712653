"""Second opinions over HTTP: what another agent thinks of a request. It is shown as that, and is no vote."""

from __future__ import annotations

from bot.core import errors
from bot.core.model import Opinion
from bot.web.api_decisions import COMMENT, DIGEST, REVISION
from bot.web.exchange import Answer
from bot.web.objects import Member, Members
from bot.web.operation import ADVISORS, Call, Operation
from bot.web.shapes import OneOf, Text
from bot.web.view import RequestView

ASSESSMENT = Members(
    {
        "opinion": Member(OneOf(tuple(Opinion)), "What the advisor thinks of it.", required=True),
        "note": Member(Text(COMMENT, shortest=0), "Why, in its own words."),
        "revision": REVISION,
        "digest": DIGEST,
    }
)


async def assess(call: Call) -> Answer:
    """POST /v1/requests/{id}/assessments."""
    body = await call.body()
    request = await call.house.desk.assess(
        call.id,
        by=call.key.name,
        opinion=Opinion(body["opinion"]),
        note=body.get("note"),
        revision=body["revision"],
        digest=body["digest"],
    )
    return await call.show(request, status=201)


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/requests/{id}/assessments",
        name="assess",
        says="An advisor says once what it thinks of a revision. It is no vote; it can only make the review stricter.",
        handler=assess,
        roles=ADVISORS,
        body=ASSESSMENT,
        answers={201: ("The request with the opinion.", RequestView)},
        errors=(errors.AlreadyAssessed, errors.AlreadyDecided, errors.Expired, errors.Stale),
    ),
)
