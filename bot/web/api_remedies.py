"""What is done about what ran: it is rolled back, or reported to have done harm."""

from __future__ import annotations

from bot.core import errors
from bot.core.model import Severity
from bot.web.api_decisions import COMMENT
from bot.web.auth import actor_of
from bot.web.exchange import Answer
from bot.web.objects import Member, Members
from bot.web.operation import ADMINS, AGENTS, REVIEWERS, Call, Operation
from bot.web.shapes import OneOf, Text
from bot.web.view import RequestView

CONCERNED = AGENTS | REVIEWERS | ADMINS
ROLLBACK = Members({"reason": Member(Text(COMMENT, shortest=0), "Why it is to be taken back.")})
INCIDENT = Members(
    {
        "severity": Member(OneOf(tuple(Severity)), "How much harm it did.", required=True),
        "note": Member(Text(COMMENT), "What happened.", required=True),
    }
)


async def roll_back(call: Call) -> Answer:
    """POST /v1/requests/{id}/rollback."""
    body = await call.body()
    reason = body.get("reason", "").strip() or None
    rollback, created = await call.house.desk.roll_back(call.id, by=actor_of(call.key), via="api", reason=reason)
    location = [(b"location", f"/v1/requests/{rollback.id}".encode())]
    return await call.show(rollback, status=201 if created else 200, headers=location)


async def report(call: Call) -> Answer:
    """POST /v1/requests/{id}/incidents."""
    body = await call.body()
    request = await call.house.desk.report_incident(
        call.id, by=actor_of(call.key), via="api", severity=Severity(body["severity"]), note=body["note"]
    )
    return await call.show(request)


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/requests/{id}/rollback",
        name="roll_back",
        says="Propose what takes it back, as the action's rollback says: a new request. The body may be left out.",
        handler=roll_back,
        roles=CONCERNED,
        body=ROLLBACK,
        bare=True,
        located=True,
        answers={
            201: ("The request that is to take it back, linked to this one.", RequestView),
            200: ("The one that is under way already.", RequestView),
        },
        errors=(errors.Conflict, errors.NotAssigned, errors.OnlyReads, errors.Overloaded),
    ),
    Operation(
        method="POST",
        path="/v1/requests/{id}/incidents",
        name="report_incident",
        says="Report that what ran did harm. An agent reports its own.",
        handler=report,
        roles=CONCERNED,
        body=INCIDENT,
        answers={200: ("The request with its incidents.", RequestView)},
        errors=(errors.Conflict, errors.NotAssigned, errors.OnlyReads),
    ),
)
